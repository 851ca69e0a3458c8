"""The pool's confirmed events → raw/chain, one file an hour of block time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from leverageguard import clock, config
from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement import event_rows, every_chain
from leverageguard.settlement.blocks import BlockTimes
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.warehouse import landing, lock
from leverageguard.warehouse.raw_tables import HOUR_MS

WINDOWS_TABLE = "chain/fetch_windows"


def chain_ids() -> list[int]:
    """The chains to read, as configured."""
    return [chain.chain_id for chain in config.load().chains]


def land(window_start: str, window_end: str, chain_id: int | None = None) -> dict[str, int]:
    """Land the hours the half-open ISO window touches, of one chain or all; rows per table.

    Only blocks with enough confirmations are read; an hour is complete when such a block lies at
    or after its end. Landing again replaces the hours. Of several chains each has its turn before
    ChainsFailed names those that could not be read.
    """
    settings = config.load()
    first = _milliseconds(window_start) // HOUR_MS * HOUR_MS
    last = -(-_milliseconds(window_end) // HOUR_MS) * HOUR_MS
    hours = range(first, last, HOUR_MS)

    def land_one(on: Settings) -> dict[str, int]:
        return land_hours(on, chains.connect(on), hours)

    if chain_id is not None:
        return land_one(settings.on_chain(chain_id))
    return every_chain.summed(settings, land_one)


def land_missing(settings: Settings, since_ms: int) -> dict[str, int]:
    """Land every chain's hours from then until now that are not complete; rows per table.

    Raises as `land` does, after each chain had its turn.
    """
    first, now_ms = since_ms - since_ms % HOUR_MS, clock.now_ms()
    hours = range(first, now_ms, HOUR_MS)

    def land_one(on: Settings) -> dict[str, int]:
        rows = landing.scan(on, WINDOWS_TABLE, where={"chain_id": [on.chain_id]}, hours=hours)
        complete = {row["window_from_ms"] for row in rows if row["is_complete"]}
        open_ = [hour for hour in hours if hour not in complete]
        return land_hours(on, chains.connect(on), open_)

    return every_chain.summed(settings, land_one)


def land_hours(settings: Settings, chain: Chain, hours: Sequence[int]) -> dict[str, int]:
    """Land whole hours, given as ascending starts in epoch ms; rows landed per table.

    One at a time does it: what was read earlier must not replace what was read later.
    """
    if not hours:
        return _no_rows()
    with lock.exclusive(settings, f"chain-{settings.chain_id}"):
        return _land_hours(settings, chain, hours)


def _no_rows() -> dict[str, int]:
    return dict.fromkeys([*event_rows.TABLES.values(), WINDOWS_TABLE], 0)


def _land_hours(settings: Settings, chain: Chain, hours: Sequence[int]) -> dict[str, int]:
    counts = _no_rows()
    pool = chain.pool()
    _let_the_world_confirm(chain, min(hours[-1] + HOUR_MS, clock.now_ms()))
    times = BlockTimes(chain, settings.deployment().deployed_block)
    for hour in hours:
        first, last = times.blocks_between(hour // 1000, (hour + HOUR_MS) // 1000)
        rows: dict[str, list[dict[str, Any]]] = {table: [] for table in counts}
        for table, row in _event_rows(chain, pool, times, first, last):
            rows[table].append(row)
        rows[WINDOWS_TABLE].append(
            {
                "chain_id": settings.chain_id,
                "pool": pool.address.lower(),
                "window_from_ms": hour,
                "window_to_ms": hour + HOUR_MS,
                "from_block": first,
                "to_block": last,
                "head_block": times.confirmed,
                "is_complete": times.reaches((hour + HOUR_MS) // 1000),
                "fetched_at_ms": clock.now_ms(),
            }
        )
        for table, content in rows.items():
            name = landing.of_chain(settings.chain_id)
            counts[table] += landing.replace(settings, table, hour, name, content)
    return counts


def _event_rows(
    chain: Chain, pool: Pool, times: BlockTimes, first: int, last: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    logs = list(chain.logs(pool.address, [pool.topics()], first, last))
    plain = event_rows.plain_transfers(chain, pool, first, last, logs)
    for event in [*(pool.decode(log) for log in logs), *plain]:
        time_ms = times.at(event.block_number).timestamp * 1000
        yield from event_rows.rows(chain, pool, event, time_ms)


def _let_the_world_confirm(chain: Chain, until_ms: int) -> None:
    """A simulated chain stands still while nobody sends: mine what confirms the past."""
    if clock.is_simulated() and chain.head().timestamp * 1000 < until_ms:
        chain.mine(chain.settings.confirmations + 1)


def _milliseconds(iso: str) -> int:
    at = datetime.fromisoformat(iso)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(at.timestamp()) * 1000
