"""Binance's rows in the columns every venue shares, from the shapes its documentation shows."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from leverageguard.exchanges import strict
from leverageguard.exchanges.venue import (
    FILLS,
    LEDGER,
    ORDERS,
    POSITIONS,
    STOPS,
    Endpoint,
    InconsistentPageError,
)
from leverageguard.exchanges.venues.binanceusdm import VENUE
from leverageguard.warehouse import raw_tables

DAY_MS = 86_400_000
LIQUIDATED = {
    "orderId": "6071832819", "symbol": "BTCUSDT", "status": "FILLED",
    "clientOrderId": "autoclose-1596107620040000020", "price": "10871.09",
    "avgPrice": "10913.21000", "origQty": "0.001", "executedQty": "0.001",
    "cumQuote": "10.91321", "timeInForce": "IOC", "type": "LIMIT", "reduceOnly": False,
    "closePosition": False, "side": "SELL", "positionSide": "BOTH", "stopPrice": "0",
    "workingType": "CONTRACT_PRICE", "origType": "LIMIT", "time": "1596107620044",
    "updateTime": "1596107620087",
}  # fmt: skip
STOP_ORDER = {
    **LIQUIDATED, "orderId": "1917641", "clientOrderId": "abc", "status": "CANCELED",
    "executedQty": "0", "reduceOnly": True, "type": "STOP_MARKET", "origType": "STOP_MARKET",
    "stopPrice": "9300",
}  # fmt: skip
CONDITIONAL = {
    "algoId": "2146760", "clientAlgoId": "6B2I9XVc", "algoType": "CONDITIONAL",
    "orderType": "STOP_MARKET", "symbol": "BNBUSDT", "side": "SELL", "positionSide": "BOTH",
    "timeInForce": "GTC", "quantity": "0.01", "algoStatus": "CANCELED", "actualOrderId": "",
    "triggerPrice": "750.000", "price": "0", "closePosition": False, "reduceOnly": True,
    "createTime": "1750485492076", "updateTime": "1750514545091",
}  # fmt: skip
TRADE = {
    "symbol": "BTCUSDT", "id": "4575108247", "orderId": "261942655610", "side": "SELL",
    "price": "47263.40", "qty": "0.010", "realizedPnl": "27.38400000", "marginAsset": "USDT",
    "quoteQty": "472.63", "commission": "0.18905360", "commissionAsset": "USDT",
    "time": "1707530039409", "buyer": False, "maker": False, "positionSide": "LONG",
}  # fmt: skip
INCOME = {
    "symbol": "BTCUSDT", "incomeType": "COMMISSION", "income": "-0.01000000", "asset": "USDT",
    "info": "COMMISSION", "time": "1570636800000", "tranId": "9689322392", "tradeId": "2059192",
}  # fmt: skip
MARGIN = {
    "symbol": "XRPUSDT", "type": "1", "deltaType": "TRADE", "amount": "2.57148240",
    "asset": "USDT", "time": "1711046271555", "positionSide": "BOTH", "clientTranId": "",
}  # fmt: skip
READ_ONLY = {
    "ipRestrict": False, "createTime": "1698645219000", "enableReading": True,
    "enableWithdrawals": False, "enableInternalTransfer": False, "enableMargin": False,
    "enableFutures": False, "permitsUniversalTransfer": False, "enableVanillaOptions": False,
    "enableFixApiTrade": False, "enableFixReadOnly": False, "enableSpotAndMarginTrading": False,
    "enablePortfolioMarginTrading": False,
}  # fmt: skip
DANGEROUS = [
    flag
    for flag, value in READ_ONLY.items()
    if flag.startswith(("enable", "permit")) and flag not in ("enableReading", "enableFixReadOnly")
]


def only(endpoint: Endpoint, row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    [(table, record)] = list(endpoint.parse(row))
    assert set(record) <= set(raw_tables.table(table).schema.names)
    return table, record


def listed(name: str, row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return only(VENUE.listing(name), row)


def identity(flags: dict[str, Any] | None = None, **replies: Any) -> dict[str, Any]:
    known = {
        "account_config": [READ_ONLY if flags is None else flags],
        "account": [{"uid": "354937868", "balances": []}],
        "futures_config": [{"dualSidePosition": True}],
        "sub_accounts": [],
    }
    return VENUE.identify({**known, **replies})


def test_order__of_a_liquidation__does_not_say_that_it_was_forced() -> None:
    table, record = listed("orders", LIQUIDATED)
    assert table == ORDERS
    assert "forced_kind" not in record
    assert (record["order_id"], record["client_order_id"]) == (
        "6071832819", "autoclose-1596107620040000020",
    )  # fmt: skip
    assert (record["order_side"], record["position_slot"]) == ("sell", "net")
    assert (record["average_price"], record["filled_qty_contracts"]) == ("10913.21000", "0.001")
    assert (record["created_at_ms"], record["updated_at_ms"]) == (1596107620044, 1596107620087)


@pytest.mark.parametrize(
    ("listing", "asked", "kind"),
    [("liquidations", "LIQUIDATION", "full"), ("deleverages", "ADL", "adl")],
)
def test_forced_orders__asked_by_type__name_the_order_and_its_kind(
    listing: str, asked: str, kind: str
) -> None:
    assert VENUE.listing(listing).params == {"autoCloseType": asked}
    table, record = listed(listing, LIQUIDATED)
    assert (table, record["order_id"], record["forced_kind"]) == (POSITIONS, "6071832819", kind)
    assert record["marker"] == f"{asked}/autoclose-1596107620040000020"
    assert "trigger_price" not in record


@pytest.mark.parametrize(
    ("slot", "side", "held"),
    [("BOTH", "SELL", "long"), ("BOTH", "BUY", "short"), ("SHORT", "BUY", "short"),
     ("LONG", "SELL", "long")],
)  # fmt: skip
def test_forced_orders__side__is_the_one_of_the_position(slot: str, side: str, held: str) -> None:
    row = {**LIQUIDATED, "positionSide": slot, "side": side}
    assert listed("liquidations", row)[1]["position_side"] == held


@pytest.mark.parametrize(
    "change",
    [{}, {"reduceOnly": False, "closePosition": True},
     {"reduceOnly": False, "positionSide": "LONG"},
     {"reduceOnly": False, "positionSide": "SHORT", "side": "BUY"}],
)  # fmt: skip
def test_cancelled_stop__that_would_have_closed__is_a_stop(change: dict[str, Any]) -> None:
    for name, row, at in (("orders", STOP_ORDER, "9300"), ("stops", CONDITIONAL, "750.000")):
        table, record = listed(name, {**row, **change})
        assert (table, record["state"], record["trigger_price"]) == (STOPS, "canceled", at)
        is_short = change.get("positionSide") == "SHORT"
        assert record["position_side"] == ("short" if is_short else "long")
    assert listed("stops", CONDITIONAL)[1]["created_at_ms"] == 1750485492076


@pytest.mark.parametrize(
    "change",
    [{"status": "EXPIRED", "algoStatus": "FINISHED"},
     {"origType": "TAKE_PROFIT_MARKET", "orderType": "TAKE_PROFIT"},
     {"reduceOnly": False}, {"reduceOnly": False, "positionSide": "SHORT"}],
)  # fmt: skip
def test_other_orders__are_no_cancelled_stops(change: dict[str, Any]) -> None:
    assert listed("orders", {**STOP_ORDER, **change})[0] == ORDERS
    assert list(VENUE.listing("stops").parse({**CONDITIONAL, **change})) == []


def test_order_by_id__of_a_cancelled_stop__is_still_an_order() -> None:
    assert only(VENUE.order, STOP_ORDER)[0] == ORDERS


@pytest.mark.parametrize(
    ("commission", "fee"),
    [("0.18905360", "-0.18905360"), ("-0.00076959", "0.00076959"), ("0", "0"),
     ("0.00000000", "0.00000000"), ("-0.0", "0.0")],
)  # fmt: skip
def test_fill__commission__is_a_negative_fee_digit_by_digit(commission: str, fee: str) -> None:
    table, record = listed("fills", {**TRADE, "commission": commission})
    assert (table, record["fee"]) == (FILLS, fee)


def test_fill__commission_in_another_coin__is_no_fee_in_the_settlement_currency() -> None:
    assert listed("fills", {**TRADE, "commissionAsset": "BNB"})[1]["fee"] is None


def test_fill__and_its_income__share_the_fill_id() -> None:
    fill = listed("fills", TRADE)[1]
    income = listed("ledger", {**INCOME, "tradeId": TRADE["id"]})[1]
    assert fill["fill_id"] == income["fill_id"] == "BTCUSDT:4575108247"
    assert (fill["pnl"], fill["position_slot"]) == ("27.38400000", "long")


@pytest.mark.parametrize(
    ("kind", "entry", "pnl", "fee"),
    [
        ("REALIZED_PNL", "trade", "-0.01000000", None), ("COMMISSION", "fee", None, "-0.01000000"),
        ("FUNDING_FEE", "funding", None, None), ("TRANSFER", "transfer", None, None),
        ("INSURANCE_CLEAR", "insurance", None, None), ("WELCOME_BONUS", "other", None, None),
    ],
)  # fmt: skip
def test_income__type__says_what_the_amount_is(
    kind: str, entry: str, pnl: str | None, fee: str | None
) -> None:
    table, record = listed("ledger", {**INCOME, "incomeType": kind})
    assert (table, record["entry_kind"], record["marker"]) == (LEDGER, entry, kind)
    assert (record["pnl"], record["fee"], record["amount"]) == (pnl, fee, "-0.01000000")
    assert record["forced_kind"] is None


def test_income__same_id_of_two_types__are_two_entries() -> None:
    ids = {listed("ledger", {**INCOME, "incomeType": kind})[1]["entry_id"]
           for kind in ("COMMISSION", "REALIZED_PNL")}  # fmt: skip
    assert len(ids) == 2


def test_income__transfer__names_no_instrument_and_no_fill() -> None:
    record = listed("ledger", {**INCOME, "incomeType": "TRANSFER", "symbol": "", "tradeId": ""})[1]
    assert record["inst_id"] is record["fill_id"] is None


@pytest.mark.parametrize(
    ("change", "kind", "moved"),
    [({}, "trade", "2.57148240"), ({"type": "2"}, "trade", "-2.57148240"),
     ({"type": "2", "amount": "-2.5"}, "trade", "-2.5"),
     ({"deltaType": "USER_ADJUST"}, "margin", "2.57148240"),
     ({"deltaType": "LIQUIDATION_CLEAR"}, "other", "2.57148240")],
)  # fmt: skip
def test_margin__change__has_the_sign_of_its_type(
    change: dict[str, Any], kind: str, moved: str
) -> None:
    [row] = VENUE.rows(VENUE.listing("margin"), [{**MARGIN, **change}])
    table, record = listed("margin", row)
    assert (table, record["entry_kind"], record["margin_change"]) == (LEDGER, kind, moved)


def test_margin__equal_changes_of_one_moment__stay_two() -> None:
    rows = VENUE.rows(VENUE.listing("margin"), [MARGIN, {**MARGIN, "amount": "1"}, MARGIN])
    ids = [listed("margin", row)[1]["entry_id"] for row in rows]
    assert len(set(ids)) == 3
    again = VENUE.rows(VENUE.listing("margin"), [MARGIN, MARGIN])
    assert [listed("margin", row)[1]["entry_id"] for row in again] == [ids[0], ids[2]]


def test_key__that_only_reads__is_read_only() -> None:
    said = identity()
    assert (said["uid"], said["root_uid"], said["is_read_only"]) == ("354937868",) * 2 + (True,)
    assert (said["permissions"], said["position_mode"]) == ("enableReading", "long_short_mode")


@pytest.mark.parametrize("flag", DANGEROUS)
def test_key__with_any_other_right__is_not_read_only(flag: str) -> None:
    said = identity({**READ_ONLY, flag: True})
    assert said["is_read_only"] is False
    assert flag in said["permissions"]


@pytest.mark.parametrize(
    ("change", "is_read_only"),
    [({"enableFixReadOnly": True}, True), ({"ipRestrict": True}, True),
     ({"enableReading": False}, False), ({"enableSomethingNew": True}, False),
     ({"permitsSomethingNew": "yes"}, False), ({"enableSomethingNew": False}, True)],
)  # fmt: skip
def test_key__flags__unknown_ones_count_as_rights(
    change: dict[str, Any], is_read_only: bool
) -> None:
    assert identity({**READ_ONLY, **change})["is_read_only"] is is_read_only


def test_key__that_may_not_list_sub_accounts__has_an_unknown_root() -> None:
    said = identity(sub_accounts=None, futures_config=None)
    assert (said["uid"], said["root_uid"], said["position_mode"]) == ("354937868", None, None)


def test_instrument__perpetual__is_one_coin_a_contract() -> None:
    row = {"symbol": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING",
           "baseAsset": "BTC", "marginAsset": "USDT"}  # fmt: skip
    [listed_row] = VENUE.rows(VENUE.instruments, {"timezone": "UTC", "symbols": [row]})
    record = only(VENUE.instruments, listed_row)[1]
    assert (record["inst_type"], record["contract_size"], record["base_asset"]) == (
        "perpetual", "1", "BTC",
    )  # fmt: skip
    quarterly = {**row, "contractType": "CURRENT_QUARTER"}
    assert only(VENUE.instruments, quarterly)[1]["inst_type"] == "current_quarter"


def test_candles__quote_volume__is_the_eighth_cell_of_trades_only() -> None:
    cells = ["1591258320000", "9640.7", "9642.4", "9640.6", "9642.0", "206", "1591258379999",
             "2.13660389", "48", "119", "1.23424865", "0"]  # fmt: skip
    for endpoint, volume in ((VENUE.trade_candles, "2.13660389"), (VENUE.mark_candles, None)):
        [row] = VENUE.rows(endpoint, [cells])
        record = only(endpoint, row)[1]
        assert (record["minute_at_ms"], record["quote_volume"]) == (1591258320000, volume)
        assert (record["high_price"], record["low_price"]) == ("9642.4", "9640.6")


@pytest.mark.parametrize(("mode", "said"), [("ISOLATED", "isolated"), ("CROSSED", "cross")])
def test_leverage__snapshot__says_mode_and_leverage(mode: str, said: str) -> None:
    row = {"symbol": "BTCUSDT", "marginType": mode, "isAutoAddMargin": "false", "leverage": "21",
           "maxNotionalValue": "1000000"}  # fmt: skip
    assert VENUE.leverages is not None
    record = only(VENUE.leverages, row)[1]
    assert (record["margin_mode"], record["leverage"]) == (said, "21")


@pytest.mark.parametrize("endpoint", [*VENUE.listings, VENUE.mark_candles], ids=lambda e: e.name)
@pytest.mark.parametrize("payload", [{}, {"rows": []}, "none", None, 1])
def test_listing__reply_that_is_no_list__is_refused(endpoint: Endpoint, payload: Any) -> None:
    with pytest.raises(InconsistentPageError):
        VENUE.rows(endpoint, payload)


@pytest.mark.parametrize("payload", [[], [{}], {"symbols": {}}, {"symbols": None}, "x"])
def test_object__reply_of_another_shape__is_refused(payload: Any) -> None:
    with pytest.raises(InconsistentPageError):
        VENUE.rows(VENUE.instruments, payload)


@pytest.mark.parametrize(
    ("name", "earlier_ms"), [("stops", 3 * DAY_MS), ("liquidations", 600_000), ("orders", 0)]
)
def test_window__as_asked_for__stays_below_seven_days(name: str, earlier_ms: int) -> None:
    endpoint = VENUE.listing(name)
    assert endpoint.max_window_ms is not None
    assert endpoint.max_window_ms + earlier_ms < 7 * DAY_MS
    asked = endpoint.shape({"startTime": str(9 * DAY_MS), "endTime": str(10 * DAY_MS)})
    assert asked == {"startTime": str(9 * DAY_MS - earlier_ms), "endTime": str(10 * DAY_MS)}
    assert endpoint.shape({"algoId": "5"}) == {"algoId": "5"}


def test_live_address__keeps_ccxts_hosts() -> None:
    live = strict.build(VENUE, "https://fapi.binance.com")
    assert live.urls["api"] == ccxt.binanceusdm().urls["api"]
    demo = strict.build(VENUE, "https://demo-fapi.binance.com")
    assert demo.urls["api"]["sapi"] == "https://demo-fapi.binance.com/sapi/v1"
