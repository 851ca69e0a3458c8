"""The simulated Bybit as the real ccxt client and the ingestion core see it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from leverageguard import clock, config
from leverageguard.exchanges import account_pull, listings, retry
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.listings import Listing
from leverageguard.exchanges.rows import parsed
from leverageguard.exchanges.venue import FILLS, LEDGER, ORDERS, POSITIONS, STOPS
from leverageguard.exchanges.venues.bybit import VENUE
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch
from leverageguard.simulator.bybit_reference import SYMBOLS
from leverageguard.simulator.scenario import credentials
from leverageguard.simulator.seeded.records import (
    Execution,
    OrderRecord,
    Records,
    Setting,
    Stop,
    Transfer,
)
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.venues.bybit import TWIN
from tests.simulators import RunningSimulator, start_simulator

__all__ = ["start_simulator"]
START = 1_767_571_200_000
HOUR = 3_600_000
NOW = START + 6 * HOUR
BTC = SYMBOLS["BTC"]
LINEAR = {"category": "linear"}
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=5)
# A position opened before the first hour's end by an order placed earlier, closed step by step.
KINDS = ("partial", "adl", "takeover", "own")


@dataclass
class Book:
    """Fills and orders one after another, each with ids of its own."""

    number: int = 0

    def order(self, at_ms: int, kind: Any, sizes: list[str], placed_ms: int = 0) -> OrderRecord:
        is_opening = kind == "open"
        fills = []
        for size in sizes:
            self.number += 1
            money = (Decimal(90000), Decimal(size), Decimal(0 if is_opening else -3), Decimal("-1"))
            fills.append(Execution(str(70000 + self.number), at_ms, *money, Decimal(0), Decimal(0)))
        self.number += 1
        return OrderRecord(
            str(90000 + self.number), BTC, is_opening, True, False, is_opening, 20,
            "own" if is_opening else kind, placed_ms or at_ms, at_ms, tuple(fills),
        )  # fmt: skip


def records(burst: int = 0) -> Records:
    """Every way to close, a stop moved away, money in and out, and `burst` fills at once."""
    book, at = Book(), START + HOUR + 60_000
    orders = [book.order(at, "open", ["0.1", "0.2"], placed_ms=at - HOUR)]
    orders += [
        book.order(at + n * 600_000, kind, ["0.01", "0.02"]) for n, kind in enumerate(KINDS, 1)
    ]
    if burst:
        orders.append(book.order(START + 3 * HOUR, "own", ["0.0001"] * burst))
    stop = Stop("123", BTC, True, False, Decimal(88000), Decimal("0.3"), at, START + 3 * HOUR)
    moves = [Transfer("1", START, Decimal(5000)), Transfer("2", START + HOUR, Decimal(-40))]
    return Records(orders, [], moves, [], [stop], {BTC.inst_id: Setting(BTC, 20)})


def write(folder: Path, of: Records, **account: str) -> Path:
    """A scenario folder with one account whose doings are `of`."""
    venue = folder / "bybit"
    (venue / "acc").mkdir(parents=True)
    for table, rows in TWIN.encode(of).items():
        (venue / "acc" / f"{table}.json").write_text(json.dumps(rows))
    (venue / "instruments.json").write_text(
        json.dumps([TWIN.instrument(symbol) for symbol in SYMBOLS.values()])
    )
    for kind in ("mark", "trade"):
        (venue / f"{kind}_candles").mkdir()
        prices = [Decimal(each) for each in ("90000", "90010.5", "89990", "90001")]
        minutes = [
            TWIN.candle(kind, BTC, Candle(START + n * 60_000, *prices, Decimal(900000)))
            for n in range(360)
        ]
        (venue / f"{kind}_candles" / "BTCUSDT.json").write_text(json.dumps(minutes))
    known = {"account_id": "acc", "exchange": "bybit", "uid": "24617703", "wallet": "w"}
    world = {
        "format": 1, "name": "bybit", "about": "one account", "product": "seed-v1",
        "clock": {"start": "2026-01-05T00:00:00Z", "now": "2026-01-05T06:00:00Z"},
        "pool": {"deposit_usdc": "1"}, "accounts": [known | account], "policies": [],
    }  # fmt: skip
    (folder / "world.yaml").write_text(json.dumps(world))
    return folder


Serve = Callable[..., RunningSimulator]


@pytest.fixture
def serve(
    start_simulator: Callable[..., RunningSimulator],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Serve:
    def start(of: Records | None = None, **account: str) -> RunningSimulator:
        folder = write(tmp_path / "world", of or records(), **account)
        running = start_simulator(folder, "bybit")
        monkeypatch.setenv("LEVERAGEGUARD_BYBIT_URL", running.url)
        return running

    return start


def line(account: str = "acc") -> Client:
    """The core's client of the account."""
    venue_clock = VenueClock()
    venue_clock.set(clock.now_ms())
    key = credentials(account)
    return connect(VENUE, config.load(), account, key, QUICK, venue_clock)


def plain(simulator: RunningSimulator, **over: Any) -> ccxt.bybit:
    """ccxt's own client, as anyone would set it up."""
    key = credentials("acc")
    settings = {"apiKey": key.api_key, "secret": key.api_secret, "enableRateLimit": False, **over}
    client = ccxt.bybit(settings)
    client.urls["api"] = dict.fromkeys(client.urls["api"], simulator.url)
    client.load_time_difference()
    client.options["adjustForTimeDifference"] = True
    return client


def whole(client: Client, *names: str) -> account_pull.AccountPull:
    asked = names or tuple(each.name for each in VENUE.listings)
    stretches = [Stretch(name, START, NOW) for name in (ACCOUNT_CONFIG, *asked)]
    return account_pull.pull_account(client, stretches, ["BTCUSDT"])


def table(simulator: RunningSimulator, name: str) -> list[dict[str, Any]]:
    return simulator.scenario.replies("bybit").accounts["acc"][name]


def test_bybit__core__lands_exactly_the_worlds_rows(serve: Serve) -> None:
    simulator = serve()
    read = whole(line())
    assert read.is_whole
    executions = table(simulator, "executions")
    assert sorted(row["fill_id"] for row in read.rows(FILLS)) == sorted(
        row["execId"] for row in executions
    )
    orders = [row["orderId"] for row in table(simulator, "orders") if not row["stopOrderType"]]
    assert sorted(row["order_id"] for row in read.rows(ORDERS)) == sorted(orders)
    assert len(read.rows(LEDGER)) == len(table(simulator, "transactions"))
    closed = [row for row in read.rows(POSITIONS) if row["endpoint"] == "positions"]
    assert len(closed) == len(KINDS)
    assert [row["stop_id"] for row in read.rows(STOPS)] == ["123"]


def test_bybit__core__sees_what_unified_trades_hide(serve: Serve) -> None:
    simulator = serve()
    kinds = {row["forced_kind"] for row in whole(line(), "fills").rows(FILLS)}
    assert kinds == {"own_close", "partial", "adl", "takeover"}
    trades = plain(simulator).privateGetV5ExecutionList({**LINEAR, "execType": "Trade"})
    shown = {row["createType"] for row in trades["result"]["list"]}
    assert shown == {"CreateByUser", "CreateByLiq"}


def test_bybit__core__reads_identity_leverage_and_margin_mode(serve: Serve) -> None:
    serve(main_uid="111")
    read = whole(line(), "fills")
    [config_row] = [row for name, row in read.snapshots if name.endswith("account_configs")]
    assert (config_row["uid"], config_row["root_uid"]) == ("24617703", "111")
    assert config_row["is_read_only"] is True
    settings = [row for name, row in read.snapshots if name.endswith("leverages")]
    assert [(row["position_slot"], row["leverage"], row["margin_mode"]) for row in settings] == [
        ("long", "20", "isolated"), ("short", "20", "isolated")
    ]  # fmt: skip


def test_bybit__key_that_may_trade__is_not_read_only(serve: Serve) -> None:
    serve(perm="read_only,trade")
    rows = {"account_config": line().call(VENUE.account[0], {}).rows, "account_info": None}
    said = VENUE.identify(rows)
    assert said["is_read_only"] is False
    assert "Wallet:AccountTransfer" in said["permissions"]


def test_bybit__burst_of_one_millisecond__is_paged_without_loss(serve: Serve) -> None:
    simulator = serve(records(burst=250))
    read = whole(line(), "fills")
    assert len(read.rows(FILLS)) == len(table(simulator, "executions")) == 260
    assert [each.pages for each in read.listings if each.endpoint.name == "fills"] == [3]


@pytest.mark.parametrize("kind", ["duplicate_page", "overlapping_page"])
def test_bybit__page_that_repeats_rows__loses_none(serve: Serve, kind: str) -> None:
    simulator = serve(records(burst=250))
    simulator.fault("execution/list", kind, after=1)
    read = whole(line(), "fills")
    ids = [row["fill_id"] for row in read.rows(FILLS)]
    assert read.is_whole
    assert len(ids) == len(set(ids)) == len(table(simulator, "executions"))


@pytest.mark.parametrize("kind", ["truncated", "null", "data_null", "data_object", "transient"])
def test_bybit__spoiled_answer__is_asked_for_again(serve: Serve, kind: str) -> None:
    simulator = serve()
    simulator.fault("execution/list", kind)
    read = whole(line(), "fills")
    assert read.is_whole
    assert len(read.rows(FILLS)) == len(table(simulator, "executions"))


def test_bybit__broken_for_good__is_a_gap_and_no_empty_listing(serve: Serve) -> None:
    serve().fault("execution/list", "data_object", times=50)
    read = whole(line(), "fills")
    assert not read.is_whole


def test_bybit__order_by_its_id__is_found_or_absent(serve: Serve) -> None:
    simulator = serve()
    order_id = table(simulator, "closed_pnl")[2]["orderId"]
    assert account_pull.order(line(), "BTCUSDT", order_id)["forced_kind"] == "takeover"
    with pytest.raises(retry.GaveUpError) as gave_up:
        account_pull.order(line(), "BTCUSDT", "4711")
    assert gave_up.value.fault is retry.Fault.NOT_FOUND


@pytest.mark.parametrize(
    ("over", "code", "error"),
    [
        ({"apiKey": "unknown"}, "10003", ccxt.AuthenticationError),
        ({"secret": "wrong"}, "10004", ccxt.AuthenticationError),
    ],
)
def test_bybit__bad_credentials__refused_with_the_venues_code(
    serve: Serve, over: dict[str, Any], code: str, error: type[Exception]
) -> None:
    simulator = serve()
    with pytest.raises(error, match=code):
        plain(simulator, **over).privateGetV5UserQueryApi()
    assert simulator.stats()["refusals"] == {code: 1}


@pytest.mark.parametrize("state", ["revoked", "demo"])
def test_bybit__key_of_no_use__refused_as_unknown(serve: Serve, state: str) -> None:
    simulator = serve(key_state=state)
    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        plain(simulator).privateGetV5UserQueryApi()
    read = whole(line(), "fills")
    assert not read.is_whole
    assert read.snapshots == []


@pytest.mark.parametrize("skew_ms", [-6_000, 2_000])
def test_bybit__clock_off__refused_then_read_again(serve: Serve, skew_ms: int) -> None:
    simulator = serve()
    client = plain(simulator)
    client.options["timeDifference"] -= skew_ms
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        client.privateGetV5UserQueryApi()
    core = line()
    core.clock.offset_ms += skew_ms
    assert whole(core, "fills").is_whole


def test_bybit__order_history__keeps_a_cancelled_order_for_a_day(serve: Serve) -> None:
    serve()
    clock.set_world(START + 27 * HOUR + 60_000)
    read = whole(line(), "orders", "stops")
    assert read.rows(STOPS) == []
    assert len(read.rows(ORDERS)) == 1 + len(KINDS)


def test_bybit__after_two_years__rows_are_gone(serve: Serve) -> None:
    simulator = serve()
    clock.set_world(NOW + 731 * 24 * HOUR)
    window = {**LINEAR, "startTime": str(START), "endTime": str(NOW)}
    assert plain(simulator).privateGetV5ExecutionList(window)["result"]["list"] == []
    assert not whole(line(), "fills").is_whole


def test_bybit__rows_after_the_world_clock__are_not_shown(serve: Serve) -> None:
    serve()
    clock.set_world(START + HOUR + 120_000)
    assert len(whole(line(), "fills").rows(FILLS)) == 2


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {**LINEAR, "startTime": str(START), "endTime": str(START + 8 * 24 * HOUR)},
        {**LINEAR, "limit": "101"},
        {**LINEAR, "startTime": "x"},
        {**LINEAR, "cursor": "nowhere"},
    ],
)
def test_bybit__bad_parameters__refused(serve: Serve, asked: dict[str, str]) -> None:
    simulator = serve()
    with pytest.raises(ccxt.BadRequest, match="10001"):
        plain(simulator).privateGetV5ExecutionList(asked)


def test_bybit__nothing_asked__shows_the_last_seven_days(serve: Serve) -> None:
    simulator = serve()
    clock.set_world(START + 8 * 24 * HOUR + 2 * HOUR)
    assert plain(simulator).privateGetV5ExecutionList(LINEAR)["result"]["list"] == []


def test_bybit__over_the_limit__refused_until_the_second_passed(serve: Serve) -> None:
    simulator = serve()
    client = plain(simulator)
    for _ in range(10):
        client.privateGetV5ExecutionList(LINEAR)
    with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
        client.privateGetV5ExecutionList(LINEAR)
    assert client.last_response_headers["X-Bapi-Limit-Reset-Timestamp"].isdigit()
    clock.sleep(1)
    assert client.privateGetV5ExecutionList(LINEAR)["retCode"] == 0


@pytest.mark.parametrize("endpoint", [VENUE.mark_candles, VENUE.trade_candles])
def test_bybit__candles__are_walked_backwards_and_inclusive(serve: Serve, endpoint: Any) -> None:
    serve()
    listing = Listing("BTCUSDT", endpoint, Stretch(endpoint.name, START, START + 2 * HOUR))
    listings.read(line(), listing, "BTCUSDT")
    assert listing.error is None
    minutes = sorted(row["minute_at_ms"] for _, row in listing.records)
    assert minutes == [START + n * 60_000 for n in range(120)]
    assert all(row["is_final"] for _, row in listing.records)


def test_bybit__instruments__are_linear_perpetuals(serve: Serve) -> None:
    serve()
    rows = [
        record
        for row in line().call(VENUE.instruments, {}).rows
        for _, record in parsed(VENUE.instruments, row)
    ]
    assert {row["inst_id"] for row in rows} == {symbol.inst_id for symbol in SYMBOLS.values()}
    assert {(row["inst_type"], row["contract_type"]) for row in rows} == {("perpetual", "linear")}


def test_bybit__core__makes_no_private_call_of_ccxts_own(serve: Serve) -> None:
    simulator = serve()
    whole(line(), "fills", "ledger")
    asked = simulator.stats()["requests"]
    assert asked["account/info"] == asked["user/query-api"] == 1
    assert set(asked) <= {
        "account/info", "user/query-api", "position/list", "execution/list", "order/history",
        "account/transaction-log", "market/time",
    }  # fmt: skip
