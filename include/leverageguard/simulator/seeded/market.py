"""Mark prices: one-minute candles of a few symbols with fat tails, jumps and a common factor.

Prices are whole ticks inside this module's candles, so that touching a price is exact.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal

MINUTE_MS = 60_000
FACTOR_SIGMA = 0.0008
OWN_SIGMA = 0.0005
TAIL_FREEDOM = 3
OWN_JUMP_PER_MINUTE = 1 / 700
COMMON_JUMPS = (-0.042, 0.036, -0.028, 0.031)
WICK = 0.45


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
        """The coin of the contract value."""
        return self.inst_id.split("-")[0]

    @property
    def underlying(self) -> str:
        """The index the contract follows, BTC-USDT."""
        return self.inst_id.removesuffix("-SWAP")

    def price(self, ticks: int) -> Decimal:
        """The price of a whole number of ticks."""
        return ticks * self.tick


def _symbol(coin: str, code: int, sizes: str, leverage: int, beta: float, listed: int) -> Symbol:
    value, tick, lot, price = sizes.split()
    parts = (Decimal(value), Decimal(tick), Decimal(lot))
    return Symbol(f"{coin}-USDT-SWAP", code, *parts, leverage, price, beta, listed)


SYMBOLS = (
    _symbol("BTC", 10459, "0.01 0.1 0.01 91240.3", 100, 1.0, 1573557408000),
    _symbol("ETH", 10461, "0.1 0.01 0.01 3148.62", 100, 1.25, 1573557408000),
    _symbol("SOL", 10520, "1 0.01 0.01 134.81", 50, 1.5, 1611907688000),
    _symbol("XRP", 10463, "100 0.0001 0.01 2.0873", 50, 1.3, 1573557408000),
    _symbol("DOGE", 10498, "1000 0.00001 0.01 0.14236", 50, 1.6, 1611907686000),
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

    def wire_rows(self) -> list[list[str]]:
        """Rows as the venue sends them, oldest first."""
        columns = zip(self.opens, self.highs, self.lows, self.closes, strict=True)
        return [
            [str(self.start_ms + n * MINUTE_MS), *(str(self.symbol.price(p)) for p in row), "1"]
            for n, row in enumerate(columns)
        ]


def paths(seed: int, start_ms: int, minutes: int) -> dict[str, Path]:
    """One path a symbol, by instrument id; the same seed gives the same paths."""
    rng = random.Random(f"market {seed}")
    factor = [FACTOR_SIGMA * _fat(rng) for _ in range(minutes)]
    _add_jumps(rng, factor)
    return {symbol.inst_id: _path(rng, symbol, start_ms, factor) for symbol in SYMBOLS}


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
