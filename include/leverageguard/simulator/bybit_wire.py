"""An account's doings as Bybit v5 rows, in the field sets of the documentation.

A liquidated position is taken over by the venue at the price of its fill: full and takeover look
the same here, and their truth is a takeover. The margin mode is the account's, so one cross
position makes the account cross. Bybit writes no ledger entry for margin moved by hand, and one
row of closed P&L per closing order. Funding is not simulated.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.bybit_reference import STEP, account_row, position_rows
from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.records import (
    Execution,
    Kind,
    OrderRecord,
    Records,
    Stop,
    Transfer,
)
from leverageguard.simulator.wire_tools import blank, text

TABLES = ("orders", "executions", "transactions", "closed_pnl", "positions", "account")
CREATED_BY: dict[Kind, str] = {
    "own": "CreateByUser", "partial": "CreateByLiq", "full": "CreateByTakeOver_PassThrough",
    "takeover": "CreateByTakeOver_PassThrough", "adl": "CreateByAdl_PassThrough",
}  # fmt: skip
EXECUTED_AS: dict[Kind, str] = {
    "own": "Trade", "partial": "Trade", "full": "BustTrade", "takeover": "BustTrade",
    "adl": "AdlTrade",
}  # fmt: skip
LOGGED_AS: dict[Kind, str] = {
    "own": "TRADE", "partial": "LIQUIDATION", "full": "LIQUIDATION", "takeover": "LIQUIDATION",
    "adl": "ADL",
}  # fmt: skip


def encode(records: Records) -> dict[str, list[Row]]:
    """The rows of every table, oldest first."""
    orders = [*map(_order, records.orders), *map(_stop, records.stops)]
    is_net = any(order.is_net for order in records.orders)
    modes = [order.is_isolated for order in records.orders]
    modes += [setting.is_isolated for setting in records.settings.values()]
    mode = "ISOLATED_MARGIN" if all(modes) else "REGULAR_MARGIN"
    return {
        "orders": sorted(orders, key=lambda row: int(row["createdTime"])),
        "executions": [row for order in records.orders for row in _executions(order)],
        "transactions": _transactions(records),
        "closed_pnl": _closed_pnl(records.orders),
        "positions": [
            row for setting in records.settings.values() for row in position_rows(setting, is_net)
        ],
        "account": [account_row(mode)],
    }


def _index(item: OrderRecord | Stop) -> int:
    if item.is_net:
        return 0
    return 1 if item.is_long else 2


def _value(order: OrderRecord) -> Decimal:
    return sum((fill.price * fill.contracts for fill in order.fills), Decimal(0))


def _order(order: OrderRecord) -> Row:
    is_market = order.limit_price is None
    return {
        **blank("blockTradeId isLeverage orderIv stopOrderType takeProfit stopLoss tpslMode "
                "triggerPrice"),
        "avgPrice": text(order.average_price.quantize(STEP)),
        "cancelType": "UNKNOWN",
        "closeOnTrigger": False,
        "createType": CREATED_BY[order.kind],
        "createdTime": str(order.placed_ms),
        "cumExecFee": text(-order.fee),
        "cumExecQty": text(order.contracts),
        "cumExecValue": text(_value(order)),
        "leavesQty": "0",
        "orderId": order.order_id,
        "orderLinkId": order.client_id,
        "orderStatus": "Filled",
        "orderType": "Market" if is_market else "Limit",
        "positionIdx": _index(order),
        "price": text(order.fills[-1].price if order.limit_price is None else order.limit_price),
        "qty": text(order.contracts),
        "reduceOnly": not order.is_opening,
        "rejectReason": "EC_NoError",
        "side": "Buy" if order.is_buy else "Sell",
        "symbol": order.symbol.inst_id,
        "timeInForce": "IOC" if is_market else "GTC",
        "triggerDirection": 0,
        "updatedTime": str(order.filled_ms),
    }  # fmt: skip


def _stop(stop: Stop) -> Row:
    return {
        **blank("avgPrice blockTradeId isLeverage orderIv takeProfit stopLoss orderLinkId"),
        "cancelType": "CancelByUser",
        "closeOnTrigger": True,
        "createType": "CreateByStopLoss",
        "createdTime": str(stop.placed_ms),
        "cumExecFee": "0",
        "cumExecQty": "0",
        "cumExecValue": "0",
        "leavesQty": "0",
        "orderId": stop.stop_id,
        "orderStatus": "Deactivated",
        "orderType": "Market",
        "positionIdx": _index(stop),
        "price": "0",
        "qty": text(stop.contracts),
        "reduceOnly": True,
        "rejectReason": "EC_PerCancelRequest",
        "side": "Sell" if stop.is_long else "Buy",
        "stopOrderType": "StopLoss",
        "symbol": stop.symbol.inst_id,
        "timeInForce": "IOC",
        "tpslMode": "Full",
        "triggerBy": "MarkPrice",
        "triggerDirection": 2 if stop.is_long else 1,
        "triggerPrice": text(stop.trigger),
        "updatedTime": str(stop.cancelled_ms),
    }


def _executions(order: OrderRecord) -> list[Row]:
    left, rows = order.contracts, []
    for fill in order.fills:
        left -= fill.contracts
        row = {
            **blank("blockTradeId indexPrice markIv tradeIv underlyingPrice"),
            "closedSize": "0" if order.is_opening else text(fill.contracts),
            "createType": CREATED_BY[order.kind],
            "execFee": text(-fill.fee),
            "execId": fill.trade_id,
            "execPrice": text(fill.price),
            "execQty": text(fill.contracts),
            "execTime": str(fill.at_ms),
            "execType": EXECUTED_AS[order.kind],
            "execValue": text(fill.price * fill.contracts),
            "isMaker": fill.is_maker,
            "leavesQty": text(left),
            "markPrice": text(fill.price if order.trigger is None else order.trigger),
            "orderId": order.order_id,
            "orderLinkId": order.client_id,
            "orderPrice": text(fill.price if order.limit_price is None else order.limit_price),
            "orderQty": text(order.contracts),
            "orderType": "Market" if order.limit_price is None else "Limit",
            "side": "Buy" if order.is_buy else "Sell",
            "stopOrderType": "UNKNOWN",
            "symbol": order.symbol.inst_id,
        }
        rows.append(row)
    return rows


def _transactions(records: Records) -> list[Row]:
    """Every change of the wallet with the balance and the position's size after it."""
    sizes: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
    rows = [_transfer(move) for move in records.transfers]
    for order in records.orders:
        for fill in order.fills:
            held = (order.symbol.inst_id, order.is_long)
            sizes[held] += fill.contracts if order.is_buy else -fill.contracts
            rows.append(_trade(order, fill) | {"size": text(sizes[held])})
    rows.sort(key=lambda row: int(row["transactionTime"]))
    balance, logged = Decimal(0), []
    for row in rows:
        balance += Decimal(row["change"])
        logged.append(row | {"cashBalance": text(balance)})
    return logged


def _trade(order: OrderRecord, fill: Execution) -> Row:
    return {
        **blank("bonusChange extraFees feeRate funding transSubType"),
        "cashFlow": text(fill.pnl),
        "category": "linear",
        "change": text(fill.pnl + fill.fee),
        "currency": "USDT",
        "fee": text(-fill.fee),
        "id": f"{order.symbol.inst_id}_{fill.trade_id}",
        "orderId": order.order_id,
        "orderLinkId": order.client_id,
        "qty": text(fill.contracts),
        "side": "Buy" if order.is_buy else "Sell",
        "symbol": order.symbol.inst_id,
        "tradeId": fill.trade_id,
        "tradePrice": text(fill.price),
        "transactionTime": str(fill.at_ms),
        "type": LOGGED_AS[order.kind],
    }


def _transfer(move: Transfer) -> Row:
    return {
        **blank("bonusChange category extraFees fee feeRate funding orderId orderLinkId qty side "
                "size symbol tradeId tradePrice transSubType"),
        "cashFlow": text(move.amount),
        "change": text(move.amount),
        "currency": "USDT",
        "id": f"transfer_{move.entry_id}",
        "transactionTime": str(move.at_ms),
        "type": "TRANSFER_IN" if move.amount > 0 else "TRANSFER_OUT",
    }  # fmt: skip


def _closed_pnl(orders: list[OrderRecord]) -> list[Row]:
    """One row per closing order; the fees of the opening are shared out by size."""
    fees: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
    sizes: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
    rows = []
    for order in orders:
        held = (order.symbol.inst_id, order.is_long)
        if order.is_opening:
            fees[held] += order.fee
            sizes[held] += order.contracts
            continue
        share = (fees[held] * order.contracts / (sizes[held] or 1)).quantize(STEP, ROUND_HALF_UP)
        fees[held] -= share
        sizes[held] -= order.contracts
        rows.append(_close(order, share))
    return rows


def _close(order: OrderRecord, opening_fee: Decimal) -> Row:
    left = _value(order)
    entered = left - order.pnl if order.is_long else left + order.pnl
    return {
        "avgEntryPrice": text((entered / order.contracts).quantize(STEP)),
        "avgExitPrice": text(order.average_price.quantize(STEP)),
        "closeFee": text(-order.fee),
        "closedPnl": text(order.pnl + order.fee + opening_fee),
        "closedSize": text(order.contracts),
        "createdTime": str(order.filled_ms),
        "cumEntryValue": text(entered),
        "cumExitValue": text(left),
        # The documentation knows no deleveraging here.
        "execType": "Trade" if order.kind == "adl" else EXECUTED_AS[order.kind],
        "fillCount": str(len(order.fills)),
        "leverage": str(order.leverage),
        "openFee": text(-opening_fee),
        "orderId": order.order_id,
        "orderPrice": text(order.fills[-1].price),
        "orderType": "Market" if order.limit_price is None else "Limit",
        "qty": text(order.contracts),
        "side": "Buy" if order.is_buy else "Sell",
        "symbol": order.symbol.inst_id,
        "updatedTime": str(order.filled_ms),
    }
