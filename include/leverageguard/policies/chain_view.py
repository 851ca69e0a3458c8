"""What the landed hours of the chains show of policies, and which of those hours were read when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

from leverageguard.config import Settings
from leverageguard.domain.policy import Cancellation, Purchase
from leverageguard.policies.payments import Payment
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

PURCHASES = "chain/policy_purchases"
CANCELLATIONS = "chain/policy_cancellations"
RECEIPTS = "chain/token_receipts"
_OF_RECEIPT = ("chain_id", "tx_hash", "log_index", "payer", "amount_micro_usdc", "at_ms")
_Seen = TypeVar("_Seen", Purchase, Cancellation)


@dataclass(frozen=True)
class Window:
    """One hour of blocks of one pool, as read last."""

    is_complete: bool
    fetched_at_ms: int


@dataclass(frozen=True)
class ChainView:
    """The newest landing: purchases and cancellations in chain order, and the hours read.

    `landed_files` are the (table, chain, hour) that have a file, whatever is in it.
    """

    chain_ids: tuple[int, ...]
    purchases: tuple[Purchase, ...]
    cancellations: tuple[Cancellation, ...]
    receipts: tuple[Payment, ...]
    windows: dict[tuple[int, str, int], Window]
    landed_files: frozenset[tuple[str, int, int]]

    @cached_property
    def purchases_of(self) -> dict[str, list[Purchase]]:
        """Purchases by quote, first bought first."""
        return _by_quote(self.purchases)

    @cached_property
    def cancellations_of(self) -> dict[str, list[Cancellation]]:
        """Cancellations by quote, first made first."""
        return _by_quote(self.cancellations)

    def is_lost(self, seen: Purchase | Cancellation, recorded_at_ms: int) -> bool:
        """True when the chain does not show it any more, and was looked at again.

        Either its transaction stands in a block of another time now, or the whole hour that held it
        was read again after it was recorded, and its file is there without it. A file that is
        missing, an hour not read again or read only in part say nothing.
        """
        is_purchase = isinstance(seen, Purchase)
        table = PURCHASES if is_purchase else CANCELLATIONS
        shown: Iterable[Purchase | Cancellation]
        shown = self.purchases if is_purchase else self.cancellations
        keys = {one.key for one in shown if one.tx_hash == seen.tx_hash}
        if keys:
            return seen.key not in keys
        hour = seen.at_ms - seen.at_ms % HOUR_MS
        window = self.windows.get((seen.chain_id, seen.pool, hour))
        if window is None or (table, seen.chain_id, hour) not in self.landed_files:
            return False
        return window.is_complete and window.fetched_at_ms > recorded_at_ms

    def read_until_ms(self, from_ms: int, chain_id: int | None) -> int:
        """Until when a chain, or every one, was read without a gap from an instant on."""
        hour = from_ms - from_ms % HOUR_MS
        of = self.chain_ids if chain_id is None else (chain_id,)
        return min(self._gap_after.get((each, hour), hour) for each in of)

    @cached_property
    def _gap_after(self) -> dict[tuple[int, int], int]:
        whole = {
            (chain, hour) for (chain, _, hour), each in self.windows.items() if each.is_complete
        }
        found: dict[tuple[int, int], int] = {}
        for chain_id, hour in sorted(whole, reverse=True):
            following = hour + HOUR_MS
            found[chain_id, hour] = found.get((chain_id, following), following)
        return found


def read(settings: Settings, from_ms: int, to_ms: int) -> ChainView:
    """All purchases and cancellations ever landed, and the windows of the hours in [from, to]."""
    hours = range(from_ms - from_ms % HOUR_MS, to_ms + 1, HOUR_MS)
    names = ["chain_id", "pool", "window_from_ms", "is_complete", "fetched_at_ms"]
    windows: dict[tuple[int, str, int], Window] = {}
    for row in landing.scan(settings, "chain/fetch_windows", names, hours=hours):
        key = (row["chain_id"], row["pool"].lower(), row["window_from_ms"])
        window = Window(row["is_complete"], row["fetched_at_ms"])
        if key not in windows or windows[key].fetched_at_ms <= window.fetched_at_ms:
            windows[key] = window
    chain_ids = tuple(chain.chain_id for chain in settings.chains)
    return ChainView(
        chain_ids,
        tuple(_shown(settings, PURCHASES, Purchase)),
        tuple(_shown(settings, CANCELLATIONS, Cancellation)),
        tuple(Payment(**row, quote_id=None) for row in _rows(settings, RECEIPTS, _OF_RECEIPT)),
        windows,
        frozenset(
            (table, chain_id, hour)
            for table in (PURCHASES, CANCELLATIONS)
            for chain_id in chain_ids
            for hour in hours
            if landing.file_path(settings, table, hour, landing.of_chain(chain_id)).exists()
        ),
    )


def _shown(settings: Settings, table: str, kind: type[_Seen]) -> list[_Seen]:
    names = [field.name for field in fields(kind)]
    return [kind(**row) for row in _rows(settings, table, names)]


def _rows(settings: Settings, table: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Events in the order of time and chain, of several readings of one the highest block's."""
    newest: dict[tuple[int, str, int], dict[str, Any]] = {}
    for landed in landing.scan(settings, table):
        row = {name: _lower(value) for name, value in landed.items()}
        row["at_ms"] = row["block_time_ms"]
        key = (row["chain_id"], row["tx_hash"], row["log_index"])
        if key not in newest or _height(newest[key]) < _height(row):
            newest[key] = row
    ordered = sorted(newest.values(), key=_place)
    return [{name: row[name] for name in names} for row in ordered]


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _height(row: dict[str, Any]) -> tuple[int, str]:
    return row["block_number"], row["block_hash"]


def _place(row: dict[str, Any]) -> tuple[int, int, int, int]:
    return row["block_time_ms"], row["chain_id"], row["block_number"], row["log_index"]


def _by_quote(shown: Iterable[_Seen]) -> dict[str, list[_Seen]]:
    found: dict[str, list[_Seen]] = {}
    for one in shown:
        found.setdefault(one.quote_id, []).append(one)
    return found
