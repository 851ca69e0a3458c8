"""The simulated Gate as the real ccxt client sees it over HTTP, and as ingestion reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from leverageguard import clock, config
from leverageguard.exchanges import account_pull, retry
from leverageguard.exchanges.account_pull import AccountPull, pull_account
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.limiter import Limiter
from leverageguard.exchanges.listings import Listing, read
from leverageguard.exchanges.venue import CONFIGS, LEVERAGES
from leverageguard.exchanges.venues.gate import VENUE
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch
from leverageguard.simulator.scenario import credentials
from leverageguard.simulator.seeded.book import ADL, FULL, OWN, PARTIAL, Book
from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import Fill
from leverageguard.simulator.venue import Candle
from leverageguard.simulator.venues import twins
from tests.simulators import RunningSimulator, start_simulator

__all__ = ["start_simulator"]
TWIN = twins()["gate"]
BTC, ETH = TWIN.symbols["BTC"], TWIN.symbols["ETH"]
START_MS = 1_767_571_200_000
HOUR_MS = 3_600_000
USDT = {"settle": "usdt"}
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=5)
ACCOUNTS = """
  - {account_id: trader, exchange: gate, uid: "10406147", wallet: w1}
  - {account_id: sub, exchange: gate, uid: "7", main_uid: "3", wallet: w2}
  - {account_id: able, exchange: gate, uid: "5", wallet: w5, perm: "read_only,trade"}
  - {account_id: rich, exchange: gate, uid: "6", wallet: w6, perm: "read_only,withdraw"}
  - {account_id: gone, exchange: gate, uid: "8", wallet: w3, key_state: revoked}
  - {account_id: paper, exchange: gate, uid: "9", wallet: w4, key_state: demo}
"""
# Table, the listing that shows it, and the same thing as the venue and as we call it.
LISTED = {
    "orders": ("orders", "id", "order_id"),
    "trades": ("fills", "trade_id", "fill_id"),
    "account_book": ("ledger", "id", "entry_id"),
    "position_close": ("positions", "pnl_pnl", "pnl"),
    "liquidates": ("liquidations", "order_id", "order_id"),
    "auto_deleverages": ("deleverages", "order_id", "order_id"),
    "price_orders": ("stops", "id", "stop_id"),
}


def fills(price: int, *contracts: int) -> list[Fill]:
    return [Fill(Decimal(price), Decimal(size)) for size in contracts]


def traded() -> Book:
    """Two hours of one account: own closes in bursts, a liquidation, a partial one and an ADL."""
    book = Book(Ids(), True, Decimal(9000), START_MS + 500)
    for number in range(30):
        at_ms = START_MS + 60_000 + number * 100
        position = book.open(BTC, number % 2 == 0, 20, fills(90_000, 3, 4), at_ms)
        book.close(position, OWN, fills(90_100, 5, 2), at_ms + 1, client_id=f"c{number}")
    doomed = book.open(BTC, True, 50, fills(90_000, 900), START_MS + HOUR_MS)
    book.cancelled_stop(doomed, Decimal(89_000), START_MS + HOUR_MS, START_MS + HOUR_MS + 1)
    book.close(doomed, PARTIAL, fills(88_500, 400), START_MS + HOUR_MS + 5_000, Decimal(88_600))
    book.close(doomed, FULL, fills(88_400, 300, 200), START_MS + HOUR_MS + 6_750, Decimal(88_500))
    won = book.open(ETH, False, 10, fills(3_000, 50), START_MS + HOUR_MS)
    book.close(won, ADL, fills(2_900, 20), START_MS + HOUR_MS + 9_001)
    return book


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, Any]]]:
    return TWIN.encode(traded().records)


@pytest.fixture
def gate(
    tables: dict[str, list[dict[str, Any]]],
    tmp_path: Path,
    start_simulator: Callable[..., RunningSimulator],
    monkeypatch: pytest.MonkeyPatch,
) -> RunningSimulator:
    folder = tmp_path / "world"
    (folder / "gate" / "trader").mkdir(parents=True)
    for name, rows in tables.items():
        (folder / "gate" / "trader" / f"{name}.json").write_text(json.dumps(rows))
    symbols = [TWIN.instrument(symbol) for symbol in TWIN.symbols.values()]
    (folder / "gate" / "instruments.json").write_text(json.dumps(symbols))
    for kind in ("mark", "trade"):
        (folder / "gate" / f"{kind}_candles").mkdir()
        minutes = [TWIN.candle(kind, BTC, minute(n)) for n in range(180)]
        (folder / "gate" / f"{kind}_candles" / "BTC_USDT.json").write_text(json.dumps(minutes))
    (folder / "world.yaml").write_text(
        'format: 1\nname: gate\nabout: one trader\nproduct: seed-v1\npool: {deposit_usdc: "1"}\n'
        "clock: {start: 2026-01-05T00:00:00Z, now: 2026-01-05T02:00:30Z}\n"
        f"accounts:{ACCOUNTS}"
    )
    simulator = start_simulator(folder, "gate")
    monkeypatch.setenv("LEVERAGEGUARD_GATE_URL", simulator.url)
    monkeypatch.setattr(Limiter, "acquire", lambda *_: 0.0)
    return simulator


def minute(number: int) -> Candle:
    price = Decimal(90_000 + number)
    return Candle(START_MS + number * 60_000, price, price, price, price, Decimal(1000 + number))


def plain(
    simulator: RunningSimulator, account: str = "trader", skew_ms: int = 0, **over: Any
) -> Any:
    """ccxt's own client, on the world's clock."""
    key = credentials(account)
    client = ccxt.gate(
        {"apiKey": key.api_key, "secret": key.api_secret, "enableRateLimit": False, **over}
    )
    VENUE.point_at(client, simulator.url)
    client.nonce = lambda: clock.now_ms() + skew_ms
    return client


def connected(account: str = "trader") -> Client:
    venue_clock = VenueClock()
    venue_clock.set(clock.now_ms())
    return connect(
        VENUE, config.load(), account, credentials(account), policy=QUICK, venue_clock=venue_clock
    )


def pulled(
    client: Client, from_ms: int = START_MS, to_ms: int = START_MS + 2 * HOUR_MS
) -> AccountPull:
    names = [ACCOUNT_CONFIG, *(endpoint.name for endpoint in VENUE.listings)]
    return pull_account(client, [Stretch(name, from_ms, to_ms) for name in names], ["BTC_USDT"])


def test_gate__signature__accepted_with_and_without_a_query(gate: RunningSimulator) -> None:
    client = plain(gate)
    assert client.privateAccountGetDetail()["user_id"] == 10406147
    rows = client.privateFuturesGetSettleOrdersTimerange(
        {**USDT, "contract": "BTC_USDT", "to": "9"}
    )
    assert rows == []


@pytest.mark.parametrize(
    ("account", "over", "label"),
    [
        ("trader", {"apiKey": "unknown"}, "INVALID_KEY"),
        ("trader", {"secret": "wrong"}, "INVALID_SIGNATURE"),
        ("gone", {}, "INVALID_KEY"),
        ("paper", {}, "INVALID_KEY"),
    ],
)
def test_gate__bad_credentials__refused_with_the_venues_label(
    gate: RunningSimulator, account: str, over: dict[str, Any], label: str
) -> None:
    with pytest.raises(ccxt.AuthenticationError, match=label):
        plain(gate, account, **over).privateAccountGetDetail()
    assert gate.stats()["refusals"] == {label: 1}


@pytest.mark.parametrize("skew_ms", [-61_000, 62_000])
def test_gate__clock_off_by_a_minute__refused_as_a_matter_of_the_clock(
    gate: RunningSimulator, skew_ms: int
) -> None:
    with pytest.raises(ccxt.InvalidNonce, match="REQUEST_EXPIRED"):
        plain(gate, skew_ms=skew_ms).privateAccountGetDetail()


def test_gate__our_clock_off__is_set_by_the_venues(gate: RunningSimulator) -> None:
    client = connected()
    client.clock.set(clock.now_ms() + 300_000)
    page = client.call(VENUE.account[0], {})
    assert page.rows[0]["user_id"] == "10406147"
    assert gate.stats()["refusals"] == {"REQUEST_EXPIRED": 1}


@pytest.mark.parametrize("page_size", [7, 1000])
def test_gate__each_listing__returns_exactly_the_worlds_rows(
    gate: RunningSimulator,
    tables: dict[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    page_size: int,
) -> None:
    for endpoint in VENUE.listings:
        monkeypatch.setitem(endpoint.__dict__, "page_size", page_size)
    result = pulled(connected())
    assert [str(each.error) for each in result.listings if each.error] == []
    for table, (name, column, landed) in LISTED.items():
        [listing] = [each for each in result.listings if each.stretch.endpoint == name]
        shown = sorted(row[landed] for _, row in listing.records)
        assert shown == sorted(str(row[column]) for row in tables[table]), table
        assert shown, table


def test_gate__window__is_what_happened_in_it(gate: RunningSimulator) -> None:
    first = pulled(connected(), to_ms=START_MS + HOUR_MS)
    second = pulled(connected(), from_ms=START_MS + HOUR_MS)
    fills_of = [len(each.rows("exchanges/fills")) for each in (first, second)]
    assert fills_of == [120, 6]
    assert {row["forced_kind"] for row in second.rows("exchanges/positions")} == {
        "partial", "full", "adl"
    }  # fmt: skip


def test_gate__key__is_not_sent_to_find_it_in_the_list(gate: RunningSimulator) -> None:
    client = connected()
    pulled(client)
    asked = [row["request"] for row in client.replies if row["endpoint"] == "main_keys"]
    assert asked == ["/api/v4/account/main_keys"]


def test_gate__account__says_who_it_is_and_what_the_key_may(gate: RunningSimulator) -> None:
    snapshots = pulled(connected()).snapshots
    [said] = [row for table, row in snapshots if table == CONFIGS]
    assert (said["uid"], said["root_uid"]) == ("10406147", "10406147")
    assert (said["is_read_only"], said["environment"]) == (True, "live")
    assert said["position_mode"] == "single"
    leverages = {r["inst_id"]: r["leverage"] for table, r in snapshots if table == LEVERAGES}
    assert leverages == {"BTC_USDT": "50", "ETH_USDT": "10"}


@pytest.mark.parametrize(
    ("account", "permissions"),
    [
        ("able", "account:read_only,futures:read_write"),
        ("rich", "account:read_only,futures:read_only,withdraw:read_write"),
    ],
)
def test_gate__key_that_may_do_more_than_read__is_not_read_only(
    gate: RunningSimulator, account: str, permissions: str
) -> None:
    [said] = [row for table, row in pulled(connected(account)).snapshots if table == CONFIGS]
    assert (said["is_read_only"], said["permissions"]) == (False, permissions)


def test_gate__key_of_a_sub_account__root_and_permissions_are_unknown(
    gate: RunningSimulator,
) -> None:
    result = pulled(connected("sub"))
    [said] = [row for table, row in result.snapshots if table == CONFIGS]
    assert (said["uid"], said["root_uid"], said["is_read_only"]) == ("7", None, None)
    assert result.is_whole


@pytest.mark.parametrize("account", ["gone", "paper"])
def test_gate__key_that_is_not_valid_here__everything_is_a_gap(
    gate: RunningSimulator, account: str
) -> None:
    result = pulled(connected(account))
    faults = {each.error.fault for each in result.listings if each.error}
    assert faults == {retry.Fault.AUTH}
    assert len([each for each in result.listings if each.error]) == 1 + len(VENUE.listings)


def test_gate__order_by_id__found_or_absent_in_the_venues_own_words(
    gate: RunningSimulator, tables: dict[str, list[dict[str, Any]]]
) -> None:
    wanted = tables["orders"][-2]
    found = account_pull.order(connected(), wanted["contract"], str(wanted["id"]))
    assert (found["order_id"], found["inst_id"]) == (str(wanted["id"]), wanted["contract"])
    for account, order_id in (("trader", "12345"), ("sub", str(wanted["id"]))):
        with pytest.raises(retry.GaveUpError) as gave_up:
            account_pull.order(connected(account), "BTC_USDT", order_id)
        assert gave_up.value.fault is retry.Fault.NOT_FOUND


@pytest.mark.parametrize("endpoint", [VENUE.mark_candles, VENUE.trade_candles])
def test_gate__candles__every_closed_minute_once(gate: RunningSimulator, endpoint: Any) -> None:
    listing = Listing(
        "BTC_USDT", endpoint, Stretch(endpoint.name, START_MS, START_MS + 3 * HOUR_MS)
    )
    read(connected(), listing, "BTC_USDT")
    assert listing.error is None
    times = sorted(row["minute_at_ms"] for _, row in listing.records)
    assert times == [START_MS + n * 60_000 for n in range(120)]
    [row] = [row for _, row in listing.records if row["minute_at_ms"] == START_MS + 300_000]
    assert (row["high_price"], row["is_final"]) == ("90005", True)
    assert row["quote_volume"] == (None if endpoint is VENUE.mark_candles else "1005")


@pytest.mark.parametrize(
    ("params", "label"),
    [
        ({"contract": "NO_USDT"}, "CONTRACT_NOT_FOUND"),
        ({"contract": "BTC_USDT", "to": "1767571300", "limit": "9"}, "INVALID_PARAM_VALUE"),
        ({"contract": "BTC_USDT", "from": "1767400000", "to": "1767571300"}, "INVALID_PARAM_VALUE"),
        ({"contract": "BTC_USDT", "from": "1766971200", "to": "1766971300"}, "INVALID_PARAM_VALUE"),
    ],
    ids=["unknown contract", "limit and range", "too many points", "too long ago"],
)
def test_gate__candles_it_does_not_give__are_refused(
    gate: RunningSimulator, params: dict[str, str], label: str
) -> None:
    with pytest.raises(ccxt.BaseError, match=label):
        plain(gate).publicFuturesGetSettleCandlesticks({**USDT, "interval": "1m", **params})


def test_gate__instruments__are_the_contracts(gate: RunningSimulator) -> None:
    page = connected().call(VENUE.instruments, {})
    records = [record for row in page.rows for _, record in VENUE.instruments.parse(row)]
    assert {row["inst_id"]: row["contract_size"] for row in records} == {
        "BTC_USDT": "0.0001", "ETH_USDT": "0.01", "SOL_USDT": "1", "XRP_USDT": "10",
        "DOGE_USDT": "10",
    }  # fmt: skip


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_gate__page_size_beyond_the_documented__refused(gate: RunningSimulator, limit: str) -> None:
    with pytest.raises(ccxt.BadRequest, match="INVALID_PARAM_VALUE"):
        plain(gate).privateFuturesGetSettleMyTradesTimerange({**USDT, "limit": limit})


def test_gate__calls_over_the_documented_limit__refused(gate: RunningSimulator) -> None:
    client = plain(gate)
    for _ in range(150):
        client.privateAccountGetDetail()
    with pytest.raises(ccxt.RateLimitExceeded, match="TOO_MANY_REQUESTS"):
        client.privateAccountGetDetail()


@pytest.mark.parametrize(
    "kind", ["truncated", "empty", "null", "html", "transient", "http_429", "stale_page",
             "duplicate_page", "overlapping_page", "row_without_id", "row_without_time",
             "empty_list"],
)  # fmt: skip
def test_gate__fault_that_passes__the_fills_are_whole(gate: RunningSimulator, kind: str) -> None:
    gate.fault("futures/usdt/my_trades_timerange", kind, account="trader", times=1, after=0)
    result = pulled(connected())
    assert len({row["fill_id"] for row in result.rows("exchanges/fills")}) == 126
    assert result.is_whole
