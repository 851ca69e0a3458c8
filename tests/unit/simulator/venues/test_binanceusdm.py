"""An account's doings in Binance's wire format, and what its listings keep and refuse."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from leverageguard.simulator.binanceusdm_listings import LISTINGS, listed
from leverageguard.simulator.seeded.book import ADL, FULL, OWN, Book
from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import Fill
from leverageguard.simulator.venue import Call, Candle, Refusal
from leverageguard.simulator.venues.binanceusdm import TWIN

START = 1_767_571_200_000
DAY_MS = 86_400_000
BTC, ETH = TWIN.symbols["BTC"], TWIN.symbols["ETH"]


def fills(price: str, *sizes: str) -> list[Fill]:
    return [Fill(Decimal(price), Decimal(size)) for size in sizes]


@pytest.fixture
def tables() -> dict[str, list[dict[str, Any]]]:
    """A BTC long, raised in margin and liquidated; an ETH short, deleveraged; a cancelled stop."""
    book = Book(Ids(), is_net=False, deposit=Decimal(1000), at_ms=START)
    long = book.open(BTC, True, 20, fills("90000", "0.010", "0.010"), START + 1000)
    book.add_margin(long, Decimal("12.5"), START + 2000)
    book.add_margin(long, Decimal("-2.5"), START + 3000)
    book.cancelled_stop(long, Decimal("88000"), START + 4000, START + 5000)
    book.close(long, FULL, fills("86000", "0.020"), START + 6000, mark=Decimal("86100"))
    short = book.open(ETH, False, 10, fills("3000", "0.5"), START + 7000, START + 6500,
                      is_isolated=False)  # fmt: skip
    book.close(short, ADL, fills("2900", "0.2"), START + 8000, mark=Decimal("2900"))
    book.close(short, OWN, fills("2950", "0.3"), START + 9000, client_id="autoclose-1")
    book.transfer(Decimal("-50"), START + 9500)
    return TWIN.encode(book.records)


def call(now_ms: int, **params: Any) -> Call:
    return Call("GET", "", "", {k: str(v) for k, v in params.items()}, {}, "", now_ms)


def asked(path: str, tables: dict[str, list[Any]], now_ms: int, **params: Any) -> list[Any]:
    return list(listed(LISTINGS[path], tables, call(now_ms, **params), 0).body)


def test_encode__every_table__is_what_replies_may_hold(tables: dict[str, list[Any]]) -> None:
    assert set(tables) == set(TWIN.tables)
    assert json.loads(json.dumps(tables)) == tables
    assert not [cell for rows in tables.values() for row in rows for cell in row.values()
                if isinstance(cell, float)]  # fmt: skip


def test_encode__forced_orders__stand_apart_by_type(tables: dict[str, list[Any]]) -> None:
    [liquidation], [deleverage] = tables["liquidations"], tables["deleverages"]
    assert liquidation["clientOrderId"] == f"autoclose-{START + 6000}"
    assert (liquidation["type"], liquidation["timeInForce"]) == ("LIMIT", "IOC")
    assert (liquidation["side"], liquidation["positionSide"]) == ("SELL", "LONG")
    assert (deleverage["clientOrderId"], deleverage["executedQty"]) == ("adl_autoclose", "0.2")
    orders = {row["orderId"]: row for row in tables["all_orders"]}
    assert orders[liquidation["orderId"]].items() >= liquidation.items()


def test_encode__own_close_with_a_borrowed_name__is_in_no_forced_list(
    tables: dict[str, list[Any]],
) -> None:
    named = [row for row in tables["all_orders"] if row["clientOrderId"] == "autoclose-1"]
    assert len(named) == 1
    forced = [*tables["liquidations"], *tables["deleverages"]]
    assert named[0]["orderId"] not in [row["orderId"] for row in forced]


def test_encode__fills_and_income__agree_on_result_and_commission(
    tables: dict[str, list[Any]],
) -> None:
    for kind, column, sign in (
        ("REALIZED_PNL", "realizedPnl", 1),
        ("COMMISSION", "commission", -1),
    ):
        income = {row["tradeId"]: Decimal(row["income"]) for row in tables["income"]
                  if row["incomeType"] == kind}  # fmt: skip
        fills = {str(row["id"]): sign * Decimal(row[column]) for row in tables["user_trades"]}
        assert income.items() <= fills.items()
        assert [value for fill, value in fills.items() if fill not in income and value] == []
    liquidation = tables["liquidations"][0]["orderId"]
    [trade] = [row for row in tables["user_trades"] if row["orderId"] == liquidation]
    assert (trade["realizedPnl"], trade["commission"]) == ("-80", "0.861")


def test_encode__margin__is_told_of_isolated_positions_only(tables: dict[str, list[Any]]) -> None:
    rows = [(row["deltaType"], row["type"], row["amount"]) for row in tables["margin_history"]]
    assert rows == [("TRADE", 1, "45"), ("TRADE", 1, "45"), ("USER_ADJUST", 1, "12.5"),
                    ("USER_ADJUST", 2, "2.5"), ("TRADE", 2, "100")]  # fmt: skip
    assert {row["symbol"] for row in tables["margin_history"]} == {"BTCUSDT"}


def test_encode__settings_stops_and_transfers__have_their_own_rows(
    tables: dict[str, list[Any]],
) -> None:
    modes = {row["symbol"]: (row["marginType"], row["leverage"]) for row in tables["symbol_config"]}
    assert modes == {"BTCUSDT": ("ISOLATED", 20), "ETHUSDT": ("CROSSED", 10)}
    [stop] = tables["algo_orders"]
    assert (stop["triggerPrice"], stop["algoStatus"], stop["side"]) == ("88000", "CANCELED", "SELL")
    moved = [row["income"] for row in tables["income"] if row["incomeType"] == "TRANSFER"]
    assert moved == ["1000", "-50"]


def test_market_rows__have_the_cells_binance_sends() -> None:
    minute = Candle(START, *(Decimal(p) for p in ("90000.1", "90010", "89990", "90005", "450025")))
    mark, trade = (TWIN.candle(kind, BTC, minute) for kind in ("mark", "trade"))
    assert len(mark) == len(trade) == 12
    assert mark[:7] == [START, "90000.1", "90010", "89990", "90005", "0", START + 59_999]
    assert (trade[5], trade[7]) == ("5", "450025")
    row = TWIN.instrument(BTC)
    assert (row["symbol"], row["baseAsset"], row["contractType"]) == ("BTCUSDT", "BTC", "PERPETUAL")


def test_listing__what_has_not_happened_yet__is_not_shown(tables: dict[str, list[Any]]) -> None:
    now = START + 6500
    shown = asked("fapi/v1/allOrders", tables, now, symbol="BTCUSDT")
    assert len(shown) == 2
    assert asked("fapi/v1/allOrders", tables, now, symbol="ETHUSDT") == []
    assert asked("fapi/v1/forceOrders", tables, START + 5999) == []


def test_forced_orders__by_type__are_asked_apart(tables: dict[str, list[Any]]) -> None:
    now = START + 10_000
    both = asked("fapi/v1/forceOrders", tables, now)
    assert both == [*tables["liquidations"], *tables["deleverages"]]
    for kind, table in (("LIQUIDATION", "liquidations"), ("ADL", "deleverages")):
        assert asked("fapi/v1/forceOrders", tables, now, autoCloseType=kind) == tables[table]


@pytest.mark.parametrize(
    ("path", "table", "days"),
    [("allOrders", "all_orders", 90), ("userTrades", "user_trades", 180), ("income", "income", 90),
     ("positionMargin/history", "margin_history", 30), ("forceOrders", "liquidations", 90),
     ("allAlgoOrders", "algo_orders", 3)],
)  # fmt: skip
def test_listing__after_its_retention__is_empty(
    tables: dict[str, list[Any]], path: str, table: str, days: int
) -> None:
    span = {"symbol": "BTCUSDT", "startTime": START, "endTime": START + DAY_MS}
    kept = START + days * DAY_MS
    assert asked(f"fapi/v1/{path}", tables, kept, **span)
    assert asked(f"fapi/v1/{path}", tables, kept + DAY_MS, **span) == []


def test_page__without_a_start__is_the_newest_of_a_week(tables: dict[str, list[Any]]) -> None:
    newest = asked("fapi/v1/income", tables, START + 10_000, limit=1)
    assert [row["income"] for row in newest] == ["-50"]
    oldest = asked("fapi/v1/income", tables, START + 10_000, limit=1, startTime=START)
    assert [row["income"] for row in oldest] == ["1000"]
    assert asked("fapi/v1/income", tables, START + 8 * DAY_MS) == []


def test_page__from_an_id__starts_with_that_id(tables: dict[str, list[Any]]) -> None:
    ids = [row["id"] for row in tables["user_trades"] if row["symbol"] == "BTCUSDT"]
    shown = asked("fapi/v1/userTrades", tables, START + 10_000, symbol="BTCUSDT", fromId=ids[1])
    assert [row["id"] for row in shown] == ids[1:]
    again = listed(
        LISTINGS["fapi/v1/userTrades"], tables,
        call(START + 10_000, symbol="BTCUSDT", fromId=ids[1]), rewind=1,
    )  # fmt: skip
    assert [row["id"] for row in again.body] == ids


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("allOrders", {"startTime": START, "endTime": START + 7 * DAY_MS + 1}, "-4165"),
        ("positionMargin/history", {"startTime": START, "endTime": START + 31 * DAY_MS}, "-4165"),
        ("userTrades", {"startTime": 5, "endTime": 4}, "-1023"),
        ("userTrades", {"fromId": 1, "startTime": START}, "-1128"),
        ("allOrders", {"limit": 1001}, "-1130"), ("forceOrders", {"limit": 101}, "-1130"),
        ("income", {"limit": 0}, "-1130"), ("allAlgoOrders", {"algoId": "x"}, "-1100"),
    ],
)  # fmt: skip
def test_listing__what_the_venue_does_not_take__is_refused(
    tables: dict[str, list[Any]], path: str, params: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        asked(f"fapi/v1/{path}", tables, START + DAY_MS, symbol="BTCUSDT", **params)
    assert caught.value.code == code
