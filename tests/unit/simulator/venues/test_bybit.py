"""What an account did, written as Bybit rows and read back through the venue's own parsers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from leverageguard.exchanges.venue import FILLS, Row
from leverageguard.exchanges.venues import _bybit_rows as bybit_rows
from leverageguard.simulator.bybit_reference import SYMBOLS
from leverageguard.simulator.seeded.records import (
    Execution,
    Kind,
    MarginMove,
    OrderRecord,
    Records,
    Setting,
    Stop,
    Transfer,
)
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.venues.bybit import TWIN, sign

START = 1_767_571_200_000
BTC = SYMBOLS["BTC"]


def fill(number: int, price: str, size: str, pnl: str, fee: str) -> Execution:
    money = [Decimal(each) for each in (price, size, pnl, fee)]
    return Execution(str(7000 + number), START + number * 60_000, *money, Decimal(0), Decimal(0))


def order(number: int, is_opening: bool, *fills: Execution, **more: Any) -> OrderRecord:
    is_long = more.pop("is_long", True)
    settings: dict[str, Any] = {"kind": "own", "is_net": False, **more}
    at_ms = START + number * 60_000
    return OrderRecord(
        str(9000 + number), BTC, is_opening == is_long, is_long, is_opening=is_opening,
        leverage=20, placed_ms=at_ms, filled_ms=at_ms, fills=fills, **settings,
    )  # fmt: skip


def liquidated(kind: Kind = "takeover", **more: Any) -> Records:
    """A long opened in two fills and closed by the venue in one."""
    return Records(
        orders=[
            order(1, True, fill(1, "91000", "0.02", "0", "-1"), fill(2, "91100", "0.01", "0",
                                                                    "-0.5"), **more),
            order(5, False, fill(5, "87000", "0.03", "-121", "-1.4355"), kind=kind, **more),
        ],
        transfers=[
            Transfer("1", START, Decimal(5000)), Transfer("2", START + 120_000, Decimal(-40))
        ],
        settings={BTC.inst_id: Setting(BTC, 20)},
    )  # fmt: skip


def read(parse: Any, rows: list[Row], table: str = "") -> list[Row]:
    """The canonical rows, numbers of the wire as the client keeps them: texts."""
    return [
        dict(record)
        for row in rows
        for of_table, record in parse(
            {k: v if isinstance(v, (bool, str)) else str(v) for k, v in row.items()}
        )
        if not table or of_table == table
    ]


@pytest.mark.parametrize(
    ("kind", "expected", "in_ledger"),
    [
        ("own", "own_close", "trade"),
        ("partial", "partial", "liquidation"),
        ("full", "takeover", "liquidation"),
        ("takeover", "takeover", "liquidation"),
        ("adl", "adl", "adl"),
    ],
)
def test_encode__way_to_close__is_read_back_from_every_table(
    kind: Kind, expected: str, in_ledger: str
) -> None:
    tables = TWIN.encode(liquidated(kind))
    assert tuple(tables) == TWIN.tables
    assert read(bybit_rows.order, tables["orders"])[-1]["forced_kind"] == expected
    assert read(bybit_rows.fill, tables["executions"], FILLS)[-1]["forced_kind"] == expected
    assert read(bybit_rows.entry, tables["transactions"])[-1]["entry_kind"] == in_ledger
    assert read(bybit_rows.position, tables["closed_pnl"])[-1]["forced_kind"] in (expected, None)


def test_encode__money__is_read_back_exactly() -> None:
    tables = TWIN.encode(liquidated())
    fills = read(bybit_rows.fill, tables["executions"], FILLS)
    assert [row["fee"] for row in fills] == ["-1", "-0.5", "-1.4355"]
    [closed] = read(bybit_rows.position, tables["closed_pnl"])
    assert Decimal(closed["pnl"]) == Decimal(-121)
    assert (closed["position_side"], closed["qty_contracts"]) == ("long", "0.03")
    assert Decimal(tables["closed_pnl"][0]["closedPnl"]) == Decimal("-121") - Decimal("2.9355")
    trades = [
        row for row in read(bybit_rows.entry, tables["transactions"])
        if row["entry_kind"] == "liquidation"
    ]  # fmt: skip
    assert [row["pnl"] for row in trades] == ["-121"]
    assert [row["fill_id"] for row in trades] == [fills[-1]["fill_id"]]
    assert [row["order_id"] for row in trades] == [closed["order_id"]]


def test_encode__ledger__carries_balance_and_size_after_each_entry() -> None:
    rows = TWIN.encode(liquidated())["transactions"]
    assert [row["type"] for row in rows] == [
        "TRANSFER_IN", "TRADE", "TRANSFER_OUT", "TRADE", "LIQUIDATION"
    ]  # fmt: skip
    assert [row["cashBalance"] for row in rows] == [
        "5000", "4999", "4959", "4958.5", "4836.0645"
    ]  # fmt: skip
    assert [row["size"] for row in rows] == ["", "0.02", "", "0.03", "0"]


def test_encode__short_in_one_way_mode__keeps_sides_apart() -> None:
    records = Records(
        orders=[
            order(1, True, fill(1, "90000", "0.01", "0", "-0.5"), is_long=False, is_net=True),
            order(2, False, fill(2, "90500", "0.01", "-5", "-0.5"), is_long=False, is_net=True),
        ],
        settings={BTC.inst_id: Setting(BTC, 20)},
    )
    tables = TWIN.encode(records)
    opened, closed = read(bybit_rows.order, tables["orders"])
    assert (opened["order_side"], closed["order_side"]) == ("sell", "buy")
    assert {opened["position_slot"], closed["position_slot"]} == {"net"}
    [position] = read(bybit_rows.position, tables["closed_pnl"])
    assert (position["position_side"], position["pnl"]) == ("short", "-5")
    assert [row["size"] for row in tables["transactions"]] == ["-0.01", "0"]
    slots = read(bybit_rows.leverage, tables["positions"])
    assert [(row["position_slot"], row["leverage"]) for row in slots] == [("net", "20")]


def test_encode__hedge_mode__has_a_setting_a_side() -> None:
    rows = read(bybit_rows.leverage, TWIN.encode(liquidated())["positions"])
    assert [row["position_slot"] for row in rows] == ["long", "short"]


def test_encode__one_cross_position__makes_the_account_cross() -> None:
    assert TWIN.encode(liquidated())["account"][0]["marginMode"] == "ISOLATED_MARGIN"
    cross = TWIN.encode(liquidated(is_isolated=False))
    assert cross["account"][0]["marginMode"] == "REGULAR_MARGIN"


def test_encode__cancelled_stop__is_a_stop_and_no_order() -> None:
    at = (START + 1000, START + 2000)
    records = Records(stops=[Stop("77", BTC, True, False, Decimal(88000), Decimal("0.03"), *at)])
    rows = TWIN.encode(records)["orders"]
    assert read(bybit_rows.listed_order, rows) == []
    [moved] = read(bybit_rows.stop, rows)
    assert (moved["stop_id"], moved["position_side"]) == ("77", "long")
    assert (moved["trigger_price"], moved["updated_at_ms"]) == ("88000", START + 2000)


def test_encode__margin_moved_by_hand__leaves_no_entry() -> None:
    records = liquidated()
    amounts = (Decimal(-30), Decimal(10))
    records.margin_moves.append(MarginMove("5", START + 1, BTC, True, False, *amounts))
    assert len(TWIN.encode(records)["transactions"]) == 5


def test_encode__twice__gives_the_same_rows() -> None:
    assert TWIN.encode(liquidated()) == TWIN.encode(liquidated())


def test_symbols__seeded_coins__are_linear_perpetuals_sized_in_coins() -> None:
    assert list(TWIN.symbols) == ["BTC", "ETH", "SOL", "XRP", "DOGE"]
    for coin, symbol in TWIN.symbols.items():
        [(_, record)] = bybit_rows.instrument(TWIN.instrument(symbol))
        assert (record["inst_id"], record["base_asset"]) == (f"{coin}USDT", coin)
        assert symbol.contract_value == 1


def test_candle__minute__has_the_venues_cells() -> None:
    prices = [Decimal(each) for each in ("0.14", "0.15", "0.13", "0.14")]
    minute = Candle(START, *prices, Decimal(700))
    doge = SYMBOLS["DOGE"]
    assert TWIN.candle("mark", doge, minute) == [str(START), "0.14", "0.15", "0.13", "0.14"]
    assert TWIN.candle("trade", doge, minute)[5:] == ["5000", "700"]


def test_sign__known_text__is_hexadecimal() -> None:
    # HMAC-SHA256 of RFC 4231's second case.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", "what do ya want for nothing?") == expected
