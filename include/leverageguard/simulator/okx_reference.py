"""OKX v5 rows beside the trades: instruments, candles, stops, leverages and the account itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from leverageguard.simulator.replies import Row
from leverageguard.simulator.seeded.market import Symbol, listed
from leverageguard.simulator.seeded.records import CloseRecord, OrderRecord, Setting, Stop
from leverageguard.simulator.values import Account
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.wire_tools import blank, text

VOLUME_STEP = Decimal("0.0001")
SYMBOLS = {
    coin: listed(coin, f"{coin}-USDT-SWAP", size, "0.01", leverage, listed_ms, code)
    for coin, size, leverage, listed_ms, code in (
        ("BTC", "0.01", 100, 1573557408000, 10459),
        ("ETH", "0.1", 100, 1573557408000, 10461),
        ("SOL", "1", 50, 1611907688000, 10520),
        ("XRP", "100", 50, 1573557408000, 10463),
        ("DOGE", "1000", 50, 1611907686000, 10498),
    )
}
_EMPTY_STOP = (
    "activePx actualPx actualSide algoClOrdId callbackRatio callbackSpread ccy chaseType chaseVal "
    "clOrdId closeFraction isTradeBorrowMode last lever limitPx moveTriggerPx ordId ordPx pxLimit "
    "pxSpread pxVar quickMgnType szLimit tag tgtCcy timeInterval tpOrdPx tpTriggerPx "
    "tpTriggerPxType tradeQuoteCcy triggerPx triggerPxType triggerTime"
)
_EMPTY_INSTRUMENT = (
    "alias auctionEndTime baseCcy contTdSwTime expTime maxMktAmt openType optType preMktSwTime "
    "quoteCcy stk"
)


def instrument(symbol: Symbol) -> Row:
    """A swap as public/instruments sends it."""
    return {
        **blank(_EMPTY_INSTRUMENT),
        "category": "1",
        "ctMult": "1",
        "ctType": "linear",
        "ctVal": str(symbol.contract_value),
        "ctValCcy": symbol.coin,
        "futureSettlement": False,
        "instFamily": f"{symbol.coin}-USDT",
        "instId": symbol.inst_id,
        "instIdCode": symbol.code,
        "instType": "SWAP",
        "lever": str(symbol.max_leverage),
        "listTime": str(symbol.listed_ms),
        "lotSz": str(symbol.lot),
        "maxIcebergSz": "100000000",
        "maxLmtAmt": "20000000",
        "maxLmtSz": "100000000",
        "maxMktSz": "12000",
        "maxStopSz": "12000",
        "maxTriggerSz": "100000000",
        "maxTwapSz": "100000000",
        "minSz": str(symbol.lot),
        "ruleType": "normal",
        "settleCcy": "USDT",
        "state": "live",
        "tickSz": format(symbol.tick, "f"),
        "tradeQuoteCcyList": [],
        "uly": f"{symbol.coin}-USDT",
    }


def candle(kind: str, symbol: Symbol, minute: Candle) -> list[str]:
    """A minute as history-mark-price-candles (mark) or history-candles (trade) sends it."""
    prices = (minute.open, minute.high, minute.low, minute.close)
    row = [str(minute.at_ms), *(format(price, "f") for price in prices)]
    if kind == "mark":
        return [*row, "1"]
    coins = (minute.quote_volume / minute.close).quantize(VOLUME_STEP, ROUND_HALF_UP)
    contracts = (coins / symbol.contract_value).quantize(VOLUME_STEP, ROUND_HALF_UP)
    return [*row, text(contracts), text(coins), text(minute.quote_volume), "1"]


def slot(item: OrderRecord | CloseRecord | Stop) -> str:
    """The posSide of an order, a position or a stop."""
    if item.is_net:
        return "net"
    return "long" if item.is_long else "short"


def mode(is_isolated: bool) -> str:
    """The mgnMode or tdMode."""
    return "isolated" if is_isolated else "cross"


def stop_row(stop: Stop) -> Row:
    """A conditional order as orders-algo-history sends it."""
    return {
        **blank(_EMPTY_STOP),
        "actualSz": "0",
        "algoId": stop.stop_id,
        "amendPxOnTriggerType": "0",
        "attachAlgoOrds": [],
        "cTime": str(stop.placed_ms),
        "failCode": "0",
        "instId": stop.symbol.inst_id,
        "instType": "SWAP",
        "linkedOrd": {"ordId": ""},
        "ordIdList": [],
        "ordType": "conditional",
        "posSide": slot(stop),
        "reduceOnly": "true",
        "side": "sell" if stop.is_long else "buy",
        "slOrdPx": "-1",
        "slTriggerPx": text(stop.trigger),
        "slTriggerPxType": "mark",
        "state": "canceled",
        "sz": text(stop.contracts),
        "tdMode": "isolated",
        "uTime": str(stop.cancelled_ms),
    }


def leverage_rows(setting: Setting, is_net: bool) -> list[Row]:
    """One row a side in isolated long/short mode, else one for the instrument."""
    sides = ("net",) if is_net or not setting.is_isolated else ("long", "short")
    return [leverage(setting.symbol.inst_id, side, str(setting.leverage),
                     mode(setting.is_isolated)) for side in sides]  # fmt: skip


def leverage(inst_id: str, side: str, lever: str, margin_mode: str) -> Row:
    """One row of leverage-info."""
    return {"ccy": "", "instId": inst_id, "lever": lever, "mgnMode": margin_mode, "posSide": side}


def config_row(account: Account, tables: Mapping[str, list[Row]]) -> Row:
    """The account/config row of an account, in the position mode its orders show."""
    is_net = any(row.get("posSide") == "net" for row in tables["orders"])
    return {
        "acctLv": "2",
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "greeksType": "PA",
        "ip": "",
        "kycLv": "2",
        "label": "leverageguard",
        "level": "Lv1",
        "levelTmp": "",
        "liquidationGear": "-1",
        "mainUid": account.main_uid,
        "mgnIsoMode": "automatic",
        "opAuth": "0",
        "perm": account.perm,
        "posMode": "net_mode" if is_net else "long_short_mode",
        "roleType": "0",
        "spotBorrowAutoRepay": False,
        "spotOffsetType": "",
        "spotRoleType": "0",
        "spotTraderInsts": [],
        "stgyType": "0",
        "traderInsts": [],
        "type": "0",
        "uid": account.uid,
    }
