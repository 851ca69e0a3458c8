"""What one pull of one endpoint brought, and how it is landed.

A pull that failed lands no rows and leaves those of earlier pulls where they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from leverageguard.config import Settings
from leverageguard.exchanges import retry, windows
from leverageguard.exchanges.client import Client
from leverageguard.exchanges.pull import window
from leverageguard.exchanges.venue import Endpoint, Row
from leverageguard.exchanges.windows import Stretch
from leverageguard.warehouse import landing, raw_tables
from leverageguard.warehouse.raw_tables import HOUR_MS

REPLIES = "exchanges/replies"


@dataclass
class Listing:
    """One stretch of one endpoint for one owner (an account, or an instrument for candles).

    `error` is None when the pull went through to its end.
    """

    owner: str
    endpoint: Endpoint
    stretch: Stretch
    rows: list[Row] = field(default_factory=list)
    pages: int = 0
    last_cursor: str | None = None
    error: retry.GaveUpError | None = None

    @property
    def hours(self) -> list[int]:
        """Starts of the hours the stretch covers."""
        return windows.hours(self.stretch.from_ms, self.stretch.to_ms)

    @property
    def rows_are_evidence(self) -> bool:
        """True when the rows may replace what was landed for these hours."""
        return self.error is None and bool(self.endpoint.id_columns)

    def fail(self, error: retry.GaveUpError) -> None:
        """Turn the listing into a gap; what it had read so far is not landed."""
        self.rows, self.error = [], error


def read(client: Client, listing: Listing, params: dict[str, str]) -> None:
    """Fill `listing` through its cursor; a fault becomes its gap."""
    endpoint, stretch = listing.endpoint, listing.stretch
    try:
        pulled = window(
            endpoint,
            stretch.from_ms,
            stretch.to_ms,
            lambda cursor, check: client.call(endpoint, {**params, **cursor}, check),
        )
    except retry.GaveUpError as error:
        listing.fail(error)
    else:
        listing.rows = [as_landed(endpoint, row) for row in pulled.rows]
        listing.pages, listing.last_cursor = pulled.pages, pulled.last_cursor


def as_landed(endpoint: Endpoint, row: Row, **ours: Any) -> Row:
    """A venue's row in the columns of its raw table, all text; absent columns are null."""
    if endpoint.table is None:
        raise ValueError(f"{endpoint.name} has no raw table")
    names = raw_tables.table(endpoint.table).schema.names
    return {**{name: _text(row.get(name)) for name in names}, **ours}


def land(settings: Settings, name: str, owner_column: str, listings: Iterable[Listing]) -> int:
    """Replace the hours of the listings that went through; returns the rows landed."""
    landed = 0
    by_table: dict[str, list[Listing]] = {}
    for listing in listings:
        if listing.rows_are_evidence and listing.endpoint.table is not None:
            by_table.setdefault(listing.endpoint.table, []).append(listing)
    for table, of_table in by_table.items():
        landed += _land_table(settings, table, name, owner_column, of_table)
    return landed


def add(settings: Settings, endpoint: Endpoint, name: str, rows: Iterable[Row]) -> None:
    """Land single rows of accounts beside what is there; a row of the same id is replaced."""
    nothing = Stretch(endpoint.name, 0, 0)
    single = [Listing(row["account_id"], endpoint, nothing, rows=[row]) for row in rows]
    land(settings, name, "account_id", single)


def land_snapshots(settings: Settings, endpoint: Endpoint, name: str, rows: Iterable[Row]) -> None:
    """Land account snapshots; within an hour the newest of an account stays."""
    if endpoint.table is None:
        raise ValueError(f"{endpoint.name} has no raw table")
    for hour, of_hour in landing.by_hour(endpoint.table, rows).items():
        taken = {row["account_id"] for row in of_hour}
        keep = _keeper(taken, "account_id", (), {})
        landing.replace(settings, endpoint.table, hour, name, of_hour, keep=keep)


def window_rows(
    exchange: str, listings: Iterable[Listing], closed_ms: int, fetched_at_ms: int
) -> list[Row]:
    """One fetch-window row an hour of every listing.

    An hour that ends after `closed_ms`, the venue's time, is not complete yet.
    """
    rows = []
    for listing in listings:
        counts = _count_by_hour(listing)
        for hour in listing.hours:
            is_closed = hour + HOUR_MS <= closed_ms
            reason = str(listing.error or ("" if is_closed else "the hour is not over")) or None
            rows.append(
                {
                    "exchange": exchange,
                    "account_id": listing.owner,
                    "endpoint": listing.endpoint.name,
                    "window_from_ms": hour,
                    "window_to_ms": hour + HOUR_MS,
                    "pages": listing.pages,
                    "row_count": counts.get(hour, 0),
                    "is_complete": reason is None,
                    "last_cursor": listing.last_cursor,
                    "gap_reason": reason,
                    "fetched_at_ms": fetched_at_ms,
                }
            )
    return rows


def land_replies(settings: Settings, name: str, replies: Iterable[Row]) -> None:
    """Add replies to the record; the same body for the same request is kept once, the first."""
    for hour, rows in landing.by_hour(REPLIES, replies).items():
        known: dict[tuple[Any, ...], Row] = {}
        for row in [*landing.read(settings, REPLIES, hour, name), *rows]:
            known.setdefault(_reply_key(row), row)
        landing.replace(settings, REPLIES, hour, name, known.values())


def _land_table(
    settings: Settings, table: str, name: str, owner_column: str, listings: list[Listing]
) -> int:
    endpoint = listings[0].endpoint
    ids = (owner_column, *endpoint.id_columns)
    rows: dict[int, dict[tuple[Any, ...], Row]] = {}
    replaced: dict[int, set[str]] = {}
    for listing in listings:
        for hour in listing.hours:
            replaced.setdefault(hour, set()).add(listing.owner)
        for row in listing.rows:
            row[owner_column] = listing.owner
            hour = raw_tables.table(table).hour_of(row)
            rows.setdefault(hour, {})[tuple(row[column] for column in ids)] = row
    for hour in sorted({*rows, *replaced}):
        of_hour = rows.get(hour, {})
        gone = set() if endpoint.outlives_listing else replaced.get(hour, set())
        keep = _keeper(gone, owner_column, ids, of_hour)
        landing.replace(settings, table, hour, name, of_hour.values(), keep=keep)
    return sum(len(of_hour) for of_hour in rows.values())


def _keeper(
    gone: set[str], owner_column: str, ids: tuple[str, ...], new: dict[tuple[Any, ...], Row]
) -> Callable[[Row], bool]:
    """Old rows stay unless their owner's are replaced or a newer version of the row is at hand."""

    def keep(row: Row) -> bool:
        return row[owner_column] not in gone and tuple(row[column] for column in ids) not in new

    return keep


def _count_by_hour(listing: Listing) -> dict[int, int]:
    counts: dict[int, int] = {}
    for row in listing.rows:
        at_ms = int(row[listing.endpoint.time_column])
        counts[at_ms - at_ms % HOUR_MS] = counts.get(at_ms - at_ms % HOUR_MS, 0) + 1
    return counts


def _reply_key(row: Row) -> tuple[Any, ...]:
    return row["sha256"], row["account_id"], row["endpoint"], row["request"], row["http_status"]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
