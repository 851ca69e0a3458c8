"""What an account did, free of any venue: a venue's twin writes these in its own wire format.

Times are epoch milliseconds, money and prices are in the quote currency (USDT or USDC), sizes in
contracts of the symbol. Ids are decimal text that grows with time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from leverageguard.simulator.seeded.market import Symbol

Kind = Literal["own", "full", "partial", "takeover", "adl"]


@dataclass(frozen=True)
class Execution:
    """One fill; `fee` is negative when charged, `margin_change` negative when released.

    `entry_id` is the id of its ledger entry, where a venue keeps one beside the trade's.
    """

    trade_id: str
    at_ms: int
    price: Decimal
    contracts: Decimal
    pnl: Decimal
    fee: Decimal
    margin_change: Decimal
    margin_after: Decimal
    is_maker: bool = False
    entry_id: str = ""


@dataclass(frozen=True)
class OrderRecord:
    """One filled order; `trigger` is the mark price that set off a forced close."""

    order_id: str
    symbol: Symbol
    is_buy: bool
    is_long: bool
    is_net: bool
    is_opening: bool
    leverage: int
    kind: Kind
    placed_ms: int
    filled_ms: int
    fills: tuple[Execution, ...]
    client_id: str = ""
    limit_price: Decimal | None = None
    trigger: Decimal | None = None
    is_isolated: bool = True

    @property
    def contracts(self) -> Decimal:
        """Contracts filled."""
        return sum((fill.contracts for fill in self.fills), Decimal(0))

    @property
    def average_price(self) -> Decimal:
        """Mean price by size, unrounded."""
        value = sum((fill.price * fill.contracts for fill in self.fills), Decimal(0))
        return value / self.contracts

    @property
    def pnl(self) -> Decimal:
        """Profit of the closing fills, before fees."""
        return sum((fill.pnl for fill in self.fills), Decimal(0))

    @property
    def fee(self) -> Decimal:
        """Fees of the fills, negative when charged."""
        return sum((fill.fee for fill in self.fills), Decimal(0))


@dataclass(frozen=True)
class MarginMove:
    """Margin of an isolated position changed by hand; `amount` is negative when withdrawn."""

    entry_id: str
    at_ms: int
    symbol: Symbol
    is_long: bool
    is_net: bool
    amount: Decimal
    margin_after: Decimal


@dataclass(frozen=True)
class Transfer:
    """Money moved into (or, negative, out of) the account."""

    entry_id: str
    at_ms: int
    amount: Decimal


@dataclass(frozen=True)
class CloseRecord:
    """A position's history row: written at a forced close and when the position ends.

    Sizes and money are sums since the opening, so a later row of one position repeats them.
    """

    position_id: str
    order_id: str
    symbol: Symbol
    is_long: bool
    is_net: bool
    leverage: int
    kind: Kind
    opened_ms: int
    at_ms: int
    entry: Decimal
    close_average: Decimal
    max_contracts: Decimal
    closed_contracts: Decimal
    pnl: Decimal
    fee: Decimal
    margin_opened: Decimal
    trigger: Decimal | None
    is_isolated: bool = True


@dataclass(frozen=True)
class Stop:
    """A reduce-only stop order that was cancelled before it triggered."""

    stop_id: str
    symbol: Symbol
    is_long: bool
    is_net: bool
    trigger: Decimal
    contracts: Decimal
    placed_ms: int
    cancelled_ms: int


@dataclass(frozen=True)
class Setting:
    """The leverage and margin mode the account has set for a symbol."""

    symbol: Symbol
    leverage: int
    is_isolated: bool = True


@dataclass
class Records:
    """Everything one account did, each list in the order it happened.

    `uid` is the account's, for venues whose rows name it.
    """

    orders: list[OrderRecord] = field(default_factory=list)
    margin_moves: list[MarginMove] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    closes: list[CloseRecord] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    settings: dict[str, Setting] = field(default_factory=dict)
    uid: str = ""
