"""An account's doings as Hyperliquid rows: the field sets of the venue's replies.

Assumed: a liquidation order is a market order of time in force LiquidationMarket, and each
liquidation has a ledger entry. An account holds one side of a coin at a time, so doings in hedge
mode cannot be written here. Margin moved by hand into or out of an isolated position leaves no
public row, and is left out. The highest leverages are the simulated world's, above the venue's.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.market import Symbol, listed
from leverageguard.simulator.seeded.records import Execution, OrderRecord, Records, Stop, Transfer
from leverageguard.simulator.venue import Candle

TABLES = ("fills", "orders", "ledger", "asset_data")
MINUTE_MS = 60_000
STRANGER = "0x" + "5" * 40
LISTED_MS = 1_683_849_600_000


def address(number: int) -> str:
    """The address of the simulated account of that number."""
    return "0x" + sha256(f"leverageguard simulated address|{number}".encode()).hexdigest()[:40]


def _text(number: Decimal) -> str:
    """Digits as the venue writes them: at least one behind the point."""
    whole, _, fraction = format(number + 0, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def _hash(*parts: str) -> str:
    return "0x" + sha256("|".join(parts).encode()).hexdigest()


def encode(records: Records) -> dict[str, list[Row]]:
    """The rows of an account's tables; a coin's leverage is the one set, or traded with last."""
    leverages = {o.symbol.inst_id: (o.is_isolated, o.leverage) for o in records.orders}
    leverages |= {c: (each.is_isolated, each.leverage) for c, each in records.settings.items()}
    forced = [o for o in records.orders if o.kind in ("full", "partial", "takeover")]
    return {
        "fills": _fills(records),
        "orders": [*map(_order, records.orders), *map(_stop, records.stops)],
        "ledger": [*map(_transfer, records.transfers), *map(_liquidation, forced)],
        "asset_data": [
            asset_row(
                records.uid, coin, {"type": "isolated" if isolated else "cross", "value": value}
            )
            for coin, (isolated, value) in leverages.items()
        ],
    }


def asset_row(user: str, coin: str, leverage: Row) -> Row:
    """What activeAssetData says about a coin of an account."""
    nothing = ["0.0", "0.0"]
    more = {"rawUsd": "0.0"} if leverage["type"] == "isolated" else {}
    return {"user": user.lower(), "coin": coin, "leverage": leverage | more,
            "maxTradeSzs": nothing, "availableToTrade": nothing, "markPx": "0.0"}  # fmt: skip


def _fills(records: Records) -> list[Row]:
    """The fills in time order, each with the position before it."""
    rows, held = [], dict.fromkeys((o.symbol.inst_id for o in records.orders), Decimal(0))
    done = [(fill, order) for order in records.orders for fill in order.fills]
    for fill, order in sorted(done, key=lambda each: each[0].at_ms):
        coin = order.symbol.inst_id
        rows.append(_fill(records.uid, order, fill, held[coin]))
        held[coin] += fill.contracts if order.is_buy else -fill.contracts
    return rows


def _fill(user: str, order: OrderRecord, fill: Execution, held: Decimal) -> Row:
    side = "Long" if order.is_long else "Short"
    mode = "Isolated" if order.is_isolated else "Cross"
    direction = {"adl": "Auto-Deleveraging", "takeover": f"Liquidated {mode} {side}"}.get(
        order.kind, f"{'Open' if order.is_opening else 'Close'} {side}"
    )
    row: Row = {
        "coin": order.symbol.inst_id, "px": _text(fill.price), "sz": _text(fill.contracts),
        "side": "B" if order.is_buy else "A", "time": fill.at_ms, "startPosition": _text(held),
        "dir": direction, "closedPnl": _text(fill.pnl), "hash": _hash(order.order_id),
        "oid": int(order.order_id), "crossed": not fill.is_maker and order.kind != "takeover",
        "fee": _text(-fill.fee), "tid": abs(int(fill.trade_id)), "feeToken": "USDC",
        "twapId": None,
    }  # fmt: skip
    if order.kind != "own":
        # A deleveraged account is the other side of somebody else's liquidation.
        row["liquidation"] = {
            "liquidatedUser": STRANGER if order.kind == "adl" else user.lower(),
            "markPx": _text(order.trigger or fill.price),
            "method": "backstop" if order.kind in ("adl", "takeover") else "market",
        }
    return row


def _order(record: OrderRecord) -> Row:
    is_limit = record.limit_price is not None and record.kind == "own"
    tif = "FrontendMarket" if record.kind == "own" else "LiquidationMarket"
    details = {"orderType": "Limit" if is_limit else "Market", "tif": "Gtc" if is_limit else tif,
               "cloid": _hash(record.client_id)[:34] if record.client_id else None,
               "limitPx": _text(record.limit_price or record.fills[-1].price), "sz": "0.0",
               "reduceOnly": not record.is_opening, "isTrigger": False, "triggerPx": "0.0",
               "triggerCondition": "N/A"}  # fmt: skip
    return _order_row(record.symbol, record.order_id, record.is_buy, record.contracts, details,
                      "filled", record.placed_ms, record.filled_ms)  # fmt: skip


def _stop(stop: Stop) -> Row:
    price, way = _text(stop.trigger), "below" if stop.is_long else "above"
    details = {"orderType": "Stop Market", "tif": None, "cloid": None, "limitPx": price,
               "sz": _text(stop.contracts), "reduceOnly": True, "isTrigger": True,
               "triggerPx": price, "triggerCondition": f"Price {way} {price}"}  # fmt: skip
    return _order_row(stop.symbol, stop.stop_id, not stop.is_long, stop.contracts, details,
                      "canceled", stop.placed_ms, stop.cancelled_ms)  # fmt: skip


def _order_row(symbol: Symbol, order_id: str, is_buy: bool, contracts: Decimal, details: Row,
               status: str, placed_ms: int, stated_ms: int) -> Row:  # fmt: skip
    order = {"coin": symbol.inst_id, "side": "B" if is_buy else "A", "oid": int(order_id),
             "timestamp": placed_ms, "origSz": _text(contracts), "children": [],
             "isPositionTpsl": False, **details}  # fmt: skip
    return {"order": order, "status": status, "statusTimestamp": stated_ms}


def _transfer(transfer: Transfer) -> Row:
    usdc = _text(abs(transfer.amount))
    out = {"type": "accountClassTransfer", "usdc": usdc, "toPerp": False}
    delta = {"type": "deposit", "usdc": usdc} if transfer.amount >= 0 else out
    return {"time": transfer.at_ms, "hash": _hash(transfer.entry_id), "delta": delta}


def _liquidation(order: OrderRecord) -> Row:
    size = order.contracts if order.is_long else -order.contracts
    left = sum((-fill.margin_change for fill in order.fills), order.pnl)
    delta = {"type": "liquidation", "leverageType": "Isolated" if order.is_isolated else "Cross",
             "liquidatedNtlPos": _text(order.contracts * (order.trigger or order.fills[-1].price)),
             "accountValue": _text(left),
             "liquidatedPositions": [{"coin": order.symbol.inst_id, "szi": _text(size)}],
             }  # fmt: skip
    return {"time": order.filled_ms, "hash": _hash(order.order_id), "delta": delta}


def instrument(symbol: Symbol) -> Row:
    """An entry of the universe."""
    decimals = max(0, -int(symbol.lot.as_tuple().exponent))
    return {"name": symbol.inst_id, "szDecimals": decimals, "maxLeverage": symbol.max_leverage,
            "marginTableId": symbol.max_leverage}  # fmt: skip


def candle(_: str, symbol: Symbol, minute: Candle) -> Row:
    """A minute of candleSnapshot, which knows one kind only; its volume is in coins."""
    volume = (minute.quote_volume / minute.close).quantize(symbol.lot)
    prices = (minute.open, minute.high, minute.low, minute.close)
    return {"t": minute.at_ms, "T": minute.at_ms + MINUTE_MS - 1, "s": symbol.inst_id, "i": "1m",
            **dict(zip("ohlc", map(_text, prices), strict=True)), "v": _text(volume),
            "n": int(volume > 0)}  # fmt: skip


SYMBOLS = {
    coin: listed(coin, coin, "1", lot, leverage, LISTED_MS, code)
    for coin, lot, leverage, code in (
        ("BTC", "0.00001", 100, 0),
        ("ETH", "0.0001", 100, 1),
        ("SOL", "0.01", 50, 5),
        ("XRP", "1", 50, 25),
        ("DOGE", "1", 50, 12),
    )
}
