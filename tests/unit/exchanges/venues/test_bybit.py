"""Bybit's rows and replies as the venue writes them, read into canonical rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from leverageguard.exchanges import strict
from leverageguard.exchanges.venue import AbsentError, Endpoint, InconsistentPageError, Row
from leverageguard.exchanges.venues._bybit_rows import (
    entry,
    fill,
    instrument,
    leverage,
    listed_order,
    order,
    position,
    stop,
)
from leverageguard.exchanges.venues.bybit import VENUE
from leverageguard.warehouse import raw_tables

# Field for field from the samples of the venue's documentation, numbers as the client keeps them.
ORDER = {
    "symbol": "BTCUSDT", "orderType": "Market", "orderLinkId": "",
    "orderId": "f5f2d355-9a11-4af3-9b83-aa1d6ab6ddfe", "cancelType": "UNKNOWN",
    "avgPrice": "122529.9", "stopOrderType": "", "orderStatus": "Filled",
    "createType": "CreateByUser", "cumExecValue": "122.5299", "triggerDirection": "0",
    "createdTime": "1757837618905", "positionIdx": "0", "updatedTime": "1757837618909",
    "side": "Sell", "triggerPrice": "", "cumExecFee": "0.06739145", "cumExecQty": "0.001",
    "closeOnTrigger": False, "reduceOnly": False, "qty": "0.001",
}  # fmt: skip
STOP = {
    **ORDER, "orderId": "stop-1", "avgPrice": "", "stopOrderType": "StopLoss",
    "orderStatus": "Deactivated", "createType": "CreateByStopLoss", "cumExecQty": "0",
    "cumExecFee": "0", "cancelType": "CancelByUser", "triggerDirection": "2",
    "triggerPrice": "119000", "reduceOnly": True, "closeOnTrigger": True,
}  # fmt: skip
EXECUTION = {
    "symbol": "ETHPERP", "orderType": "Market", "orderLinkId": "", "side": "Buy",
    "orderId": "8c065341-7b52-4ca9-ac2c-37e31ac55c94", "stopOrderType": "UNKNOWN",
    "leavesQty": "0", "execTime": "1672282722429", "isMaker": False, "execFee": "0.071409",
    "feeRate": "0.0006", "execId": "e0cbe81d-0f18-5866-9415-cf319b5dab3b", "markPrice": "1183.54",
    "execPrice": "1190.15", "orderQty": "0.1", "execValue": "119.015", "execType": "Trade",
    "execQty": "0.1",
}  # fmt: skip
ENTRY = {
    "id": "592324_XRPUSDT_161440249321", "symbol": "XRPUSDT", "side": "Buy", "funding": "",
    "orderLinkId": "linear-order", "orderId": "592b7e41-78fd-42e2-9aa3-91e1835ef3e1",
    "fee": "0.01908720", "change": "-0.0190872", "cashFlow": "0",
    "transactionTime": "1672121182224", "type": "TRADE", "size": "100", "qty": "88",
    "cashBalance": "5086.56192602", "currency": "USDT", "category": "linear",
    "tradePrice": "0.3615", "tradeId": "5184f079-88ec-54c7-8774-5173cafd2b4e",
}  # fmt: skip
CLOSED = {
    "symbol": "XRPUSDT", "orderType": "Market", "leverage": "10", "updatedTime": "1712717265572",
    "side": "Sell", "orderId": "071749f3-a9fa-427b-b5ca-27b2f52b81de",
    "closedPnl": "-0.00049568", "avgEntryPrice": "0.6045", "qty": "3", "cumEntryValue": "1.8135",
    "createdTime": "1712717265566", "closedSize": "3", "avgExitPrice": "0.605",
    "execType": "Trade", "fillCount": "1", "cumExitValue": "1.815",
}  # fmt: skip
POSITION = {
    "symbol": "XRPUSDT", "leverage": "10", "avgPrice": "0.3615", "positionIdx": "0",
    "side": "Buy", "size": "100", "positionStatus": "Normal", "tradeMode": "0",
}  # fmt: skip
KEY = {
    "id": "13770661", "readOnly": "1", "userID": "24617703", "parentUid": "0", "isMaster": True,
    "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": [], "Spot": ["SpotTrade"]},
}  # fmt: skip
ENDPOINTS = [
    *VENUE.listings, *VENUE.account, VENUE.clock, VENUE.order, VENUE.mark_candles,
    VENUE.trade_candles, VENUE.instruments, VENUE.leverages,
]  # fmt: skip


def one(parse: Any, row: Row) -> Row:
    [(table, record)] = parse(row)
    assert set(record) <= set(raw_tables.table(table).schema.names)
    return dict(record)


def first(parse: Any, row: Row) -> Row:
    return dict(next(iter(parse(row)))[1])


def answered(result: Any, **over: Any) -> dict[str, Any]:
    return {"retCode": "0", "retMsg": "OK", "result": result, "time": "1672283754510", **over}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_bybit__endpoint__is_a_raw_method_of_the_client(endpoint: Endpoint) -> None:
    client = strict.build(VENUE, "http://x")
    assert callable(getattr(client, endpoint.method))
    assert endpoint.method.startswith(("privateGet", "publicGet"))


@pytest.mark.parametrize(
    ("created_by", "kind"),
    [
        ("CreateByUser", "own_close"),
        ("CreateByClosing", "own_close"),
        ("CreateByStopLoss", "own_close"),
        ("CreateByLiq", "partial"),
        ("CreateByTakeOver_PassThrough", "takeover"),
        ("CreateByAdl_PassThrough", "adl"),
        ("CreateBySettle", "settlement"),
        ("CreateByAdminClosing", None),
        ("CreateBySomethingNew", None),
        (None, None),
    ],
)
def test_order__create_type__says_the_kind(created_by: str | None, kind: str | None) -> None:
    record = one(order, {**ORDER, "createType": created_by})
    assert (record["marker"], record["forced_kind"]) == (created_by, kind)


def test_order__client_id_of_a_liquidation__proves_nothing() -> None:
    record = one(order, {**ORDER, "orderLinkId": "CreateByTakeOver_PassThrough"})
    assert record["forced_kind"] == "own_close"


def test_order__filled__is_read_whole() -> None:
    record = one(order, ORDER)
    assert record["order_side"] == "sell"
    assert record["state"] == "filled"
    assert record["average_price"] == "122529.9"
    assert record["fee"] == "-0.06739145"
    assert record["created_at_ms"] == 1757837618905
    assert record["updated_at_ms"] == 1757837618909


@pytest.mark.parametrize(
    ("index", "slot"), [("0", "net"), ("1", "long"), ("2", "short"), (0, "net"), (None, None)]
)
def test_order__position_index__is_the_slot(index: Any, slot: str | None) -> None:
    assert one(order, {**ORDER, "positionIdx": index})["position_slot"] == slot


def test_listed_order__cancelled_stop__is_left_to_the_stops() -> None:
    assert list(listed_order(STOP)) == []
    assert len(list(listed_order(ORDER))) == 1
    assert len(list(listed_order({**STOP, "orderStatus": "Filled", "cumExecQty": "0.001"}))) == 1


def test_stop__cancelled_by_the_trader__is_a_moved_stop() -> None:
    record = one(stop, STOP)
    assert record["stop_id"] == "stop-1"
    assert record["position_side"] == "long"
    assert record["trigger_price"] == "119000"
    assert record["state"] == "canceled"
    assert one(stop, {**STOP, "positionIdx": "2"})["position_side"] == "short"


@pytest.mark.parametrize(
    "over",
    [
        {"cancelType": "CancelByTpSlTsClear"},
        {"cancelType": "CancelByPrepareLiq"},
        {"orderStatus": "Filled"},
        {"stopOrderType": "TakeProfit"},
        {"triggerDirection": "1"},
        {"reduceOnly": False, "closeOnTrigger": False},
    ],
)
def test_stop__no_stop_loss_the_trader_took_away__is_no_stop(over: Row) -> None:
    assert list(stop({**STOP, **over})) == []


@pytest.mark.parametrize(
    ("kind", "created_by", "expected"),
    [
        ("Trade", "CreateByUser", "own_close"),
        ("Trade", "CreateByLiq", "partial"),
        ("Trade", None, None),
        ("BustTrade", "CreateByTakeOver_PassThrough", "takeover"),
        ("BustTrade", None, "takeover"),
        ("AdlTrade", "CreateByAdl_PassThrough", "adl"),
        ("Settle", None, "settlement"),
        ("Delivery", "CreateBySettle", "delivery"),
        ("UNKNOWN", None, None),
    ],
)
def test_fill__execution_type__says_the_kind(
    kind: str, created_by: str | None, expected: str | None
) -> None:
    record = first(fill, {**EXECUTION, "execType": kind, "createType": created_by})
    assert record["forced_kind"] == expected
    assert record["marker"] == f"{kind}/{created_by or ''}"


def test_fill__of_a_takeover__shows_the_mark_that_forced_it() -> None:
    [_, (table, record)] = fill({**EXECUTION, "execType": "BustTrade", "side": "Sell"})
    assert table == "exchanges/positions"
    assert (record["trigger_price"], record["position_side"]) == ("1183.54", "long")
    assert record["order_id"] == "8c065341-7b52-4ca9-ac2c-37e31ac55c94"
    assert len(list(fill({**EXECUTION, "execType": "BustTrade", "markPrice": ""}))) == 1
    assert len(list(fill({**EXECUTION, "createType": "CreateByUser"}))) == 1


@pytest.mark.parametrize("kind", ["Funding", "SessionSettlePnL"])
def test_fill__funding__is_no_fill(kind: str) -> None:
    assert list(fill({**EXECUTION, "execType": kind})) == []


@pytest.mark.parametrize(
    ("paid", "fee"),
    [("0.071409", "-0.071409"), ("-0.0025", "0.0025"), ("0", "0"), ("0.0000", "0.0000"),
     ("", None)],
)  # fmt: skip
def test_fill__fee__is_negative_when_charged(paid: str, fee: str | None) -> None:
    assert one(fill, {**EXECUTION, "execFee": paid})["fee"] == fee


def test_fill__execution__does_not_name_its_slot() -> None:
    record = one(fill, EXECUTION)
    assert "position_slot" not in record
    assert record["fill_id"] == "e0cbe81d-0f18-5866-9415-cf319b5dab3b"
    assert (record["price"], record["qty_contracts"]) == ("1190.15", "0.1")


@pytest.mark.parametrize(
    ("name", "kind", "forced"),
    [
        ("TRADE", "trade", None),
        ("LIQUIDATION", "liquidation", None),
        ("ADL", "adl", "adl"),
        ("DELIVERY", "trade", "delivery"),
        ("FEE_REFUND", "fee", None),
        ("BONUS", "other", None),
    ],
)
def test_entry__type__says_the_kind(name: str, kind: str, forced: str | None) -> None:
    record = one(entry, {**ENTRY, "type": name})
    assert (record["entry_kind"], record["forced_kind"]) == (kind, forced)


def test_entry__trade__carries_profit_and_fee_apart() -> None:
    record = one(entry, {**ENTRY, "cashFlow": "-2.5", "change": "-2.5190872"})
    assert record["pnl"] == "-2.5"
    assert record["fee"] == "-0.01908720"
    assert record["amount"] == "-2.5190872"
    assert record["fill_id"] == "5184f079-88ec-54c7-8774-5173cafd2b4e"


def test_entry__funding__belongs_to_no_order() -> None:
    funding = {**ENTRY, "type": "SETTLEMENT", "orderId": "1672128000-8-592324-1-2"}
    record = one(entry, funding)
    assert record["entry_kind"] == "funding"
    assert (record["order_id"], record["fill_id"], record["pnl"]) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "change", "amount"),
    [("TRANSFER_IN", "100", "100"), ("TRANSFER_OUT", "-40", "-40"), ("TRANSFER_OUT", "40", "-40")],
)
def test_entry__transfer__is_signed_by_its_direction(name: str, change: str, amount: str) -> None:
    moved = {**ENTRY, "type": name, "change": change, "category": "", "symbol": "", "fee": ""}
    record = one(entry, moved)
    assert (record["entry_kind"], record["amount"], record["inst_id"]) == ("transfer", amount, None)


@pytest.mark.parametrize("category", ["spot", "inverse", "option"])
def test_entry__other_markets_of_the_wallet__are_no_trades_of_ours(category: str) -> None:
    record = one(entry, {**ENTRY, "category": category, "type": "LIQUIDATION"})
    assert (record["entry_kind"], record["inst_id"], record["pnl"]) == ("other", None, None)


def test_position__sample_of_a_long__profit_is_before_fees() -> None:
    record = one(position, CLOSED)
    assert record["position_side"] == "long"
    assert Decimal(record["pnl"]) == Decimal("0.0015")
    assert record["order_id"] == "071749f3-a9fa-427b-b5ca-27b2f52b81de"
    assert "opened_at_ms" not in record


def test_position__short__profit_is_turned_round() -> None:
    record = one(position, {**CLOSED, "side": "Buy"})
    assert (record["position_side"], record["pnl"]) == ("short", "-0.0015")


@pytest.mark.parametrize(
    ("kind", "expected"), [("Trade", None), ("BustTrade", "takeover"), ("Settle", "settlement")]
)
def test_position__execution_type__says_the_kind(kind: str, expected: str | None) -> None:
    assert one(position, {**CLOSED, "execType": kind})["forced_kind"] == expected


def test_position__value_missing__profit_is_unknown() -> None:
    assert one(position, {**CLOSED, "cumExitValue": ""})["pnl"] is None


def test_leverage__unified_account__does_not_say_the_margin_mode() -> None:
    assert one(leverage, POSITION)["margin_mode"] is None
    assert one(leverage, {**POSITION, "tradeMode": "1"})["margin_mode"] == "isolated"
    assert one(leverage, {**POSITION, "leverage": ""})["leverage"] is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("LinearPerpetual", ("perpetual", "linear")),
        ("LinearFutures", ("LinearFutures", "linear")),
        ("InversePerpetual", ("InversePerpetual", "inverse")),
    ],
)
def test_instrument__contract_type__is_told_apart(kind: str, expected: tuple[str, str]) -> None:
    row = {
        "symbol": "BTCUSDT", "contractType": kind, "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "settleCoin": "USDT", "leverageFilter": {"maxLeverage": "100.00"},
    }  # fmt: skip
    record = one(instrument, row)
    assert (record["inst_type"], record["contract_type"]) == expected
    assert (record["contract_size"], record["max_leverage"]) == ("1", "100.00")


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, True),
        ({"readOnly": "0"}, False),
        ({"readOnly": ""}, None),
        ({"readOnly": "0", "permissions": {}}, False),
    ],
)
def test_identify__read_only__is_what_the_venue_says(over: Row, expected: bool | None) -> None:
    found = VENUE.identify({"account_config": [{**KEY, **over}], "account_info": None})
    assert found["is_read_only"] is expected
    assert found["uid"] == "24617703"


@pytest.mark.parametrize(
    ("over", "root"),
    [
        ({}, "24617703"),
        ({"isMaster": False, "parentUid": "111"}, "111"),
        ({"isMaster": False, "parentUid": "0"}, None),
    ],
)
def test_identify__root__is_the_master_account(over: Row, root: str | None) -> None:
    found = VENUE.identify({"account_config": [{**KEY, **over}], "account_info": None})
    assert found["root_uid"] == root


@pytest.mark.parametrize(
    ("said", "mode"),
    [("ISOLATED_MARGIN", "isolated"), ("REGULAR_MARGIN", "cross"), ("PORTFOLIO_MARGIN", "cross"),
     ("NEW", None)],
)  # fmt: skip
def test_identify__margin_mode__is_the_accounts(said: str, mode: str | None) -> None:
    settings: Row = {"marginMode": said}
    found = VENUE.identify({"account_config": [KEY], "account_info": [settings]})
    assert found["margin_mode"] == mode


@pytest.mark.parametrize(
    "payload",
    [
        answered({"list": {}}),
        answered({"list": None}),
        answered({}),
        answered(None),
        answered({"list": []}, retCode="30084"),
        {"result": {"list": []}},
        [],
        "none",
    ],
)
def test_unwrap__no_list_of_a_good_reply__is_refused(payload: Any) -> None:
    with pytest.raises(InconsistentPageError):
        VENUE.unwrap(payload)


def test_order_lookup__empty_list__means_absent() -> None:
    with pytest.raises(AbsentError):
        VENUE.rows(VENUE.order, answered({"list": []}))
    assert VENUE.rows(VENUE.order, answered({"list": [ORDER]})) == [ORDER]


def test_token__last_page__ends_the_walk() -> None:
    paging = VENUE.listing("fills").paging
    assert paging is not None
    assert paging.token is not None
    assert paging.token(answered({"list": [ORDER], "nextPageCursor": "1%3A2"})) == "1%3A2"
    assert paging.token(answered({"list": [ORDER], "nextPageCursor": ""})) == ""
    assert paging.token(answered({"list": [], "nextPageCursor": "1%3A2"})) == ""


def test_clock__nanoseconds__become_milliseconds() -> None:
    payload = answered({"timeSecond": "1688639403", "timeNano": "1688639403423213947"})
    assert VENUE.clock_ms(VENUE.rows(VENUE.clock, payload)[0]) == 1688639403423
    with pytest.raises(InconsistentPageError):
        VENUE.clock_ms({"timeNano": "soon"})


def test_candles__running_minute__is_not_final() -> None:
    minutes = [["1672283700000", "1", "2", "0.5", "1.5", "10", "15.5"],
               ["1672283640000", "1", "1", "1", "1", "0", "0"]]  # fmt: skip
    rows = VENUE.rows(VENUE.trade_candles, answered({"list": minutes}))
    running, closed = (one(VENUE.trade_candles.parse, row) for row in rows)
    assert (running["is_final"], closed["is_final"]) == (False, True)
    assert (running["quote_volume"], running["low_price"]) == ("15.5", "0.5")
    [mark] = VENUE.rows(VENUE.mark_candles, answered({"list": [minutes[0][:5]]}))
    assert one(VENUE.mark_candles.parse, mark)["quote_volume"] is None


@pytest.mark.parametrize("name", ["orders", "fills", "ledger", "positions"])
def test_listing__window__fits_the_documented_seven_days(name: str) -> None:
    listing = VENUE.listing(name)
    assert listing.max_window_ms is not None
    assert listing.max_window_ms + 2 <= 7 * 86_400_000
    assert "execType" not in listing.params


def test_code__of_anything__is_the_ret_code() -> None:
    assert VENUE.code_of({"retCode": "10006"}) == "10006"
    assert VENUE.code_of([]) == ""
