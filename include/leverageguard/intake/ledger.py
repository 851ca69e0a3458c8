"""What a purchase moves, in double entry: premium, loyalty surcharge and referral credit.

An entry's id is made of its source and kind, so booking the same event again writes nothing. A
purchase that the chain lost and mined again is another event: its source must name the block.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from leverageguard.store.intake_tables import Quote
from leverageguard.store.sales_tables import LedgerEntry

CASH, PREMIUM, SURCHARGE = "pool:cash", "premium:written", "premium:loyalty_surcharge"
REFERRAL_COST, REFERRAL_OWED, REFUNDED = "expense:referral", "owed:referral", "premium:refunded"
PURCHASE, REFERRAL, REVERSAL, REFUND = "purchase", "referral", "reversal", "refund"
Leg = tuple[str, int, str]


class LedgerRefused(ValueError):
    """An entry that does not balance, or one without what it would undo."""


def book_purchase(session: Session, quote: Quote, occurred_at_ms: int, source: str) -> bool:
    """Write a purchase's entries; False when this source was booked before.

    Cash is debited with the premium; what is written and what is surcharge are credited apart. A
    referrer's credit is a cost and owed to the referrer.
    """
    premium, surcharge = quote.premium_micro_usdc, quote.surcharge_micro_usdc or 0
    buyer = quote.wallet
    legs = [(CASH, premium, buyer), (PREMIUM, surcharge - premium, buyer)]
    legs.append((SURCHARGE, -surcharge, buyer))
    is_new = _write(session, quote, PURCHASE, legs, occurred_at_ms, source)
    credit = quote.referral_micro_usdc or 0
    if quote.referrer:
        owed = [(REFERRAL_COST, credit, quote.referrer), (REFERRAL_OWED, -credit, quote.referrer)]
        _write(session, quote, REFERRAL, owed, occurred_at_ms, source)
    return is_new


def reverse_purchase(session: Session, quote: Quote, occurred_at_ms: int, source: str) -> bool:
    """Undo the entries of a purchase that the chain lost; `source` is the one it was booked under.

    False when it was undone before; raises LedgerRefused when it was never booked.
    """
    booked = _of(session, source, PURCHASE)
    if not booked:
        raise LedgerRefused(f"nothing was booked from {source}: there is no purchase to undo")
    legs = [(leg.account, -leg.amount_micro_usdc, leg.party) for leg in booked]
    owed = _of(session, source, REFERRAL)
    legs += [(leg.account, -leg.amount_micro_usdc, leg.party) for leg in owed]
    return _write(session, quote, REVERSAL, legs, occurred_at_ms, source)


def book_refund(
    session: Session, quote: Quote, refund_micro_usdc: int, occurred_at_ms: int, source: str
) -> bool:
    """Write what a cancelled policy's buyer got back; False when this source was booked before."""
    if not 0 <= refund_micro_usdc <= quote.premium_micro_usdc:
        raise LedgerRefused(
            f"a refund of {refund_micro_usdc} is no part of the premium {quote.premium_micro_usdc}"
        )
    legs = [(REFUNDED, refund_micro_usdc, quote.wallet), (CASH, -refund_micro_usdc, quote.wallet)]
    return _write(session, quote, REFUND, legs, occurred_at_ms, source)


def reverse_refund(session: Session, quote: Quote, occurred_at_ms: int, source: str) -> bool:
    """Undo the refund of a cancellation that the chain lost; `source` as it was booked under.

    False when it was undone before; raises LedgerRefused when it was never booked.
    """
    booked = _of(session, source, REFUND)
    if not booked:
        raise LedgerRefused(f"nothing was booked from {source}: there is no refund to undo")
    legs = [(leg.account, -leg.amount_micro_usdc, leg.party) for leg in booked]
    return _write(session, quote, REVERSAL, legs, occurred_at_ms, source)


def purchases_before(session: Session, wallet: str) -> int:
    """How many policies a wallet bought and kept: the loyalty count.

    One the chain lost, or that was cancelled, does not count: else buying and cancelling would
    take the surcharge away.
    """
    undone = (
        select(LedgerEntry.policy_id)
        .where(LedgerEntry.account == REFUNDED)
        .group_by(LedgerEntry.policy_id)
        .having(func.sum(LedgerEntry.amount_micro_usdc) > 0)
    )
    net = (
        select(LedgerEntry.policy_id)
        .where(LedgerEntry.party == wallet.lower(), LedgerEntry.account == CASH)
        .where(LedgerEntry.policy_id.not_in(undone))
        .group_by(LedgerEntry.policy_id)
        .having(func.sum(LedgerEntry.amount_micro_usdc) > 0)
        .subquery()
    )
    return int(session.scalar(select(func.count(distinct(net.c.policy_id)))) or 0)


def _of(session: Session, source: str, kind: str) -> list[LedgerEntry]:
    query = select(LedgerEntry).where(LedgerEntry.entry_id == _entry_id(source, kind))
    return list(session.scalars(query.order_by(LedgerEntry.leg_no)))


def _entry_id(source: str, kind: str) -> str:
    return sha256(f"{source}|{kind}".encode()).hexdigest()


def _write(
    session: Session, quote: Quote, kind: str, legs: list[Leg], occurred_at_ms: int, source: str
) -> bool:
    """Write the legs that move something, unless the entry is there."""
    entry_id = _entry_id(source, kind)
    if sum(amount for _, amount, _ in legs) != 0:
        raise LedgerRefused(f"the {kind} of {quote.quote_id} does not balance: {legs}")
    known = _of(session, source, kind)
    if known:
        if known[0].policy_id != quote.quote_id:
            raise LedgerRefused(f"{source} was booked for {known[0].policy_id}, another policy")
        return False
    moving = [leg for leg in legs if leg[1]]
    for number, (account, amount, party) in enumerate(moving, start=1):
        session.add(
            LedgerEntry(
                entry_id=entry_id, leg_no=number, kind=kind, account=account,
                amount_micro_usdc=amount, party=party.lower(), policy_id=quote.quote_id,
                occurred_at_ms=occurred_at_ms, source=source,
            )
        )  # fmt: skip
    session.flush()
    return bool(moving)
