"""What Gate's twin writes, read back by the venue: an account's doings survive the wire."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from leverageguard.exchanges.venue import Endpoint
from leverageguard.exchanges.venues.gate import VENUE
from leverageguard.simulator.seeded.book import ADL, FULL, OWN, PARTIAL, TAKEOVER, Book
from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import Fill
from leverageguard.simulator.seeded.records import Kind, Records
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.venues import twins

TWIN = twins()["gate"]
BTC = TWIN.symbols["BTC"]
START_MS = 1_767_571_200_123
LISTED = {
    "orders": "orders", "trades": "fills", "account_book": "ledger",
    "position_close": "positions", "liquidates": "liquidations",
    "auto_deleverages": "deleverages", "price_orders": "stops",
}  # fmt: skip


def fills(price: str, *contracts: int) -> list[Fill]:
    return [Fill(Decimal(price), Decimal(size)) for size in contracts]


def closed(kind: Kind, *closes: int, is_long: bool = True, is_net: bool = True) -> Records:
    """A position of 1000 contracts (0.1 BTC) closed by one order."""
    book = Book(Ids(), is_net, Decimal(5000), START_MS)
    position = book.open(BTC, is_long, 20, fills("90000", 600, 400), START_MS + 1000)
    book.cancelled_stop(position, Decimal("87000"), START_MS + 1500, START_MS + 2500)
    book.close(position, kind, fills("86000", *closes), START_MS + 60_500, Decimal("86400"))
    return book.records


def read(records: Records, table: str) -> list[dict[str, Any]]:
    """Canonical rows of what the twin would send, after a trip through JSON."""
    rows = json.loads(json.dumps(TWIN.encode(records)[table]), parse_float=str, parse_int=str)
    endpoint: Endpoint | None = VENUE.leverages
    if table != "positions":
        endpoint = VENUE.listing(LISTED[table])
    assert endpoint is not None
    return [record for row in rows for _, record in endpoint.parse(row)]


def test_encode__tables__are_those_the_twin_names() -> None:
    assert tuple(TWIN.encode(Records())) == TWIN.tables


@pytest.mark.parametrize(
    ("kind", "closes", "by_order", "by_lists"),
    [
        (OWN, (1000,), "own_close", {"position_close": "own_close"}),
        (FULL, (700, 300), "full", {"position_close": "full", "liquidates": "full"}),
        (PARTIAL, (400,), "partial", {"liquidates": "partial"}),
        (TAKEOVER, (1000,), "takeover", {"position_close": "takeover"}),
        (ADL, (1000,), "adl", {"position_close": "adl", "auto_deleverages": "adl"}),
        (ADL, (400,), "adl", {"auto_deleverages": "adl"}),
    ],
)  # fmt: skip
def test_encode__close__every_list_says_the_same_kind(
    kind: Kind, closes: tuple[int, ...], by_order: str, by_lists: dict[str, str]
) -> None:
    records = closed(kind, *closes)
    assert [row["forced_kind"] for row in read(records, "orders")] == ["own_close", by_order]
    lists = ("position_close", "liquidates", "auto_deleverages")
    shown = {name: row["forced_kind"] for name in lists for row in read(records, name)}
    assert shown == by_lists


@pytest.mark.parametrize("is_long", [True, False])
@pytest.mark.parametrize(("kind", "closed_size"), [(FULL, 1000), (PARTIAL, 400), (ADL, 400)])
def test_encode__forced_close__side_and_size_agree_in_every_list(
    kind: Kind, closed_size: int, is_long: bool
) -> None:
    records = closed(kind, closed_size, is_long=is_long)
    order = read(records, "orders")[1]
    assert order["filled_qty_contracts"] == str(closed_size)
    assert order["order_side"] == ("sell" if is_long else "buy")
    [shown] = read(records, "auto_deleverages" if kind == ADL else "liquidates")
    assert (shown["order_id"], shown["qty_contracts"]) == (order["order_id"], str(closed_size))
    assert shown["position_side"] == ("long" if is_long else "short")
    assert (shown["margin_mode"], shown["leverage"]) == ("isolated", "20")


@pytest.mark.parametrize("is_net", [True, False])
@pytest.mark.parametrize("is_long", [True, False])
def test_encode__fills__open_and_close_the_position_they_were_for(
    is_long: bool, is_net: bool
) -> None:
    rows = read(closed(FULL, 700, 300, is_long=is_long, is_net=is_net), "trades")
    assert {row["position_slot"] for row in rows} == {"long" if is_long else "short"}
    assert [row["order_side"] for row in rows] == (
        ["buy", "buy", "sell", "sell"] if is_long else ["sell", "sell", "buy", "buy"]
    )


def test_encode__account_book__sums_to_the_records_and_names_order_and_trade() -> None:
    records = closed(FULL, 700, 300)
    ledger, trades = read(records, "account_book"), read(records, "trades")
    liquidation = records.orders[1]
    of_order = [row for row in ledger if row["order_id"] == liquidation.order_id]
    assert sum(Decimal(row["pnl"] or 0) for row in of_order) == liquidation.pnl
    assert sum(Decimal(row["fee"] or 0) for row in of_order) == liquidation.fee
    of_trades = [row for row in trades if row["order_id"] == liquidation.order_id]
    assert {row["fill_id"] for row in of_order} == {row["fill_id"] for row in of_trades}
    assert sum(Decimal(row["fee"]) for row in of_trades) == liquidation.fee
    assert len({row["entry_id"] for row in ledger}) == len(ledger)
    balance = TWIN.encode(records)["account_book"][-1]["balance"]
    assert Decimal(balance) == sum(Decimal(row["amount"]) for row in ledger)


def test_encode__position_close__pnl_is_before_fees() -> None:
    records = closed(FULL, 1000)
    [row] = read(records, "position_close")
    assert Decimal(row["pnl"]) == records.closes[0].pnl == Decimal("-400")
    assert row["position_side"] == "long"


def test_encode__own_text__gets_the_users_prefix() -> None:
    book = Book(Ids(), True, Decimal(5000), START_MS)
    position = book.open(BTC, True, 20, fills("90000", 10), START_MS)
    book.close(position, OWN, fills("91000", 10), START_MS + 1, client_id="liq-9")
    row = TWIN.encode(book.records)["orders"][1]
    assert row["text"] == "t-liq-9"
    assert read(book.records, "orders")[1]["forced_kind"] == "own_close"


def test_encode__margin_moved_by_hand__leaves_no_row() -> None:
    book = Book(Ids(), True, Decimal(5000), START_MS)
    position = book.open(BTC, True, 20, fills("90000", 10), START_MS)
    before = TWIN.encode(book.records)
    book.add_margin(position, Decimal(-5), START_MS + 1)
    assert TWIN.encode(book.records) == before


@pytest.mark.parametrize(("is_long", "rule"), [(True, 2), (False, 1)])
def test_encode__stop__is_a_cancelled_stop_of_its_side(is_long: bool, rule: int) -> None:
    records = closed(FULL, 1000, is_long=is_long, is_net=False)
    assert TWIN.encode(records)["price_orders"][0]["trigger"]["rule"] == rule
    [stop] = read(records, "price_orders")
    assert stop["position_side"] == ("long" if is_long else "short")
    assert (stop["trigger_price"], stop["updated_at_ms"]) == ("87000", START_MS + 2500)


@pytest.mark.parametrize(("is_net", "slots"), [(True, ["net"]), (False, ["long", "short"])])
def test_encode__leverage__one_row_a_position_slot(is_net: bool, slots: list[str]) -> None:
    rows = read(closed(FULL, 1000, is_net=is_net), "positions")
    assert [row["position_slot"] for row in rows] == slots
    assert {(row["leverage"], row["margin_mode"]) for row in rows} == {("20", "isolated")}


def test_encode__milliseconds__survive_as_a_fraction_of_seconds() -> None:
    row = TWIN.encode(closed(FULL, 1000))["trades"][0]
    assert row["create_time"] == "1767571201.123"


def test_instrument__sizes__are_the_documented_multipliers() -> None:
    sizes = {
        coin: TWIN.instrument(symbol)["quanto_multiplier"] for coin, symbol in TWIN.symbols.items()
    }
    assert sizes == {"BTC": "0.0001", "ETH": "0.01", "SOL": "1", "XRP": "10", "DOGE": "10"}
    assert {symbol.lot for symbol in TWIN.symbols.values()} == {Decimal(1)}
    assert {symbol.coin for symbol in TWIN.symbols.values()} == set(sizes)


def test_candle__kinds__only_trades_have_a_volume() -> None:
    prices = (Decimal("90000.0"), Decimal("90100.5"), Decimal("89900"), Decimal("90000"))
    minute = Candle(1_767_571_200_000, *prices, Decimal("45000"))
    mark, trade = TWIN.candle("mark", BTC, minute), TWIN.candle("trade", BTC, minute)
    assert (mark["t"], mark["h"]) == (1_767_571_200, "90100.5")
    assert "sum" not in mark
    assert (trade["sum"], trade["v"]) == ("45000", "5000")
