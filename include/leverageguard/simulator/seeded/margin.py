"""Isolated margin of a linear perpetual: when a position is liquidated and at what price.

The exchange's published formulas: liquidation price from margin, maintenance rate and taker
fee; the fee is charged at the mark price of the trigger; the fill is at the bankruptcy price,
where margin and loss with fee are equal, rounded to the tick in the trader's favour.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from leverageguard.simulator.seeded.market import Path, Symbol

TAKER_FEE = Decimal("0.0005")
MAKER_FEE = Decimal("0.0002")
TIER_1_NOTIONAL = Decimal(50_000)
TIER_1_MAINTENANCE = Decimal("0.004")
TIER_2_MAINTENANCE = Decimal("0.0065")
MONEY_STEP = Decimal("0.00000001")


class Fill(NamedTuple):
    """Price (USDT) and contracts of one execution."""

    price: Decimal
    contracts: Decimal


@dataclass(frozen=True)
class Setup:
    """A position to be opened in `minute` (of the path) by these fills."""

    path: Path
    is_long: bool
    leverage: int
    minute: int
    fills: tuple[Fill, ...]

    @property
    def symbol(self) -> Symbol:
        """What is traded."""
        return self.path.symbol

    @property
    def contracts(self) -> Decimal:
        """The size."""
        return sum((fill.contracts for fill in self.fills), Decimal(0))

    @property
    def entry(self) -> Decimal:
        """The average price, USDT."""
        value = sum((fill.price * fill.contracts for fill in self.fills), Decimal(0))
        return value / self.contracts

    @property
    def notional(self) -> Decimal:
        """Its value at entry, USDT."""
        return self.entry * self.contracts * self.symbol.contract_value

    @property
    def margin(self) -> Decimal:
        """USDT locked by the opening fills."""
        return sum((margin_of(self.symbol, f, self.leverage) for f in self.fills), Decimal(0))

    def trigger(self, maintenance: Decimal, added: Decimal = Decimal(0)) -> int:
        """The mark price (ticks) at which it is liquidated, with `added` USDT of more margin."""
        per_coin = (self.margin + added) / (self.contracts * self.symbol.contract_value)
        sign = 1 if self.is_long else -1
        price = (self.entry - sign * per_coin) / (1 - sign * (maintenance + TAKER_FEE))
        rounding = ROUND_FLOOR if self.is_long else ROUND_CEILING
        return int((price / self.symbol.tick).to_integral_value(rounding))

    @property
    def maintenance(self) -> Decimal:
        """The maintenance rate of the tier of its notional at entry."""
        return TIER_1_MAINTENANCE if self.notional <= TIER_1_NOTIONAL else TIER_2_MAINTENANCE


def sized(
    path: Path, is_long: bool, leverage: int, margin: Decimal, minute: int, fill_count: int
) -> Setup:
    """A setup of about `margin` USDT, filled inside that minute's candle, a tick apart."""
    symbol = path.symbol
    middle = middle_ticks(path, minute)
    per_contract = symbol.price(middle) * symbol.contract_value / leverage
    lots = int((margin / per_contract / symbol.lot).to_integral_value(ROUND_DOWN))
    fills = tuple(
        Fill(symbol.price(within_candle(path, minute, middle + n)), part * symbol.lot)
        for n, part in enumerate(_parts(lots, fill_count))
    )
    return Setup(path, is_long, leverage, minute, fills)


def split(contracts: Decimal, lot: Decimal, count: int, price: Decimal) -> list[Fill]:
    """The size in at most `count` fills at one price."""
    lots = int(contracts / lot)
    return [Fill(price, part * lot) for part in _parts(lots, count)]


def _parts(lots: int, count: int) -> list[int]:
    parts = [lots // count] * (count - 1)
    return [part for part in (*parts, lots - sum(parts)) if part > 0]


def margin_of(symbol: Symbol, fill: Fill, leverage: int) -> Decimal:
    """USDT of margin one fill locks."""
    notional = fill.price * fill.contracts * symbol.contract_value
    return (notional / leverage).quantize(MONEY_STEP, ROUND_HALF_UP)


def bankruptcy_price(
    symbol: Symbol, is_long: bool, entry: Decimal, margin_per_coin: Decimal, mark: Decimal
) -> Decimal:
    """The price at which margin just pays loss and fee, to the tick in the trader's favour."""
    left = margin_per_coin - TAKER_FEE * mark
    price = entry - left if is_long else entry + left
    rounding = ROUND_CEILING if is_long else ROUND_FLOOR
    return (price / symbol.tick).to_integral_value(rounding) * symbol.tick


def middle_ticks(path: Path, minute: int) -> int:
    """A price the minute's candle surely traded at."""
    return (path.opens[minute] + path.closes[minute]) // 2


def within_candle(path: Path, minute: int, ticks: int) -> int:
    """The nearest price the minute's candle really showed."""
    return min(max(ticks, path.lows[minute]), path.highs[minute])
