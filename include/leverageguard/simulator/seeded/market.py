"""Mark prices: one-minute candles of a few symbols with fat tails, jumps and a common factor.

Prices are whole ticks inside this module's candles, so that touching a price is exact.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from leverageguard.simulator.venue import Candle

MINUTE_MS = 60_000
FACTOR_SIGMA = 0.0008
OWN_SIGMA = 0.0005
TAIL_FREEDOM = 3
OWN_JUMP_PER_MINUTE = 1 / 700
COMMON_JUMPS = (-0.042, 0.036, -0.028, 0.031)
WICK = 0.45
# How far a venue's price strays from the common one: a slow walk of 0.01 %, never over 0.04 %.
BASIS_SIGMA, BASIS_MEMORY, BASIS_MOST = 0.00003, 0.95, 0.0004
# Whole USDT a minute; the largest position of the seeded world is under 100,000.
LEAST_VOLUME, MORE_VOLUME = 4_000_000, 3_000_000
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


class Minute(NamedTuple):
    """One minute's prices in ticks."""

    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True)
class Path:
    """The candles of one symbol; index = minutes since `start_ms`, prices in ticks.

    `volumes` are the quote currency's whole units traded in each minute.
    """

    symbol: Symbol
    start_ms: int
    opens: tuple[int, ...]
    highs: tuple[int, ...]
    lows: tuple[int, ...]
    closes: tuple[int, ...]
    volumes: tuple[int, ...] = ()

    def first_touch(self, ticks: int, is_falling: bool, begin: int, end: int) -> int | None:
        """The first minute of [begin, end) whose candle reaches `ticks` from the other side."""
        if is_falling:
            return next((i for i in range(begin, end) if self.lows[i] <= ticks), None)
        return next((i for i in range(begin, end) if self.highs[i] >= ticks), None)

    def candle(self, minute: int) -> Candle:
        """A minute as a candle in the quote currency."""
        row = (self.opens[minute], self.highs[minute], self.lows[minute], self.closes[minute])
        first, high, low, last = (self.symbol.price(ticks) for ticks in row)
        at_ms = self.start_ms + minute * MINUTE_MS
        return Candle(at_ms, first, high, low, last, Decimal(self.volumes[minute]))

    def pierced(self, minute: int, ticks: int) -> Path:
        """The same minutes, but for a wick of one of them that reaches `ticks`."""
        highs, lows = list(self.highs), list(self.lows)
        highs[minute], lows[minute] = max(highs[minute], ticks), min(lows[minute], ticks)
        return replace(self, highs=tuple(highs), lows=tuple(lows))

    def thinned(self, minute: int, volume: int) -> Path:
        """The same minutes, but for the volume of one of them."""
        volumes = list(self.volumes)
        volumes[minute] = volume
        return replace(self, volumes=tuple(volumes))


def paths(
    seed: int, start_ms: int, minutes: int, listings: Mapping[str, Iterable[Symbol]]
) -> dict[str, dict[str, Path]]:
    """The prices of every venue's symbols, by venue and instrument; a seed gives the same ones.

    A coin has one price everywhere, but for a basis of a few hundredths of a percent.
    """
    rng = random.Random(f"market {seed}")
    factor = [FACTOR_SIGMA * _fat(rng) for _ in range(minutes)]
    _add_jumps(rng, factor)
    walks = {name: _walk(rng, coin, factor) for name, coin in COINS.items()}
    return {
        venue: {
            symbol.inst_id: _listed_path(f"{seed} {venue}", symbol, start_ms, walks[symbol.coin])
            for symbol in symbols
        }
        for venue, symbols in listings.items()
    }


def continued(
    seed: int, paths: Mapping[str, Mapping[str, Path]], minutes: int
) -> dict[str, dict[str, Path]]:
    """The same prices and, after them, further ones; what was there stays as it is."""
    rng = random.Random(f"market {seed} continued")
    factor = [FACTOR_SIGMA * _fat(rng) for _ in range(minutes)]
    _add_jumps(rng, factor)
    first = next(iter(paths.values()))
    last = {path.symbol.coin: path.symbol.price(path.closes[-1]) for path in first.values()}
    walks = {
        name: _walk(rng, replace(COINS[name], first_price=str(price)), factor)
        for name, price in last.items()
    }
    return {
        venue: {
            inst_id: _extended(f"{seed} {venue} continued", path, walks[path.symbol.coin])
            for inst_id, path in of_venue.items()
        }
        for venue, of_venue in paths.items()
    }


def _extended(label: str, path: Path, walk: list[Minute]) -> Path:
    """A path and the further minutes of its coin, opening where it closed."""
    symbol = path.symbol
    common = walk[0].open * COINS[symbol.coin].tick
    basis = float(symbol.price(path.closes[-1]) / common) - 1
    more = _listed_path(label, symbol, path.start_ms, walk, basis)
    return replace(
        path,
        opens=path.opens + more.opens,
        highs=path.highs + more.highs,
        lows=path.lows + more.lows,
        closes=path.closes + more.closes,
        volumes=path.volumes + more.volumes,
    )


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


def _walk(rng: random.Random, coin: Coin, factor: list[float]) -> list[Minute]:
    """A coin's minutes in its ticks, each opening where the one before closed."""
    price = round(Decimal(coin.first_price) / coin.tick)
    minutes = []
    for common in factor:
        move = coin.beta * common + OWN_SIGMA * _fat(rng)
        if rng.random() < OWN_JUMP_PER_MINUTE:
            move += rng.choice((-1, 1)) * rng.uniform(0.008, 0.02)
        close = max(1, round(price * math.exp(move)))
        wick = WICK * FACTOR_SIGMA * coin.beta * price
        high = max(price, close) + int(abs(rng.gauss(0, wick)))
        low = max(1, min(price, close) - int(abs(rng.gauss(0, wick))))
        minutes.append(Minute(price, high, low, close))
        price = close
    return minutes


def _listed_path(
    label: str, symbol: Symbol, start_ms: int, walk: list[Minute], before: float = 0.0
) -> Path:
    """A coin's minutes as one venue shows them: its own basis (at first `before`), tick, volume."""
    rng = random.Random(f"listing {label} {symbol.inst_id}")
    ratio = float(COINS[symbol.coin].tick / symbol.tick)
    shown, volumes = [], []
    for minute in walk:
        basis = BASIS_MEMORY * before + rng.gauss(0, BASIS_SIGMA)
        basis = max(-BASIS_MOST, min(BASIS_MOST, basis))
        first, last = ratio * (1 + before), ratio * (1 + basis)
        open_, close = round(minute.open * first), round(minute.close * last)
        high = max(open_, close, round(minute.high * max(first, last)))
        low = max(1, min(open_, close, round(minute.low * min(first, last))))
        shown.append((open_, high, low, close))
        volumes.append(LEAST_VOLUME + round(MORE_VOLUME * rng.lognormvariate(0, 0.8)))
        before = basis
    opens, highs, lows, closes = zip(*shown, strict=True)
    return Path(symbol, start_ms, opens, highs, lows, closes, tuple(volumes))
