"""Gate futures rows of an account's doings and of the market, with the fields of the documents.

Sizes are texts, as a client gets them that asks for decimal sizes; times are texts of seconds here
and numbers on the wire. Margin moved by hand leaves no row: the account book knows no such entry.
Funding is not simulated. Assumed: a partial liquidation is an order for the whole position that
leaves some of it, and what the insurance fund takes over is no row of the liquidations.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.market import Symbol, listed
from leverageguard.simulator.seeded.records import (
    CloseRecord,
    Execution,
    Kind,
    OrderRecord,
    Records,
    Setting,
    Stop,
)
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.wire_tools import text

TABLES = (
    "orders", "trades", "account_book", "position_close", "liquidates", "auto_deleverages",
    "price_orders", "positions",
)  # fmt: skip
SYMBOLS = {
    coin: listed(coin, f"{coin}_USDT", size, "1", leverage, listed_ms)
    for coin, size, leverage, listed_ms in (
        ("BTC", "0.0001", 125, 1573557408000),
        ("ETH", "0.01", 100, 1573557408000),
        ("SOL", "1", 50, 1611907688000),
        ("XRP", "10", 50, 1573557408000),
        ("DOGE", "10", 50, 1611907686000),
    )
}
EXACT = Decimal("1E-16")
TAKER, MAKER = "0.0005", "0.0002"


def encode(records: Records) -> dict[str, list[Row]]:
    """The rows of every table; the account book carries the running balance."""
    left = {close.order_id: _left(close) for close in records.closes}
    forced = [close for close in records.closes if close.kind in ("full", "partial")]
    is_net = all(order.is_net for order in records.orders)
    return {
        "orders": [_order(order, left.get(order.order_id)) for order in records.orders],
        "trades": [_trade(order, fill) for order in records.orders for fill in order.fills],
        "account_book": _account_book(records),
        "position_close": [_close(close) for close in records.closes if not _left(close)],
        "liquidates": [_liquidate(close, records) for close in forced],
        "auto_deleverages": [_deleverage(c, records) for c in records.closes if c.kind == "adl"],
        "price_orders": [_stop(stop) for stop in records.stops],
        "positions": [
            _position(setting, mode)
            for setting in records.settings.values()
            for mode in (("single",) if is_net else ("dual_long", "dual_short"))
        ],
    }


def instrument(symbol: Symbol) -> Row:
    """A contract as futures/usdt/contracts sends it."""
    return {
        "name": symbol.inst_id,
        "type": "direct",
        "quanto_multiplier": text(symbol.contract_value),
        "leverage_min": "1",
        "leverage_max": str(symbol.max_leverage),
        "maintenance_rate": "0.004",
        "maker_fee_rate": MAKER,
        "taker_fee_rate": TAKER,
        "order_price_round": text(symbol.tick),
        "mark_price_round": text(symbol.tick),
        "funding_rate": "0.0001",
        "order_size_min": text(symbol.lot),
        "order_size_max": "1000000",
        "enable_decimal": False,
        "in_delisting": False,
        "status": "trading",
        "create_time": symbol.listed_ms // 1000,
    }


def candle(kind: str, symbol: Symbol, minute: Candle) -> Row:
    """A minute as candlesticks sends it: of the contract (trade) or its mark price."""
    row = {
        "t": minute.at_ms // 1000,
        "o": format(minute.open, "f"),
        "h": format(minute.high, "f"),
        "l": format(minute.low, "f"),
        "c": format(minute.close, "f"),
    }
    if kind == "mark":
        return row
    contracts = minute.quote_volume / minute.close / symbol.contract_value
    size = text(contracts.quantize(Decimal(1), ROUND_HALF_UP))
    return {**row, "v": size, "sum": text(minute.quote_volume)}


def _seconds(at_ms: int) -> str:
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"


def _left(close: CloseRecord) -> Decimal:
    return close.max_contracts - close.closed_contracts


def _signed(contracts: Decimal, is_positive: bool) -> str:
    return text(contracts if is_positive else -contracts)


def _source(kind: Kind, order_id: str, client_id: str = "") -> str:
    if kind == "own":
        return f"t-{client_id}" if client_id else "api"
    forced = {"adl": "auto_deleveraging", "takeover": "insurance"}
    return forced.get(kind, f"liq-{order_id}")


def _order(order: OrderRecord, left: Decimal | None) -> Row:
    is_liquidation = order.kind in ("full", "partial")
    rest = (left or Decimal(0)) if is_liquidation else Decimal(0)
    dual_close = not order.is_net and not order.is_opening and order.kind == "own"
    return {
        "id": int(order.order_id),
        "contract": order.symbol.inst_id,
        "create_time": _seconds(order.placed_ms),
        "update_time": _seconds(order.filled_ms),
        "finish_time": _seconds(order.filled_ms),
        "finish_as": "auto_deleveraged" if order.kind == "adl" else "filled",
        "status": "finished",
        "size": _signed(order.contracts + rest, order.is_buy),
        "left": _signed(rest, order.is_buy),
        "iceberg": "0",
        "price": "0" if order.limit_price is None else text(order.limit_price),
        "fill_price": text(order.average_price.quantize(EXACT)),
        "tif": "ioc" if order.limit_price is None else "gtc",
        "is_reduce_only": not order.is_opening,
        "is_close": False,
        "is_liq": is_liquidation,
        "text": _source(order.kind, order.order_id, order.client_id),
        "mkfr": MAKER,
        "tkfr": TAKER,
        "auto_size": (f"close_{'long' if order.is_long else 'short'}" if dual_close else ""),
        "stp_id": 0,
        "stp_act": "-",
        "amend_text": "-",
    }


def _trade(order: OrderRecord, fill: Execution) -> Row:
    size = _signed(fill.contracts, order.is_buy)
    return {
        "trade_id": fill.trade_id,
        "create_time": _seconds(fill.at_ms),
        "contract": order.symbol.inst_id,
        "order_id": order.order_id,
        "size": size,
        "close_size": "0" if order.is_opening else size,
        "price": text(fill.price),
        "role": "maker" if fill.is_maker else "taker",
        "text": _source(order.kind, order.order_id, order.client_id),
        "fee": text(-fill.fee),
        "point_fee": "0",
    }


def _account_book(records: Records) -> list[Row]:
    entries: list[tuple[int, str, str, Decimal, Row]] = [
        (move.at_ms, move.entry_id, "dnw", move.amount, {}) for move in records.transfers
    ]
    for order in records.orders:
        for fill in order.fills:
            of = {
                "text": f"{order.symbol.inst_id}:{order.order_id}",
                "contract": order.symbol.inst_id,
                "trade_id": fill.trade_id,
            }
            if not order.is_opening:
                entries.append((fill.at_ms, f"{fill.entry_id}1", "pnl", fill.pnl, of))
            entries.append((fill.at_ms, f"{fill.entry_id}2", "fee", fill.fee, of))
    rows, balance = [], Decimal(0)
    for at_ms, entry_id, kind, change, of in sorted(entries, key=lambda entry: entry[:2]):
        balance += change
        rows.append(
            {
                "id": entry_id,
                "time": _seconds(at_ms),
                "type": kind,
                "change": text(change),
                "balance": text(balance),
                "text": "",
                "contract": "",
                "trade_id": "",
                **of,
            }
        )
    return rows


def _close(close: CloseRecord) -> Row:
    prices = text(close.entry.quantize(EXACT)), text(close.close_average.quantize(EXACT))
    return {
        "time": _seconds(close.at_ms),
        "contract": close.symbol.inst_id,
        "side": "long" if close.is_long else "short",
        "pnl": text(close.pnl + close.fee),
        "pnl_pnl": text(close.pnl),
        "pnl_fund": "0",
        "pnl_fee": text(close.fee),
        "text": _source(close.kind, close.order_id),
        "max_size": text(close.max_contracts),
        "accum_size": text(close.closed_contracts),
        "first_open_time": close.opened_ms // 1000,
        "long_price": prices[0 if close.is_long else 1],
        "short_price": prices[1 if close.is_long else 0],
    }


def _closing(close: CloseRecord, records: Records) -> OrderRecord:
    return next(order for order in records.orders if order.order_id == close.order_id)


def _liquidate(close: CloseRecord, records: Records) -> Row:
    order, left = _closing(close, records), _left(close)
    trigger = text(close.trigger or order.average_price)
    return {
        "time": close.at_ms // 1000,
        "contract": close.symbol.inst_id,
        "size": _signed(order.contracts + left, close.is_long),
        "leverage": str(close.leverage) if close.is_isolated else "0",
        "margin": text(close.margin_opened),
        "entry_price": text(close.entry.quantize(EXACT)),
        "liq_price": trigger,
        "mark_price": trigger,
        "order_id": int(close.order_id),
        "order_price": text(order.limit_price or order.average_price.quantize(EXACT)),
        "fill_price": text(order.average_price.quantize(EXACT)),
        "left": _signed(left, close.is_long),
    }


def _deleverage(close: CloseRecord, records: Records) -> Row:
    order = _closing(close, records)
    return {
        "time": close.at_ms // 1000,
        "contract": close.symbol.inst_id,
        "order_id": int(close.order_id),
        "leverage": str(close.leverage) if close.is_isolated else "0",
        "cross_leverage_limit": "0" if close.is_isolated else str(close.leverage),
        "entry_price": text(close.entry.quantize(EXACT)),
        "fill_price": text(order.average_price.quantize(EXACT)),
        "position_size": _signed(_left(close), close.is_long),
        "trade_size": _signed(order.contracts, order.is_buy),
    }


def _stop(stop: Stop) -> Row:
    side = "long" if stop.is_long else "short"
    return {
        "id": int(stop.stop_id),
        "id_string": stop.stop_id,
        "create_time": _seconds(stop.placed_ms),
        "finish_time": _seconds(stop.cancelled_ms),
        "status": "finished",
        "finish_as": "cancelled",
        "trade_id": 0,
        "order_type": f"plan-close-{side}-position",
        "initial": {
            "contract": stop.symbol.inst_id,
            "size": _signed(stop.contracts, not stop.is_long),
            "price": "0",
            "text": "api",
            "is_reduce_only": True,
            "is_close": False,
        },
        "trigger": {
            "price_type": 1,
            "price": text(stop.trigger),
            "rule": 2 if stop.is_long else 1,
            "expiration": 86400,
        },
    }


def _position(setting: Setting, mode: str) -> Row:
    leverage = str(setting.leverage)
    return {
        "contract": setting.symbol.inst_id,
        "size": "0",
        "leverage": leverage if setting.is_isolated else "0",
        "cross_leverage_limit": "0" if setting.is_isolated else leverage,
        "leverage_max": str(setting.symbol.max_leverage),
        "mode": mode,
        "margin": "0",
    }
