"""One account's books at the venue: every trade as rows in OKX's own wire format.

Orders, fills, bills and positions-history come from one place, so that they agree to 1e-8.
Field sets follow an authentic record. Funding is not simulated (its fields say 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded import wire
from leverageguard.simulator.seeded.margin import (
    MAKER_FEE,
    MONEY_STEP,
    TAKER_FEE,
    Fill,
    margin_of,
)
from leverageguard.simulator.seeded.market import Symbol
from leverageguard.simulator.seeded.wire import Ids, text

EXACT = Decimal("1E-16")


@dataclass(frozen=True)
class CloseKind:
    """The venue's markers of a way to close; sub types for long, short, net sell, net buy."""

    category: str
    bill_type: str
    position_type: str
    sub_types: tuple[str, str, str, str]

    @property
    def is_forced(self) -> bool:
        """True when the venue, not the trader, closes."""
        return self.category != "normal"


OWN = CloseKind("normal", "2", "2", ("5", "6", "2", "1"))
FULL = CloseKind("full_liquidation", "5", "3", ("104", "105", "107", "106"))
PARTIAL = CloseKind("partial_liquidation", "5", "4", ("100", "101", "103", "102"))
TAKEOVER = CloseKind("full_liquidation", "5", "3", ("111", "110", "111", "110"))
ADL = CloseKind("adl", "9", "5", ("125", "126", "128", "127"))


@dataclass
class Position:
    """An open position: sums over its fills so far; money in USDT."""

    symbol: Symbol
    is_long: bool
    leverage: int
    opened_ms: int
    pos_id: str
    max_contracts: Decimal
    entry: Decimal
    contracts: Decimal = field(init=False)
    margin: Decimal = Decimal(0)
    margin_opened: Decimal = Decimal(0)
    open_fee: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    pnl: Decimal = Decimal(0)
    closed_value: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self.contracts = self.max_contracts

    @property
    def margin_per_coin(self) -> Decimal:
        """Margin left over the coins still held."""
        return self.margin / (self.contracts * self.symbol.contract_value)


@dataclass(frozen=True)
class Closed:
    """What one closing order did; money in USDT, `fee` negative when charged."""

    order_id: str
    at_ms: int
    contracts: Decimal
    pnl: Decimal
    fee: Decimal


class Book:
    """The rows of one account, in the order things happened to it."""

    def __init__(self, ids: Ids, is_net: bool, deposit: Decimal, at_ms: int) -> None:
        self.tables: dict[str, list[Row]] = {
            "orders": [], "fills": [], "bills": [], "positions": []
        }  # fmt: skip
        self._ids = ids
        self._is_net = is_net
        self._balance = Decimal(0)
        self._bill(wire.transfer_bill(ids.at(at_ms), at_ms), deposit)

    def open(
        self, symbol: Symbol, is_long: bool, leverage: int, fills: Sequence[Fill], at_ms: int,
        placed_ms: int | None = None,
    ) -> Position:  # fmt: skip
        """Open by one order; a `placed_ms` makes it a resting limit order (maker)."""
        contracts = sum((fill.contracts for fill in fills), Decimal(0))
        value = sum((fill.price * fill.contracts for fill in fills), Decimal(0))
        position = Position(
            symbol, is_long, leverage, at_ms, self._ids.at(at_ms), contracts, value / contracts
        )
        order = self._order(position, fills, is_long, at_ms, placed_ms or at_ms)
        sub_type = ("1" if is_long else "2") if self._is_net else ("3" if is_long else "4")
        rate = TAKER_FEE if placed_ms is None else MAKER_FEE
        for fill in fills:
            fee = -rate * fill.price * fill.contracts * symbol.contract_value
            margin = margin_of(symbol, fill, leverage)
            position.margin += margin
            position.fee += fee
            row = order | {"fee": text(fee), "execType": "M" if placed_ms else "T"}
            order["tradeId"] = self._execution(
                row, fill, sub_type, "2", Decimal(0), fee, margin, position.margin
            )
        position.margin_opened, position.open_fee = position.margin, position.fee
        order.update(fee=text(position.fee), ordType="limit" if placed_ms else "market")
        order["px"] = text(fills[0].price) if placed_ms else ""
        self.tables["orders"].append(wire.order(order))
        return position

    def add_margin(self, position: Position, amount: Decimal, at_ms: int) -> None:
        """Move `amount` USDT from the balance into the position's margin."""
        position.margin += amount
        row = wire.margin_bill(self._ids.at(at_ms), at_ms, position.symbol.inst_id)
        row.update(posBal=text(position.margin), posBalChg=text(amount), sz=text(amount))
        self._bill(row, -amount)

    def close(
        self, position: Position, kind: CloseKind, fills: Sequence[Fill], at_ms: int,
        mark: Decimal | None = None, client_id: str = "",
    ) -> Closed:  # fmt: skip
        """Close by one order; `mark` is the trigger of a forced close and what its fee is on."""
        order = self._order(position, fills, not position.is_long, at_ms, at_ms)
        order.update(category=kind.category, clOrdId=client_id)
        if kind.is_forced:
            order.update(ordType="limit", px=text(fills[0].price), stpMode="", execType="")
        sub_type = kind.sub_types[(2 if self._is_net else 0) + (0 if position.is_long else 1)]
        before = position.pnl, position.fee
        held, margin_held = position.contracts, position.margin
        for fill in fills:
            fee = (
                -TAKER_FEE * (mark or fill.price) * fill.contracts * position.symbol.contract_value
            )
            pnl = self._pnl(position, fill)
            released = (margin_held * fill.contracts / held).quantize(MONEY_STEP, ROUND_HALF_UP)
            position.contracts -= fill.contracts
            released = position.margin if not position.contracts else released
            position.margin -= released
            position.pnl += pnl
            position.fee += fee
            position.closed_value += fill.price * fill.contracts
            row = order | {"fee": text(fee)}
            trade_id = self._execution(
                row, fill, sub_type, kind.bill_type, pnl, fee, -released, position.margin
            )
            order["tradeId"] = "0" if kind.is_forced else trade_id
        pnl, fee = position.pnl - before[0], position.fee - before[1]
        order.update(pnl=text(pnl), fee=text(fee), reduceOnly="true")
        self.tables["orders"].append(wire.order(order))
        if kind.is_forced or not position.contracts:
            self._history(position, kind, at_ms, mark)
        return Closed(order["ordId"], at_ms, held - position.contracts, pnl, fee)

    def _pnl(self, position: Position, fill: Fill) -> Decimal:
        sign = 1 if position.is_long else -1
        coins = fill.contracts * position.symbol.contract_value
        return (sign * (fill.price - position.entry) * coins).quantize(MONEY_STEP, ROUND_HALF_UP)

    def _order(
        self, position: Position, fills: Sequence[Fill], is_buy: bool, at_ms: int, placed_ms: int
    ) -> Row:
        contracts = sum((fill.contracts for fill in fills), Decimal(0))
        value = sum((fill.price * fill.contracts for fill in fills), Decimal(0))
        side = "long" if position.is_long else "short"
        return {
            "instId": position.symbol.inst_id,
            "ordId": self._ids.at(placed_ms),
            "clOrdId": "",
            "category": "normal",
            "side": "buy" if is_buy else "sell",
            "posSide": "net" if self._is_net else side,
            "lever": f"{position.leverage}.0",
            "ordType": "market",
            "px": "",
            "stpMode": "cancel_maker",
            "sz": text(contracts),
            "accFillSz": text(contracts),
            "avgPx": text((value / contracts).quantize(EXACT)),
            "fillPx": text(fills[-1].price),
            "fillSz": text(fills[-1].contracts),
            "fillTime": str(at_ms),
            "cTime": str(placed_ms),
            "uTime": str(at_ms),
            "pnl": "0",
            "reduceOnly": "false",
            "execType": "T",
        }

    def _execution(
        self, order: Row, fill: Fill, sub_type: str, bill_type: str,
        pnl: Decimal, fee: Decimal, margin_change: Decimal, margin: Decimal,
    ) -> str:  # fmt: skip
        """One fill and its bill, under one bill id; returns the trade id."""
        at_ms = int(order["fillTime"])
        is_forced = bill_type != "2"
        shared = order | {
            "billId": self._ids.at(at_ms),
            "tradeId": self._ids.trade(is_forced),
            "subType": sub_type,
            "fillPx": text(fill.price),
            "fillSz": text(fill.contracts),
            "fillPnl": text(pnl),
            "mark": "" if is_forced else text(fill.price),
        }
        self.tables["fills"].append(wire.fill(shared))
        row = wire.trade_bill(shared, bill_type)
        row.update(posBal=text(margin), posBalChg=text(margin_change))
        self._bill(row, pnl + fee - margin_change)
        return str(shared["tradeId"])

    def _bill(self, row: Row, change: Decimal) -> None:
        self._balance += change
        self.tables["bills"].append(row | {"bal": text(self._balance), "balChg": text(change)})

    def _history(
        self, position: Position, kind: CloseKind, at_ms: int, mark: Decimal | None
    ) -> None:
        closed = position.max_contracts - position.contracts
        side = "long" if position.is_long else "short"
        realized = position.pnl + position.fee
        row = {
            "cTime": str(position.opened_ms),
            "uTime": str(at_ms),
            "posId": position.pos_id,
            "instId": position.symbol.inst_id,
            "uly": position.symbol.underlying,
            "direction": side,
            "posSide": "net" if self._is_net else side,
            "lever": f"{position.leverage}.0",
            "type": kind.position_type,
            "openAvgPx": text(position.entry.quantize(EXACT)),
            "closeAvgPx": text((position.closed_value / closed).quantize(EXACT)),
            "openMaxPos": text(position.max_contracts),
            "closeTotalPos": text(closed),
            "pnl": text(position.pnl),
            "fee": text(position.fee),
            "realizedPnl": text(realized),
            "pnlRatio": text((realized / position.margin_opened).quantize(EXACT)),
            "triggerPx": text(mark) if kind.is_forced and mark is not None else "",
        }
        self.tables["positions"].append(wire.position(row))
