"""Bybit v5 rows beside the trades: instruments, candles, settings and the account itself."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.market import Symbol, listed
from leverageguard.simulator.seeded.records import Setting
from leverageguard.simulator.values import Account
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.wire_tools import blank, text

STEP = Decimal("1E-8")
# The sizes step as on the other venues of a seeded world; Bybit's own steps are coarser.
SYMBOLS = {
    "BTC": listed("BTC", "BTCUSDT", "1", "0.0001", 100, 1584230400000),
    "ETH": listed("ETH", "ETHUSDT", "1", "0.001", 100, 1603238400000),
    "SOL": listed("SOL", "SOLUSDT", "1", "0.01", 50, 1634256000000),
    "XRP": listed("XRP", "XRPUSDT", "1", "1", 50, 1610582400000),
    "DOGE": listed("DOGE", "DOGEUSDT", "1", "10", 50, 1622592000000),
}


def account_row(margin_mode: str) -> Row:
    """A unified account as account/info sends it."""
    return {
        "dcpStatus": "OFF",
        "isMasterTrader": False,
        "marginMode": margin_mode,
        "smpGroup": 0,
        "spotHedgingStatus": "OFF",
        "timeWindow": 10,
        "unifiedMarginStatus": 5,
        "updatedTime": "1697078946000",
    }


def position_row(inst_id: str, index: int, leverage: str) -> Row:
    """A setting as position/list sends it for a symbol without a position."""
    return {
        **blank("side avgPrice positionValue liqPrice bustPrice positionIM positionMM takeProfit "
                "stopLoss trailingStop unrealisedPnl curRealisedPnl sessionAvgPrice"),
        "autoAddMargin": 0,
        "leverage": leverage,
        "positionIdx": index,
        "positionStatus": "Normal",
        "size": "0",
        "symbol": inst_id,
        "tradeMode": 0,
    }  # fmt: skip


def instrument(symbol: Symbol) -> Row:
    """A perpetual as market/instruments-info sends it."""
    return {
        "baseCoin": symbol.coin,
        "contractType": "LinearPerpetual",
        "copyTrading": "both",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "fundingInterval": 480,
        "isPreListing": False,
        "launchTime": str(symbol.listed_ms),
        "leverageFilter": {
            "leverageStep": "0.01",
            "maxLeverage": f"{symbol.max_leverage}.00",
            "minLeverage": "1",
        },
        "lotSizeFilter": {
            "maxMktOrderQty": "120000",
            "maxOrderQty": "1200000",
            "minNotionalValue": "5",
            "minOrderQty": text(symbol.lot),
            "qtyStep": text(symbol.lot),
        },
        "priceFilter": {"tickSize": format(symbol.tick, "f")},
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "status": "Trading",
        "symbol": symbol.inst_id,
        "unifiedMarginTrade": True,
    }


def candle(kind: str, symbol: Symbol, minute: Candle) -> list[str]:
    """A minute as market/mark-price-kline (mark) or market/kline (trade) sends it."""
    prices = (minute.open, minute.high, minute.low, minute.close)
    row = [str(minute.at_ms), *(format(price, "f") for price in prices)]
    if kind == "mark":
        return row
    coins = (minute.quote_volume / minute.close).quantize(STEP, ROUND_HALF_UP)
    return [*row, text(coins), text(minute.quote_volume)]


def position_rows(setting: Setting, is_net: bool) -> list[Row]:
    """One row in one-way mode, else one a side."""
    indexes = (0,) if is_net else (1, 2)
    inst_id, leverage = setting.symbol.inst_id, str(setting.leverage)
    return [position_row(inst_id, index, leverage) for index in indexes]


def key_row(account: Account, api_key: str) -> Row:
    """An API key as user/query-api describes it."""
    is_master = account.main_uid == account.uid
    is_read_only = account.perm == "read_only"
    return {
        "affiliateID": 0,
        "apiKey": api_key,
        "createdAt": "2025-10-16T02:24:40Z",
        "deadlineDay": 66,
        "expiredAt": "2026-10-16T02:24:40Z",
        "id": "13770661",
        "inviterID": 0,
        "ips": ["*"],
        "isMaster": is_master,
        "kycLevel": "LEVEL_1",
        "kycRegion": "",
        "mktMakerLevel": "0",
        "note": "leverageguard",
        "parentUid": "0" if is_master else account.main_uid,
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Derivatives": ["DerivativesTrade"],
            "Options": [],
            "Spot": [],
            "Wallet": [] if is_read_only else ["AccountTransfer"],
        },
        "readOnly": 1 if is_read_only else 0,
        "rsaPublicKey": "",
        "secret": "",
        "type": 1,
        "unified": 0,
        "userID": int(account.uid),
        "uta": 1,
        "vipLevel": "No VIP",
    }
