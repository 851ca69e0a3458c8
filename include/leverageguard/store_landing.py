"""The store's own tables as raw Parquet, by the hour of a time column: one file an hour."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from leverageguard.config import Settings
from leverageguard.store import base
from leverageguard.warehouse import landing, raw_tables
from leverageguard.warehouse.raw_tables import HOUR_MS

NAME = "store"


def land(
    settings: Settings, table: str, at: InstrumentedAttribute[int], do_rows_change: bool = False
) -> int:
    """Land the hours that the files do not show as the store has them; the rows in them.

    Rows that never change are the same when there are as many; others are landed every time.
    A store that was lost takes what was landed of it along: those hours are written anew.
    """
    kept, landed = _kept(settings, at), landing.row_counts(settings, table, NAME)
    hours = sorted(kept.keys() | landed.keys())
    return sum(
        _land_hour(settings, table, at, hour)
        for hour in hours
        if do_rows_change or kept.get(hour, 0) != landed.get(hour, 0)
    )


def _kept(settings: Settings, at: InstrumentedAttribute[int]) -> dict[int, int]:
    """How many rows the store has of each hour (start of hour, epoch ms)."""
    hour = (at - at % HOUR_MS).label("hour_ms")
    query = select(hour, func.count()).group_by("hour_ms")
    with base.session(settings) as session:
        return {int(hour): int(count) for hour, count in session.execute(query)}


def _land_hour(settings: Settings, table: str, at: InstrumentedAttribute[int], hour_ms: int) -> int:
    names = raw_tables.table(table).schema.names
    model: Any = at.class_
    query = select(model).where(at >= hour_ms, at < hour_ms + HOUR_MS)
    with base.session(settings) as session:
        found: list[Any] = list(session.scalars(query))
        rows = [{name: getattr(row, name) for name in names} for row in found]
    return landing.replace(settings, table, hour_ms, NAME, rows)
