"""Bring the books to what chains, claims and valuations say now.

Run twice, it writes nothing the second time. An entry never changes: what the chain lost, or what
is otherwise now, is undone by an entry of its own and booked anew. Purchases and refunds are booked
by the policies' moves; until such a move is made their money is in suspense.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock, store_landing
from leverageguard.config import Settings
from leverageguard.fund import book_entries, chain_events, gas_prices, valuing
from leverageguard.fund.chain_events import Landed
from leverageguard.intake import entries
from leverageguard.intake.entries import Booked, Entry
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.ledger_tables import LedgerEntry
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.store.valuation_tables import FundValuation
from leverageguard.warehouse import landing, lock
from leverageguard.warehouse.raw_tables import HOUR_MS

ENTRIES, RUNS = "fund/ledger_entries", "fund/ledger_runs"
_VALUATIONS = select(FundValuation).order_by(
    FundValuation.valued_at_ms, FundValuation.recorded_at_ms, FundValuation.valuation_id
)
_log = structlog.get_logger(__name__)


def book(settings: Settings) -> dict[str, int]:
    """Write every entry that is missing and undo those that do not stand any more, then land them.

    Counts entries `booked`, `reversed` (for good or to be booked anew), and settled batches that
    are `waiting` for the price of their gas: their minute's candle is not landed yet.
    """
    with lock.exclusive(settings, "ledger"):
        now_ms = clock.now_ms()
        landed = chain_events.read(settings)
        # Read without the write lock, which everybody waits for; the books seldom grow meanwhile.
        with base.session(settings) as session:
            legs = _count(session)
            made, waiting = _missing(session, landed, now_ms)
        with base.writing(settings) as session:
            if _count(session) != legs:
                made, waiting = _missing(session, landed, now_ms)
            session.add_all(made)
        store_landing.land(settings, ENTRIES, LedgerEntry.recorded_at_ms)
        counts = _counts(made, waiting)
        _land_run(settings, now_ms, counts)
    _log.info("ledger_booked", **counts)
    return counts


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(LedgerEntry)) or 0


def _missing(session: Session, landed: Landed, now_ms: int) -> tuple[list[LedgerEntry], int]:
    """The legs to write, and how many batches wait for a price."""
    booked = Booked(session.scalars(select(LedgerEntry)))
    unpriced = [
        event
        for event in landed.of(chain_events.BATCHES)
        if not booked.standing(event.source, book_entries.GAS)
    ]
    prices = gas_prices.of_minutes(landed.settings, (event.at_ms for event in unpriced))
    gas = list(book_entries.of_gas(unpriced, prices))
    due = [*_due(session, landed, booked), *gas]
    made = [row for entry in due for row in entries.rows(entry, booked, now_ms)]
    kept = {entry.key for entry in due}
    kept |= {(event.source, book_entries.GAS) for event in landed.of(chain_events.BATCHES)}
    for (source, kind), legs in booked.all_standing().items():
        table = book_entries.OF_CHAIN.get(kind)
        if table and (source, kind) not in kept and landed.is_gone(table, source):
            made += entries.reversal(legs, now_ms)
    return made, len(unpriced) - len(gas)


def _due(session: Session, landed: Landed, booked: Booked) -> Iterator[Entry]:
    rows = session.scalars(select(PayoutRecord))
    payouts = {(row.chain_id, row.claim_index): row for row in rows}
    yield from book_entries.of_chains(landed, booked, payouts)
    moves = select(ClaimTxn).order_by(ClaimTxn.claim_id, ClaimTxn.txn_no)
    yield from book_entries.of_claims(session.scalars(moves))
    yield from book_entries.of_valuations(map(valuing.of_row, session.scalars(_VALUATIONS)))


def _counts(made: Iterable[LedgerEntry], waiting: int) -> dict[str, int]:
    kinds = {row.entry_id: row.kind for row in made}
    undone = sum(kind == entries.REVERSAL for kind in kinds.values())
    return {"booked": len(kinds) - undone, "reversed": undone, "waiting": waiting}


def _land_run(settings: Settings, now_ms: int, counts: dict[str, int]) -> None:
    """The newest run of the hour: until when the books know what was landed."""
    row = {"run_at_ms": now_ms, **{f"{name}_count": count for name, count in counts.items()}}
    landing.replace(settings, RUNS, now_ms - now_ms % HOUR_MS, store_landing.NAME, [row])
