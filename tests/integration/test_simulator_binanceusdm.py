"""The simulated Binance USD-M as the real ccxt client and the ingestion's core see it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import ccxt
import pytest
import yaml

from leverageguard import clock, config
from leverageguard.exchanges import retry, strict
from leverageguard.exchanges.account_pull import AccountPull, order, pull_account
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.listings import Listing, read
from leverageguard.exchanges.venues.binanceusdm import VENUE
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch
from leverageguard.simulator.scenario import credentials
from leverageguard.simulator.seeded.book import ADL, FULL, OWN, Book
from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import Fill
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.venues.binanceusdm import TWIN
from tests.simulators import RunningSimulator, start_simulator

__all__ = ["start_simulator"]
START = 1_767_571_200_000
HOUR = 3_600_000
NOW = START + 4 * HOUR
BTC, ETH = TWIN.symbols["BTC"], TWIN.symbols["ETH"]
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=5)
ACCOUNTS = {
    "trader": {}, "sub": {"main_uid": "100"}, "writer": {"perm": "read_only,trade"},
    "gone": {"key_state": "revoked"}, "testnet": {"key_state": "demo"},
}  # fmt: skip


def fills(price: str, *sizes: str) -> list[Fill]:
    return [Fill(Decimal(price), Decimal(size)) for size in sizes]


def busy() -> Book:
    """Two symbols, every way to close, margin moved by hand, a stop taken back, 40 small trades."""
    book = Book(Ids(), is_net=True, deposit=Decimal(5000), at_ms=START + 1000)
    long = book.open(BTC, True, 20, fills("90000", "0.010", "0.010"), START + 2000, START + 1500)
    book.add_margin(long, Decimal("12.5"), START + 3000)
    book.cancelled_stop(long, Decimal("88000"), START + 4000, START + HOUR + 1)
    book.close(long, FULL, fills("86000", "0.020"), START + HOUR + 6000, mark=Decimal("86100"))
    short = book.open(ETH, False, 10, fills("3000", "0.5"), START + HOUR + 7000)
    book.close(short, ADL, fills("2900", "0.2"), START + 2 * HOUR, mark=Decimal("2900"))
    book.close(short, OWN, fills("2950", "0.3"), START + 2 * HOUR + 1, client_id="autoclose-1")
    for number in range(20):
        at = START + 3 * HOUR + number // 10
        small = book.open(BTC, True, 20, fills("86000", "0.001"), at)
        book.close(small, OWN, fills("86001", "0.001"), at)
    book.transfer(Decimal("-50"), START + 3 * HOUR + 5000)
    return book


def candles(kind: str) -> list[Any]:
    prices = [Decimal(price) for price in ("90000.1", "90010", "89990", "90005", "450025")]
    return [TWIN.candle(kind, BTC, Candle(START + n * 60_000, *prices)) for n in range(240)]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    venue = folder / "binanceusdm"
    accounts = [
        {
            "account_id": name,
            "exchange": "binanceusdm",
            "uid": str(100 + at),
            "wallet": name,
            **more,
        }
        for at, (name, more) in enumerate(ACCOUNTS.items(), start=1)
    ]
    for kind in ("mark", "trade"):
        (venue / f"{kind}_candles").mkdir(parents=True)
        (venue / f"{kind}_candles" / "BTCUSDT.json").write_text(json.dumps(candles(kind)))
    (venue / "trader").mkdir()
    for table, rows in TWIN.encode(busy().records).items():
        (venue / "trader" / f"{table}.json").write_text(json.dumps(rows))
    symbols = [TWIN.instrument(symbol) for symbol in TWIN.symbols.values()]
    (venue / "instruments.json").write_text(json.dumps(symbols))
    (folder / "world.yaml").write_text(
        yaml.safe_dump(
            {
                "format": 1, "name": "binance", "about": "one busy account", "product": "seed-v1",
                "clock": {"start": "2026-01-05T00:00:00Z", "now": "2026-01-05T04:00:00Z"},
                "pool": {"deposit_usdc": "1"}, "accounts": accounts,
            }
        )
    )  # fmt: skip
    return folder


@pytest.fixture
def simulator(
    start_simulator: Callable[[Path, str], RunningSimulator], world: Path
) -> RunningSimulator:
    return start_simulator(world, "binanceusdm")


@pytest.fixture
def rows(simulator: RunningSimulator) -> dict[str, list[Any]]:
    """What the venue holds of the busy account."""
    return simulator.scenario.replies("binanceusdm").accounts["trader"]


def plain(simulator: RunningSimulator, account: str = "trader", **over: Any) -> Any:
    """ccxt itself, pointed at the twin."""
    key = credentials(account)
    settings = {"apiKey": key.api_key, "secret": key.api_secret, "enableRateLimit": False, **over}
    exchange = ccxt.binanceusdm({**settings, "options": {"adjustForTimeDifference": True}})
    VENUE.point_at(exchange, simulator.url)
    exchange.load_time_difference()
    return exchange


def reader(simulator: RunningSimulator, account: str = "trader") -> Client:
    """The ingestion's own client."""
    settings = replace(config.load(), venue_urls={"binanceusdm": simulator.url})
    venue_clock = VenueClock()
    client = connect(VENUE, settings, account, credentials(account), QUICK, venue_clock)
    client.sync_clock()
    return client


def pulled(client: Client, from_ms: int = START, to_ms: int = NOW) -> AccountPull:
    names = [ACCOUNT_CONFIG, *(listing.name for listing in VENUE.listings)]
    return pull_account(client, [Stretch(name, from_ms, to_ms) for name in names], ["BTCUSDT"])


def ids(pull: AccountPull, table: str, column: str, endpoint: str = "") -> list[str]:
    of_table = pull.rows(f"exchanges/{table}")
    return sorted(row[column] for row in of_table if endpoint in ("", row["endpoint"]))


def test_pull__busy_account__brings_exactly_the_worlds_rows(
    simulator: RunningSimulator, rows: dict[str, list[Any]]
) -> None:
    pull = pulled(reader(simulator))
    assert [(each.endpoint.name, each.error) for each in pull.listings if each.error] == []
    assert ids(pull, "orders", "order_id") == sorted(str(r["orderId"]) for r in rows["all_orders"])
    assert ids(pull, "fills", "fill_id") == sorted(
        f"{row['symbol']}:{row['id']}" for row in rows["user_trades"]
    )
    assert len(ids(pull, "ledger", "entry_id", "ledger")) == len(rows["income"])
    assert len(ids(pull, "ledger", "entry_id", "margin")) == len(rows["margin_history"])
    assert len(set(ids(pull, "ledger", "entry_id"))) == len(ids(pull, "ledger", "entry_id"))
    for name, table in (("liquidations", "liquidations"), ("deleverages", "deleverages")):
        assert ids(pull, "positions", "order_id", name) == [str(r["orderId"]) for r in rows[table]]
    assert ids(pull, "stops", "stop_id") == [str(row["algoId"]) for row in rows["algo_orders"]]


def test_pull__hour_by_hour__brings_the_same_as_at_once(simulator: RunningSimulator) -> None:
    client = reader(simulator)
    whole = pulled(client)
    hours = [pulled(client, at, at + HOUR) for at in range(START, NOW, HOUR)]
    for table, column in (("fills", "fill_id"), ("ledger", "entry_id"), ("stops", "stop_id"),
                          ("positions", "order_id")):  # fmt: skip
        parts = sorted(each for hour in hours for each in ids(hour, table, column))
        assert parts == ids(whole, table, column)
    orders = {each for hour in hours for each in ids(hour, "orders", "order_id")}
    assert sorted(orders) == ids(whole, "orders", "order_id")


def test_pull__small_pages__miss_nothing_of_a_burst_in_one_millisecond(
    simulator: RunningSimulator, rows: dict[str, list[Any]]
) -> None:
    client = reader(simulator)
    pages = {"fills": 7, "orders": 3, "ledger": 41, "margin": 22}
    tables = {"fills": "user_trades", "orders": "all_orders", "ledger": "income",
              "margin": "margin_history"}  # fmt: skip
    for name, size in pages.items():
        endpoint = replace(VENUE.listing(name), page_size=size)
        found = 0
        for symbol in ("BTCUSDT", "ETHUSDT") if endpoint.scope == "instrument" else ("",):
            listing = Listing("trader", endpoint, Stretch(name, START, NOW))
            read(client, listing, symbol)
            assert listing.error is None, name
            assert listing.pages > 1 or symbol == "ETHUSDT", name
            found += len(listing.records)
        assert found == len(rows[tables[name]]), name


def test_pull__account__says_who_it_is_and_what_is_set(simulator: RunningSimulator) -> None:
    snapshots = {(table, row.get("inst_id", "")): row
                 for table, row in pulled(reader(simulator)).snapshots}  # fmt: skip
    said = snapshots["exchanges/account_configs", ""]
    assert (said["uid"], said["root_uid"], said["is_read_only"]) == ("101", "101", True)
    assert (said["permissions"], said["position_mode"]) == ("enableReading", "net_mode")
    leverage = snapshots["exchanges/leverages", "BTCUSDT"]
    assert (leverage["leverage"], leverage["margin_mode"]) == ("20", "isolated")


@pytest.mark.parametrize(
    ("account", "root_uid", "is_read_only"), [("sub", None, True), ("writer", "103", False)]
)
def test_pull__account_of_another_kind__is_told_apart(
    simulator: RunningSimulator, account: str, root_uid: str | None, is_read_only: bool
) -> None:
    pull = pulled(reader(simulator, account))
    said = dict(pull.snapshots)["exchanges/account_configs"]
    assert (said["root_uid"], said["is_read_only"]) == (root_uid, is_read_only)
    assert [each.error for each in pull.listings if each.error] == []


@pytest.mark.parametrize("account", ["gone", "testnet"])
def test_pull__key_that_is_refused__is_a_gap_everywhere(
    simulator: RunningSimulator, account: str
) -> None:
    pull = pulled(reader(simulator, account))
    assert {each.error.fault for each in pull.listings if each.error} == {retry.Fault.AUTH}
    assert len(pull.listings) == 1 + len(VENUE.listings)
    assert pull.snapshots == []
    assert simulator.stats()["refusals"] == {"-2015": 1}


def test_order__by_id__is_found_or_absent_by_the_venues_word(
    simulator: RunningSimulator, rows: dict[str, list[Any]]
) -> None:
    client = reader(simulator)
    forced = str(rows["liquidations"][0]["orderId"])
    assert order(client, "BTCUSDT", forced)["client_order_id"].startswith("autoclose-")
    for inst_id, order_id in (("ETHUSDT", forced), ("BTCUSDT", "1")):
        with pytest.raises(retry.GaveUpError) as caught:
            order(client, inst_id, order_id)
        assert caught.value.fault is retry.Fault.NOT_FOUND


@pytest.mark.parametrize(
    "endpoint", [VENUE.mark_candles, VENUE.trade_candles], ids=lambda e: e.name
)
def test_candles__of_three_hours__are_each_minute_once(
    simulator: RunningSimulator, endpoint: Any
) -> None:
    listing = Listing("BTCUSDT", replace(endpoint, page_size=50),
                      Stretch(endpoint.name, START + HOUR, NOW))  # fmt: skip
    read(reader(simulator), listing, "BTCUSDT")
    minutes = [row["minute_at_ms"] for _, row in listing.records]
    assert minutes == list(range(START + HOUR, NOW, 60_000))
    volumes = {row["quote_volume"] for _, row in listing.records}
    assert volumes == ({"450025"} if endpoint is VENUE.trade_candles else {None})


def test_ccxt__load_markets__takes_the_twins_instruments(simulator: RunningSimulator) -> None:
    exchange = plain(simulator)
    exchange.has["fetchCurrencies"] = False
    market = exchange.load_markets()["BTC/USDT:USDT"]
    assert (market["contractSize"], market["precision"]["amount"]) == (1.0, 0.001)


@pytest.mark.parametrize(
    ("over", "code"), [({"apiKey": "unknown"}, "-2015"), ({"secret": "wrong"}, "-1022")]
)
@pytest.mark.parametrize("method", ["fapiPrivateGetIncome", "privateGetAccount"])
def test_ccxt__bad_credentials__are_refused_with_the_venues_code(
    simulator: RunningSimulator, over: dict[str, Any], code: str, method: str
) -> None:
    with pytest.raises(ccxt.AuthenticationError, match=code):
        getattr(plain(simulator, **over), method)({})
    assert simulator.stats()["refusals"] == {code: 1}


@pytest.mark.parametrize("skew_ms", [-11_000, 61_000])
def test_ccxt__clock_that_is_off__is_refused_and_set_again_by_the_reader(
    simulator: RunningSimulator, skew_ms: int
) -> None:
    exchange = plain(simulator)
    exchange.options["timeDifference"] -= skew_ms
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        exchange.fapiPrivateGetIncome({})
    client = reader(simulator)
    client.clock.offset_ms += skew_ms
    assert client.call(VENUE.account[0], {}).rows[0]["enableReading"] is True


def test_weight__over_the_minutes_budget__is_429_then_418(simulator: RunningSimulator) -> None:
    exchange, refusals = plain(simulator), []
    for _ in range(47 + 25):
        try:
            exchange.fapiPrivateGetForceOrders({})
        except ccxt.DDoSProtection as error:
            refusals.append(str(error).split()[1])
            assert int(exchange.last_response_headers["Retry-After"]) > 0
    assert refusals == ["429"] * 20 + ["418"] * 5
    assert exchange.privateGetAccount({})["uid"] == 101
    clock.sleep(61)
    exchange.load_time_difference()
    assert exchange.fapiPrivateGetForceOrders({"symbol": "BTCUSDT"})


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [("transient", "fapi/v1/userTrades"), ("http_429", "fapi/v1/income"), ("http_500", "*"),
     ("truncated", "fapi/v1/forceOrders"), ("empty_list", "fapi/v1/allOrders"),
     ("data_object", "fapi/v1/userTrades"), ("row_without_id", "fapi/v1/allOrders"),
     ("row_text", "fapi/v1/positionMargin/history"), ("html", "api/v3/account"),
     ("row_without_time", "fapi/v1/income"), ("null", "sapi/v1/account/apiRestrictions")],
)  # fmt: skip
def test_fault__of_one_reply__is_read_again_and_nothing_is_lost(
    simulator: RunningSimulator, rows: dict[str, list[Any]], kind: str, endpoint: str
) -> None:
    client = reader(simulator)
    simulator.fault(endpoint, kind)
    pull = pulled(client)
    assert [(each.endpoint.name, each.error) for each in pull.listings if each.error] == []
    assert len(ids(pull, "fills", "fill_id")) == len(rows["user_trades"])
    assert len(ids(pull, "ledger", "entry_id", "ledger")) == len(rows["income"])
    assert pull.snapshots


@pytest.mark.parametrize("kind", ["duplicate_page", "overlapping_page", "stale_page"])
def test_fault__of_paging__repeats_rows_and_loses_none(
    simulator: RunningSimulator, rows: dict[str, list[Any]], kind: str
) -> None:
    client = reader(simulator)
    endpoint = replace(VENUE.listing("fills"), page_size=8)
    simulator.fault("fapi/v1/userTrades", kind, after=1)
    listing = Listing("trader", endpoint, Stretch("fills", START, NOW))
    read(client, listing, "BTCUSDT")
    assert listing.error is None
    known = {f"BTCUSDT:{row['id']}" for row in rows["user_trades"] if row["symbol"] == "BTCUSDT"}
    assert {row["fill_id"] for _, row in listing.records} == known


@pytest.mark.parametrize("code", sorted(VENUE.transient_codes))
def test_strict_client__transient_code__is_tried_again(code: str) -> None:
    client = strict.build(VENUE, "http://127.0.0.1:1")
    reply = {"code": code, "msg": "Please try again."}
    with pytest.raises(ccxt.OperationFailed):
        client.handle_errors(500, "", "http://127.0.0.1:1/fapi/v1/income", "GET", {},
                             json.dumps(reply), reply, {}, None)  # fmt: skip


@pytest.fixture
def answers(simulator: RunningSimulator) -> Iterator[Callable[[str], tuple[int, Any]]]:
    def ask(target: str) -> tuple[int, Any]:
        try:
            with urlopen(f"{simulator.url}/{target}", timeout=10) as reply:
                return reply.status, json.loads(reply.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())

    yield ask


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("fapi/v1/nothing", 404, -5000), ("fapi/v1/income", 401, -2014),
        ("fapi/v1/klines?interval=1m", 400, -1102), ("fapi/v1/klines?symbol=BTCUSDT", 400, -1102),
        ("fapi/v1/klines?symbol=X&interval=1m", 400, -1121),
        ("fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1h", 400, -1120),
        ("fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1501", 400, -1130),
    ],
)  # fmt: skip
def test_public_path__bad_parameters__are_refused_with_the_venues_code(
    answers: Callable[[str], tuple[int, Any]], target: str, status: int, code: int
) -> None:
    got, body = answers(target)
    assert (got, body["code"]) == (status, code)
