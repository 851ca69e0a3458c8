"""What gas cost in USDC: the coin's mark price of the block's minute, never another minute's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import ROUND_CEILING, Decimal
from typing import Any

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

COIN = "ETH"  # what gas is paid in on every chain there is a block for in chains.example.toml
CANDLES = "exchanges/candles"
MINUTE_MS = 60_000
_WEI_OF_MICRO = Decimal(10) ** 12


def of_minutes(settings: Settings, instants_ms: Iterable[int]) -> dict[int, Decimal]:
    """The coin's price in USD at each minute (start, epoch ms) of these instants that has one.

    It is the closing price of the final mark candle, of several venues the dearest: an expense is
    never put too low. A USDT is taken for a USDC.
    """
    minutes = {at - at % MINUTE_MS for at in instants_ms}
    hours = sorted({at - at % HOUR_MS for at in minutes})
    markets = _markets(settings)
    names = ["exchange", "inst_id", "minute_at_ms", "close_price"]
    where: dict[str, Collection[Any]] = {
        "kind": ["mark"],
        "is_final": [True],
        "minute_at_ms": sorted(minutes),
        "inst_id": sorted(inst_id for _, inst_id in markets),
    }
    found: dict[int, Decimal] = {}
    for row in landing.scan(settings, CANDLES, names, where, hours) if minutes else ():
        if (row["exchange"], row["inst_id"]) in markets:
            price = Decimal(row["close_price"])
            at = row["minute_at_ms"]
            found[at] = max(found.get(at, price), price)
    return found


def cost_micro_usdc(gas_used: int, price_wei: int, coin_usd: Decimal) -> int:
    """Gas at a price in wei and a coin at a price in USD as micro-USDC, rounded up."""
    if coin_usd <= 0:
        raise ValueError(f"{COIN} at {coin_usd} is no price")
    cost = Decimal(gas_used) * Decimal(price_wei) * coin_usd / _WEI_OF_MICRO
    return int(cost.to_integral_value(ROUND_CEILING))


def _markets(settings: Settings) -> set[tuple[str, str]]:
    rows = seeds.rows(settings, "sold_instruments")
    return {(row["exchange"], row["inst_id"]) for row in rows if row["base_asset"] == COIN}
