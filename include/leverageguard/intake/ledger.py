"""What a purchase moves, in double entry: premium, loyalty surcharge and referral credit.

Booking the same event again writes nothing. A purchase that the chain lost and mined again is
another event: its source must name the block.
"""

from __future__ import annotations

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from leverageguard.intake import entries
from leverageguard.intake.entries import Entry, LedgerRefused, Leg
from leverageguard.store.intake_tables import Quote
from leverageguard.store.ledger_tables import LedgerEntry

CASH, PREMIUM, SURCHARGE = "pool:cash", "premium:written", "premium:loyalty_surcharge"
REFERRAL_COST, REFERRAL_OWED, REFUNDED = "expense:referral", "owed:referral", "premium:refunded"
PURCHASE, REFERRAL, REFUND = "purchase", "referral", "refund"


def book_purchase(
    session: Session,
    quote: Quote,
    occurred_at_ms: int,
    source: str,
    recorded_at_ms: int,
    block: tuple[int, int] | None = None,
) -> bool:
    """Write a purchase's entries; False when this source stands in the books.

    Cash is debited with the premium; what is written and what is surcharge are credited apart. A
    referrer's credit is a cost and owed to the referrer. `block` is chain id and block number.
    """
    premium, surcharge = quote.premium_micro_usdc, quote.surcharge_micro_usdc or 0
    buyer = quote.wallet
    legs: list[Leg] = [(CASH, premium, buyer), (PREMIUM, surcharge - premium, buyer)]
    legs.append((SURCHARGE, -surcharge, buyer))
    made = [_entry(quote, PURCHASE, legs, occurred_at_ms, source, block)]
    credit = quote.referral_micro_usdc or 0
    if quote.referrer:
        owed: list[Leg] = [
            (REFERRAL_COST, credit, quote.referrer),
            (REFERRAL_OWED, -credit, quote.referrer),
        ]
        made.append(_entry(quote, REFERRAL, owed, occurred_at_ms, source, block))
    return _write(session, made, recorded_at_ms)


def reverse_purchase(session: Session, source: str, recorded_at_ms: int) -> bool:
    """Undo the entries of a purchase that the chain lost; `source` is the one it was booked under.

    False when it was undone before; raises LedgerRefused when it was never booked.
    """
    return _undo(session, source, (PURCHASE, REFERRAL), recorded_at_ms)


def book_refund(
    session: Session,
    quote: Quote,
    refund_micro_usdc: int,
    occurred_at_ms: int,
    source: str,
    recorded_at_ms: int,
    chain_id: int | None = None,
) -> bool:
    """Write what a cancelled policy's buyer got back; False when this source stands in the books.

    Raises LedgerRefused for a refund that is no part of the premium.
    """
    if not 0 <= refund_micro_usdc <= quote.premium_micro_usdc:
        raise LedgerRefused(
            f"a refund of {refund_micro_usdc} is no part of the premium {quote.premium_micro_usdc}"
        )
    buyer = quote.wallet
    legs: list[Leg] = [(REFUNDED, refund_micro_usdc, buyer), (CASH, -refund_micro_usdc, buyer)]
    made = Entry(REFUND, source, tuple(legs), occurred_at_ms, quote.quote_id, chain_id=chain_id)
    return _write(session, [made], recorded_at_ms)


def reverse_refund(session: Session, source: str, recorded_at_ms: int) -> bool:
    """Undo the refund of a cancellation that the chain lost; `source` as it was booked under.

    False when it was undone before; raises LedgerRefused when it was never booked.
    """
    return _undo(session, source, (REFUND,), recorded_at_ms)


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
    written = LedgerEntry.account.in_((PREMIUM, SURCHARGE))
    net = (
        select(LedgerEntry.policy_id)
        .where(LedgerEntry.party == wallet.lower(), written)
        .where(LedgerEntry.policy_id.not_in(undone))
        .group_by(LedgerEntry.policy_id)
        .having(func.sum(LedgerEntry.amount_micro_usdc) < 0)
        .subquery()
    )
    return int(session.scalar(select(func.count(distinct(net.c.policy_id)))) or 0)


def _entry(
    quote: Quote,
    kind: str,
    legs: list[Leg],
    occurred_at_ms: int,
    source: str,
    block: tuple[int, int] | None,
) -> Entry:
    chain_id, number = block or (None, None)
    return Entry(
        kind, source, tuple(legs), occurred_at_ms, quote.quote_id,
        chain_id=chain_id, block_number=number,
    )  # fmt: skip


def _write(session: Session, made: list[Entry], recorded_at_ms: int) -> bool:
    """Write the entries that do not stand yet; whether there were any."""
    booked = entries.of_source(session, made[0].source)
    for entry in made:
        known = booked.standing(*entry.key)
        if known and known[0].policy_id != entry.policy_id:
            raise LedgerRefused(
                f"{entry.source} was booked for {known[0].policy_id}, another policy"
            )
    rows = [row for entry in made for row in entries.rows(entry, booked, recorded_at_ms)]
    session.add_all(rows)
    session.flush()
    return bool(rows)


def _undo(session: Session, source: str, kinds: tuple[str, ...], recorded_at_ms: int) -> bool:
    booked = entries.of_source(session, source)
    if not booked.times(source, kinds[0]):
        raise LedgerRefused(f"nothing was booked from {source}: there is no {kinds[0]} to undo")
    rows = [
        row
        for kind in kinds
        for row in entries.reversal(booked.standing(source, kind), recorded_at_ms)
    ]
    session.add_all(rows)
    session.flush()
    return bool(rows)
