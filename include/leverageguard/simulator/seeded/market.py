"""Mark prices: one-minute candles of a few symbols with fat tails, jumps and a common factor.

Prices are whole ticks inside this module's candles, so that touching a price is exact.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

MINUTE_MS = 60_000
FACTOR_SIGMA = 0.0008
OWN_SIGMA = 0.0005
TAIL_FREEDOM = 3
OWN_JUMP_PER_MINUTE = 1 / 700
COMMON_JUMPS = (-0.042, 0.036, -0.028, 0.031)
WICK = 0.45
COIN = re.compile(r"[-_]|(?<=[A-Z0-9]{2})USD")


@dataclass(frozen=True)
class Symbol:
    """A linear perpetual: contract value in its coin, price tick, size lot, and how it moves."""

    inst_id: str
    code: int
    contract_value: Decimal
    tick: Decimal
    lot: Decimal
    max_leverage: int
    first_price: str
    beta: float
    listed_ms: int

    @property
    def coin(self) -> str:
        """The coin of the contract value, from BTC-USDT-SWAP, BTCUSDT, BTC_USDT or BTC."""
        return COIN.split(self.inst_id, maxsplit=1)[0]

    def price(self, ticks: int) -> Decimal:
        """The price of a whole number of ticks."""
        return ticks * self.tick


@dataclass(frozen=True)
class Coin:
    """What a coin's price does, whatever venue trades it: its tick, first price and beta."""

    tick: Decimal
    first_price: str
    beta: float


COINS = {
    "BTC": Coin(Decimal("0.1"), "91240.3", 1.0),
    "ETH": Coin(Decimal("0.01"), "3148.62", 1.25),
    "SOL": Coin(Decimal("0.01"), "134.81", 1.5),
    "XRP": Coin(Decimal("0.0001"), "2.0873", 1.3),
    "DOGE": Coin(Decimal("0.00001"), "0.14236", 1.6),
}


def listed(
    coin: str, inst_id: str, contract_value: str, lot: str, max_leverage: int,
    listed_ms: int, code: int = 0,
) -> Symbol:  # fmt: skip
    """A coin's perpetual as one venue lists it, on the coin's shared tick and price."""
    of = COINS[coin]
    value, step = Decimal(contract_value), Decimal(lot)
    return Symbol(
        inst_id, code, value, of.tick, step, max_leverage, of.first_price, of.beta, listed_ms
    )


@dataclass(frozen=True)
class Path:
    """The mark candles of one symbol; index = minutes since `start_ms`, values in ticks."""

    symbol: Symbol
    start_ms: int
    opens: tuple[int, ...]
    highs: tuple[int, ...]
    lows: tuple[int, ...]
    closes: tuple[int, ...]

    def first_touch(self, ticks: int, is_falling: bool, begin: int, end: int) -> int | None:
        """The first minute of [begin, end) whose candle reaches `ticks` from the other side."""
        if is_falling:
            return next((i for i in range(begin, end) if self.lows[i] <= ticks), None)
        return next((i for i in range(begin, end) if self.highs[i] >= ticks), None)

    def candle(self, minute: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Open, high, low and close of a minute."""
        row = (self.opens[minute], self.highs[minute], self.lows[minute], self.closes[minute])
        first, high, low, last = (self.symbol.price(ticks) for ticks in row)
        return first, high, low, last


def paths(seed: int, start_ms: int, minutes: int, symbols: Mapping[str, Symbol]) -> dict[str, Path]:
    """One path a coin; the same seed gives the same paths."""
    rng = random.Random(f"market {seed}")
    factor = [FACTOR_SIGMA * _fat(rng) for _ in range(minutes)]
    _add_jumps(rng, factor)
    return {coin: _path(rng, symbol, start_ms, factor) for coin, symbol in symbols.items()}


def _fat(rng: random.Random) -> float:
    """A Student t draw (3 degrees of freedom) scaled to unit variance."""
    chi = sum(rng.gauss(0, 1) ** 2 for _ in range(TAIL_FREEDOM))
    return rng.gauss(0, 1) / math.sqrt(chi / TAIL_FREEDOM) / math.sqrt(3)


def _add_jumps(rng: random.Random, factor: list[float]) -> None:
    """Spread each common jump over a few minutes of its own part of the day."""
    part = len(factor) // (len(COMMON_JUMPS) + 1)
    for number, size in enumerate(COMMON_JUMPS):
        first = part * (number + 1) + rng.randrange(-part // 4, part // 4)
        length = rng.randint(3, 8)
        for minute in range(first, first + length):
            factor[minute] += size / length


def _path(rng: random.Random, symbol: Symbol, start_ms: int, factor: list[float]) -> Path:
    price = round(Decimal(symbol.first_price) / symbol.tick)
    opens, highs, lows, closes = [], [], [], []
    for common in factor:
        move = symbol.beta * common + OWN_SIGMA * _fat(rng)
        if rng.random() < OWN_JUMP_PER_MINUTE:
            move += rng.choice((-1, 1)) * rng.uniform(0.008, 0.02)
        close = max(1, round(price * math.exp(move)))
        wick = WICK * FACTOR_SIGMA * symbol.beta * price
        opens.append(price)
        closes.append(close)
        highs.append(max(price, close) + int(abs(rng.gauss(0, wick))))
        lows.append(max(1, min(price, close) - int(abs(rng.gauss(0, wick)))))
        price = close
    return Path(symbol, start_ms, tuple(opens), tuple(highs), tuple(lows), tuple(closes))
