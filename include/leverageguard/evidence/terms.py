"""Whether a package's policy is the one that was bought, and its signatures the holder's; and whose
word is in it that nothing in it can prove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.domain.product import Terms
from leverageguard.evidence import recompute, shape
from leverageguard.evidence.report import Line, judged, note, wrong
from leverageguard.intake import products, quotes

Documents = Mapping[str, bytes]


def lines(settings: Settings, documents: Documents) -> list[Line]:
    """Terms hash, policy id, purchase, rules, signatures of binding and filing, and who spoke."""
    policy = shape.decoded(documents, shape.POLICY)
    rows = shape.raw_rows(documents)
    quote = _own(rows["intake/quotes"], "quote_id", policy["policy_id"])
    purchase = _own(rows["chain/policy_purchases"], "quote_id", policy["policy_id"])
    return [
        _terms_line(policy, quote),
        _quote_line(quote),
        _purchase_line(quote, purchase),
        _rules_line(settings, policy),
        *_binding_lines(rows["intake/bindings"], policy),
        *_filing_lines(documents, rows["intake/claims"], policy),
        *_endorsement_lines(rows["intake/endorsements"], policy),
        *_people_lines(documents, rows["intake/claim_actions"]),
    ]


def holder(documents: Documents) -> str:
    """The wallet that bought the policy, lower case: the only one a payout goes to."""
    policy = shape.decoded(documents, shape.POLICY)
    rows = shape.raw_rows(documents)
    purchase = _own(rows["chain/policy_purchases"], "quote_id", policy["policy_id"])
    quote = _own(rows["intake/quotes"], "quote_id", policy["policy_id"])
    found = purchase["buyer"] if purchase else quote["wallet"]
    return str(found).lower()


def _own(rows: list[dict[str, Any]], column: str, key: str) -> dict[str, Any]:
    """The row of the policy; empty when there is none."""
    return next((row for row in rows if str(row[column]).lower() == str(key).lower()), {})


def _terms_line(policy: Mapping[str, Any], quote: Mapping[str, Any]) -> Line:
    """The product's row, hashed, is what the policy was bought under."""
    version = quote.get("product_version")
    row = _own(policy[recompute.PRODUCTS], "product_version", str(version))
    if not row:
        return wrong("product terms", f"the package has no row of product {version}")
    found = products.terms_hash(row)
    seen = f"{version}, terms hash {found}"
    is_right = found == str(quote["terms_hash"]).lower()
    return judged("product terms", is_right, seen, f"{seen}, the quote says {quote['terms_hash']}")


def _quote_line(quote: Mapping[str, Any]) -> Line:
    """The policy's id binds every number that was quoted."""
    if not quote:
        return wrong("policy id", "the package does not hold the policy's quote")
    request = quotes.QuoteRequest(
        quote["reference"], quote["wallet"], quote["account_id"], quote["inst_id"]
    )
    frozen = Terms(**{field.name: quote[field.name] for field in fields(Terms)})
    found = quotes.quote_id(request, frozen)
    is_right = found == quote["quote_id"].lower()
    otherwise = f"the quoted numbers give {found}, the policy is {quote['quote_id']}"
    return judged("policy id", is_right, f"{found} binds every quoted number", otherwise)


def _purchase_line(quote: Mapping[str, Any], purchase: Mapping[str, Any]) -> Line:
    if not purchase:
        return wrong("purchase", "the package holds no purchase of the policy")
    names = ("premium_micro_usdc", "max_payout_micro_usdc", "terms_hash")
    pairs = [(name, purchase[name], quote.get(name)) for name in names]
    differing = [
        f"{name} {bought}, quoted {quoted}"
        for name, bought, quoted in pairs
        if str(bought).lower() != str(quoted).lower()
    ]
    seen = f"{purchase['tx_hash']} log {purchase['log_index']} on chain {purchase['chain_id']}"
    return judged("purchase", not differing, seen, f"{seen}: {'; '.join(differing)}")


def _rules_line(settings: Settings, policy: Mapping[str, Any]) -> Line:
    """The thresholds are the ones this release has under that version."""
    version = str(policy["rules_version"])
    known = recompute.thresholds(settings, version)
    if not known:
        return note("rules", f"this release does not know the rules {version}")
    is_right = _stated(policy[recompute.THRESHOLDS]) == _stated(known)
    return judged("rules", is_right, version, f"other thresholds than {version} has here")


def _stated(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Thresholds without those a version leaves empty: later releases add more of them."""
    return [{name: value for name, value in row.items() if value} for row in rows]


def _binding_lines(bindings: list[dict[str, Any]], policy: Mapping[str, Any]) -> list[Line]:
    """Each binding's signature is the wallet's that the row says signed it.

    Given once for policies on any chain, it names the first configured one, as filings do.
    """
    if not bindings:
        return [wrong("binding signature", "the package holds no binding of the account")]
    made = []
    for row in bindings:
        value = signing.Binding(row["exchange"], row["uid"], row["wallet"], int(row["nonce"]))
        seen = f"account {row['uid']} bound to {row['wallet']}"
        made.append(_signed("binding signature", value, row, row["signer"], policy, seen))
    return made


def _filing_lines(
    documents: Documents, filings: list[dict[str, Any]], policy: Mapping[str, Any]
) -> list[Line]:
    claim = shape.decoded(documents, shape.CLAIM)
    made = []
    for row in filings:
        value = signing.Filing(row["policy_id"], row["inst_id"], row["order_id"])
        seen = f"order {row['order_id']} claimed by {row['claimed_by']}"
        made.append(_signed("filing signature", value, row, row["claimed_by"], policy, seen))
    if not filings and claim.get("filing_id"):
        made.append(wrong("filing signature", "the package does not hold the filing"))
    return made


def _endorsement_lines(endorsements: list[dict[str, Any]], policy: Mapping[str, Any]) -> list[Line]:
    """Each change's signature is the wallet's that the row says signed it; the models ask whose."""
    made = []
    for row in endorsements:
        value = signing.Endorsement(
            row["policy_id"], row["account_id"], row["inst_id"], int(row["leverage"]),
            int(row["endorsement_no"]),
        )  # fmt: skip
        seen = f"change {value.number}: {value.inst_id} at most {value.leverage}x"
        made.append(_signed("endorsement signature", value, row, row["signer"], policy, seen))
    return made


def _people_lines(documents: Documents, actions: list[dict[str, Any]]) -> list[Line]:
    """What was done to the claim: the models count these words, but no package can prove them."""
    claim_id = shape.decoded(documents, shape.CLAIM)["claim_id"]
    own = [row for row in actions if row["claim_id"] == claim_id]
    words = "; ".join(
        " ".join(filter(None, (row["action"], "by", row["actor"], row["covers"])))
        for row in sorted(own, key=lambda row: (row["acted_at_ms"], row["action_id"]))
    )
    proof = "proved by the platform's login and audit chain, not by this package"
    return [note("people", f"{words}: {proof}")] if own else []


def _signed(
    what: str, value: Any, row: Mapping[str, Any], signer: str, chain: Mapping[str, Any], seen: str
) -> Line:
    try:
        found = signing.signer(value, int(chain["chain_id"]), str(row["signature"]))
    except Exception as error:  # noqa: BLE001 - the library raises many kinds over bad signatures
        return wrong(what, f"{seen}: no signature ({type(error).__name__})")
    is_right = found == str(signer).lower()
    return judged(what, is_right, f"{seen}, signed by {found}", f"{seen}: {found} signed it")
