"""The simulated OKX as the real ccxt client sees it over HTTP."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import ccxt
import pytest

from leverageguard import clock
from leverageguard.simulator.scenario import credentials
from tests.simulators import SCENARIOS, RunningSimulator, start_simulator

__all__ = ["start_simulator"]
REAL = SCENARIOS / "okx_real_full_liquidation"
LIQUIDATION = "2940071038556348417"
SWAP = {"instType": "SWAP"}


def client(simulator: RunningSimulator, account: str = "trader-1", **over: Any) -> ccxt.okx:
    key = credentials(account)
    settings = {
        "apiKey": key.api_key,
        "secret": key.api_secret,
        "password": key.passphrase,
        "enableRateLimit": False,
        **over,
    }
    exchange = ccxt.okx(settings)
    exchange.urls["api"] = {"rest": simulator.url}
    exchange.load_time_difference()
    return exchange


@pytest.fixture
def simulator(start_simulator: Callable[[Path], RunningSimulator]) -> RunningSimulator:
    return start_simulator(REAL)


@pytest.fixture
def many_fills(
    start_simulator: Callable[[Path], RunningSimulator], tmp_path: Path
) -> RunningSimulator:
    """250 fills, ten of them in each millisecond."""
    folder = tmp_path / "many"
    account = folder / "okx" / "acc"
    account.mkdir(parents=True)
    rows = [
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "billId": str(1000 + n),
         "ts": str(1767575000000 + n // 10)}
        for n in range(250)
    ]  # fmt: skip
    (account / "fills.json").write_text(json.dumps(rows))
    (folder / "world.yaml").write_text(
        'format: 1\nname: many\nabout: paging\nproduct: seed-v1\npool: {deposit_usdc: "1"}\n'
        "clock: {start: 2026-01-05T00:00:00Z, now: 2026-01-05T02:00:00Z}\n"
        'accounts: [{account_id: acc, exchange: okx, uid: "1", wallet: w}]\n'
    )
    return start_simulator(folder)


def all_fills(exchange: ccxt.okx, **params: Any) -> list[str]:
    seen: list[str] = []
    after: dict[str, str] = {}
    while rows := exchange.privateGetTradeFillsHistory({**SWAP, **params, **after})["data"]:
        seen += [row["billId"] for row in rows]
        after = {"after": rows[-1]["billId"]}
    return seen


def test_okx__real_position__every_listing_answers_in_wire_format(
    simulator: RunningSimulator,
) -> None:
    okx = client(simulator)
    orders = okx.privateGetTradeOrdersHistoryArchive(SWAP | {"category": "full_liquidation"})
    assert [row["ordId"] for row in orders["data"]] == [LIQUIDATION]
    order = {"instId": "BTC-USDT-SWAP", "ordId": LIQUIDATION}
    assert okx.privateGetTradeOrder(order)["data"] == orders["data"]
    fills = okx.privateGetTradeFillsHistory(SWAP)["data"]
    assert [row["subType"] for row in fills] == ["104", "3"]
    bills = okx.privateGetAccountBillsArchive({"type": "5"})["data"]
    assert [row["pnl"] for row in bills] == ["-7.15264"]
    positions = okx.privateGetAccountPositionsHistory(SWAP)["data"]
    assert [row["type"] for row in positions] == ["3"]
    config = okx.privateGetAccountConfig()["data"][0]
    assert (config["uid"], config["perm"]) == ("480022917364051968", "read_only")
    for listing in (
        okx.privateGetTradeOrdersHistory,
        okx.privateGetTradeFills,
        okx.privateGetAccountBills,
    ):
        assert len(listing(SWAP)["data"]) == 2


def test_okx__load_markets__reads_the_instrument(simulator: RunningSimulator) -> None:
    okx = client(simulator, options={"fetchMarkets": {"types": ["swap"]}})
    okx.has["fetchCurrencies"] = False
    markets = okx.load_markets()
    assert markets["BTC/USDT:USDT"]["contractSize"] == 0.01


def test_okx__mark_candles__page_by_time_newest_first(simulator: RunningSimulator) -> None:
    okx = client(simulator)
    query = {"instId": "BTC-USDT-SWAP", "after": "1760123460000", "limit": "3"}
    rows = okx.publicGetMarketHistoryMarkPriceCandles(query)["data"]
    assert [row[0] for row in rows] == ["1760123400000", "1760123340000", "1760123280000"]


@pytest.mark.parametrize(
    ("over", "code", "error"),
    [
        ({"apiKey": "unknown"}, "50111", ccxt.AuthenticationError),
        ({"secret": "wrong"}, "50113", ccxt.AuthenticationError),
        ({"password": "wrong"}, "50105", ccxt.AuthenticationError),
        ({"headers": {"x-simulated-trading": "1"}}, "50101", ccxt.AuthenticationError),
    ],
)
def test_okx__bad_credentials__refused_with_the_venues_code(
    simulator: RunningSimulator, over: dict[str, Any], code: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=code):
        client(simulator, **over).privateGetAccountConfig()
    assert simulator.stats()["refusals"] == {code: 1}


@pytest.mark.parametrize("skew_ms", [-31_000, 31_000])
def test_okx__clock_off_by_31_seconds__refused(simulator: RunningSimulator, skew_ms: int) -> None:
    okx = client(simulator)
    okx.options["timeDifference"] += skew_ms
    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        okx.privateGetAccountConfig()


def test_okx__revoked_key__refused(
    start_simulator: Callable[[Path], RunningSimulator], tmp_path: Path
) -> None:
    world = (REAL / "world.yaml").read_text()
    (tmp_path / "world.yaml").write_text(
        world.replace("wallet: trader-1}", "wallet: trader-1, key_state: revoked}")
    )
    with pytest.raises(ccxt.AuthenticationError, match="50111"):
        client(start_simulator(tmp_path)).privateGetAccountConfig()


def test_okx__demo_key__refused_by_the_live_host(
    start_simulator: Callable[[Path], RunningSimulator], tmp_path: Path
) -> None:
    world = (REAL / "world.yaml").read_text()
    (tmp_path / "world.yaml").write_text(
        world.replace("wallet: trader-1}", "wallet: trader-1, key_state: demo}")
    )
    simulator = start_simulator(tmp_path)
    with pytest.raises(ccxt.AuthenticationError, match="50101"):
        client(simulator).privateGetAccountConfig()
    headers = {"x-simulated-trading": "1"}
    assert client(simulator, headers=headers).privateGetAccountConfig()["code"] == "0"


def test_okx__key_that_can_trade__says_so(
    start_simulator: Callable[[Path], RunningSimulator], tmp_path: Path
) -> None:
    world = (REAL / "world.yaml").read_text()
    (tmp_path / "world.yaml").write_text(
        world.replace("wallet: trader-1}", 'wallet: trader-1, perm: "read_only,trade"}')
    )
    config = client(start_simulator(tmp_path)).privateGetAccountConfig()["data"][0]
    assert config["perm"] == "read_only,trade"


def stop_row(number: int) -> dict[str, str]:
    return {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "algoId": str(number),
            "ordType": "conditional", "state": "canceled", "uTime": "1767575000000"}  # fmt: skip


@pytest.fixture
def with_more(
    start_simulator: Callable[[Path], RunningSimulator], tmp_path: Path
) -> RunningSimulator:
    """The real world with cancelled stops, a set leverage and trade candles."""
    folder = tmp_path / "more"
    shutil.copytree(REAL, folder)
    okx = folder / "okx"
    stops = [stop_row(n) | {"uTime": "1760120000000"} for n in (5, 6, 7)]
    (okx / "trader-1" / "stops.json").write_text(json.dumps(stops))
    lever = {"ccy": "", "instId": "BTC-USDT-SWAP", "lever": "40", "mgnMode": "isolated",
             "posSide": "long"}  # fmt: skip
    (okx / "trader-1" / "leverages.json").write_text(json.dumps([lever]))
    minute = ["1760120040000", "1", "2", "1", "2", "3", "0.03", "3600.5", "1"]
    (okx / "trade_candles").mkdir(exist_ok=True)
    (okx / "trade_candles" / "BTC-USDT-SWAP.json").write_text(json.dumps([minute]))
    return start_simulator(folder)


def test_okx__cancelled_stops__page_by_algo_id_and_need_type_and_state(
    with_more: RunningSimulator,
) -> None:
    okx = client(with_more)
    query = {**SWAP, "ordType": "conditional", "state": "canceled", "limit": "2"}
    first = okx.privateGetTradeOrdersAlgoHistory(query)["data"]
    assert [row["algoId"] for row in first] == ["7", "6"]
    rest = okx.privateGetTradeOrdersAlgoHistory(query | {"after": "6"})["data"]
    assert [row["algoId"] for row in rest] == ["5"]
    assert okx.privateGetTradeOrdersAlgoHistory(query | {"state": "effective"})["data"] == []
    with pytest.raises(ccxt.ExchangeError, match="50015"):
        okx.privateGetTradeOrdersAlgoHistory({"ordType": "conditional"})
    with pytest.raises(ccxt.ExchangeError, match="50014"):
        okx.privateGetTradeOrdersAlgoHistory({"state": "canceled"})


def test_okx__leverage_info__is_what_was_set_else_the_default(with_more: RunningSimulator) -> None:
    okx = client(with_more)
    isolated = {"instId": "BTC-USDT-SWAP", "mgnMode": "isolated"}
    assert okx.privateGetAccountLeverageInfo(isolated)["data"][0]["lever"] == "40"
    other = {"instId": "ETH-USDT-SWAP", "mgnMode": "isolated"}
    assert okx.privateGetAccountLeverageInfo(other)["data"][0]["lever"] == "3"


def test_okx__trade_candles__carry_volume_and_may_be_missing(with_more: RunningSimulator) -> None:
    okx = client(with_more)
    rows = okx.publicGetMarketHistoryCandles({"instId": "BTC-USDT-SWAP"})["data"]
    assert rows == [["1760120040000", "1", "2", "1", "2", "3", "0.03", "3600.5", "1"]]
    with pytest.raises(ccxt.BadSymbol, match="51001"):
        okx.publicGetMarketHistoryCandles({"instId": "NO-SUCH-SWAP"})


def test_okx__order_of_somebody_else__does_not_exist(simulator: RunningSimulator) -> None:
    with pytest.raises(ccxt.OrderNotFound, match="51603"):
        client(simulator).privateGetTradeOrder({"instId": "BTC-USDT-SWAP", "ordId": "1"})


def test_okx__rows_after_the_world_clock__are_not_shown(simulator: RunningSimulator) -> None:
    clock.set_world(1760120000000)
    okx = client(simulator)
    assert [r["ordId"] for r in okx.privateGetTradeOrdersHistoryArchive(SWAP)["data"]] == [
        "2939942264028307457"
    ]
    assert len(okx.privateGetTradeFillsHistory(SWAP)["data"]) == 1
    assert okx.privateGetAccountPositionsHistory(SWAP)["data"] == []
    candles = okx.publicGetMarketHistoryMarkPriceCandles({"instId": "BTC-USDT-SWAP"})["data"]
    assert int(candles[0][0]) == 1760119920000


def test_okx__after_three_months__rows_are_gone(simulator: RunningSimulator) -> None:
    clock.set_world(1760123344933 + 91 * 86_400_000)
    okx = client(simulator)
    assert okx.privateGetTradeOrdersHistoryArchive(SWAP)["data"] == []
    assert okx.privateGetAccountBillsArchive(SWAP)["data"] == []


def test_okx__over_the_limit__429_then_accepted_when_the_window_passed(
    simulator: RunningSimulator,
) -> None:
    okx = client(simulator)
    for _ in range(5):
        okx.privateGetAccountConfig()
    with pytest.raises(ccxt.RateLimitExceeded, match="50011"):
        okx.privateGetAccountConfig()
    clock.sleep(2)
    assert okx.privateGetAccountConfig()["code"] == "0"


def test_okx__cursor_loop_over_shared_milliseconds__misses_nothing(
    many_fills: RunningSimulator,
) -> None:
    seen = all_fills(client(many_fills, "acc"), limit="33")
    assert seen == [str(1249 - n) for n in range(250)]


def test_okx__begin_and_end__include_both_edges(many_fills: RunningSimulator) -> None:
    seen = all_fills(client(many_fills, "acc"), begin="1767575000001", end="1767575000002")
    assert len(seen) == 20


def test_okx__before__returns_only_newer_rows(many_fills: RunningSimulator) -> None:
    okx = client(many_fills, "acc")
    rows = okx.privateGetTradeFillsHistory(SWAP | {"before": "1246"})["data"]
    assert [row["billId"] for row in rows] == ["1249", "1248", "1247"]


@pytest.mark.parametrize(("kind", "repeated"), [("duplicate_page", 100), ("overlapping_page", 1)])
def test_fault__page_kinds__repeat_rows_and_lose_none(
    many_fills: RunningSimulator, kind: str, repeated: int
) -> None:
    many_fills.fault("trade/fills-history", kind, after=1)
    seen = all_fills(client(many_fills, "acc"))
    assert len(seen) == 250 + repeated
    assert len(set(seen)) == 250


@pytest.mark.parametrize("kind", ["duplicate_page", "overlapping_page"])
def test_fault__page_kinds_without_cursor__repeat_rows_in_the_page(
    simulator: RunningSimulator, kind: str
) -> None:
    simulator.fault("trade/fills-history", kind)
    rows = client(simulator).privateGetTradeFillsHistory(SWAP)["data"]
    assert len(rows) > len({row["billId"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("http_500", 500, b'"50026"'),
        ("http_502", 502, b"<html>"),
        ("http_429", 429, b'"50011"'),
        ("html", 200, b"<html>"),
        ("data_object", 200, b'"data":{}'),
        ("wrong_json_type", 200, b'"data":"none"'),
        ("slow", 200, b'"code":"0"'),
    ],
)
def test_fault__each_kind__spoils_one_answer_only(
    simulator: RunningSimulator, kind: str, status: int, body: bytes
) -> None:
    simulator.fault("public/time", kind, delay_seconds=0.05)
    assert raw(simulator, "public/time")[0] == status
    simulator.fault("public/time", kind, delay_seconds=0.05)
    assert body in raw(simulator, "public/time")[1]
    assert json.loads(raw(simulator, "public/time")[1])["code"] == "0"


def test_fault__stale_page__sends_the_last_answer_again(many_fills: RunningSimulator) -> None:
    okx = client(many_fills, "acc")
    first = okx.privateGetTradeFillsHistory(SWAP)["data"]
    many_fills.fault("trade/fills-history", "stale_page")
    after = {"after": first[-1]["billId"]}
    assert okx.privateGetTradeFillsHistory(SWAP | after)["data"] == first
    assert okx.privateGetTradeFillsHistory(SWAP | after)["data"] != first


@pytest.mark.parametrize(
    ("kind", "error"),
    [("reset", RemoteDisconnected), ("hang", RemoteDisconnected), ("cut", IncompleteRead)],
)
def test_fault__connection_kinds__end_without_a_whole_answer(
    simulator: RunningSimulator, kind: str, error: type[Exception]
) -> None:
    simulator.fault("public/time", kind, delay_seconds=0.05)
    with pytest.raises(error):
        raw(simulator, "public/time")
    assert json.loads(raw(simulator, "public/time")[1])["code"] == "0"


@pytest.mark.parametrize("kind", ["bad_gzip", "transient", "duplicate_key", "bad_utf8", "http_418"])
def test_fault__as_the_real_client_sees_it__is_an_error_or_other_data(
    simulator: RunningSimulator, kind: str
) -> None:
    okx = client(simulator)
    good = okx.privateGetTradeFillsHistory(SWAP)["data"]
    simulator.fault("trade/fills-history", kind)
    with contextlib.suppress(ccxt.BaseError, UnicodeDecodeError):
        assert okx.privateGetTradeFillsHistory(SWAP)["data"] != good
    assert okx.privateGetTradeFillsHistory(SWAP)["data"] == good


@pytest.mark.parametrize(("kind", "body"), [("empty", b""), ("null", b"null")])
def test_fault__nothing_kinds__answer_200_with_nothing(
    simulator: RunningSimulator, kind: str, body: bytes
) -> None:
    simulator.fault("public/time", kind)
    assert raw(simulator, "public/time") == (200, body)


def test_fault__truncated__is_not_json(simulator: RunningSimulator) -> None:
    simulator.fault("public/time", "truncated")
    status, body = raw(simulator, "public/time")
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_fault__of_one_account__leaves_public_paths_alone(simulator: RunningSimulator) -> None:
    simulator.fault("*", "http_500", account="trader-1")
    assert raw(simulator, "public/time")[0] == 200
    simulator.clear_faults()
    assert simulator.ask("GET", "/_faults") == []


def test_fault__unknown_kind_or_endpoint__refused(simulator: RunningSimulator) -> None:
    for request in (
        {"endpoint": "public/time", "kind": "melt"},
        {"endpoint": "trade/nothing", "kind": "slow"},
        {"endpoint": "*", "kind": "slow", "account": "nobody"},
        {"endpoint": "*", "kind": "slow", "times": 0},
        {"kind": "slow"},
    ):
        with pytest.raises(HTTPError, match="400"):
            simulator.ask("POST", "/_faults", request)


def test_health__says_it_is_simulated(simulator: RunningSimulator) -> None:
    health = simulator.ask("GET", "/_health")
    assert health["simulated"] is True
    assert health["world"] == "okx-real-full-liquidation"


def test_unknown_path__refused(simulator: RunningSimulator) -> None:
    assert raw(simulator, "trade/nothing")[0] == 404


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("public/instruments", "50014"),
        ("market/mark-price-candles?instId=NO-SUCH-SWAP", "51001"),
        ("market/mark-price-candles?instId=BTC-USDT-SWAP&bar=1H", "51000"),
        ("market/mark-price-candles?instId=BTC-USDT-SWAP&limit=101", "51000"),
        ("market/mark-price-candles?instId=BTC-USDT-SWAP&after=x", "51000"),
    ],
)
def test_okx__bad_parameters__refused_with_the_venues_code(
    simulator: RunningSimulator, target: str, code: str
) -> None:
    assert json.loads(raw(simulator, target)[1])["code"] == code


def raw(simulator: RunningSimulator, target: str) -> tuple[int, bytes]:
    try:
        with urlopen(f"{simulator.url}/api/v5/{target}", timeout=10) as reply:
            return reply.status, reply.read()
    except HTTPError as error:
        return error.code, error.read()
