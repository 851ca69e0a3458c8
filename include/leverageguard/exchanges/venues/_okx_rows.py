"""What OKX's rows mean: markers, times and sides in the columns every venue shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leverageguard.exchanges.venue import (
    CANDLES,
    FILLS,
    INSTRUMENTS,
    LEDGER,
    LEVERAGES,
    ORDERS,
    POSITIONS,
    STOPS,
    Record,
    Row,
    millis,
)

# Any other category is one this file does not know: the row then says no kind.
CATEGORIES = {
    "normal": "own_close", "twap": "own_close", "ddh": "own_close",
    "full_liquidation": "full", "partial_liquidation": "partial", "adl": "adl",
    "delivery": "delivery", "settlement": "settlement",
}  # fmt: skip
BILL_TYPES = {"2": "own_close", "3": "delivery", "9": "adl"}
BILL_SUBTYPES = {
    **dict.fromkeys(("100", "101", "102", "103"), "partial"),
    **dict.fromkeys(("104", "105", "106", "107"), "full"),
    **dict.fromkeys(("110", "111"), "takeover"),
    **dict.fromkeys(("125", "126", "127", "128"), "adl"),
}
ENTRY_KINDS = {"1": "transfer", "2": "trade", "5": "liquidation", "6": "margin", "8": "funding",
               "9": "adl"}  # fmt: skip
POSITION_TYPES = {"1": "own_close", "2": "own_close", "3": "full", "4": "partial", "5": "adl"}


def order(row: Row) -> Iterable[Record]:
    # Fill times are empty on an order that did not fill.
    at = millis("fillTime") if row.get("fillTime") else millis("uTime")
    yield (
        ORDERS,
        {
            "inst_id": row.get("instId"),
            "order_id": row.get("ordId"),
            "client_order_id": row.get("clOrdId"),
            "marker": row.get("category"),
            "forced_kind": CATEGORIES.get(row.get("category", "")),
            "order_side": row.get("side"),
            "position_slot": row.get("posSide"),
            "margin_mode": row.get("tdMode"),
            "state": row.get("state"),
            "leverage": row.get("lever"),
            "average_price": row.get("avgPx"),
            "ordered_qty_contracts": row.get("sz"),
            "filled_qty_contracts": row.get("accFillSz"),
            "fee": row.get("fee"),
            "pnl": row.get("pnl"),
            "created_at_ms": millis("cTime")(row),
            "filled_at_ms": at(row),
            "updated_at_ms": millis("uTime")(row),
        },
    )


def fill(row: Row) -> Iterable[Record]:
    at = millis("fillTime") if row.get("fillTime") else millis("ts")
    yield (
        FILLS,
        {
            "inst_id": row.get("instId"),
            "order_id": row.get("ordId"),
            "fill_id": row.get("billId") or f"{row.get('instId')}:{row.get('tradeId')}",
            "marker": row.get("subType"),
            "forced_kind": BILL_SUBTYPES.get(row.get("subType", "")),
            "order_side": row.get("side"),
            "position_slot": row.get("posSide"),
            "price": row.get("fillPx"),
            "qty_contracts": row.get("fillSz"),
            "pnl": row.get("fillPnl"),
            "fee": row.get("fee"),
            "filled_at_ms": at(row),
        },
    )


def bill(row: Row) -> Iterable[Record]:
    kind, sub_kind = row.get("type", ""), row.get("subType", "")
    yield (
        LEDGER,
        {
            "inst_id": row.get("instId"),
            "entry_id": row.get("billId"),
            "entry_kind": ENTRY_KINDS.get(kind, "other"),
            "marker": f"{kind}/{sub_kind}",
            "forced_kind": BILL_SUBTYPES.get(sub_kind, BILL_TYPES.get(kind)),
            "order_id": row.get("ordId"),
            "fill_id": row.get("billId"),
            "currency": row.get("ccy"),
            "qty_contracts": row.get("sz"),
            "price": row.get("px"),
            "pnl": row.get("pnl"),
            "fee": row.get("fee"),
            "margin_change": row.get("posBalChg"),
            "amount": row.get("balChg"),
            "recorded_at_ms": millis("ts")(row),
        },
    )


def position(row: Row) -> Iterable[Record]:
    yield (
        POSITIONS,
        {
            "inst_id": row.get("instId"),
            "position_id": row.get("posId"),
            "order_id": None,
            "position_side": row.get("direction") or row.get("posSide"),
            "margin_mode": row.get("mgnMode"),
            "leverage": row.get("lever"),
            "marker": row.get("type"),
            "forced_kind": POSITION_TYPES.get(row.get("type", "")),
            "trigger_price": row.get("triggerPx"),
            "qty_contracts": row.get("closeTotalPos"),
            "pnl": row.get("pnl"),
            "opened_at_ms": millis("cTime")(row),
            "updated_at_ms": millis("uTime")(row),
        },
    )


def stop(row: Row) -> Iterable[Record]:
    yield (
        STOPS,
        {
            "inst_id": row.get("instId"),
            "stop_id": row.get("algoId"),
            "position_side": _stopped_side(row),
            "trigger_price": row.get("slTriggerPx"),
            "state": row.get("state"),
            "created_at_ms": millis("cTime")(row),
            "updated_at_ms": millis("uTime")(row),
        },
    )


def _stopped_side(row: Row) -> str:
    slot = str(row.get("posSide", ""))
    if slot in ("long", "short"):
        return slot
    return "long" if row.get("side") == "sell" else "short"


def leverage(row: Row) -> Iterable[Record]:
    yield (
        LEVERAGES,
        {
            "inst_id": row.get("instId"),
            "position_slot": row.get("posSide"),
            "margin_mode": row.get("mgnMode"),
            "leverage": row.get("lever"),
        },
    )


def candle(kind: str) -> Any:
    def parse(row: Row) -> Iterable[Record]:
        yield (
            CANDLES,
            {
                "kind": kind,
                "minute_at_ms": millis("ts")(row),
                "open_price": row["o"],
                "high_price": row["h"],
                "low_price": row["l"],
                "close_price": row["c"],
                "quote_volume": row.get("volCcyQuote"),
                "is_final": row["confirm"] == "1",
            },
        )

    return parse


def instrument(row: Row) -> Iterable[Record]:
    is_swap = row.get("instType") == "SWAP"
    yield (
        INSTRUMENTS,
        {
            "inst_id": row.get("instId"),
            "inst_type": "perpetual" if is_swap else row.get("instType"),
            "contract_type": row.get("ctType"),
            "base_asset": str(row.get("uly", "")).split("-")[0],
            "settle_currency": row.get("settleCcy"),
            "contract_size": row.get("ctVal"),
            "max_leverage": row.get("lever"),
            "state": row.get("state"),
        },
    )
