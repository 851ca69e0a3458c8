"""Bybit v5 as data: raw endpoints, cursors, documented limits and retention.

Orders are listed by creation: one that fills in a window though it was created before it comes by
its id. A cancelled order is shown for a day only, so an hourly pull sees a moved stop and a late
one may not; that ground for review is no reason to leave an honest claim without a verdict, so the
listing of stops claims no retention. The limits are the lowest the documentation ever stated.
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
    AbsentError,
    Endpoint,
    InconsistentPageError,
    Limit,
    Paging,
    Parse,
    Row,
    Venue,
    millis,
)
from leverageguard.exchanges.venues import _bybit_rows as bybit_rows

DAY_MS = 86_400_000
MINUTE_MS = 60_000
# Two years by the documentation; a day less, so that a window at the edge is never half gone.
RETENTION_MS = 729 * DAY_MS
# Seven days by the documentation; an hour less, because windows are asked a little wider.
WINDOW_MS = 7 * DAY_MS - 3_600_000
LINEAR = {"category": "linear"}
ADDRESS_LIMIT = Limit(600, 5, per="address", bucket="market")
MARGIN_MODES = {"ISOLATED_MARGIN": "isolated", "REGULAR_MARGIN": "cross",
                "PORTFOLIO_MARGIN": "cross"}  # fmt: skip
READ_ONLY = {"1": True, "0": False}
API_NAMES = ("spot", "futures", "v2", "public", "private")


def _code(payload: Any) -> str:
    return str(payload.get("retCode", "")) if isinstance(payload, dict) else ""


def _result(payload: Any) -> Row:
    result = payload.get("result") if _code(payload) == "0" else None
    if not (isinstance(result, dict) and result):
        raise InconsistentPageError(f"bybit: retCode {_code(payload)!r} without a result")
    return result


def _unwrap(payload: Any) -> list[Any]:
    rows = _result(payload).get("list")
    if not isinstance(rows, list):
        raise InconsistentPageError(f"bybit: list is a {type(rows).__name__}, not a list")
    return rows


def _single(payload: Any) -> list[Any]:
    return [_result(payload)]


def _found(payload: Any) -> list[Any]:
    rows = _unwrap(payload)
    if not rows:
        raise AbsentError("bybit: no order of that id")
    return rows


def _minutes(payload: Any) -> list[Any]:
    """Candles with whether they were over when the venue answered."""
    now_ms = millis("time")(payload)
    return [[*cells, int(cells[0]) + MINUTE_MS <= now_ms] for cells in _unwrap(payload)]


def _next_page(payload: Any) -> str:
    result = _result(payload)
    return str(result.get("nextPageCursor") or "") if result.get("list") else ""


def _now_ms(row: Row) -> int:
    nanoseconds = str(row.get("timeNano", ""))
    if not nanoseconds.isdigit():
        raise InconsistentPageError(f"timeNano={nanoseconds!r} is no whole number of nanoseconds")
    return int(nanoseconds) // 1_000_000


def _identify(replies: Mapping[str, list[Row] | None]) -> Row:
    """`margin_mode` is the whole account's; a sub-account that hides its master has no root."""
    key = (replies["account_config"] or [{}])[0]
    settings = (replies["account_info"] or [{}])[0]
    uid, parent = str(key.get("userID") or ""), str(key.get("parentUid") or "0")
    own_root = uid if key.get("isMaster") is not False else None
    permissions = key.get("permissions") or {}
    return {
        "uid": uid or None,
        "root_uid": own_root if parent == "0" else parent,
        "permissions": ",".join(
            f"{name}:{'+'.join(rights)}" for name, rights in permissions.items() if rights
        ),
        "is_read_only": READ_ONLY.get(str(key.get("readOnly"))),
        "position_mode": None,
        "margin_mode": MARGIN_MODES.get(str(settings.get("marginMode"))),
    }


def _point_at(client: Any, url: str) -> None:
    client.urls["api"] = dict.fromkeys(API_NAMES, url)


def _listing(
    name: str, path: str, parse: Parse, table: str, ids: str, time: str, **more: Any
) -> Endpoint:
    windowed = {
        "from_param": "startTime", "to_param": "endTime", "max_window_ms": WINDOW_MS,
        "retention_ms": RETENTION_MS, "params": LINEAR, "tables": (table,),
    }  # fmt: skip
    return Endpoint(
        name,
        f"privateGetV5{path}",
        Limit(10, 1, bucket=path),
        parse=parse,
        paging=Paging("token", "cursor", token=_next_page),
        id_columns=tuple(ids.split()),
        time_of=millis(time),
        **{**windowed, **more},
    )


def _candles(name: str, method: str, kind: str, columns: str) -> Endpoint:
    return Endpoint(
        name,
        method,
        ADDRESS_LIMIT,
        tables=(CANDLES,),
        parse=bybit_rows.candle(kind),
        take=_minutes,
        params={**LINEAR, "interval": "1"},
        paging=Paging("time_down", "end", "start"),
        page_size=1000,
        id_columns=("start",),
        time_of=millis("start"),
        scope="instrument",
        inst_param="symbol",
        list_columns=tuple(columns.split()),
    )


VENUE = Venue(
    name="bybit",
    unwrap=_unwrap,
    clock=Endpoint("clock", "publicGetV5MarketTime", ADDRESS_LIMIT, take=_single),
    clock_ms=_now_ms,
    account=(
        Endpoint("account_config", "privateGetV5UserQueryApi", Limit(10, 1), take=_single),
        Endpoint(
            "account_info", "privateGetV5AccountInfo", Limit(10, 1), take=_single, is_optional=True
        ),
    ),
    identify=_identify,
    order=Endpoint(
        "order", "privateGetV5OrderHistory", Limit(10, 1, bucket="OrderHistory"),
        tables=(ORDERS,), parse=bybit_rows.order, take=_found, params=LINEAR,
        id_columns=("orderId",), time_of=millis("updatedTime"),
    ),
    order_request=lambda inst_id, order_id: {"symbol": inst_id, "orderId": order_id},
    listings=(
        _listing(
            "orders", "OrderHistory", bybit_rows.listed_order, ORDERS, "orderId", "updatedTime",
            page_size=50,
        ),
        _listing(
            "fills", "ExecutionList", bybit_rows.fill, FILLS, "execId", "execTime",
            tables=(FILLS, POSITIONS),
        ),
        _listing(
            "ledger", "AccountTransactionLog", bybit_rows.entry, LEDGER, "id", "transactionTime",
            page_size=50, params={"accountType": "UNIFIED"},
        ),
        _listing(
            "positions", "PositionClosedPnl", bybit_rows.position, POSITIONS,
            "orderId createdTime", "updatedTime",
        ),
        _listing(
            "stops", "OrderHistory", bybit_rows.stop, STOPS, "orderId", "updatedTime",
            page_size=50, params={**LINEAR, "orderFilter": "StopOrder"},
            from_param=None, to_param=None, max_window_ms=None, retention_ms=None,
        ),
    ),
    mark_candles=_candles(
        "mark_candles", "publicGetV5MarketMarkPriceKline", "mark",
        "start open high low close is_over",
    ),
    trade_candles=_candles(
        "trade_candles", "publicGetV5MarketKline", "trade",
        "start open high low close volume turnover is_over",
    ),
    instruments=Endpoint(
        "instruments", "publicGetV5MarketInstrumentsInfo", ADDRESS_LIMIT, tables=(INSTRUMENTS,),
        parse=bybit_rows.instrument, params={**LINEAR, "limit": "1000"},
    ),
    leverages=Endpoint(
        "leverages", "privateGetV5PositionList", Limit(10, 1), tables=(LEVERAGES,),
        parse=bybit_rows.leverage, params=LINEAR, scope="instrument", inst_param="symbol",
    ),
    code_of=_code,
    may_answer_lists=False,
    # Timeouts, system errors and too many calls, some of which ccxt takes for final.
    transient_codes=frozenset({"10000", "10006", "10016", "10018", "10019", "10429", "5004"}),
    point_at=_point_at,
)  # fmt: skip
