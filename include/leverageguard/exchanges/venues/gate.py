"""Gate APIv4 USDT futures as data: raw endpoints, offsets, documented limits and retention.

Assumed, because the documents leave it open: a listing's window includes both ends and orders are
filtered by creation time, so an order created before a window is read through its fills; the main
account's key list is refused to a sub-account's key, whose root and permissions stay unknown.

Margin moved by hand into or out of a position is in no listing ccxt knows. A key of the test
network is unknown on the live hosts (INVALID_KEY), so no code proves a demo account.

No row says whether the account holds one position a contract or two (dual mode), but every fill
says what it closed. So the slot is always the long or the short position, also in one-way mode,
and a fill that turns a position around is two. An order leaves its slot to its fills unless it can
only close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from leverageguard import clock
from leverageguard.exchanges import strict
from leverageguard.exchanges.client import OWNER
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
    Parse,
    Record,
    Row,
    Venue,
    millis,
    seconds,
)
from leverageguard.exchanges.venues import _gate_rows as rows

MINUTE_MS = 60_000
# Six months are documented for orders and trades asked without a time range. The listings by time
# range go back further, nobody says how far: what is documented is relied upon.
RETENTION_MS = 180 * 86_400_000
# "Candlestick too long ago. Maximum 10000 points ago are allowed"; 2000 points a call.
CANDLE_RETENTION_MS = 9_990 * MINUTE_MS
CANDLE_WINDOW_MS = 1_990 * MINUTE_MS
FUTURES = Limit(200, 10)
ACCOUNT = Limit(150, 10)
PUBLIC = Limit(200, 10, per="address")
USDT = {"settle": "usdt"}


def _unwrap(payload: Any) -> list[Any]:
    if not isinstance(payload, list):
        raise InconsistentPageError(f"gate: a reply is a {type(payload).__name__}, not a list")
    return payload


def _object(payload: Any) -> list[Any]:
    if not isinstance(payload, dict) or not payload or "label" in payload:
        raise InconsistentPageError(f"gate: a reply is a {type(payload).__name__}, not a row")
    return [payload]


def _keys(payload: Any) -> list[Any]:
    """The main account's keys as documented, or the asking key alone as the newest client reads."""
    return _object(payload) if isinstance(payload, dict) else _unwrap(payload)


def _into(table: str, read: Callable[[Row], Row | list[Row] | None]) -> Parse:
    def parse(row: Row) -> Iterable[Record]:
        records = read(row)
        if isinstance(records, list):
            return [(table, record) for record in records]
        return () if records is None else ((table, records),)

    return parse


def _candle(kind: str, row: Row) -> Row:
    """A minute of prices; `sum` is the volume in the quote currency, mark prices have none."""
    at_ms = seconds("t")(row)
    return {
        "kind": kind,
        "minute_at_ms": at_ms,
        "open_price": row["o"],
        "high_price": row["h"],
        "low_price": row["l"],
        "close_price": row["c"],
        "quote_volume": row.get("sum") if kind == "trade" else None,
        "is_final": at_ms + MINUTE_MS <= clock.now_ms(),
    }


def _instrument(row: Row) -> Row:
    """A contract; one of them is `quanto_multiplier` of the coin."""
    kind = row.get("type")
    return {
        "inst_id": row.get("name"),
        "inst_type": "perpetual",
        "contract_type": "linear" if kind == "direct" else kind,
        "base_asset": str(row.get("name", "")).split("_")[0],
        "settle_currency": "USDT",
        "contract_size": row.get("quanto_multiplier"),
        "max_leverage": row.get("leverage_max"),
        "state": row.get("status") or ("delisting" if row.get("in_delisting") else "trading"),
    }


def _identify(replies: Mapping[str, list[Row] | None]) -> Row:
    detail = (replies["account_detail"] or [{}])[0]
    keys = replies["main_keys"] or []
    futures = (replies["futures_account"] or [{}])[0]
    roots = {str(key["user_id"]) for key in keys if key.get("user_id")}
    perms = next(iter(_asking(keys)), {}).get("perms") or []
    modes = {"True": "dual", "False": "single"}
    return {
        "uid": detail.get("user_id"),
        "root_uid": roots.pop() if len(roots) == 1 else None,
        "permissions": ",".join(sorted(map(_permission, perms))) or None,
        "is_read_only": all(perm.get("read_only") is True for perm in perms) if perms else None,
        "position_mode": futures.get("position_mode")
        or modes.get(str(futures.get("in_dual_mode"))),
    }


def _permission(perm: Row) -> str:
    return f"{perm.get('name')}:{'read_only' if perm.get('read_only') is True else 'read_write'}"


def _asking(keys: list[Row]) -> list[Row]:
    """The key that asked, if it can be told from the others."""
    ours = [key for key in keys if _is_asking(key)]
    return ours if len(ours) == 1 else []


def _is_asking(key: Row) -> bool:
    shown = key.get("key")
    if isinstance(shown, dict):
        return True
    # The list masks the end of every key.
    start = str(shown or "").rstrip("*")
    return bool(start) and str(key.get(OWNER)).startswith(start)


def _without_owner(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name != OWNER}


def _point_at(client: Any, url: str) -> None:
    """Every host of the client becomes `url`, each path below it stays."""

    def moved(hosts: Any) -> Any:
        if isinstance(hosts, dict):
            return {name: moved(each) for name, each in hosts.items()}
        return url.rstrip("/") + urlsplit(hosts).path

    client.urls["api"] = moved(client.urls["api"])
    # ccxt calls a late timestamp a refused key; it is our clock that must be set again.
    client.exceptions["exact"]["REQUEST_EXPIRED"] = strict.errors().InvalidNonce


def _listing(
    name: str, method: str, table: str, read: Callable[[Row], Any], time: str,
    ids: str = "id", **more: Any,
) -> Endpoint:  # fmt: skip
    settings = {"params": USDT, "from_param": "from", "to_param": "to", **more}
    return Endpoint(
        name,
        f"privateFuturesGetSettle{method}",
        FUTURES,
        tables=(table,),
        parse=_into(table, read),
        paging=Paging("offset", "offset"),
        page_size=1000,
        retention_ms=RETENTION_MS,
        time_unit_ms=1000,
        id_columns=tuple(ids.split()),
        **{"time_of": seconds(time), **settings},
    )


def _candles(kind: str, prefix: str) -> Endpoint:
    def shape(asked: dict[str, Any]) -> dict[str, Any]:
        # A limit beside a time range is refused.
        named = {**asked, "contract": f"{prefix}{asked['contract']}"}
        return {name: value for name, value in named.items() if name != "limit"}

    return Endpoint(
        f"{kind}_candles",
        "publicFuturesGetSettleCandlesticks",
        PUBLIC,
        tables=(CANDLES,),
        parse=_into(CANDLES, partial(_candle, kind)),
        params={**USDT, "interval": "1m"},
        paging=Paging("time_up", "from", "t"),
        page_size=2000,
        retention_ms=CANDLE_RETENTION_MS,
        max_window_ms=CANDLE_WINDOW_MS,
        time_unit_ms=1000,
        from_param="from",
        to_param="to",
        id_columns=("t",),
        time_of=seconds("t"),
        scope="instrument",
        inst_param="contract",
        shape=shape,
    )


VENUE = Venue(
    name="gate",
    unwrap=_unwrap,
    clock=Endpoint("clock", "publicSpotGetTime", PUBLIC, take=_object),
    clock_ms=millis("server_time"),
    account=(
        Endpoint("account_detail", "privateAccountGetDetail", ACCOUNT, take=_object),
        Endpoint(
            "main_keys", "privateAccountGetMainKeys", ACCOUNT, take=_keys, owner_param=OWNER,
            shape=_without_owner, is_optional=True,
        ),
        Endpoint(
            "futures_account", "privateFuturesGetSettleAccounts", FUTURES, take=_object,
            params=USDT, is_optional=True,
        ),
    ),
    identify=_identify,
    order=Endpoint(
        "order", "privateFuturesGetSettleOrdersOrderId", FUTURES, tables=(ORDERS,),
        parse=_into(ORDERS, rows.order), take=_object, params=USDT, id_columns=("id",),
        time_of=rows.finished_ms,
    ),
    order_request=lambda _, order_id: {"order_id": order_id},
    listings=(
        _listing(
            "orders", "OrdersTimerange", ORDERS, rows.order, "",
            time_of=rows.finished_ms,
        ),
        _listing("fills", "MyTradesTimerange", FILLS, rows.fills, "create_time", "trade_id"),
        _listing("ledger", "AccountBook", LEDGER, rows.entry, "time"),
        _listing(
            "positions", "PositionClose", POSITIONS, rows.position_close, "time",
            "contract side time first_open_time accum_size pnl",
        ),
        _listing(
            "liquidations", "Liquidates", POSITIONS, rows.liquidation, "time",
            "contract order_id time size left",
        ),
        _listing(
            "deleverages", "AutoDeleverages", POSITIONS, rows.deleverage, "time",
            "contract order_id time trade_size position_size",
        ),
        _listing(
            "stops", "PriceOrders", STOPS, rows.stop, "", time_of=rows.finished_ms,
            params={**USDT, "status": "finished"}, from_param=None, to_param=None,
        ),
    ),
    mark_candles=_candles("mark", "mark_"),
    trade_candles=_candles("trade", ""),
    instruments=Endpoint(
        "instruments", "publicFuturesGetSettleContracts", PUBLIC, tables=(INSTRUMENTS,),
        parse=_into(INSTRUMENTS, _instrument), params=USDT,
    ),
    leverages=Endpoint(
        "leverages", "privateFuturesGetSettlePositions", FUTURES, tables=(LEVERAGES,),
        parse=_into(LEVERAGES, rows.leverage), params=USDT,
    ),
    code_of=lambda reply: str(reply.get("label", "")) if isinstance(reply, dict) else "",
    transient_codes=frozenset(
        {"TOO_MANY_REQUESTS", "TOO_FAST", "SERVER_ERROR", "INTERNAL", "TOO_BUSY"}
    ),
    point_at=_point_at,
)  # fmt: skip
