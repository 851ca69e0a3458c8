"""What must not be accepted: each request with the answer it gets. Nothing of it is stored.

`$name` in a path or a body stands for what test_bad_inputs makes: ids, signatures and the like.
A case whose `writes` names a table leaves one row there (a refused quote is on record).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HUGE, LONG = "9" * 40, "a" * 65
ROOT = "0x" + "0" * 64
SQL = "'; DROP TABLE quotes; --"


@dataclass(frozen=True)
class Case:
    """One request that is refused; `raw` is a body that is not made from JSON values."""

    name: str
    status: int
    code: str
    method: str
    path: str
    body: Any = None
    who: str | None = "trader"
    key: str | None = "k-1"
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    writes: str | None = None


ASKED = {
    "account_id": "acc-1", "inst_id": "BTC-USDT-SWAP", "leverage": 20,
    "principal_micro_usdc": "100000000", "cover_hours": 24,
}  # fmt: skip
FILED = {
    "policy_id": "$policy", "inst_id": "BTC-USDT-SWAP", "order_id": "7", "signature": "$filing_sig"
}  # fmt: skip
BROUGHT = {
    "exchange": "okx", "uid": "42", "nonce": 7, "signature": "$binding_sig", "api_key": "k",
    "api_secret": "s", "passphrase": "p",
}  # fmt: skip
CHANGED = {
    "account_id": "acc-1", "inst_id": "BTC-USDT-SWAP", "leverage": 10, "number": 1,
    "signature": "$endorsement_sig",
}  # fmt: skip
JUNK_SIG = "0x" + "11" * 65
INVALID = (422, "INVALID")


def quote(name: str, status: int, code: str, **changed: Any) -> Case:
    """A quote asked for otherwise than can be; what is refused by a rule is on record."""
    kept = "quote_refusals" if status == 409 else None
    return Case(f"quote_{name}", status, code, "POST", "/quotes", ASKED | changed, writes=kept)


def claim(name: str, status: int, code: str, **changed: Any) -> Case:
    """A claim filed otherwise than can be."""
    return Case(f"claim_{name}", status, code, "POST", "/claims", FILED | changed)


def account(name: str, status: int, code: str, **changed: Any) -> Case:
    """An account bound otherwise than can be."""
    return Case(f"account_{name}", status, code, "POST", "/accounts", BROUGHT | changed)


def change(name: str, status: int, code: str, **changed: Any) -> Case:
    """A policy changed otherwise than can be."""
    path = "/policies/$policy/endorsements"
    return Case(f"change_{name}", status, code, "POST", path, CHANGED | changed)


def reading(name: str, status: int, code: str, path: str, who: str | None = "trader") -> Case:
    """Something read that cannot be."""
    return Case(f"read_{name}", status, code, "GET", path, who=who)


def without(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """A body that lacks some fields."""
    return {name: value for name, value in given.items() if name not in names}


QUOTES = [
    *(quote(f"leverage_{value!r}"[:40], *INVALID, leverage=value)
      for value in (0, -1, 1001, 10**30, 20.0, 20.5, "20", True, None, [20], {"x": 1})),
    *(quote(f"principal_{value!r}"[:40], *INVALID, principal_micro_usdc=value)
      for value in (100_000_000, 1e8, "", "0", "-1", "1.5", "1e8", " 100000000", "0x10",
                    "\u0661\u0660", HUGE, "NaN", "Infinity", None, ["1"])),
    *(quote(f"hours_{value!r}", *INVALID, cover_hours=value)
      for value in (0, -8, 8761, "24", 24.0, None, False)),
    *(quote(f"account_{number}", *INVALID, account_id=value)
      for number, value in enumerate(("", LONG, SQL, "../../etc", "a b", "a\u0000", "ä", 7, None))),
    *(quote(f"instrument_{number}", *INVALID, inst_id=value)
      for number, value in enumerate(("", LONG, SQL, "<script>", "a/b", None))),
    *(quote(f"side_{value}", *INVALID, side=value) for value in ("LONG", "both", "", 1, None)),
    *(quote(f"referrer_{number}", *INVALID, referrer=value)
      for number, value in enumerate(("0x12", "vitalik.eth", "0x" + "g" * 40, 5))),
    quote("product_shape", *INVALID, product_version=SQL),
    quote("unknown_field", *INVALID, premium_micro_usdc="1"),
    quote("foreign_wallet", 403, "WALLET_NOT_YOURS", wallet="0x" + "ab" * 20),
    quote("unknown_account", 404, "ACCOUNT_NOT_FOUND", account_id="acc-9"),
    quote("foreign_account", 404, "ACCOUNT_NOT_FOUND", account_id="acc-3"),
    quote("unsold_leverage", 409, "LEVERAGE_NOT_SOLD", leverage=41),
    quote("unsold_hours", 409, "COVER_NOT_SOLD", cover_hours=12),
    quote("unsold_instrument", 409, "SYMBOL_NOT_SOLD", inst_id="PEPE-USDT-SWAP"),
    quote("unsold_product", 409, "PRODUCT_NOT_SOLD", product_version="v-9"),
    quote("principal_small", 409, "PRINCIPAL_OUT_OF_BOUNDS", principal_micro_usdc="10000"),
    quote("principal_large", 409, "PRINCIPAL_OUT_OF_BOUNDS", principal_micro_usdc="600000000"),
    quote("principal_part_cent", 409, "PRINCIPAL_OUT_OF_BOUNDS", principal_micro_usdc="100000001"),
    quote("own_referral", 409, "REFERRER_NOT_ALLOWED", referrer="$wallet"),
    *(Case(f"quote_without_{name}", *INVALID, "POST", "/quotes", without(ASKED, name))
      for name in ASKED),
    Case("quote_key_reused", 409, "IDEMPOTENCY_KEY_REUSED", "POST", "/quotes",
         ASKED | {"leverage": 19}, key="q-1", writes="quote_refusals"),
    Case("quote_without_key", *INVALID, "POST", "/quotes", ASKED, key=None),
    Case("quote_key_long", *INVALID, "POST", "/quotes", ASKED, key=LONG),
    Case("quote_key_injected", *INVALID, "POST", "/quotes", ASKED, key=SQL),
    Case("quote_no_json", *INVALID, "POST", "/quotes", raw=b"{", headers={
        "Content-Type": "application/json"}),
    Case("quote_no_object", *INVALID, "POST", "/quotes", [ASKED]),
    Case("quote_null", *INVALID, "POST", "/quotes", raw=b"null"),
    Case("quote_no_utf8", 400, "BAD_REQUEST", "POST", "/quotes", raw=b'{"a": "\xff"}', headers={
        "Content-Type": "application/json"}),
    Case("quote_oversize", 413, "TOO_LARGE", "POST", "/quotes", ASKED | {"inst_id": "a" * 300_000}),
    Case("quote_nested", 422, "INVALID", "POST", "/quotes", raw=b"[" * 900 + b"]" * 900),
    Case("quote_nobody", 401, "NOT_SIGNED_IN", "POST", "/quotes", ASKED, who=None),
    Case("quote_forged_token", 401, "NOT_SIGNED_IN", "POST", "/quotes", ASKED, who=None,
         headers={"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIweDEifQ."}),
    Case("quote_auditor", 403, "NOT_ALLOWED", "POST", "/quotes", ASKED, who="viewer"),
]  # fmt: skip
PURCHASES = [
    reading("purchase_expired", 409, "QUOTE_EXPIRED", "/quotes/$expired/purchase"),
    reading("purchase_bought", 409, "ALREADY_BOUGHT", "/quotes/$policy/purchase"),
    reading("purchase_foreign", 404, "NOT_FOUND", "/quotes/$foreign_policy/purchase"),
    reading("purchase_unknown", 404, "NOT_FOUND", f"/quotes/{ROOT}/purchase"),
    reading("quote_foreign", 404, "NOT_FOUND", "/quotes/$foreign_policy"),
    reading("quote_unknown", 404, "NOT_FOUND", f"/quotes/{ROOT}"),
    reading("quote_short", *INVALID, "/quotes/0x12"),
    reading("quote_injected", *INVALID, "/quotes/0x' OR 1=1"),
    reading("quote_no_hex", *INVALID, "/quotes/0x" + "g" * 64),
]
ACCOUNTS = [
    *(
        account(f"exchange_{number}", *INVALID, exchange=value)
        for number, value in enumerate(("", "OKX", "../okx", "a" * 33, 1, None))
    ),
    account("exchange_unknown", 422, "EXCHANGE_UNKNOWN", exchange="ftx"),
    *(
        account(f"uid_{number}", *INVALID, uid=value)
        for number, value in enumerate(("", LONG, SQL, 42, "4 2"))
    ),
    *(
        account(f"nonce_{value!r}", *INVALID, nonce=value)
        for value in (0, -1, 2**53, "7", 7.0, True, None)
    ),
    *(
        account(f"signature_{number}", *INVALID, signature=value)
        for number, value in enumerate(("", "0x", JUNK_SIG[:-1], JUNK_SIG + "11", "zz" * 66, 1))
    ),
    account("signature_junk", 422, "SIGNATURE_NOT_YOURS", signature=JUNK_SIG),
    account("signature_strangers", 422, "SIGNATURE_NOT_YOURS", signature="$foreign_binding_sig"),
    account("signature_of_another_uid", 422, "SIGNATURE_NOT_YOURS", uid="43"),
    account("signature_of_another_nonce", 422, "SIGNATURE_NOT_YOURS", nonce=8),
    *(
        account(f"key_{number}", *INVALID, api_key=value)
        for number, value in enumerate(("", "a" * 257, "a\r\nX: y", "ключ", 5, None))
    ),
    account("secret_newline", *INVALID, api_secret="a\nb"),
    account("unknown_field", *INVALID, is_read_only=True),
    Case("account_nobody", 401, "NOT_SIGNED_IN", "POST", "/accounts", BROUGHT, who=None),
    Case("account_operator", 403, "NOT_ALLOWED", "POST", "/accounts", BROUGHT, who="operator"),
]
CLAIMS = [
    *(claim(f"policy_{number}", *INVALID, policy_id=value)
      for number, value in enumerate(("", "0x12", SQL, 5, None))),
    *(claim(f"order_{number}", *INVALID, order_id=value)
      for number, value in enumerate(("", LONG, SQL, 7, "a\u0000b", "\ud800", None))),
    *(claim(f"signature_{number}", *INVALID, signature=value)
      for number, value in enumerate(("", "0x", JUNK_SIG[2:], JUNK_SIG + "1", 7, None))),
    claim("unknown_policy", 404, "NOT_FOUND", policy_id=ROOT),
    claim("foreign_policy", 404, "NOT_FOUND", policy_id="$foreign_policy"),
    claim("unbought", 409, "POLICY_NOT_BOUGHT", policy_id="$quote", signature="$unbought_sig"),
    claim("signature_junk", 422, "SIGNATURE_NOT_YOURS", signature=JUNK_SIG),
    claim("signature_strangers", 422, "SIGNATURE_NOT_YOURS", signature="$foreign_filing_sig"),
    claim("signature_of_another_order", 422, "SIGNATURE_NOT_YOURS", order_id="8"),
    claim("signature_of_another_chain", 422, "SIGNATURE_NOT_YOURS", signature="$other_chain_sig"),
    claim("unknown_field", *INVALID, filed_at="2020-01-01T00:00:00Z"),
    Case("claim_key_reused", 409, "IDEMPOTENCY_KEY_REUSED", "POST", "/claims", FILED, key="c-1"),
    Case("claim_without_key", *INVALID, "POST", "/claims", FILED, key=None),
    Case("claim_nobody", 401, "NOT_SIGNED_IN", "POST", "/claims", FILED, who=None),
    Case("claim_admin", 403, "NOT_ALLOWED", "POST", "/claims", FILED, who="admin"),
    *(Case(f"claim_without_{name}", *INVALID, "POST", "/claims", without(FILED, name))
      for name in FILED),
    reading("claim_foreign", 404, "NOT_FOUND", "/claims/$foreign_claim"),
    reading("filing_foreign", 404, "NOT_FOUND", "/claims/$foreign_filing"),
    reading("evidence_foreign", 404, "NOT_FOUND", "/claims/$foreign_claim/evidence"),
    reading("proof_foreign", 404, "NOT_FOUND", "/claims/$foreign_claim/proof"),
    reading("evidence_not_sealed", 404, "NOT_SEALED", "/claims/$filing/evidence"),
    reading("claim_unknown", 404, "NOT_FOUND", "/claims/clm_0"),
    reading("claim_shape", *INVALID, "/claims/CLM_0"),
    reading("claim_traversal", 404, "NOT_FOUND", "/claims/..%2F..%2Fetc"),
    reading("claims_limit_0", *INVALID, "/claims?limit=0"),
    reading("claims_limit_101", *INVALID, "/claims?limit=101"),
    reading("claims_limit_text", *INVALID, "/claims?limit=all"),
    reading("claims_cursor", 422, "CURSOR_UNREADABLE", "/claims?cursor=!!"),
    reading("claims_cursor_foreign", 422, "CURSOR_UNREADABLE", "/claims?cursor=YWJj"),
    reading("claims_cursor_long", *INVALID, "/claims?cursor=" + "a" * 201),
    Case("withdraw_foreign", 404, "NOT_FOUND", "POST", "/claims/$foreign_claim/withdraw",
         {"signature": JUNK_SIG}),
    Case("withdraw_junk", 409, "ACTION_REFUSED", "POST", "/claims/$claim/withdraw",
         {"signature": JUNK_SIG}),
    Case("withdraw_not_opened", 409, "CLAIM_NOT_OPENED", "POST", "/claims/$filing/withdraw",
         {"signature": JUNK_SIG}),
    Case("withdraw_empty", *INVALID, "POST", "/claims/$claim/withdraw", {}),
    Case("appeal_foreign", 404, "NOT_FOUND", "POST", "/claims/$foreign_claim/appeal",
         {"signature": JUNK_SIG, "statement": "again"}),
    Case("appeal_junk", 409, "ACTION_REFUSED", "POST", "/claims/$claim/appeal",
         {"signature": JUNK_SIG, "statement": "again"}),
    Case("appeal_silent", *INVALID, "POST", "/claims/$claim/appeal",
         {"signature": JUNK_SIG, "statement": ""}),
    Case("appeal_long", *INVALID, "POST", "/claims/$claim/appeal",
         {"signature": JUNK_SIG, "statement": "a" * 2001}),
    Case("appeal_operator", 403, "NOT_ALLOWED", "POST", "/claims/$claim/appeal",
         {"signature": JUNK_SIG, "statement": "again"}, who="operator"),
]  # fmt: skip
POLICIES = [
    change("larger_risk", 409, "ENDORSEMENT_REFUSED", leverage=30, signature="$larger_sig"),
    change("signature_junk", 422, "SIGNATURE_NOT_YOURS", signature=JUNK_SIG),
    change("number_0", *INVALID, number=0),
    change("number_text", *INVALID, number="1"),
    change("leverage_float", *INVALID, leverage=10.5),
    change("account_injected", *INVALID, account_id=SQL),
    Case("change_foreign", 404, "NOT_FOUND", "POST", "/policies/$foreign_policy/endorsements",
         CHANGED),
    Case("change_auditor", 403, "NOT_ALLOWED", "POST", "/policies/$policy/endorsements", CHANGED,
         who="viewer"),
    reading("policy_foreign", 404, "NOT_FOUND", "/policies/$foreign_policy"),
    reading("policy_at_text", *INVALID, "/policies/$policy?at=yesterday"),
    reading("policy_at_before", 404, "NOT_YET", "/policies/$policy?at=2001-01-01T00:00:00Z"),
    reading("policy_at_year_1", 404, "NOT_YET", "/policies/$policy?at=0001-01-01T00:00:00Z"),
    reading("policies_state", *INVALID, "/policies?state=paid"),
    reading("policies_state_unknown", 422, "STATE_UNKNOWN", "/policies?state=NONE"),
    reading("policies_nobody", 401, "NOT_SIGNED_IN", "/policies", None),
]  # fmt: skip
SIGNABLES = [
    Case("signable_unknown_kind", 404, "NOT_FOUND", "POST", "/signables/transfer", {}),
    Case("signable_foreign_policy", 404, "NOT_FOUND", "POST", "/signables/filing",
         {"policy_id": "$foreign_policy", "inst_id": "BTC", "order_id": "7"}),
    Case("signable_foreign_claim", 404, "NOT_FOUND", "POST", "/signables/withdrawal",
         {"claim_id": "$foreign_claim"}),
    Case("signable_not_opened", 409, "CLAIM_NOT_OPENED", "POST", "/signables/appeal",
         {"claim_id": "$filing", "statement": "again"}),
    Case("signable_exchange", 422, "EXCHANGE_UNKNOWN", "POST", "/signables/binding",
         {"exchange": "ftx", "uid": "42"}),
    Case("signable_surrogate", *INVALID, "POST", "/signables/appeal",
         {"claim_id": "$claim", "statement": "\ud800"}),
    Case("signable_operator", 403, "NOT_ALLOWED", "POST", "/signables/binding",
         {"exchange": "okx", "uid": "42"}, who="operator"),
]  # fmt: skip
PROOFS = [
    Case("proof_kind", 415, "KIND_UNKNOWN", "POST", "/proofs/verify", raw=b"x", who=None,
         headers={"Content-Type": "text/plain"}),
    Case("proof_no_kind", 415, "KIND_UNKNOWN", "POST", "/proofs/verify", raw=b"x", who=None),
    Case("proof_no_zip", 422, "NO_PACKAGE", "POST", "/proofs/verify", raw=b"x", who=None,
         headers={"Content-Type": "application/zip"}),
    Case("proof_traversal", 422, "NO_PACKAGE", "POST", "/proofs/verify", raw=b"$traversal_zip",
         who=None, headers={"Content-Type": "application/zip"}),
    Case("proof_empty_zip", 422, "NO_PACKAGE", "POST", "/proofs/verify", raw=b"$empty_zip",
         who=None, headers={"Content-Type": "application/zip"}),
    Case("proof_bomb", 422, "NO_PACKAGE", "POST", "/proofs/verify", raw=b"$bomb_zip",
         who=None, headers={"Content-Type": "application/zip"}),
    Case("proof_unknown_claim", 404, "NOT_FOUND", "POST", "/proofs/verify",
         {"claim_id": "clm_0"}, who=None),
    Case("proof_claim_shape", *INVALID, "POST", "/proofs/verify", {"claim_id": SQL}, who=None),
    Case("proof_no_json", *INVALID, "POST", "/proofs/verify", raw=b"{", who=None,
         headers={"Content-Type": "application/json"}),
]  # fmt: skip
SESSIONS = [
    Case("sign_in_replayed", 401, "SIGN_IN_REFUSED", "POST", "/auth/sign-in", "$replayed",
         who=None),
    Case("sign_in_junk", 422, "MESSAGE_INVALID", "POST", "/auth/sign-in",
         {"message": "let me in", "signature": JUNK_SIG}, who=None),
    Case("sign_in_empty", *INVALID, "POST", "/auth/sign-in", {}, who=None),
    Case("sign_in_signature", *INVALID, "POST", "/auth/sign-in",
         {"message": "let me in", "signature": "0x"}, who=None),
]  # fmt: skip
REPORTS = [
    reading("reports_nobody", 401, "NOT_SIGNED_IN", "/reports", None),
    reading("report_traversal", 404, "NOT_FOUND", "/reports/..%2Fx"),
    reading("report_format", *INVALID, "/reports/claims_funnel?format=xlsx"),
    Case("no_such_path", 404, "NOT_FOUND", "GET", "/nothing", who=None),
    Case("no_such_method", 405, "METHOD_NOT_ALLOWED", "DELETE", "/claims"),
]  # fmt: skip
CASES = [
    *QUOTES, *PURCHASES, *ACCOUNTS, *CLAIMS, *POLICIES, *SIGNABLES, *PROOFS, *SESSIONS, *REPORTS
]  # fmt: skip
