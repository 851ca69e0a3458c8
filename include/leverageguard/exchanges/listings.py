"""What one pull of one endpoint brought, and how it is landed.

A pull that failed lands no rows and leaves those of earlier pulls where they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from leverageguard.config import Settings
from leverageguard.exchanges import pull, retry, windows
from leverageguard.exchanges.client import Client
from leverageguard.exchanges.rows import parsed, stated
from leverageguard.exchanges.venue import CANDLES, Endpoint, Record, Row
from leverageguard.exchanges.windows import Stretch
from leverageguard.warehouse import landing, raw_tables
from leverageguard.warehouse.raw_tables import HOUR_MS

REPLIES = "exchanges/replies"
# What identifies a row of a table, besides the account or instrument it belongs to.
KEYS = {
    "exchanges/orders": ("order_id",),
    "exchanges/fills": ("fill_id", "order_id"),
    "exchanges/ledger": ("entry_id", "entry_kind", "recorded_at_ms"),
    "exchanges/positions": ("position_id", "order_id", "position_side", "updated_at_ms", "marker"),
    "exchanges/stops": ("stop_id",),
    CANDLES: ("inst_id", "kind", "minute_at_ms"),
}


@dataclass
class Listing:
    """One stretch of one endpoint for one owner (an account, or an instrument for candles).

    `records` are canonical rows with their table; `error` is None when the pull went through.
    """

    owner: str
    endpoint: Endpoint
    stretch: Stretch
    records: list[Record] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    pages: int = 0
    last_cursor: str | None = None
    error: retry.GaveUpError | None = None

    @property
    def hours(self) -> list[int]:
        """Starts of the hours the stretch covers."""
        return windows.hours(self.stretch.from_ms, self.stretch.to_ms)

    def fail(self, error: retry.GaveUpError) -> None:
        """Turn the listing into a gap; what it had read so far is not landed."""
        self.records, self.counts, self.error = [], {}, error


def read(client: Client, listing: Listing, inst_id: str = "") -> None:
    """Read `listing` (of one instrument if named) through its cursor; a fault becomes its gap."""
    endpoint, stretch = listing.endpoint, listing.stretch
    named = {endpoint.inst_param: inst_id} if inst_id else {}
    try:
        pulled = pull.window(
            endpoint,
            stretch.from_ms,
            stretch.to_ms,
            lambda cursor, check: client.call(endpoint, {**named, **cursor}, check),
        )
    except retry.GaveUpError as error:
        listing.fail(error)
        return
    ours = {"exchange": client.venue.name, "endpoint": endpoint.name}
    if CANDLES not in endpoint.tables:
        ours["account_id"] = client.account_id
    for row in pulled.rows:
        at_ms = endpoint.time_of(row)
        hour = at_ms - at_ms % HOUR_MS
        listing.counts[hour] = listing.counts.get(hour, 0) + 1
        for table, record in parsed(endpoint, row):
            said = {"inst_id": inst_id or None, **stated(record)}
            listing.records.append(
                (table, as_landed(table, said, **ours, reply_sha256=row["reply_sha256"]))
            )
    listing.pages += pulled.pages
    listing.last_cursor = pulled.last_cursor


def as_landed(table: str, row: Row, **ours: Any) -> Row:
    """A canonical row with every column of its raw table; what nobody stated is null."""
    schema = raw_tables.table(table).schema
    known = {**row, **ours}
    unknown = sorted(set(known) - set(schema.names))
    if unknown:
        raise ValueError(f"{table} has no columns {unknown}")
    return {
        field.name: _value(known.get(field.name), is_text=str(field.type) == "string")
        for field in schema
    }


def land(settings: Settings, name: str, listings: Iterable[Listing]) -> int:
    """Land the rows of the listings that went through; returns how many.

    Each endpoint has a file of its own, so that what one shows never erases what another did.
    """
    landed = 0
    by_place: dict[tuple[str, str], list[Listing]] = {}
    for listing in listings:
        for table in listing.endpoint.tables if listing.error is None else ():
            by_place.setdefault((table, listing.endpoint.name), []).append(listing)
    for (table, endpoint), of_place in by_place.items():
        landed += _land_table(settings, table, f"{name}-{endpoint}", of_place)
    return landed


def add(settings: Settings, table: str, name: str, rows: Iterable[Row]) -> int:
    """Land single rows beside what is there; a row of the same account and id is replaced."""
    landed = 0
    for hour, of_hour in landing.by_hour(table, rows).items():
        new = {_key(table, row): row for row in of_hour}
        landing.replace(settings, table, hour, name, new.values(), keep=_keeper(table, set(), new))
        landed += len(new)
    return landed


def land_snapshots(settings: Settings, name: str, snapshots: Iterable[Record]) -> None:
    """Land account snapshots; within an hour the newest of an account stays."""
    by_table: dict[str, list[Row]] = {}
    for table, row in snapshots:
        by_table.setdefault(table, []).append(row)
    for table, rows in by_table.items():
        for hour, of_hour in landing.by_hour(table, rows).items():
            taken = {row["account_id"] for row in of_hour}
            keep = _keeper(table, taken, {})
            landing.replace(settings, table, hour, name, of_hour, keep=keep)


def window_rows(
    exchange: str, listings: Iterable[Listing], closed_ms: int, fetched_at_ms: int
) -> list[Row]:
    """One fetch-window row an hour of every listing.

    An hour that ends after `closed_ms`, the venue's time, is not complete yet.
    """
    rows = []
    for listing in listings:
        for hour in listing.hours:
            is_closed = hour + HOUR_MS <= closed_ms
            reason = str(listing.error or ("" if is_closed else "the hour is not over")) or None
            rows.append(
                {
                    "exchange": exchange,
                    "account_id": listing.owner,
                    "endpoint": listing.stretch.endpoint,
                    "window_from_ms": hour,
                    "window_to_ms": hour + HOUR_MS,
                    "pages": listing.pages,
                    "row_count": listing.counts.get(hour, 0),
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


def _land_table(settings: Settings, table: str, name: str, listings: list[Listing]) -> int:
    """Land rows beside those of earlier pulls: a venue's past does not shrink.

    A reply that shows less than was seen before (an old page from a cache, say) erases nothing.
    """
    rows: dict[int, list[Row]] = {}
    for listing in listings:
        for of_table, row in listing.records:
            if of_table == table and row["endpoint"] == listing.endpoint.name:
                rows.setdefault(raw_tables.table(table).hour_of(row), []).append(row)
    landed = 0
    for hour, found in sorted(rows.items()):
        of_hour = _as_first_seen(settings, table, hour, name, found)
        keep = _keeper(table, set(), of_hour)
        landing.replace(settings, table, hour, name, of_hour.values(), keep=keep)
        landed += len(of_hour)
    return landed


def _as_first_seen(
    settings: Settings, table: str, hour: int, name: str, rows: Iterable[Row]
) -> dict[tuple[Any, ...], Row]:
    """Rows by key; one that says what it said before keeps the reply that showed it first.

    Some venues put their time into every reply: without this, asking again would change evidence.
    """
    before = {_key(table, row): row for row in landing.read(settings, table, hour, name)}
    found = {}
    for row in rows:
        key = _key(table, row)
        old = before.get(key)
        is_same = old is not None and {**old, "reply_sha256": row["reply_sha256"]} == row
        found[key] = old if old is not None and is_same else row
    return found


def _keeper(table: str, gone: set[str], new: dict[tuple[Any, ...], Row]) -> Callable[[Row], bool]:
    """Old rows stay unless their owner's are replaced or a newer version of the row is at hand."""

    def keep(row: Row) -> bool:
        owner = row["inst_id"] if table == CANDLES else row["account_id"]
        return owner not in gone and not (new and _key(table, row) in new)

    return keep


def _key(table: str, row: Row) -> tuple[Any, ...]:
    return (row.get("account_id"), row["inst_id"], *(row[column] for column in KEYS[table]))


def _reply_key(row: Row) -> tuple[Any, ...]:
    return row["sha256"], row["account_id"], row["endpoint"], row["request"], row["http_status"]


def _value(value: Any, is_text: bool) -> Any:
    if value is None or not is_text or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
