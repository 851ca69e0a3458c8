"""What the moves of policies had written into the books, written again where the books lost it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.domain.policy import Cancellation, Facts, Purchase
from leverageguard.domain.policy_moves import Life, Move, after
from leverageguard.intake import ledger
from leverageguard.policies import booking, facts, register
from leverageguard.store.intake_tables import Quote
from leverageguard.store.ledger_tables import LedgerEntry
from leverageguard.store.policy_tables import PolicyTxn

BY_MOVES = (ledger.PURCHASE, ledger.REFERRAL, ledger.REFUND)


def rebook(session: Session) -> int:
    """Book the moves of every policy of which the books miss an event; how many legs that were.

    Entries get the ids and times they had, for they are made of the same moves.
    """
    kept = select(LedgerEntry.source, LedgerEntry.kind).where(LedgerEntry.kind.in_(BY_MOVES))
    held = {(source, kind) for source, kind in session.execute(kept)}
    quotes = {row.quote_id: row for row in session.scalars(select(Quote))}
    rows = session.scalars(select(PolicyTxn).order_by(PolicyTxn.policy_id, PolicyTxn.txn_no)).all()
    before = _count(session)
    for policy_id, found in groupby(rows, key=lambda row: row.policy_id):
        moves, quote = list(found), quotes[policy_id]
        if not held.issuperset(_events(quote, moves)):
            _rebook_one(session, quote, moves)
    return _count(session) - before


def _events(quote: Quote, moves: Iterable[PolicyTxn]) -> Iterator[tuple[str, str]]:
    """Source and kind of what a policy's moves have booked."""
    for row in moves:
        if row.to_state == "PAID":
            source = booking.source(register.seen(Purchase, row))
            yield source, ledger.PURCHASE
            if quote.referrer and quote.referral_micro_usdc:
                yield source, ledger.REFERRAL
        if row.to_state == "CANCELLED":
            told = register.seen(Cancellation, row)
            if told.refund_micro_usdc:
                yield booking.source(told), ledger.REFUND


def _rebook_one(session: Session, quote: Quote, moves: Iterable[PolicyTxn]) -> None:
    life = Life()
    for row in moves:
        move = Move(row.to_state, row.rule_id, row.at_ms, {})
        known = Facts(
            facts.quoted(quote),
            now_ms=row.recorded_at_ms,
            read_until_ms=row.recorded_at_ms,
            purchase=register.seen(Purchase, row) if row.to_state in ("PAID", "VOID") else None,
            cancellation=register.seen(Cancellation, row) if row.to_state == "CANCELLED" else None,
        )
        booking.book(session, quote, life, move, known)
        life = after(life, move, known)


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(LedgerEntry)) or 0
