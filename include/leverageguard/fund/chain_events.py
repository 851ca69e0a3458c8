"""What the landed hours of the chains show of the pools' money, and which hours were read whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from leverageguard.config import Settings
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

PURCHASES, CANCELLATIONS = "chain/policy_purchases", "chain/policy_cancellations"
DEPOSITS, WITHDRAWALS = "chain/deposits", "chain/withdrawals"
RECEIPTS, PAYOUTS, BATCHES = "chain/token_receipts", "chain/payouts", "chain/batch_settlements"
TABLES = (PURCHASES, CANCELLATIONS, DEPOSITS, WITHDRAWALS, RECEIPTS, PAYOUTS, BATCHES)
WINDOWS = "chain/fetch_windows"


@dataclass(frozen=True)
class Event:
    """One event in the block that shows it now; addresses and hashes in lower case."""

    table: str
    row: dict[str, Any]

    @property
    def chain_id(self) -> int:
        """The chain it is on."""
        return int(self.row["chain_id"])

    @property
    def at_ms(self) -> int:
        """Its block's time in epoch ms."""
        return int(self.row["block_time_ms"])

    @property
    def movement(self) -> str:
        """`chain id:transaction:log index`: the same in whichever block it is mined."""
        return f"{self.chain_id}:{self.row['tx_hash']}:{self.row['log_index']}"

    @property
    def source(self) -> str:
        """Its name in the books: mined again in a block of another time it is another event."""
        return f"{self.movement}@{self.at_ms}"


@dataclass(frozen=True)
class Landed:
    """Every event ever landed, of several readings the newest, and how its hours were read."""

    settings: Settings
    events: tuple[Event, ...]
    whole_hours: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    @cached_property
    def movements(self) -> frozenset[str]:
        """The movements that the chains show."""
        return frozenset(event.movement for event in self.events)

    def of(self, table: str) -> list[Event]:
        """One table's events."""
        return [event for event in self.events if event.table == table]

    def is_gone(self, table: str, source: str) -> bool:
        """Whether the chain shows an event of these tables otherwise than it was booked, or not.

        An hour that was read in part, or that has no file, says nothing.
        """
        movement, _, at = source.partition("@")
        if movement in self.movements:
            return True
        chain_id, hour = int(movement.split(":")[0]), int(at) - int(at) % HOUR_MS
        name = landing.of_chain(chain_id)
        has_file = landing.file_path(self.settings, table, hour, name).exists()
        return has_file and (chain_id, hour) in self.whole_hours


def read(settings: Settings) -> Landed:
    """All of it: events by block time and place in the chain."""
    found = [event for table in TABLES for event in newest(settings, table)]
    return Landed(settings, tuple(sorted(found, key=_place)), _whole_hours(settings))


def newest(settings: Settings, table: str) -> list[Event]:
    """Each event of a table once: of several readings of one the highest block's."""
    found: dict[tuple[int, str, int], dict[str, Any]] = {}
    for landed in landing.scan(settings, table):
        row = {name: _lower(value) for name, value in landed.items()}
        key = (row["chain_id"], row["tx_hash"], row["log_index"])
        if key not in found or _height(found[key]) < _height(row):
            found[key] = row
    return [Event(table, row) for row in found.values()]


def _whole_hours(settings: Settings) -> frozenset[tuple[int, int]]:
    newest: dict[tuple[int, int], tuple[int, bool]] = {}
    names = ["chain_id", "window_from_ms", "is_complete", "fetched_at_ms"]
    for row in landing.scan(settings, WINDOWS, names):
        key = (row["chain_id"], row["window_from_ms"])
        read_last = (row["fetched_at_ms"], row["is_complete"])
        newest[key] = max(newest.get(key, read_last), read_last)
    return frozenset(key for key, (_, is_complete) in newest.items() if is_complete)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _height(row: dict[str, Any]) -> tuple[int, str]:
    return row["block_number"], row["block_hash"]


def _place(event: Event) -> tuple[int, int, int, int, str]:
    row = event.row
    return event.at_ms, event.chain_id, row["block_number"], row["log_index"], event.table
