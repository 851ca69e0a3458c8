"""OKX v5 as data: raw endpoints, cursors, documented limits, retention and forced-close markers.

Orders are filtered by creation time and paged by id; an order that changes in a window though it
was created before it is read through its fills. Sizes of swaps are contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    Endpoint,
    InconsistentPageError,
    Limit,
    Paging,
    Record,
    Row,
    Venue,
    millis,
)

DAY_MS = 86_400_000
# Three months by the documentation; a day less, so that a window at the edge is never half gone.
RETENTION_MS = 89 * DAY_MS
SWAPS = {"instType": "SWAP"}
CATEGORIES = {
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


def _unwrap(payload: Any) -> list[Any]:
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list):
        raise InconsistentPageError(f"okx: data is a {type(data).__name__}, not a list")
    return data


def _order(row: Row) -> Iterable[Record]:
    # Fill times are empty on an order that did not fill.
    at = millis("fillTime") if row.get("fillTime") else millis("uTime")
    yield (
        ORDERS,
        {
            "inst_id": row.get("instId"),
            "order_id": row.get("ordId"),
            "client_order_id": row.get("clOrdId"),
            "marker": row.get("category"),
            "forced_kind": CATEGORIES.get(row.get("category", ""), "own_close"),
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


def _fill(row: Row) -> Iterable[Record]:
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


def _bill(row: Row) -> Iterable[Record]:
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


def _position(row: Row) -> Iterable[Record]:
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


def _stop(row: Row) -> Iterable[Record]:
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


def _leverage(row: Row) -> Iterable[Record]:
    yield (
        LEVERAGES,
        {
            "inst_id": row.get("instId"),
            "position_slot": row.get("posSide"),
            "margin_mode": row.get("mgnMode"),
            "leverage": row.get("lever"),
        },
    )


def _candle(kind: str) -> Any:
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


def _instrument(row: Row) -> Iterable[Record]:
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


def _identify(replies: Mapping[str, list[Row] | None]) -> Row:
    row = (replies["account_config"] or [{}])[0]
    permissions = str(row.get("perm", ""))
    return {
        "uid": row.get("uid"),
        "root_uid": row.get("mainUid") or row.get("uid"),
        "permissions": permissions,
        "is_read_only": permissions == "read_only",
        "position_mode": row.get("posMode"),
    }


def _listing(name: str, method: str, calls: int, parse: Any, table: str, **more: Any) -> Endpoint:
    windowed = (
        {"from_param": "begin", "to_param": "end"} if more["paging"].kind == "id_down" else {}
    )
    settings = {"params": SWAPS, "retention_ms": RETENTION_MS, **windowed, **more}
    return Endpoint(name, method, Limit(calls, 2), tables=(table,), parse=parse, **settings)


def _candles(name: str, method: str, kind: str, columns: str) -> Endpoint:
    return Endpoint(
        name,
        method,
        Limit(20, 2, per="address"),
        tables=(CANDLES,),
        parse=_candle(kind),
        params={"bar": "1m"},
        paging=Paging("time_down", "after", "ts"),
        id_columns=("ts",),
        time_of=millis("ts"),
        scope="instrument",
        inst_param="instId",
        list_columns=tuple(columns.split()),
    )


VENUE = Venue(
    name="okx",
    unwrap=_unwrap,
    clock=Endpoint("clock", "publicGetPublicTime", Limit(10, 2, per="address")),
    clock_ms=millis("ts"),
    account=(Endpoint("account_config", "privateGetAccountConfig", Limit(5, 2)),),
    identify=_identify,
    order=Endpoint(
        "order", "privateGetTradeOrder", Limit(60, 2), tables=(ORDERS,), parse=_order,
        id_columns=("ordId",), time_of=millis("uTime"),
    ),
    order_request=lambda inst_id, order_id: {"instId": inst_id, "ordId": order_id},
    listings=(
        _listing(
            "orders", "privateGetTradeOrdersHistoryArchive", 20, _order, ORDERS,
            paging=Paging("id_down", "after", "ordId"), id_columns=("ordId",),
            time_of=millis("uTime"), outlives_listing=True,
        ),
        _listing(
            "fills", "privateGetTradeFillsHistory", 10, _fill, FILLS,
            paging=Paging("id_down", "after", "billId"), id_columns=("billId",),
            time_of=millis("ts"),
        ),
        _listing(
            "ledger", "privateGetAccountBillsArchive", 5, _bill, LEDGER, params={},
            paging=Paging("id_down", "after", "billId"), id_columns=("billId",),
            time_of=millis("ts"),
        ),
        _listing(
            "positions", "privateGetAccountPositionsHistory", 10, _position, POSITIONS,
            paging=Paging("time_down", "after", "uTime"),
            id_columns=("posId", "instId", "cTime", "uTime", "type"), time_of=millis("uTime"),
        ),
        _listing(
            "stops", "privateGetTradeOrdersAlgoHistory", 20, _stop, STOPS,
            params={**SWAPS, "ordType": "conditional", "state": "canceled"},
            paging=Paging("id_down", "after", "algoId"), id_columns=("algoId",),
            time_of=millis("uTime"), from_param=None, to_param=None,
        ),
    ),
    mark_candles=_candles(
        "mark_candles", "publicGetMarketHistoryMarkPriceCandles", "mark", "ts o h l c confirm"
    ),
    trade_candles=_candles(
        "trade_candles", "publicGetMarketHistoryCandles", "trade",
        "ts o h l c vol volCcy volCcyQuote confirm",
    ),
    instruments=Endpoint(
        "instruments", "publicGetPublicInstruments", Limit(20, 2, per="address"),
        tables=(INSTRUMENTS,), parse=_instrument, params=SWAPS,
    ),
    leverages=Endpoint(
        "leverages", "privateGetAccountLeverageInfo", Limit(20, 2), tables=(LEVERAGES,),
        parse=_leverage, params={"mgnMode": "isolated"}, scope="instrument", inst_param="instId",
    ),
    transient_codes=frozenset({"1"}),
    demo_codes=frozenset({"50101"}),
    may_answer_lists=False,
)  # fmt: skip
