"""Land the store's intake rows as raw Parquet, one file an hour of creation."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import inspect, select

from leverageguard import clock, config
from leverageguard.audit import anchors
from leverageguard.store.base import Base, session
from leverageguard.store.claim_tables import ClaimAction
from leverageguard.store.intake_tables import Account, Binding, FiledClaim, Quote
from leverageguard.store.policy_tables import PolicyEndorsement
from leverageguard.warehouse import landing, lock
from leverageguard.warehouse.raw_tables import RAW_TABLES

HOUR_MS = 3_600_000
TABLES: dict[str, type[Base]] = {
    "intake/accounts": Account,
    "intake/bindings": Binding,
    "intake/quotes": Quote,
    "intake/claims": FiledClaim,
    "intake/endorsements": PolicyEndorsement,
    "intake/claim_actions": ClaimAction,
}


def land(window_start: str, window_end: str) -> dict[str, int]:
    """Rows landed per table for the half-open window; whole hours are replaced."""
    settings = config.load()
    first = clock.parse_ms(window_start) // HOUR_MS * HOUR_MS
    last = min(clock.parse_ms(window_end), clock.now_ms())
    counts = {}
    for table, model in TABLES.items():
        counts[table] = _land(settings, table, model, first, last)
    anchors.note(settings)
    return counts


def land_actions(settings: config.Settings, since_ms: int) -> int:
    """Land what was done to claims since then, without waiting for the hour; rows landed."""
    first = since_ms // HOUR_MS * HOUR_MS
    return _land(settings, "intake/claim_actions", ClaimAction, first, clock.now_ms())


def land_missing(settings: config.Settings, since_ms: int) -> int:
    """Land the hours since then whose rows are not all there; rows landed.

    Rows only ever come in addition, so their number tells.
    """
    landed = 0
    for table, model in TABLES.items():
        there = landing.row_counts(settings, table, "store")
        for hour, count in _row_counts(settings, model, since_ms - since_ms % HOUR_MS).items():
            if there.get(hour, 0) != count:
                landed += _land(settings, table, model, hour, hour + HOUR_MS)
    return landed


def _row_counts(settings: config.Settings, model: type[Base], from_ms: int) -> dict[int, int]:
    """Rows of the store by hour of creation."""
    created = inspect(model).columns["created_at_ms"]
    with session(settings) as opened:
        times: list[int] = list(opened.scalars(select(created).where(created >= from_ms)))
        return dict(Counter(at_ms - at_ms % HOUR_MS for at_ms in times))


def _land(
    settings: config.Settings, table: str, model: type[Base], from_ms: int, last_ms: int
) -> int:
    # Read and replaced by one at a time: what another read later must not be overwritten.
    with lock.exclusive(settings, table.replace("/", "-")):
        rows = _rows(settings, model, from_ms, -(-last_ms // HOUR_MS) * HOUR_MS)
        for hour, of_hour in rows.items():
            landing.replace(settings, table, hour, "store", of_hour)
    return sum(len(of_hour) for of_hour in rows.values())


def _rows(
    settings: config.Settings, model: type[Base], from_ms: int, to_ms: int
) -> dict[int, list[dict[str, Any]]]:
    """Rows created in [from_ms, to_ms) by hour; hours without rows are left out."""
    created = inspect(model).columns["created_at_ms"]
    table = next(name for name, known in TABLES.items() if known is model)
    names = RAW_TABLES[table].schema.names
    by_hour: dict[int, list[dict[str, Any]]] = {}
    with session(settings) as opened:
        for row in opened.scalars(select(model).where(created >= from_ms, created < to_ms)):
            hour = row.created_at_ms // HOUR_MS * HOUR_MS  # type: ignore[attr-defined]
            by_hour.setdefault(hour, []).append({name: _text(row, name) for name in names})
    return by_hour


def _text(row: Base, name: str) -> Any:
    value = getattr(row, name)
    return str(value) if name == "nonce" else value
