"""Changes of a policy that its holder signs before the cover begins; the premium stays.

A change may name another account of the same venue and wallet, another instrument that is sold and
moves no more than the old one, or less leverage: never a larger risk for the same premium.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock, seeds
from leverageguard.config import Settings
from leverageguard.domain import policy, signing
from leverageguard.intake import products
from leverageguard.intake.accounts import IntakeRefused
from leverageguard.policies import register
from leverageguard.policies.facts import quoted
from leverageguard.store import base
from leverageguard.store.intake_tables import Account, Binding, Quote
from leverageguard.store.policy_tables import PolicyEndorsement

OPEN_STATES = (None, "QUOTED", "PAID", "WAITING")


def endorse(settings: Settings, said: signing.Endorsement, signature: str) -> str:
    """Record a signed change and return its id; the same one again is a no-op.

    Raises IntakeRefused naming the field and the fix. What the chain shows by then but nobody has
    read yet is decided with the evidence: a change after the cover began changes nothing.
    """
    endorsement_id = "end_" + sha256(signature.lower().encode()).hexdigest()[:24]
    with base.writing(settings) as session:
        if session.get(PolicyEndorsement, endorsement_id) is not None:
            return endorsement_id
        quote = session.get(Quote, said.policy.lower())
        if quote is None:
            raise IntakeRefused(f"policy {said.policy!r} does not exist: name the policy you hold")
        signer = signing.signer(said, settings.chain_id, signature)
        if signer != quote.wallet:
            raise IntakeRefused(f"signature is {signer}'s: sign with the policy's wallet")
        _check_time(session, quote)
        _check_terms(settings, session, quote, said)
        now = clock.now_ms()
        session.add(
            PolicyEndorsement(
                endorsement_id=endorsement_id,
                policy_id=quote.quote_id,
                endorsement_no=said.number,
                account_id=said.account,
                inst_id=said.inst_id,
                leverage=said.leverage,
                signer=signer,
                signature=signature,
                effective_at_ms=now,
                created_at_ms=now,
            )
        )
    return endorsement_id


def _check_time(session: Session, quote: Quote) -> None:
    recorded = register.recorded_of(session, quote.quote_id)
    if recorded.life.state not in OPEN_STATES:
        raise IntakeRefused(
            f"policy {quote.quote_id} is {recorded.life.state}: it can be changed before its "
            "cover begins, and not any more"
        )
    bought = recorded.life.purchase
    if bought and clock.now_ms() >= policy.cover_start_ms(quoted(quote), bought):
        raise IntakeRefused(f"policy {quote.quote_id} covers already: it cannot be changed")


def _check_terms(
    settings: Settings, session: Session, quote: Quote, said: signing.Endorsement
) -> None:
    last = session.scalar(
        select(PolicyEndorsement)
        .where(PolicyEndorsement.policy_id == quote.quote_id)
        .order_by(PolicyEndorsement.endorsement_no.desc())
        .limit(1)
    )
    number = last.endorsement_no + 1 if last else 1
    if said.number != number:
        raise IntakeRefused(f"number is {said.number}: the policy's next change is {number}")
    before: Quote | PolicyEndorsement = last or quote
    _check_account(session, quote, before.account_id, said.account)
    _check_leverage(settings, quote, before.leverage, said.leverage)
    _check_instrument(settings, session, quote, before.inst_id, said)


def _check_account(session: Session, quote: Quote, old: str, new: str) -> None:
    account, insured = session.get(Account, new), session.get(Account, old)
    if account is None or insured is None:
        raise IntakeRefused(f"account {new!r} is not registered: bind it first")
    if account.exchange != insured.exchange:
        raise IntakeRefused(
            f"account {new!r} is on {account.exchange}: name one on {insured.exchange}"
        )
    bound = select(func.count()).where(
        Binding.account_id == new,
        Binding.uid == account.uid,
        func.lower(Binding.wallet) == quote.wallet,
        func.lower(Binding.signer) == quote.wallet,
    )
    if not session.scalar(bound):
        raise IntakeRefused(f"account {new!r} is not bound to {quote.wallet}: bind it first")


def _check_leverage(settings: Settings, quote: Quote, old: int, new: int) -> None:
    if new > old:
        raise IntakeRefused(f"leverage {new} is above {old}: a change can only lower it")
    sold = products.product(settings, quote.product_version).leverages
    if new not in sold:
        raise IntakeRefused(f"leverage {new} is not sold under {quote.product_version}")


def _check_instrument(
    settings: Settings, session: Session, quote: Quote, old: str, said: signing.Endorsement
) -> None:
    if said.inst_id == old:
        return
    account = session.get_one(Account, said.account)
    sold = {
        row["inst_id"]: row["base_asset"]
        for row in seeds.rows(settings, "sold_instruments")
        if row["exchange"] == account.exchange
    }
    if said.inst_id not in sold:
        raise IntakeRefused(f"inst_id {said.inst_id!r} is not insured on {account.exchange}")
    # The premium was made for the old one; of several models the one that priced it counts.
    moves = {
        row["base_asset"]: int(row["sigma_minute_ppb"])
        for row in seeds.rows(settings, "symbol_volatilities")
        if quote.model_version in (None, row["model_version"])
    }
    before, after = moves.get(sold.get(old, "")), moves.get(sold[said.inst_id])
    if before is None or after is None or after > before:
        raise IntakeRefused(
            f"inst_id {said.inst_id!r} moves more than {old!r}, which the premium was made for"
        )
