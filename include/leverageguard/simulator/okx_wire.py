"""An account's doings as OKX v5 rows.

The field sets follow an authentic record, empty where the venue leaves them empty. Funding is not
simulated (its fields say 0).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from leverageguard.simulator.okx_reference import leverage_rows, mode, slot, stop_row
from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.records import (
    CloseRecord,
    Execution,
    Kind,
    MarginMove,
    OrderRecord,
    Records,
    Transfer,
)
from leverageguard.simulator.wire_tools import blank, text

TABLES = ("orders", "fills", "bills", "positions", "stops", "leverages")
EXACT = Decimal("1E-16")


class Markers(NamedTuple):
    """How OKX marks a way to close; sub types for long, short, net sell, net buy."""

    category: str
    bill_type: str
    position_type: str
    sub_types: tuple[str, str, str, str]


MARKERS: dict[Kind, Markers] = {
    "own": Markers("normal", "2", "2", ("5", "6", "2", "1")),
    "full": Markers("full_liquidation", "5", "3", ("104", "105", "107", "106")),
    "partial": Markers("partial_liquidation", "5", "4", ("100", "101", "103", "102")),
    "takeover": Markers("full_liquidation", "5", "3", ("111", "110", "111", "110")),
    "adl": Markers("adl", "9", "5", ("125", "126", "128", "127")),
}

_EMPTY_ORDER = (
    "algoClOrdId algoId cancelSource cancelSourceReason pxType pxUsd pxVol quickMgnType slOrdPx "
    "slTriggerPx slTriggerPxType source stpId tag tgtCcy tpOrdPx tpTriggerPx tpTriggerPxType "
    "tradeQuoteCcy"
)
_EMPTY_FILL = "fillPxVol fillFwdPx tradeQuoteCcy fillMarkVol tag fillPxUsd"
_EMPTY_BILL = (
    "clOrdId earnAmt earnApr execType fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd "
    "fillPxVol fillTime from instId instType mgnMode notes ordId px sz tag to tradeId"
)


def encode(records: Records) -> dict[str, list[Row]]:
    """The rows of every table; the bills carry the running balance."""
    return {
        "orders": [_order(order) for order in records.orders],
        "fills": [_fill(order, fill) for order in records.orders for fill in order.fills],
        "bills": _bills(records),
        "positions": [_position(close) for close in records.closes],
        "stops": [stop_row(stop) for stop in records.stops],
        "leverages": [
            row
            for setting in records.settings.values()
            for row in leverage_rows(setting, any(order.is_net for order in records.orders))
        ],
    }


def _order(order: OrderRecord) -> Row:
    last, is_forced = order.fills[-1], order.kind != "own"
    return {
        **blank(_EMPTY_ORDER),
        "accFillSz": text(order.contracts),
        "avgPx": text(order.average_price.quantize(EXACT)),
        "cTime": str(order.placed_ms),
        "category": MARKERS[order.kind].category,
        "clOrdId": order.client_id,
        "fee": text(order.fee),
        "fillPx": text(last.price),
        "fillSz": text(last.contracts),
        "fillTime": str(order.filled_ms),
        "instId": order.symbol.inst_id,
        "lever": f"{order.leverage}.0",
        "ordId": order.order_id,
        "ordType": "market" if order.limit_price is None else "limit",
        "pnl": text(order.pnl),
        "posSide": slot(order),
        "px": "" if order.limit_price is None else text(order.limit_price),
        "reduceOnly": "false" if order.is_opening else "true",
        "side": "buy" if order.is_buy else "sell",
        "stpMode": "" if is_forced else "cancel_maker",
        "sz": text(order.contracts),
        "tradeId": "0" if is_forced else last.trade_id,
        "uTime": str(order.filled_ms),
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [],
        "ccy": "USDT",
        "feeCcy": "USDT",
        "instType": "SWAP",
        "isTpLimit": "false",
        "linkedAlgoOrd": {"algoId": ""},
        "rebate": "0",
        "rebateCcy": "USDT",
        "state": "filled",
        "tdMode": mode(order.is_isolated),
    }


def _shared(order: OrderRecord, fill: Execution) -> Row:
    """What a fill and its bill say alike; the venue's own executions have negative trade ids."""
    is_forced = order.kind != "own"
    mark = "" if is_forced else text(fill.price)
    liquidity = "M" if fill.is_maker else "T"
    return {
        "billId": fill.entry_id,
        "clOrdId": order.client_id,
        "execType": "" if is_forced else liquidity,
        "fee": text(fill.fee),
        "fillIdxPx": mark,
        "fillMarkPx": mark,
        "fillTime": str(fill.at_ms),
        "instId": order.symbol.inst_id,
        "instType": "SWAP",
        "ordId": order.order_id,
        "subType": _sub_type(order),
        "tradeId": f"-{fill.trade_id}" if is_forced else fill.trade_id,
        "ts": str(fill.at_ms),
    }


def _sub_type(order: OrderRecord) -> str:
    if order.is_opening and order.is_net:
        return "1" if order.is_long else "2"
    if order.is_opening:
        return "3" if order.is_long else "4"
    kinds = MARKERS[order.kind].sub_types
    return kinds[(2 if order.is_net else 0) + (0 if order.is_long else 1)]


def _fill(order: OrderRecord, fill: Execution) -> Row:
    return {
        **blank(_EMPTY_FILL),
        **_shared(order, fill),
        "fillSz": text(fill.contracts),
        "posSide": slot(order),
        "side": "buy" if order.is_buy else "sell",
        "fillPx": text(fill.price),
        "fillPnl": text(fill.pnl),
        "feeCcy": "USDT",
    }


def _bills(records: Records) -> list[Row]:
    """Every change of the account's balance, in the order of its time and id."""
    changes = [_transfer(move) for move in records.transfers]
    changes += [_margin(move) for move in records.margin_moves]
    changes += [_trade(order, fill) for order in records.orders for fill in order.fills]
    changes.sort(key=lambda change: int(change[0]["billId"]))
    balance, rows = Decimal(0), []
    for row, change in changes:
        balance += change
        rows.append(row | {"bal": text(balance), "balChg": text(change)})
    return rows


def _trade(order: OrderRecord, fill: Execution) -> tuple[Row, Decimal]:
    row = {
        **blank(_EMPTY_BILL),
        **_shared(order, fill),
        "ccy": "USDT",
        "interest": "0",
        "mgnMode": mode(order.is_isolated),
        "pnl": text(fill.pnl),
        "px": text(fill.price),
        "sz": text(fill.contracts),
        "type": MARKERS[order.kind].bill_type,
        "posBal": text(fill.margin_after),
        "posBalChg": text(fill.margin_change),
    }
    return row, fill.pnl + fill.fee - fill.margin_change


def _margin(move: MarginMove) -> tuple[Row, Decimal]:
    row = _plain_bill(move.entry_id, move.at_ms) | {
        "instId": move.symbol.inst_id,
        "instType": "SWAP",
        "mgnMode": "isolated",
        "subType": "160" if move.amount > 0 else "161",
        "type": "6",
        "posBal": text(move.margin_after),
        "posBalChg": text(move.amount),
        "sz": text(abs(move.amount)),
    }
    return row, -move.amount


def _transfer(move: Transfer) -> tuple[Row, Decimal]:
    is_in = move.amount > 0
    row = _plain_bill(move.entry_id, move.at_ms) | {
        "from": "6" if is_in else "18",
        "to": "18" if is_in else "6",
        "posBal": "0",
        "posBalChg": "0",
        "subType": "11" if is_in else "12",
        "type": "1",
    }
    return row, move.amount


def _plain_bill(bill_id: str, at_ms: int) -> Row:
    return {
        **blank(_EMPTY_BILL),
        "billId": bill_id,
        "ccy": "USDT",
        "fee": "0",
        "interest": "0",
        "pnl": "0",
        "ts": str(at_ms),
    }


def _position(close: CloseRecord) -> Row:
    realized = close.pnl + close.fee
    return {
        "cTime": str(close.opened_ms),
        "uTime": str(close.at_ms),
        "posId": close.position_id,
        "instId": close.symbol.inst_id,
        "uly": f"{close.symbol.coin}-USDT",
        "direction": "long" if close.is_long else "short",
        "posSide": slot(close),
        "lever": f"{close.leverage}.0",
        "type": MARKERS[close.kind].position_type,
        "openAvgPx": text(close.entry.quantize(EXACT)),
        "closeAvgPx": text(close.close_average.quantize(EXACT)),
        "openMaxPos": text(close.max_contracts),
        "closeTotalPos": text(close.closed_contracts),
        "pnl": text(close.pnl),
        "fee": text(close.fee),
        "realizedPnl": text(realized),
        "pnlRatio": text((realized / close.margin_opened).quantize(EXACT)),
        "triggerPx": "" if close.trigger is None else text(close.trigger),
        "ccy": "USDT",
        "fundingFee": "0",
        "instType": "SWAP",
        "liqPenalty": "0",
        "mgnMode": mode(close.is_isolated),
        "nonSettleAvgPx": "",
        "settledPnl": "",
    }
