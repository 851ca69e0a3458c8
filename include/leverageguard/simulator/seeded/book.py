"""One account's books: every trade, margin move, transfer, stop and setting as records.

Orders, fills, ledger and position history come from one place, so that they agree to 1e-8. What
a venue shows of them is its twin's business. Funding is not simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import (
    MAKER_FEE,
    MONEY_STEP,
    TAKER_FEE,
    Fill,
    margin_of,
)
from leverageguard.simulator.seeded.market import Symbol
from leverageguard.simulator.seeded.records import (
    CloseRecord,
    Execution,
    Kind,
    MarginMove,
    OrderRecord,
    Records,
    Setting,
    Stop,
    Transfer,
)

ZERO = Decimal(0)
OWN: Kind = "own"
FULL: Kind = "full"
PARTIAL: Kind = "partial"
TAKEOVER: Kind = "takeover"
ADL: Kind = "adl"


@dataclass
class Position:
    """An open position: sums over its fills so far; money in USDT.

    A cross position has no margin of its own: what it locks still tells its size and its loss.
    """

    symbol: Symbol
    is_long: bool
    leverage: int
    opened_ms: int
    pos_id: str
    is_isolated: bool = True
    max_contracts: Decimal = ZERO
    contracts: Decimal = ZERO
    entry: Decimal = ZERO
    margin: Decimal = ZERO
    margin_opened: Decimal = ZERO
    open_fee: Decimal = ZERO
    fee: Decimal = ZERO
    pnl: Decimal = ZERO
    closed_value: Decimal = ZERO

    @property
    def margin_per_coin(self) -> Decimal:
        """Margin left over the coins still held."""
        return self.margin / (self.contracts * self.symbol.contract_value)

    def take(self, fills: Sequence[Fill]) -> None:
        """Grow by these fills; the entry becomes the average by size."""
        value = self.entry * self.contracts
        value += sum((fill.price * fill.contracts for fill in fills), ZERO)
        self.contracts += sum((fill.contracts for fill in fills), ZERO)
        self.max_contracts = max(self.max_contracts, self.contracts)
        self.entry = value / self.contracts


@dataclass(frozen=True)
class Closed:
    """What one closing order did; money in USDT, `fee` negative when charged."""

    order_id: str
    at_ms: int
    contracts: Decimal
    pnl: Decimal
    fee: Decimal


@dataclass
class _Ticket:
    """An order being filled."""

    position: Position
    order_id: str
    is_opening: bool
    kind: Kind
    placed_ms: int
    at_ms: int
    fills: list[Execution] = field(default_factory=list)


class Book:
    """The records of one account, in the order things happened to it."""

    def __init__(self, ids: Ids, is_net: bool, deposit: Decimal, at_ms: int) -> None:
        self.records = Records()
        self._ids = ids
        self._is_net = is_net
        self.transfer(deposit, at_ms)

    def transfer(self, amount: Decimal, at_ms: int) -> None:
        """Move money into the account, or (negative) out of it."""
        self.records.transfers.append(Transfer(self._ids.at(at_ms), at_ms, amount))

    def set_leverage(self, symbol: Symbol, leverage: int, is_isolated: bool = True) -> None:
        """What the account has set for a symbol."""
        self.records.settings[symbol.inst_id] = Setting(symbol, leverage, is_isolated)

    def open(
        self, symbol: Symbol, is_long: bool, leverage: int, fills: Sequence[Fill], at_ms: int,
        placed_ms: int | None = None, is_isolated: bool = True,
    ) -> Position:  # fmt: skip
        """Open by one order; a `placed_ms` makes it a resting limit order (maker)."""
        self.set_leverage(symbol, leverage, is_isolated)
        position = Position(symbol, is_long, leverage, at_ms, self._ids.at(at_ms), is_isolated)
        self.add(position, fills, at_ms, placed_ms)
        return position

    def add(
        self, position: Position, fills: Sequence[Fill], at_ms: int, placed_ms: int | None = None
    ) -> None:
        """Add to a position by one order of the same side and leverage."""
        position.take(fills)
        ticket = _Ticket(
            position, self._ids.at(placed_ms or at_ms), True, OWN, placed_ms or at_ms, at_ms
        )
        rate = TAKER_FEE if placed_ms is None else MAKER_FEE
        for fill in fills:
            fee = -rate * fill.price * fill.contracts * position.symbol.contract_value
            margin = margin_of(position.symbol, fill, position.leverage)
            position.margin += margin
            position.margin_opened += margin
            position.open_fee += fee
            position.fee += fee
            self._execute(ticket, fill, ZERO, fee, margin, is_maker=placed_ms is not None)
        self._order(ticket, limit_price=fills[0].price if placed_ms else None)

    def add_margin(self, position: Position, amount: Decimal, at_ms: int) -> None:
        """Move `amount` USDT from the balance into the position's margin (negative: back)."""
        position.margin += amount
        self.records.margin_moves.append(
            MarginMove(
                self._ids.at(at_ms), at_ms, position.symbol, position.is_long, self._is_net,
                amount, position.margin,
            )
        )  # fmt: skip

    def cancelled_stop(
        self, position: Position, trigger: Decimal, placed_ms: int, cancelled_ms: int
    ) -> None:
        """A stop over the whole position that was placed and taken back."""
        self.records.stops.append(
            Stop(
                self._ids.at(placed_ms), position.symbol, position.is_long, self._is_net,
                trigger, position.contracts, placed_ms, cancelled_ms,
            )
        )  # fmt: skip

    def close(
        self, position: Position, kind: Kind, fills: Sequence[Fill], at_ms: int,
        mark: Decimal | None = None, client_id: str = "",
    ) -> Closed:  # fmt: skip
        """Close by one order; `mark` is the trigger of a forced close and what its fee is on."""
        ticket = _Ticket(position, self._ids.at(at_ms), False, kind, at_ms, at_ms)
        before = position.pnl, position.fee
        held, margin_held = position.contracts, position.margin
        for fill in fills:
            coins = fill.contracts * position.symbol.contract_value
            fee, pnl = -TAKER_FEE * (mark or fill.price) * coins, _pnl(position, fill)
            released = (margin_held * fill.contracts / held).quantize(MONEY_STEP, ROUND_HALF_UP)
            position.contracts -= fill.contracts
            released = position.margin if not position.contracts else released
            position.margin -= released
            position.pnl += pnl
            position.fee += fee
            position.closed_value += fill.price * fill.contracts
            self._execute(ticket, fill, pnl, fee, -released)
        is_forced = kind != OWN
        trigger = mark if is_forced else None
        self._order(ticket, fills[0].price if is_forced else None, client_id, trigger)
        if is_forced or not position.contracts:
            self._history(ticket, trigger)
        pnl, fee = position.pnl - before[0], position.fee - before[1]
        return Closed(ticket.order_id, at_ms, held - position.contracts, pnl, fee)

    def _execute(
        self, ticket: _Ticket, fill: Fill, pnl: Decimal, fee: Decimal, margin_change: Decimal,
        is_maker: bool = False,
    ) -> None:  # fmt: skip
        entry_id, trade_id = self._ids.at(ticket.at_ms), self._ids.trade()
        is_isolated = ticket.position.is_isolated
        ticket.fills.append(
            Execution(
                trade_id, ticket.at_ms, fill.price, fill.contracts, pnl, fee,
                margin_change if is_isolated else ZERO,
                ticket.position.margin if is_isolated else ZERO,
                is_maker, entry_id,
            )
        )  # fmt: skip

    def _order(
        self, ticket: _Ticket, limit_price: Decimal | None = None, client_id: str = "",
        trigger: Decimal | None = None,
    ) -> None:  # fmt: skip
        position = ticket.position
        self.records.orders.append(
            OrderRecord(
                order_id=ticket.order_id,
                symbol=position.symbol,
                is_buy=position.is_long == ticket.is_opening,
                is_long=position.is_long,
                is_net=self._is_net,
                is_opening=ticket.is_opening,
                leverage=position.leverage,
                kind=ticket.kind,
                placed_ms=ticket.placed_ms,
                filled_ms=ticket.at_ms,
                fills=tuple(ticket.fills),
                client_id=client_id,
                limit_price=limit_price,
                trigger=trigger,
                is_isolated=position.is_isolated,
            )
        )

    def _history(self, ticket: _Ticket, trigger: Decimal | None) -> None:
        position = ticket.position
        closed = position.max_contracts - position.contracts
        self.records.closes.append(
            CloseRecord(
                position_id=position.pos_id,
                order_id=ticket.order_id,
                symbol=position.symbol,
                is_long=position.is_long,
                is_net=self._is_net,
                leverage=position.leverage,
                kind=ticket.kind,
                opened_ms=position.opened_ms,
                at_ms=ticket.at_ms,
                entry=position.entry,
                close_average=position.closed_value / closed,
                max_contracts=position.max_contracts,
                closed_contracts=closed,
                pnl=position.pnl,
                fee=position.fee,
                margin_opened=position.margin_opened,
                trigger=trigger,
                is_isolated=position.is_isolated,
            )
        )


def _pnl(position: Position, fill: Fill) -> Decimal:
    sign = 1 if position.is_long else -1
    coins = fill.contracts * position.symbol.contract_value
    return (sign * (fill.price - position.entry) * coins).quantize(MONEY_STEP, ROUND_HALF_UP)
