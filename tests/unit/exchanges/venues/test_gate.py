"""Gate's futures rows in the columns every venue shares."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leverageguard import clock
from leverageguard.exchanges import strict
from leverageguard.exchanges.client import OWNER
from leverageguard.exchanges.rows import parsed
from leverageguard.exchanges.venue import Endpoint, InconsistentPageError
from leverageguard.exchanges.venues.gate import VENUE

ORDER = {
    "id": "95938572327", "contract": "ETH_USDT", "create_time": "1637384600.08",
    "finish_time": "1637384601.5", "finish_as": "filled", "status": "finished", "size": "-5",
    "left": "0", "price": "0", "fill_price": "3001.25", "tif": "ioc", "is_reduce_only": False,
    "is_close": False, "is_liq": False, "text": "api", "mkfr": "0", "tkfr": "0.0005",
}  # fmt: skip
LIQUIDATE = {
    "time": "1548654951", "contract": "BTC_USDT", "size": "600", "leverage": "25",
    "margin": "0.006705256878", "entry_price": "3536.123", "liq_price": "3421.54",
    "mark_price": "3420.27", "order_id": "317393847", "order_price": "3405",
    "fill_price": "3424", "left": "0",
}  # fmt: skip
DELEVERAGE = {
    "time": "1675841679", "contract": "ACH_USDT", "order_id": "73873128", "user": "1666",
    "cross_leverage_limit": "0", "leverage": "0", "entry_price": "2649.648633636364",
    "fill_price": "2790.8082", "position_size": "1", "trade_size": "-10",
}  # fmt: skip
TRADE = {
    "trade_id": "121234231", "create_time": "1514764800.123", "contract": "BTC_USDT",
    "order_id": "21893289839", "size": "100", "price": "100.123", "text": "t-123456",
    "fee": "0.01", "point_fee": "0", "role": "taker", "close_size": "0",
}  # fmt: skip
ENTRY = {
    "time": "1682294400.123456", "change": "-0.0056535", "balance": "11.544234439041",
    "text": "ADA_USDT:141231591425", "type": "fee", "contract": "ADA_USDT", "trade_id": "7",
    "id": "1",
}  # fmt: skip
CLOSE = {
    "time": "1546487347", "pnl": "0.00013", "pnl_pnl": "0.00011", "pnl_fund": "0.00001",
    "pnl_fee": "0.00001", "side": "long", "contract": "BTC_USDT", "text": "web",
    "max_size": "100", "accum_size": "100", "first_open_time": "1546487340",
}  # fmt: skip
STOP = {
    "id": "1283293", "create_time": "1514764800", "finish_time": "1514764900.25",
    "status": "finished", "finish_as": "cancelled", "order_type": "close-long-order",
    "initial": {"contract": "BTC_USDT", "size": "-100", "price": "5.03"},
    "trigger": {"price_type": "0", "price": "3000", "rule": "2", "expiration": "86400"},
}  # fmt: skip
KEY = {"user_id": "1", "perms": [{"name": "futures", "read_only": True}], "key": "c5dc*****",
       OWNER: "c5dcfbf1"}  # fmt: skip
TRADING = {**KEY, "perms": [{"name": "futures", "read_only": False}]}
OTHERS = {**TRADING, "key": "52fd*****"}


def only(endpoint: Endpoint, row: dict[str, Any]) -> dict[str, Any]:
    [(table, record)] = list(endpoint.parse(row))
    assert table in endpoint.tables
    return record


def identify(*keys: dict[str, Any], are_refused: bool = False) -> dict[str, Any]:
    said = {
        "account_detail": [{"user_id": "10406147", "key": {"mode": "1"}}],
        "main_keys": None if are_refused else list(keys),
        "futures_account": [{"in_dual_mode": False}],
    }
    return VENUE.identify(said)


@pytest.mark.parametrize(
    ("text", "is_liq", "left", "kind"),
    [
        ("liq-317393847", True, "0", "full"), ("liq-317393847", True, "-2", "partial"),
        ("hedge-liq-317393847", True, "0", "full"), ("liquidation", True, "0", "full"),
        ("pm_liquidate", True, "0", "full"), ("comb_margin_liquidate", False, "0", "full"),
        ("scm_liquidate", False, "0", "full"), ("somehow-new", True, "0", "full"),
        ("auto_deleveraging", False, "0", "adl"), ("insurance", True, "0", "takeover"),
        ("clear", False, "0", "delivery"), ("web", False, "0", "own_close"),
        ("app", False, "0", "own_close"), ("t-liq-317393847", False, "0", "own_close"),
        ("t-liquidation", False, "0", "own_close"), ("somehow-new", False, "0", None),
        ("", False, "0", None),
    ],
)  # fmt: skip
def test_order__source__is_the_kind_and_no_user_text_can_claim_one(
    text: str, is_liq: bool, left: str, kind: str | None
) -> None:
    record = only(VENUE.order, {**ORDER, "text": text, "is_liq": is_liq, "left": left})
    assert record["forced_kind"] == kind
    assert record["marker"].startswith(text)


def test_order__of_the_user_cancelled_by_a_liquidation__is_still_the_users() -> None:
    row = {**ORDER, "text": "t-mine", "finish_as": "liquidated", "left": "-5"}
    record = only(VENUE.order, row)
    assert (record["forced_kind"], record["state"]) == ("own_close", "canceled")
    assert record["client_order_id"] == "t-mine"


def test_order__sold__positive_sizes_and_whole_milliseconds() -> None:
    record = only(VENUE.order, {**ORDER, "size": "-5", "left": "-2"})
    assert (record["order_side"], record["position_slot"]) == ("sell", None)
    assert (record["ordered_qty_contracts"], record["filled_qty_contracts"]) == ("5", "3")
    assert (record["created_at_ms"], record["filled_at_ms"]) == (1637384600080, 1637384601500)
    assert (record["average_price"], record["margin_mode"]) == ("3001.25", None)


@pytest.mark.parametrize(
    ("size", "auto_size", "side"),
    [("5", "", "buy"), ("-5", "", "sell"), ("0", "close_long", "sell"),
     ("0", "close_short", "buy")],
)  # fmt: skip
def test_order__sign_of_size__is_the_side(size: str, auto_size: str, side: str) -> None:
    row = {**ORDER, "size": size, "auto_size": auto_size}
    assert only(VENUE.order, row)["order_side"] == side


@pytest.mark.parametrize("flag", ["is_liq", "is_reduce_only", "is_close"])
@pytest.mark.parametrize(("size", "slot"), [("-5", "long"), ("5", "short")])
def test_order__that_can_only_close__names_the_position(flag: str, size: str, slot: str) -> None:
    assert only(VENUE.order, {**ORDER, "size": size, flag: True})["position_slot"] == slot


@pytest.mark.parametrize(
    ("size", "close_size", "parts"),
    [
        ("15", "0", [("7", "15", "long", "-0.01")]), ("-15", "0", [("7", "15", "short", "-0.01")]),
        ("15", "15", [("7", "15", "short", "-0.01")]),
        ("-15", "-40", [("7", "15", "long", "-0.01")]),
        ("-15", "-10", [("7", "10", "long", "-0.01"), ("7:opened", "5", "short", "0")]),
        ("15", "10.5", [("7", "10.5", "short", "-0.01"), ("7:opened", "4.5", "long", "0")]),
    ],
    ids=["opens long", "opens short", "closes short", "closes some of a long", "turns to short",
         "turns to long"],
)  # fmt: skip
def test_fill__close_size__says_which_position_it_was_for(
    size: str, close_size: str, parts: list[tuple[str, ...]]
) -> None:
    row = {**TRADE, "trade_id": "7", "size": size, "close_size": close_size}
    records = [record for _, record in VENUE.listing("fills").parse(row)]
    columns = ("fill_id", "qty_contracts", "position_slot", "fee")
    assert [tuple(record[column] for column in columns) for record in records] == parts
    assert {record["order_side"] for record in records} == {"sell" if size < "0" else "buy"}


@pytest.mark.parametrize(("size", "side"), [("600", "long"), ("-600", "short")])
def test_liquidation__positive_size__was_a_long_position(size: str, side: str) -> None:
    record = only(VENUE.listing("liquidations"), {**LIQUIDATE, "size": size})
    assert (record["position_side"], record["order_id"]) == (side, "317393847")
    assert (record["forced_kind"], record["qty_contracts"]) == ("full", "600")
    assert (record["trigger_price"], record["updated_at_ms"]) == ("3421.54", 1548654951000)
    assert (record["leverage"], record["margin_mode"]) == ("25", "isolated")


def test_liquidation__something_left__was_partial() -> None:
    record = only(VENUE.listing("liquidations"), {**LIQUIDATE, "left": "200"})
    assert (record["forced_kind"], record["qty_contracts"]) == ("partial", "400")


def test_liquidation__of_a_portfolio__says_nothing_of_margin() -> None:
    row = {key: value for key, value in LIQUIDATE.items() if key not in ("leverage", "margin")}
    assert "margin_mode" not in only(VENUE.listing("liquidations"), row)


@pytest.mark.parametrize(
    ("leverage", "limit", "mode", "stated"),
    [("20", "0", "isolated", "20"), ("0", "15", "cross", "15"), ("0", "0", "cross", None)],
)  # fmt: skip
def test_leverage__zero__is_cross_margin_with_its_own_limit(
    leverage: str, limit: str, mode: str, stated: str | None
) -> None:
    row = {"contract": "BTC_USDT", "leverage": leverage, "cross_leverage_limit": limit,
           "mode": "dual_short"}  # fmt: skip
    assert VENUE.leverages is not None
    record = only(VENUE.leverages, row)
    assert (record["margin_mode"], record["leverage"]) == (mode, stated)
    assert record["position_slot"] == "short"


def test_deleverage__negative_trade__reduced_a_long() -> None:
    record = only(VENUE.listing("deleverages"), DELEVERAGE)
    assert (record["position_side"], record["forced_kind"]) == ("long", "adl")
    assert (record["qty_contracts"], record["margin_mode"]) == ("10", "cross")
    other = only(VENUE.listing("deleverages"), {**DELEVERAGE, "trade_size": "10"})
    assert other["position_side"] == "short"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("t-123456", "own_close"), ("auto_deleveraging", "adl"), ("insurance", "takeover"),
     ("liq-9", None)],
)  # fmt: skip
def test_fill__text__is_the_kind_but_not_how_much_a_liquidation_closes(
    text: str, kind: str | None
) -> None:
    assert only(VENUE.listing("fills"), {**TRADE, "text": text})["forced_kind"] == kind


@pytest.mark.parametrize(
    ("fee", "signed"), [("0.01", "-0.01"), ("-0.002", "0.002"), ("0", "0"), ("0.00", "0.00")]
)
def test_fill__fee_charged__is_negative_without_a_float(fee: str, signed: str) -> None:
    record = only(VENUE.listing("fills"), {**TRADE, "fee": fee, "size": "-100"})
    assert (record["fee"], record["qty_contracts"], record["order_side"]) == (signed, "100", "sell")
    assert (record["filled_at_ms"], record.get("pnl")) == (1514764800123, None)


@pytest.mark.parametrize(
    ("kind", "entry_kind", "pnl", "fee", "currency"),
    [
        ("pnl", "trade", "-0.0056535", None, "USDT"), ("fee", "fee", None, "-0.0056535", "USDT"),
        ("fund", "funding", None, None, "USDT"), ("dnw", "transfer", None, None, "USDT"),
        ("refr", "other", None, None, "USDT"), ("point_fee", "other", None, None, "POINT"),
    ],
)  # fmt: skip
def test_entry__type__says_what_changed(
    kind: str, entry_kind: str, pnl: str | None, fee: str | None, currency: str
) -> None:
    record = only(VENUE.listing("ledger"), {**ENTRY, "type": kind})
    assert (record["entry_kind"], record["pnl"], record["fee"]) == (entry_kind, pnl, fee)
    assert (record["amount"], record["currency"]) == ("-0.0056535", currency)
    assert record["recorded_at_ms"] == 1682294400123


@pytest.mark.parametrize(
    ("text", "order_id"), [("ADA_USDT:141231591425", "141231591425"), ("XRP_USDT", None)]
)
def test_entry__text__names_the_order_behind_the_contract(text: str, order_id: str | None) -> None:
    record = only(VENUE.listing("ledger"), {**ENTRY, "text": text})
    assert (record["order_id"], record["fill_id"]) == (order_id, "7")


@pytest.mark.parametrize(
    ("text", "kind"), [("web", "own_close"), ("liq-1", "full"), ("auto_deleveraging", "adl")]
)
def test_position_close__text__says_what_ended_the_position(text: str, kind: str) -> None:
    record = only(VENUE.listing("positions"), {**CLOSE, "text": text})
    assert (record["forced_kind"], record["pnl"]) == (kind, "0.00011")
    assert (record["opened_at_ms"], record["updated_at_ms"]) == (1546487340000, 1546487347000)


@pytest.mark.parametrize(
    ("change", "side"),
    [
        ({}, "long"),
        ({"order_type": "plan-close-short-position", "trigger": {"price": "1", "rule": "1"}},
         "short"),
        ({"order_type": "", "initial": {"size": "-1", "is_reduce_only": True}}, "long"),
        ({"order_type": "", "initial": {"size": "0", "close": True},
          "trigger": {"price": "1", "rule": "1"}}, "short"),
    ],
)  # fmt: skip
def test_stop__cancelled__names_the_side_it_protected(change: dict[str, Any], side: str) -> None:
    record = only(VENUE.listing("stops"), {**STOP, **change})
    assert (record["position_side"], record["updated_at_ms"]) == (side, 1514764900250)


@pytest.mark.parametrize(
    "change",
    [
        {"finish_as": "succeeded"},
        {"trigger": {"price": "4000", "rule": "1"}},
        {"order_type": "", "initial": {"size": "-100"}},
    ],
    ids=["triggered", "takes a profit", "may open a position"],
)
def test_price_order__that_is_no_cancelled_stop__is_none(change: dict[str, Any]) -> None:
    assert list(VENUE.listing("stops").parse({**STOP, **change})) == []


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        ("orders", ORDER, "id"), ("orders", ORDER, "create_time"), ("orders", ORDER, "left"),
        ("fills", TRADE, "trade_id"), ("fills", TRADE, "fee"), ("ledger", ENTRY, "id"),
        ("liquidations", LIQUIDATE, "order_id"), ("deleverages", DELEVERAGE, "trade_size"),
        ("positions", CLOSE, "time"), ("ledger", ENTRY, "change"), ("fills", TRADE, "price"),
    ],
)  # fmt: skip
def test_row__lacking_a_field__is_refused(name: str, row: dict[str, Any], column: str) -> None:
    lacking = {key: value for key, value in row.items() if key != column}
    with pytest.raises(InconsistentPageError):
        parsed(VENUE.listing(name), lacking)


@pytest.mark.parametrize("value", ["1E2", "12a", "-3", ""])
def test_row__id_that_is_no_number__is_refused(value: str) -> None:
    for name, row, column in (("orders", ORDER, "id"), ("fills", TRADE, "trade_id")):
        with pytest.raises(InconsistentPageError):
            parsed(VENUE.listing(name), {**row, column: value})


def test_candles__of_mark_and_trade__ask_for_their_contract_without_a_limit() -> None:
    asked = {"contract": "BTC_USDT", "from": "1", "to": "2", "limit": "2000"}
    assert VENUE.mark_candles.shape(asked) == {"contract": "mark_BTC_USDT", "from": "1", "to": "2"}
    assert VENUE.trade_candles.shape(asked)["contract"] == "BTC_USDT"


def test_candle__volume__is_in_the_quote_currency_and_a_running_minute_is_not_final(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: 1539852480000 + 59_999)
    row = {"t": "1539852480", "v": "97151", "c": "1.032", "h": "1.032", "l": "1.03", "o": "1.031",
           "sum": "3580"}  # fmt: skip
    record = only(VENUE.trade_candles, row)
    assert (record["quote_volume"], record["is_final"]) == ("3580", False)
    assert only(VENUE.mark_candles, row)["quote_volume"] is None
    monkeypatch.setattr(clock, "now_ms", lambda: 1539852480000 + 60_000)
    assert only(VENUE.trade_candles, row)["is_final"] is True


def test_instrument__direct__is_linear_in_its_multiplier() -> None:
    row = {"name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001",
           "leverage_max": "125", "in_delisting": False, "status": "trading"}  # fmt: skip
    record = only(VENUE.instruments, row)
    assert (record["contract_type"], record["contract_size"]) == ("linear", "0.0001")
    assert (record["base_asset"], record["state"]) == ("BTC", "trading")
    assert only(VENUE.instruments, {**row, "type": "inverse"})["contract_type"] == "inverse"


@pytest.mark.parametrize(
    ("keys", "is_read_only"),
    [
        ([KEY], True), ([TRADING], False), ([OTHERS, KEY], True),
        ([{**KEY, "key": "52fd*****"}], None), ([{**KEY, "key": {"mode": "1"}}], True),
        ([{**TRADING, "key": {"mode": "1"}}], False), ([KEY, TRADING], None),
        ([{**KEY, "key": "*****"}], None), ([{**KEY, "perms": []}], None), ([], None),
    ],
    ids=["ours", "ours trades", "another trades", "only another is read-only",
         "asking key alone", "asking key alone trades", "which one asked?", "wholly masked",
         "no permission named", "no key"],
)  # fmt: skip
def test_identify__keys__the_asking_one_alone_is_read_only_or_not(
    keys: list[dict[str, Any]], is_read_only: bool | None
) -> None:
    assert identify(*keys)["is_read_only"] is is_read_only


def test_identify__one_permission_of_many_may_write__is_not_read_only() -> None:
    key = {**KEY, "perms": [*KEY["perms"], {"name": "wallet", "read_only": False}]}
    said = identify(key)
    assert said["is_read_only"] is False
    assert said["permissions"] == "futures:read_only,wallet:read_write"


def test_identify__main_keys__name_the_root_of_a_sub_account() -> None:
    said = identify(KEY)
    assert (said["uid"], said["root_uid"]) == ("10406147", "1")
    assert said["position_mode"] == "single"


def test_identify__keys_refused__root_and_permissions_stay_unknown() -> None:
    said = identify(are_refused=True)
    assert (said["uid"], said["root_uid"], said["is_read_only"]) == ("10406147", None, None)


@pytest.mark.parametrize("payload", [{}, {"label": "X", "message": "y"}, None, "x"])
def test_replies__that_are_no_list_or_object__are_refused(payload: Any) -> None:
    for endpoint in (VENUE.listing("orders"), VENUE.order, VENUE.account[1]):
        with pytest.raises(InconsistentPageError):
            VENUE.rows(endpoint, payload)


def test_client__label__decides_what_a_refusal_means() -> None:
    client, errors = strict.build(VENUE, "http://x:1"), strict.errors()
    for label, error in (
        ("ORDER_NOT_FOUND", errors.OrderNotFound), ("REQUEST_EXPIRED", errors.InvalidNonce),
        ("INVALID_KEY", errors.AuthenticationError), ("TOO_BUSY", errors.OperationFailed),
        ("TOO_MANY_REQUESTS", errors.OperationFailed),
    ):  # fmt: skip
        reply = {"label": label, "message": ""}
        with pytest.raises(error):
            client.handle_errors(400, "", "", "GET", {}, json.dumps(reply), reply, {}, "")


def test_client__pointed_elsewhere__keeps_the_path_that_is_signed() -> None:
    client = strict.build(VENUE, "http://127.0.0.1:9/")
    assert client.urls["api"]["private"]["futures"] == "http://127.0.0.1:9/api/v4"
