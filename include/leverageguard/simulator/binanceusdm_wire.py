"""An account's doings and a market's minutes as Binance USD-M futures rows.

The field sets follow the documented samples. Margin released counts as a reduction (type 2) with a
positive amount; a forced order's commission is shown like any other; funding is not simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.market import Symbol, listed
from leverageguard.simulator.seeded.records import (
    Execution,
    MarginMove,
    OrderRecord,
    Records,
    Setting,
    Stop,
)
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.wire_tools import text

MINUTE_MS = 60_000
PRICE_STEP, MONEY_STEP = Decimal("1E-10"), Decimal("1E-8")
TABLES = (
    "all_orders", "user_trades", "income", "margin_history", "liquidations", "deleverages",
    "algo_orders", "symbol_config",
)  # fmt: skip
SYMBOLS = {
    coin: listed(coin, f"{coin}USDT", "1", lot, leverage, listed_ms)
    for coin, lot, leverage, listed_ms in (
        ("BTC", "0.001", 100, 1567965300000),
        ("ETH", "0.001", 100, 1574841600000),
        ("SOL", "0.01", 50, 1599991200000),
        ("XRP", "0.1", 50, 1578290400000),
        ("DOGE", "1", 50, 1594274400000),
    )
}
# What forceOrders leaves out of an order.
ORDER_ONLY = frozenset({"priceProtect", "priceMatch", "selfTradePreventionMode", "goodTillDate"})


def encode(records: Records) -> dict[str, list[Row]]:
    """The rows of every table, each in the order of its time."""
    orders = [(order, _order(order)) for order in records.orders]
    adl = [_forced(row) for order, row in orders if order.kind == "adl"]
    forced = [_forced(row) for order, row in orders if order.kind not in ("own", "adl")]
    fills = [(order, fill) for order in records.orders for fill in order.fills]
    income = [row for order, fill in fills for row in _income(order, fill)]
    margin = [_margin(order, fill.margin_change, fill.at_ms, "TRADE") for order, fill in fills]
    margin += [_margin(m, m.amount, m.at_ms, "USER_ADJUST") for m in records.margin_moves]
    moved = [_transfer(each.entry_id, each.at_ms, each.amount) for each in records.transfers]
    return {
        "all_orders": [row for _, row in orders],
        "user_trades": [_trade(order, fill) for order, fill in fills],
        "income": sorted(income + moved, key=lambda row: int(row["time"])),
        "margin_history": sorted(
            (row for row in margin if row["amount"] != "0"), key=lambda row: int(row["time"])
        ),
        "liquidations": forced,
        "deleverages": adl,
        "algo_orders": [_stop(stop) for stop in records.stops],
        "symbol_config": [config_row(each) for each in records.settings.values()],
    }


def instrument(symbol: Symbol) -> Row:
    """A perpetual as exchangeInfo lists it."""
    return {
        "symbol": symbol.inst_id,
        "pair": symbol.inst_id,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": symbol.listed_ms,
        "status": "TRADING",
        "baseAsset": symbol.coin,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": format(symbol.tick, "f")},
            {"filterType": "LOT_SIZE", "stepSize": str(symbol.lot), "minQty": str(symbol.lot)},
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def candle(kind: str, _: Symbol, minute: Candle) -> list[str | int]:
    """A minute as markPriceKlines (mark) or klines (trade) sends it."""
    prices = (minute.open, minute.high, minute.low, minute.close)
    row: list[str | int] = [minute.at_ms, *(format(price, "f") for price in prices)]
    closes = minute.at_ms + MINUTE_MS - 1
    if kind == "mark":
        return [*row, "0", closes, "0", 60, "0", "0", "0"]
    coins = (minute.quote_volume / minute.close).quantize(Decimal("0.001"), ROUND_HALF_UP)
    quote, half = text(minute.quote_volume), text(minute.quote_volume / 2)
    return [*row, text(coins), closes, quote, int(coins) + 1, text(coins / 2), half, "0"]


def config_row(setting: Setting) -> Row:
    """One row of symbolConfig."""
    return {
        "symbol": setting.symbol.inst_id,
        "marginType": "ISOLATED" if setting.is_isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": setting.leverage,
        "maxNotionalValue": "10000000",
    }


def _order(order: OrderRecord) -> Row:
    kind = "MARKET" if order.limit_price is None else "LIMIT"
    is_liquidation = order.kind not in ("own", "adl")
    client_id = order.client_id or f"web_{order.order_id}"
    if order.kind != "own":
        client_id = f"autoclose-{order.filled_ms}" if is_liquidation else "adl_autoclose"
    return {
        "orderId": int(order.order_id),
        "symbol": order.symbol.inst_id,
        "status": "FILLED",
        "clientOrderId": client_id,
        "price": text(order.limit_price or Decimal(0)),
        "avgPrice": text(order.average_price.quantize(PRICE_STEP, ROUND_HALF_UP)),
        "origQty": _coins(order, order.contracts),
        "executedQty": _coins(order, order.contracts),
        "cumQuote": text(sum((_quote(order, fill) for fill in order.fills), Decimal(0))),
        "timeInForce": "IOC" if is_liquidation else "GTC",
        "type": kind,
        "reduceOnly": order.kind == "own" and order.is_net and not order.is_opening,
        "closePosition": False,
        "side": "BUY" if order.is_buy else "SELL",
        "positionSide": _slot(order),
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
        "time": order.placed_ms,
        "updateTime": order.filled_ms,
    }


def _forced(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ORDER_ONLY}


def _trade(order: OrderRecord, fill: Execution) -> Row:
    return {
        "buyer": order.is_buy,
        "commission": text(_money(-fill.fee)),
        "commissionAsset": "USDT",
        "id": int(fill.trade_id),
        "maker": fill.is_maker,
        "orderId": int(order.order_id),
        "price": text(fill.price),
        "qty": _coins(order, fill.contracts),
        "quoteQty": text(_quote(order, fill)),
        "realizedPnl": text(_money(fill.pnl)),
        "marginAsset": "USDT",
        "side": "BUY" if order.is_buy else "SELL",
        "positionSide": _slot(order),
        "symbol": order.symbol.inst_id,
        "time": fill.at_ms,
    }


def _income(order: OrderRecord, fill: Execution) -> Iterator[Row]:
    """What a fill did to the balance: a realised result when it closed, and its commission."""
    amounts = {"REALIZED_PNL": fill.pnl, "COMMISSION": fill.fee}
    if order.is_opening:
        del amounts["REALIZED_PNL"]
    for kind, amount in amounts.items():
        yield {
            "symbol": order.symbol.inst_id,
            "incomeType": kind,
            "income": text(_money(amount)),
            "asset": "USDT",
            "info": fill.trade_id,
            "time": fill.at_ms,
            "tranId": int(fill.trade_id),
            "tradeId": fill.trade_id,
        }


def _transfer(entry_id: str, at_ms: int, amount: Decimal) -> Row:
    return {
        "symbol": "",
        "incomeType": "TRANSFER",
        "income": text(_money(amount)),
        "asset": "USDT",
        "info": "TRANSFER",
        "time": at_ms,
        "tranId": int(entry_id),
        "tradeId": "",
    }


def _margin(of: OrderRecord | MarginMove, amount: Decimal, at_ms: int, delta_type: str) -> Row:
    return {
        "symbol": of.symbol.inst_id,
        "type": 1 if amount > 0 else 2,
        "deltaType": delta_type,
        "amount": text(abs(_money(amount))),
        "asset": "USDT",
        "time": at_ms,
        "positionSide": _slot(of),
        "clientTranId": "",
    }


def _stop(stop: Stop) -> Row:
    return {
        "algoId": int(stop.stop_id),
        "clientAlgoId": f"web_{stop.stop_id}",
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": stop.symbol.inst_id,
        "side": "SELL" if stop.is_long else "BUY",
        "positionSide": _slot(stop),
        "timeInForce": "GTC",
        "quantity": text(stop.contracts * stop.symbol.contract_value),
        "algoStatus": "CANCELED",
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "triggerPrice": text(stop.trigger),
        "price": "0",
        "workingType": "MARK_PRICE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": stop.is_net,
        "createTime": stop.placed_ms,
        "updateTime": stop.cancelled_ms,
        "triggerTime": 0,
    }


def _slot(of: OrderRecord | MarginMove | Stop) -> str:
    if of.is_net:
        return "BOTH"
    return "LONG" if of.is_long else "SHORT"


def _coins(order: OrderRecord, contracts: Decimal) -> str:
    return text(contracts * order.symbol.contract_value)


def _quote(order: OrderRecord, fill: Execution) -> Decimal:
    return fill.price * fill.contracts * order.symbol.contract_value


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(MONEY_STEP, ROUND_HALF_UP)
