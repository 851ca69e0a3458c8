"""Hyperliquid as data: one public path, no key; whoever is asked about is named by address.

An account's uid is its address in lower case. No listing shows filled orders, so each order of a
fill is read by its id. Nothing shows mark candles (traded prices stand in for them), a second
statement of the pnl, or margin moved by hand into or out of an isolated position. Only the newest
10,000 fills, 2,000 orders and 5,000 candles are kept; older ones are gone without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal
from hashlib import sha256
from typing import Any

from leverageguard import clock
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
    Record,
    Row,
    Venue,
    millis,
)

INFO, OWNER = "publicPostInfo", "_owner"
NUMBERS = ("startTime", "endTime", "oid")
PARAMETERS = ("type", "user", "coin", *NUMBERS)
SIDES = {"A": "sell", "B": "buy"}
CLOSED_SIDES = {"A": "long", "B": "short"}
METHODS = {"market": "full", "backstop": "takeover"}
DIRECTIONS = {"Auto-Deleveraging": "adl", "Settlement": "settlement"}
AMOUNTS = {"vaultWithdraw": "netWithdrawnUsd", "send": "amount"}
EXACT = Context(prec=60)


def _objects(payload: Any) -> list[Any]:
    if not isinstance(payload, list) or not all(isinstance(row, dict) for row in payload):
        raise InconsistentPageError(f"hyperliquid: a listing is a {type(payload).__name__}")
    return payload


def _object(*members: str) -> Callable[[Any], list[Any]]:
    """One object that has these members, as a list of one row."""

    def take(payload: Any) -> list[Any]:
        if not isinstance(payload, dict) or any(payload.get(name) is None for name in members):
            raise InconsistentPageError(f"hyperliquid: no object with {', '.join(members)}")
        return [payload]

    return take


def _stated_order(entry: Any) -> Row:
    """An order and its status as one row."""
    [stated] = _object("order", "status", "statusTimestamp")(entry)
    [order] = _object("oid")(stated["order"])
    return {**order, "status": stated["status"], "statusTimestamp": stated["statusTimestamp"]}


def _one_order(payload: Any) -> list[Any]:
    [reply] = _object("status")(payload)
    if reply["status"] == "unknownOid":
        raise AbsentError("hyperliquid: unknownOid")
    return [_stated_order(reply.get("order"))]


def _body(params: dict[str, Any]) -> dict[str, Any]:
    """The posted body: only what the venue knows, times and order ids as whole numbers."""
    known = {name: value for name, value in params.items() if name in PARAMETERS}
    return {name: int(value) if name in NUMBERS else value for name, value in known.items()}


def _candle_body(params: dict[str, Any]) -> dict[str, Any]:
    asked = _body(params)
    return {"type": asked.pop("type"), "req": {**asked, "interval": "1m"}}


def _negated(text: str) -> str:
    """The same number with the other sign, digit for digit."""
    if text.startswith("-"):
        return text[1:]
    return f"-{text}" if text.strip("0.") else text


def _is_same(address: Any, owner: Any) -> bool:
    return bool(address) and str(address).lower() == str(owner).lower()


def _forced_kind(row: Row) -> str | None:
    """How the venue says the fill came about; None for words this file does not know.

    The other parties' fills of a liquidation, the liquidator's and the deleveraged winner's, carry
    the same object: it counts on the account it names only.
    """
    liquidation, direction = row.get("liquidation") or {}, str(row["dir"])
    if _is_same(liquidation.get("liquidatedUser"), row[OWNER]):
        return METHODS.get(str(liquidation.get("method")))
    # Fills of the venue's first months name no liquidated account.
    return None if direction.startswith("Liquidated") else DIRECTIONS.get(direction, "own_close")


def _fill(row: Row) -> Iterable[Record]:
    coin, order_id, trade_id = row["coin"], row["oid"], row["tid"]
    if coin.startswith("@") or "/" in coin:  # a spot trade
        return
    liquidation = row.get("liquidation") or {}
    common = {
        "inst_id": coin, "order_id": order_id, "forced_kind": _forced_kind(row),
        "marker": f"{row['dir']}/{liquidation.get('method') or 'trade'}",
    }  # fmt: skip
    fill = {
        "fill_id": f"{order_id}:{trade_id}", "order_side": SIDES[row["side"]],
        "position_slot": "net", "price": row["px"], "qty_contracts": row["sz"],
        "pnl": row["closedPnl"], "fee": _negated(row["fee"]), "filled_at_ms": millis("time")(row),
    }  # fmt: skip
    yield FILLS, common | fill
    if common["forced_kind"] in (None, "own_close"):
        return
    mode = next((each for each in ("isolated", "cross") if each in row["dir"].lower()), None)
    close = {
        "position_id": f"{coin}:{trade_id}", "position_side": CLOSED_SIDES[row["side"]],
        "margin_mode": mode, "trigger_price": liquidation.get("markPx"),
    }  # fmt: skip
    yield POSITIONS, common | close | {"updated_at_ms": millis("time")(row)}


def _order(row: Row) -> Iterable[Record]:
    # A user may send any time in force, so it proves nothing: a liquidation is known by its fills.
    filled = format(EXACT.subtract(Decimal(row["origSz"]), Decimal(row["sz"])), "f")
    at_ms = millis("statusTimestamp")(row)
    order = {
        "inst_id": row["coin"], "order_id": row["oid"], "client_order_id": row.get("cloid"),
        "marker": row.get("tif"), "order_side": SIDES[row["side"]], "position_slot": "net",
        "state": row["status"], "ordered_qty_contracts": row["origSz"],
        "filled_qty_contracts": filled, "created_at_ms": millis("timestamp")(row),
        "filled_at_ms": at_ms, "updated_at_ms": at_ms,
    }  # fmt: skip
    yield ORDERS, order


def _stop(row: Row) -> Iterable[Record]:
    is_stop = row.get("isTrigger") and row.get("reduceOnly") and "Stop" in row["orderType"]
    # What the venue cancels itself has a status of its own, such as liquidatedCanceled.
    if not is_stop or row["status"] != "canceled":
        return
    stop = {
        "inst_id": row["coin"], "stop_id": row["oid"], "state": row["status"],
        "position_side": CLOSED_SIDES[row["side"]], "trigger_price": row["triggerPx"],
        "created_at_ms": millis("timestamp")(row), "updated_at_ms": millis("statusTimestamp")(row),
    }  # fmt: skip
    yield STOPS, stop


def _entry(row: Row) -> Iterable[Record]:
    delta = row["delta"]
    digest = sha256(repr(sorted(delta.items())).encode()).hexdigest()
    entry_id = f"{row['hash']}:{digest[:16]}"
    common = {"currency": "USDC", "recorded_at_ms": millis("time")(row)}
    if delta["type"] != "liquidation":
        amount = _moved(delta, row[OWNER])
        is_out = amount is not None and amount.startswith("-")
        entry = {
            "entry_id": entry_id, "entry_kind": "other" if amount is None else "transfer",
            "marker": delta["type"], "amount": amount,
            "fee": _negated(delta["fee"]) if is_out and delta.get("fee") else None,
        }  # fmt: skip
        yield LEDGER, common | entry
        return
    for position in delta["liquidatedPositions"]:
        entry = {
            "entry_id": f"{entry_id}:{position['coin']}", "entry_kind": "liquidation",
            "marker": f"liquidation/{delta['leverageType']}", "inst_id": position["coin"],
            "qty_contracts": position["szi"].removeprefix("-"),
        }  # fmt: skip
        yield LEDGER, common | entry


def _moved(delta: Row, owner: str) -> str | None:
    """USDC into (or, negative, out of) the perpetuals account; None when it moved nothing there."""
    kind, comes = delta["type"], _is_same(delta.get("destination"), owner)
    if kind == "send":
        # The unnamed dex is the perpetuals account; what stays inside or outside of it is no move.
        goes = _is_same(delta["user"], owner) and not delta["sourceDex"]
        comes = comes and not delta["destinationDex"]
        kind = kind if comes != goes and delta["token"] == "USDC" else ""
    ways = {
        **dict.fromkeys(("deposit", "vaultWithdraw", "vaultDistribution"), True),
        **dict.fromkeys(("withdraw", "vaultDeposit", "vaultCreate"), False),
        **dict.fromkeys(("internalTransfer", "subAccountTransfer", "send"), comes),
        "accountClassTransfer": bool(delta.get("toPerp")),
    }
    if kind not in ways:
        return None
    amount = str(delta[AMOUNTS.get(kind, "usdc")])
    return amount if ways[kind] else _negated(amount)


def _leverage(row: Row) -> Iterable[Record]:
    said = {"margin_mode": row["leverage"]["type"], "leverage": row["leverage"]["value"]}
    yield LEVERAGES, {"inst_id": row["coin"], "position_slot": "net", **said}


def _candle(kind: str) -> Callable[[Row], Iterable[Record]]:
    def parse(row: Row) -> Iterable[Record]:
        value = format(EXACT.multiply(Decimal(row["v"]), Decimal(row["c"])), "f")
        # The venue sends the running minute too and does not say that it is not over.
        candle = {
            "inst_id": row["s"], "kind": kind, "minute_at_ms": millis("t")(row),
            "open_price": row["o"], "high_price": row["h"], "low_price": row["l"],
            "close_price": row["c"], "quote_volume": value if kind == "trade" else None,
            "is_final": millis("T")(row) < clock.now_ms(),
        }  # fmt: skip
        yield CANDLES, candle

    return parse


def _instrument(row: Row) -> Iterable[Record]:
    instrument = {
        "inst_id": row["name"], "base_asset": row["name"], "inst_type": "perpetual",
        "contract_type": "linear", "settle_currency": "USDC", "contract_size": "1",
        "max_leverage": row["maxLeverage"],
        "state": "delisted" if row.get("isDelisted") else "live",
    }  # fmt: skip
    yield INSTRUMENTS, instrument


def _identify(replies: Mapping[str, list[Row] | None]) -> Row:
    """Who the address is; an agent's address signs for its principal and holds nothing itself."""
    row = (replies["account"] or [{}])[0]
    owner, parties = str(row.get(OWNER, "")).lower(), row.get("data") or {}
    principal, master = (str(parties.get(name, "")).lower() for name in ("user", "master"))
    uid, root_uid = {
        "agent": (principal, principal), "subAccount": (owner, master), "user": (owner, owner),
        "missing": (None, None),
    }.get(str(row.get("role")), (owner, None))  # fmt: skip
    return {"uid": uid, "root_uid": root_uid or None, "permissions": "public",
            "is_read_only": True, "position_mode": "net"}  # fmt: skip


def _info(name: str, kind: str, weight: int, **more: Any) -> Endpoint:
    """One type of question; its weight as documented, with what a few rows add to it."""
    limit = Limit(1200, 60, per="address", bucket="info", cost=weight)
    return Endpoint(name, INFO, limit, **{"params": {"type": kind}, "shape": _body, **more})


def _listing(name: str, kind: str, weight: int, **more: Any) -> Endpoint:
    """A listing by time; it holds 500 rows or more when there may be others after them."""
    windowed = {"from_param": "startTime", "to_param": "endTime", "time_of": millis("time")}
    paged = {"paging": Paging("time_up", "startTime"), "page_size": 500, "owner_param": "user"}
    return _info(name, kind, weight, **{**windowed, **paged, **more})


def _candles(kind: str) -> Endpoint:
    return _listing(
        f"{kind}_candles", "candleSnapshot", 24, tables=(CANDLES,), parse=_candle(kind),
        id_columns=("t",), time_of=millis("t"), scope="instrument", inst_param="coin",
        owner_param="", shape=_candle_body,
    )  # fmt: skip


VENUE = Venue(
    name="hyperliquid", unwrap=_objects, clock_ms=millis("time"), identify=_identify,
    clock=_info("clock", "exchangeStatus", 2, take=_object("time")),
    account=(_info("account", "userRole", 60, take=_object("role"), owner_param="user"),),
    order=_info("order", "orderStatus", 2, tables=(ORDERS,), parse=_order, take=_one_order,
                owner_param="user", id_columns=("oid",), time_of=millis("statusTimestamp")),
    order_request=lambda _, order_id: {"oid": order_id},
    listings=(
        _listing("fills", "userFillsByTime", 25, tables=(FILLS, POSITIONS), parse=_fill,
                 id_columns=("oid", "tid")),
        _listing("ledger", "userNonFundingLedgerUpdates", 21, tables=(LEDGER,), parse=_entry,
                 id_columns=("time", "hash", "delta")),
        # One page without a window. A walk backwards asks for it again: a full page that does not
        # reach the window's start cannot advance, and that is the gap it has to be.
        _listing("stops", "historicalOrders", 25, tables=(STOPS,), parse=_stop,
                 take=lambda reply: [_stated_order(entry) for entry in _objects(reply)],
                 paging=Paging("time_down", ""), page_size=2000, from_param=None, to_param=None,
                 id_columns=("oid", "status"), time_of=millis("statusTimestamp")),
    ),
    mark_candles=_candles("mark"), trade_candles=_candles("trade"),
    instruments=_info("instruments", "meta", 20, tables=(INSTRUMENTS,), parse=_instrument,
                      take=lambda reply: _objects(_object("universe")(reply)[0]["universe"])),
    leverages=_info(
        "leverages", "activeAssetData", 20, tables=(LEVERAGES,), parse=_leverage, inst_param="coin",
        take=_object("coin", "leverage"), owner_param="user", scope="instrument"),
    point_at=lambda client, url: client.urls.update(api={"public": url, "private": url}),
)  # fmt: skip
