"""Binance USD-M futures as data: raw endpoints, cursors, weights, retention and forced closes.

Documented: weights, pages, windows below seven days, retention, `fromId` only without a window,
income oldest first, ids unique within a symbol (of income: within its type), cancelled conditional
orders gone three days after they were made.
Assumed: every listing starts with the oldest row of its window; who may list sub accounts is the
master; a commission is positive when charged, as in replies since 2022.
Only the listing of forced orders, asked for one type at a time, says that an order was forced: a
client id can be anything. It does not tell a whole liquidation from a part. `margin` is documented
as needing trade permission and was once refused to read-only keys: optional.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from leverageguard.exchanges import venue as raw
from leverageguard.exchanges.venue import Endpoint, Limit, Paging, Record, Row, millis

Columns = Callable[[Row], Row]
DAY_MS = 86_400_000
# A day less than documented, so that a window at the edge is never half gone.
MONTHS_3, MONTH, UNFILLED = 89 * DAY_MS, 29 * DAY_MS, 2 * DAY_MS
SLOTS = {"BOTH": "net", "LONG": "long", "SHORT": "short"}
DUAL_SIDE = {True: "long_short_mode", False: "net_mode", None: None}
STOP_TYPES = frozenset({"STOP", "STOP_MARKET", "TRAILING_STOP_MARKET"})
READ_FLAGS = frozenset({"enableReading", "enableFixReadOnly"})
INCOME_KINDS = {
    "REALIZED_PNL": "trade", "COMMISSION": "fee", "FUNDING_FEE": "funding",
    "INSURANCE_CLEAR": "insurance", "TRANSFER": "transfer", "INTERNAL_TRANSFER": "transfer",
    "CROSS_COLLATERAL_TRANSFER": "transfer", "STRATEGY_UMFUTURES_TRANSFER": "transfer",
    "COIN_SWAP_DEPOSIT": "transfer", "COIN_SWAP_WITHDRAW": "transfer",
}  # fmt: skip
MARGIN_KINDS = {"TRADE": "trade", "USER_ADJUST": "margin"}
MARGIN_ID = ("symbol", "positionSide", "time", "deltaType", "type", "amount", "n")
KLINE = ("at", "open", "high", "low", "close", "volume", "closed", "quote_volume")
_weighing = partial(Limit, 2400, 60, "address", "weight")
SAPI = Limit(12000, 60, per="address", bucket="sapi")
SPOT = Limit(6000, 60, per="address", bucket="spot", cost=20)


def _unwrap(payload: Any) -> list[Any]:
    if not isinstance(payload, list):
        raise raw.InconsistentPageError(f"binanceusdm: {type(payload).__name__} is not a list")
    return payload


def _single(payload: Any) -> list[Any]:
    if not isinstance(payload, dict):
        raise raw.InconsistentPageError(f"binanceusdm: {type(payload).__name__} is not an object")
    return [payload]


def _member(name: str) -> Callable[[Any], list[Any]]:
    return lambda payload: _unwrap(_single(payload)[0].get(name))


def _numbered(payload: Any) -> list[Any]:
    """Margin changes have no id: the nth of equal ones in a reply is told apart by `n`."""
    seen: Counter[str] = Counter()
    rows = [_single(row)[0] for row in _unwrap(payload)]
    for at, row in enumerate(rows):
        seen[repr(row)] += 1
        rows[at] = {**row, "n": str(seen[repr(row)])}
    return rows


def _negated(number: str) -> str:
    size = number.removeprefix("-")
    return size if number != size or not size.strip("0.") else f"-{size}"


def _held_side(row: Row) -> str:
    """The side of the position that a closing order of this row reduces."""
    slot = SLOTS[row["positionSide"]]
    return slot if slot != "net" else "long" if row["side"] == "SELL" else "short"


def _into(table: str, columns: Columns) -> raw.Parse:
    return lambda row: ((table, columns(row)),)


def _order(row: Row) -> Row:
    return {
        "inst_id": row["symbol"], "order_id": row["orderId"], "order_side": row["side"].lower(),
        "client_order_id": row["clientOrderId"], "position_slot": SLOTS[row["positionSide"]],
        "state": row["status"].lower(), "average_price": row["avgPrice"],
        "ordered_qty_contracts": row["origQty"], "filled_qty_contracts": row["executedQty"],
        "created_at_ms": millis("time")(row), "filled_at_ms": millis("updateTime")(row),
        "updated_at_ms": millis("updateTime")(row),
    }  # fmt: skip


def _is_cancelled_stop(row: Row) -> bool:
    is_cancelled = "CANCELED" in (row.get("status"), row.get("algoStatus"))
    is_stop = row.get("origType") in STOP_TYPES or row.get("orderType") in STOP_TYPES
    # Hedge mode knows no reduceOnly: there the slot says which side opens.
    opens = {"LONG": "BUY", "SHORT": "SELL"}.get(row["positionSide"], row["side"])
    is_closing = True in (row.get("reduceOnly"), row.get("closePosition"), row["side"] != opens)
    return is_cancelled and is_stop and is_closing


def _stop(row: Row) -> Row:
    return {
        "inst_id": row["symbol"], "stop_id": row.get("algoId") or row["orderId"],
        "position_side": _held_side(row), "state": "canceled",
        "trigger_price": row.get("triggerPrice") or row.get("stopPrice"),
        "created_at_ms": millis("createTime" if "createTime" in row else "time")(row),
        "updated_at_ms": millis("updateTime")(row),
    }  # fmt: skip


def _order_or_stop(row: Row) -> Iterable[Record]:
    # Stops were orders until Binance gave them a listing of their own in December 2025.
    return ((raw.STOPS, _stop(row)) if _is_cancelled_stop(row) else (raw.ORDERS, _order(row)),)


def _conditional(row: Row) -> Iterable[Record]:
    return ((raw.STOPS, _stop(row)),) if _is_cancelled_stop(row) else ()


def _fill(row: Row) -> Row:
    symbol = row["symbol"]
    # A commission paid in another coin (BNB) is no amount of the settlement currency.
    is_settled = symbol.split("_")[0].endswith(row["commissionAsset"])
    return {
        "inst_id": symbol, "order_id": row["orderId"], "fill_id": f"{symbol}:{row['id']}",
        "order_side": row["side"].lower(), "position_slot": SLOTS[row["positionSide"]],
        "price": row["price"], "qty_contracts": row["qty"], "pnl": row["realizedPnl"],
        "fee": _negated(row["commission"]) if is_settled else None,
        "filled_at_ms": millis("time")(row),
    }  # fmt: skip


def _income(row: Row) -> Row:
    kind, symbol, trade = row["incomeType"], row.get("symbol") or None, row.get("tradeId")
    return {
        "inst_id": symbol, "entry_id": f"{kind}:{row['tranId']}:{symbol or ''}", "marker": kind,
        "entry_kind": INCOME_KINDS.get(kind, "other"), "currency": row["asset"],
        "forced_kind": "delivery" if kind == "DELIVERED_SETTELMENT" else None,
        "fill_id": f"{symbol}:{trade}" if symbol and trade else None,
        "pnl": row["income"] if kind == "REALIZED_PNL" else None,
        "fee": row["income"] if kind == "COMMISSION" else None, "amount": row["income"],
        "recorded_at_ms": millis("time")(row),
    }  # fmt: skip


def _margin(row: Row) -> Row:
    return {
        "inst_id": row["symbol"], "currency": row["asset"],
        "entry_id": ":".join(["MARGIN", *(row[column] for column in MARGIN_ID)]),
        "entry_kind": MARGIN_KINDS.get(row["deltaType"], "other"),
        "marker": f"MARGIN/{row['deltaType']}/{row['type']}",
        "margin_change": {"1": "", "2": "-"}[row["type"]] + row["amount"].removeprefix("-"),
        "recorded_at_ms": millis("time")(row),
    }  # fmt: skip


def _forced(asked: str, kind: str) -> Columns:
    return lambda row: {
        "inst_id": row["symbol"], "position_id": row["orderId"], "order_id": row["orderId"],
        "position_side": _held_side(row), "marker": f"{asked}/{row['clientOrderId']}",
        "forced_kind": kind, "qty_contracts": row["executedQty"],
        "updated_at_ms": millis("updateTime")(row),
    }  # fmt: skip


def _leverage(row: Row) -> Row:
    mode = {"ISOLATED": "isolated", "CROSSED": "cross"}[row["marginType"]]
    return {"inst_id": row["symbol"], "margin_mode": mode, "leverage": row["leverage"]}


def _candle(kind: str) -> Columns:
    # No cell says that the minute is over: the windows asked for are.
    return lambda row: {
        "kind": kind, "minute_at_ms": millis("at")(row), "open_price": row["open"],
        "high_price": row["high"], "low_price": row["low"], "close_price": row["close"],
        "quote_volume": row["quote_volume"] if kind == "trade" else None, "is_final": True,
    }  # fmt: skip


def _instrument(row: Row) -> Row:
    kind = "perpetual" if row["contractType"] == "PERPETUAL" else row["contractType"].lower()
    return {
        "inst_id": row["symbol"], "inst_type": kind, "contract_type": "linear",
        "base_asset": row["baseAsset"], "settle_currency": row["marginAsset"],
        "contract_size": "1", "state": row["status"],
    }  # fmt: skip


def _identify(replies: Mapping[str, list[Row] | None]) -> Row:
    asked = ("account_config", "account", "futures_config")
    flags, account, futures = ((replies.get(name) or [{}])[0] for name in asked)
    permissions = sorted(
        name for name, value in flags.items()
        if name.startswith(("enable", "permit")) and str(value).lower() != "false"
    )  # fmt: skip
    is_master = replies.get("sub_accounts") is not None
    return {
        "uid": account.get("uid"), "root_uid": account.get("uid") if is_master else None,
        "permissions": ",".join(permissions),
        "is_read_only": "enableReading" in permissions and READ_FLAGS.issuperset(permissions),
        "position_mode": DUAL_SIDE.get(futures.get("dualSidePosition")),
    }  # fmt: skip


def _from_earlier(by_ms: int) -> Columns:
    """Windows count from the making of an order; one that ended in the window may be older."""
    return lambda asked: {
        name: str(int(value) - by_ms) if name == "startTime" else value
        for name, value in asked.items()
    }


def _point_at(client: Any, url: str) -> None:
    # Live, each family of paths has its own host, which ccxt knows.
    if urlsplit(url).hostname != "fapi.binance.com":
        known = client.urls["api"].items()
        client.urls["api"] = {name: url.rstrip("/") + urlsplit(at).path for name, at in known}


def _rows(name: str, method: str, cost: int, table: str, of: Columns, **more: Any) -> Endpoint:
    return Endpoint(
        name, method, _weighing(cost), **{"tables": (table,), "parse": _into(table, of), **more}
    )


def _listing(name: str, method: str, cost: int, *into: Any, **more: Any) -> Endpoint:
    # Seven days may be asked for, and stops are looked for three days before their window.
    settings = {
        "paging": Paging("time_up", "startTime"), "scope": "instrument", "inst_param": "symbol",
        "from_param": "startTime", "to_param": "endTime", "max_window_ms": 3 * DAY_MS,
        "retention_ms": MONTHS_3, "page_size": 1000, "id_columns": ("symbol", "orderId"),
        "time_of": millis("time"), **more,
    }  # fmt: skip
    return _rows(name, method, cost, *into, **settings)


def _forced_orders(name: str, asked: str, kind: str) -> Endpoint:
    return _listing(
        name, "fapiPrivateGetForceOrders", 20, raw.POSITIONS, _forced(asked, kind), page_size=100,
        params={"autoCloseType": asked}, time_of=millis("updateTime"), shape=_from_earlier(600_000),
    )  # fmt: skip


def _candles(name: str, method: str, kind: str) -> Endpoint:
    return _listing(
        name, method, 2, raw.CANDLES, _candle(kind), params={"interval": "1m"}, page_size=499,
        retention_ms=None, id_columns=("at",), time_of=millis("at"), list_columns=KLINE,
    )  # fmt: skip


VENUE = raw.Venue(
    name="binanceusdm", unwrap=_unwrap, identify=_identify, point_at=_point_at,
    clock=Endpoint("clock", "fapiPublicGetTime", _weighing(1), take=_single),
    clock_ms=millis("serverTime"),
    account=(
        Endpoint("account_config", "sapiGetAccountApiRestrictions", SAPI, take=_single),
        Endpoint("account", "privateGetAccount", SPOT, take=_single,
                 params={"omitZeroBalances": "true"}),
        Endpoint("futures_config", "fapiPrivateGetAccountConfig", _weighing(5), take=_single,
                 is_optional=True),
        # One row proves as much as all, and says less about people who are not insured.
        Endpoint("sub_accounts", "sapiGetSubAccountList", SAPI, take=_member("subAccounts"),
                 params={"limit": "1"}, is_optional=True),
    ),
    order=_rows("order", "fapiPrivateGetOrder", 1, raw.ORDERS, _order, take=_single),
    order_request=lambda inst_id, order_id: {"symbol": inst_id, "orderId": order_id},
    listings=(
        _listing("ledger", "fapiPrivateGetIncome", 30, raw.LEDGER, _income, scope="account",
                 inst_param="", id_columns=("incomeType", "tranId", "symbol")),
        _listing("orders", "fapiPrivateGetAllOrders", 5, raw.ORDERS, _order,
                 tables=(raw.ORDERS, raw.STOPS), parse=_order_or_stop,
                 paging=Paging("id_up", "orderId", "orderId")),
        _listing("fills", "fapiPrivateGetUserTrades", 5, raw.FILLS, _fill,
                 paging=Paging("id_up", "fromId", "id"), id_columns=("symbol", "id")),
        _forced_orders("liquidations", "LIQUIDATION", "full"),
        _forced_orders("deleverages", "ADL", "adl"),
        _listing("stops", "fapiPrivateGetAllAlgoOrders", 5, raw.STOPS, _stop, parse=_conditional,
                 paging=Paging("id_up", "algoId", "algoId"), id_columns=("symbol", "algoId"),
                 time_of=millis("updateTime"), shape=_from_earlier(3 * DAY_MS),
                 retention_ms=UNFILLED),
        _listing("margin", "fapiPrivateGetPositionMarginHistory", 1, raw.LEDGER, _margin,
                 take=_numbered, page_size=500, retention_ms=MONTH, id_columns=MARGIN_ID,
                 is_optional=True),
    ),
    mark_candles=_candles("mark_candles", "fapiPublicGetMarkPriceKlines", "mark"),
    trade_candles=_candles("trade_candles", "fapiPublicGetKlines", "trade"),
    instruments=_rows("instruments", "fapiPublicGetExchangeInfo", 1, raw.INSTRUMENTS,
                      _instrument, take=_member("symbols")),
    leverages=_rows("leverages", "fapiPrivateGetSymbolConfig", 5, raw.LEVERAGES, _leverage,
                    scope="instrument", inst_param="symbol"),
    transient_codes=frozenset({"-1000", "-1001", "-1003", "-1006", "-1007", "-1008"}),
)  # fmt: skip
