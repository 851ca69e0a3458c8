"""Land the moves of policies and the payments without one as raw Parquet."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from leverageguard.config import Settings
from leverageguard.store import base
from leverageguard.store.policy_tables import PaymentException, PolicyTxn
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS, RAW_TABLES

NAME = "store"
TXNS = "lifecycle/policy_txns"
PAYMENTS = "lifecycle/payment_exceptions"


def land(settings: Settings) -> dict[str, int]:
    """Land the hours that the files do not show as the store has them; rows landed per table.

    A move never changes, so an hour with as many rows is the same; a payment changes once.
    """
    moved, queued = PolicyTxn.recorded_at_ms, PaymentException.created_at_ms
    counts = {TXNS: 0, PAYMENTS: 0}
    with base.session(settings) as session:
        for hour, count in _hours(session, moved):
            if _landed(settings, TXNS, hour) != count:
                rows = _rows(session, TXNS, moved, hour)
                counts[TXNS] += landing.replace(settings, TXNS, hour, NAME, rows)
        for hour, _ in _hours(session, queued):
            rows = _rows(session, PAYMENTS, queued, hour)
            counts[PAYMENTS] += landing.replace(settings, PAYMENTS, hour, NAME, rows)
    return counts


def _hours(session: Session, at: InstrumentedAttribute[int]) -> list[tuple[int, int]]:
    """The hours that have rows, with how many."""
    query = select(at - at % HOUR_MS, func.count()).group_by(at - at % HOUR_MS)
    return [(int(hour), int(count)) for hour, count in session.execute(query)]


def _rows(
    session: Session, table: str, at: InstrumentedAttribute[int], hour: int
) -> list[dict[str, Any]]:
    names = RAW_TABLES[table].schema.names
    model: Any = at.class_
    found: list[Any] = list(session.scalars(select(model).where(at >= hour, at < hour + HOUR_MS)))
    return [{name: getattr(row, name) for name in names} for row in found]


def _landed(settings: Settings, table: str, hour: int) -> int | None:
    path = landing.file_path(settings, table, hour, NAME)
    return pq.read_metadata(path).num_rows if path.exists() else None
