"""OKX v5 as data: raw endpoints, cursors, documented limits, retention and forced-close markers.

Orders are filtered by creation time and paged by id; an order that changes in a window though it
was created before it is read through its fills. Sizes of swaps are contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    Row,
    Venue,
    millis,
)
from leverageguard.exchanges.venues import _okx_rows as rows

DAY_MS = 86_400_000
# Three months by the documentation; a day less, so that a window at the edge is never half gone.
RETENTION_MS = 89 * DAY_MS
SWAPS = {"instType": "SWAP"}


def _unwrap(payload: Any) -> list[Any]:
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list):
        raise InconsistentPageError(f"okx: data is a {type(data).__name__}, not a list")
    return data


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
        parse=rows.candle(kind),
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
        "order", "privateGetTradeOrder", Limit(60, 2), tables=(ORDERS,), parse=rows.order,
        id_columns=("ordId",), time_of=millis("uTime"),
    ),
    order_request=lambda inst_id, order_id: {"instId": inst_id, "ordId": order_id},
    listings=(
        _listing(
            "orders", "privateGetTradeOrdersHistoryArchive", 20, rows.order, ORDERS,
            paging=Paging("id_down", "after", "ordId"), id_columns=("ordId",),
            time_of=millis("uTime"),
        ),
        _listing(
            "fills", "privateGetTradeFillsHistory", 10, rows.fill, FILLS,
            paging=Paging("id_down", "after", "billId"), id_columns=("billId",),
            time_of=millis("ts"),
        ),
        _listing(
            "ledger", "privateGetAccountBillsArchive", 5, rows.bill, LEDGER, params={},
            paging=Paging("id_down", "after", "billId"), id_columns=("billId",),
            time_of=millis("ts"),
        ),
        _listing(
            "positions", "privateGetAccountPositionsHistory", 10, rows.position, POSITIONS,
            paging=Paging("time_down", "after", "uTime"),
            id_columns=("posId", "instId", "cTime", "uTime", "type"), time_of=millis("uTime"),
        ),
        _listing(
            "stops", "privateGetTradeOrdersAlgoHistory", 20, rows.stop, STOPS,
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
        tables=(INSTRUMENTS,), parse=rows.instrument, params=SWAPS,
    ),
    leverages=Endpoint(
        "leverages", "privateGetAccountLeverageInfo", Limit(20, 2), tables=(LEVERAGES,),
        parse=rows.leverage, params={"mgnMode": "isolated"}, scope="instrument",
        inst_param="instId",
    ),
    transient_codes=frozenset({"1"}),
    demo_codes=frozenset({"50101"}),
    may_answer_lists=False,
    has_passphrase=True,
)  # fmt: skip
