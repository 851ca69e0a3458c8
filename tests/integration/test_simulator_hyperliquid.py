"""The simulated Hyperliquid as the real ccxt client and our reader see it over HTTP."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import ccxt
import pytest

from leverageguard import clock, config
from leverageguard.exchanges import retry
from leverageguard.exchanges.account_pull import AccountPull, order, pull_account
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.registry import venue as venue_of
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch
from leverageguard.intake.accounts import Credentials
from leverageguard.simulator import scenario
from tests.integration.venue_world import HOUR_MS, START_MS, VenueWorld
from tests.simulators import RunningSimulator

VENUE = venue_of("hyperliquid")
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=5.0)
ACCOUNT = "acc-0"


@pytest.fixture
def serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[VenueWorld], RunningSimulator]]:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    running: list[RunningSimulator] = []

    def start(world: VenueWorld) -> RunningSimulator:
        loaded = scenario.load(world.write(tmp_path / "world"))
        clock.set_world(loaded.now_ms)
        running.append(RunningSimulator(loaded, "hyperliquid"))
        monkeypatch.setenv("LEVERAGEGUARD_HYPERLIQUID_URL", running[-1].url)
        return running[-1]

    yield start
    for simulator in running:
        simulator.stop()


@pytest.fixture
def world() -> VenueWorld:
    return VenueWorld("hyperliquid", accounts=1, lives=5, burst=20)


@pytest.fixture
def simulator(
    serve: Callable[[VenueWorld], RunningSimulator], world: VenueWorld
) -> RunningSimulator:
    return serve(world)


def plain(simulator: RunningSimulator) -> Any:
    """ccxt's own client, nothing of ours about it."""
    client = ccxt.hyperliquid({"enableRateLimit": False})
    client.urls["api"] = {"public": simulator.url, "private": simulator.url}
    return client


def reader(uid: str) -> Client:
    venue_clock = VenueClock()
    venue_clock.set(clock.now_ms())
    key = Credentials(uid, "", "")
    return connect(VENUE, config.load(), ACCOUNT, key, policy=QUICK, venue_clock=venue_clock)


def pulled(world: VenueWorld) -> AccountPull:
    names = [ACCOUNT_CONFIG, *(endpoint.name for endpoint in VENUE.listings)]
    stretches = [Stretch(name, START_MS, START_MS + world.hours * HOUR_MS) for name in names]
    return pull_account(reader(world.uids[ACCOUNT]), stretches, ["BTC"])


def post(url: str, body: bytes) -> Any:
    with urlopen(Request(url + "/info", data=body, method="POST"), timeout=10) as reply:
        return json.loads(reply.read())


def test_ccxt__raw_calls__every_type_answers_in_wire_format(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    client, uid = plain(simulator), world.uids[ACCOUNT]
    last = world.doings[ACCOUNT].orders[-1]
    assert client.fetch_time() // 1000 == world.now_ms // 1000
    assert [row["name"] for row in client.publicPostInfo({"type": "meta"})["universe"]] == ["BTC"]
    fills = client.publicPostInfo({"type": "userFillsByTime", "user": uid, "startTime": 0})
    assert len(fills) == sum(len(each.fills) for each in world.doings[ACCOUNT].orders)
    asked = {"type": "orderStatus", "user": uid, "oid": int(last.order_id)}
    assert client.publicPostInfo(asked)["order"]["order"]["coin"] == "BTC"
    with pytest.raises(ccxt.OrderNotFound):
        client.publicPostInfo({**asked, "oid": 5})
    setting = client.publicPostInfo({"type": "activeAssetData", "user": uid, "coin": "BTC"})
    assert setting["leverage"]["value"] == 50
    assert client.publicPostInfo({"type": "userRole", "user": uid}) == {"role": "user"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"type": "userFillsByTime", "user": "0x1", "startTime": 0}']
)
def test_info__malformed_body__422_in_the_venues_words(
    simulator: RunningSimulator, body: bytes
) -> None:
    with pytest.raises(HTTPError) as refused:
        post(simulator.url, body)
    assert refused.value.code == 422
    assert b"Failed to deserialize the JSON body" in refused.value.read()


def test_reader__each_listing__exactly_the_worlds_rows(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    found, made = pulled(world), world.doings[ACCOUNT]
    assert [each.error for each in found.listings] == [None] * 4
    fills = Counter(row["fill_id"] for row in found.rows("exchanges/fills"))
    assert fills == Counter(
        f"{each.order_id}:{fill.trade_id}" for each in made.orders for fill in each.fills
    )
    sizes = {row["order_id"]: row["filled_qty_contracts"] for row in found.rows("exchanges/orders")}
    assert set(sizes) == {each.order_id for each in made.orders}
    stops = [row["stop_id"] for row in found.rows("exchanges/stops")]
    assert sorted(stops) == sorted(each.stop_id for each in made.stops)
    kinds = Counter(row["entry_kind"] for row in found.rows("exchanges/ledger"))
    assert kinds == {"transfer": 1, "liquidation": 3}


def test_reader__forced_closes__named_by_their_fills_with_the_mark(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    found = pulled(world)
    kinds = {row["order_id"]: row["forced_kind"] for row in found.rows("exchanges/fills")}
    for order_id, kind in world.kinds(ACCOUNT).items():
        shown = {"own": "own_close", "partial": "full"}.get(kind, kind)
        assert kinds[order_id] == shown
    positions = found.rows("exchanges/positions")
    assert {row["order_id"] for row in positions} == {
        order_id for order_id, kind in world.kinds(ACCOUNT).items() if kind != "own"
    }
    assert {(row["trigger_price"], row["pnl"]) for row in positions} == {("89415.7", None)}


def test_reader__account__its_address_its_root_and_its_leverage(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    rows = dict(pulled(world).snapshots)
    account, setting = rows["exchanges/account_configs"], rows["exchanges/leverages"]
    assert account["uid"] == account["root_uid"] == world.uids[ACCOUNT]
    assert (account["is_read_only"], account["permissions"]) == (True, "public")
    assert (setting["leverage"], setting["margin_mode"]) == ("50", "isolated")


def test_reader__order_nobody_placed__the_venue_says_absent(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    with pytest.raises(retry.GaveUpError) as gave_up:
        order(reader(world.uids[ACCOUNT]), "BTC", "5")
    assert gave_up.value.fault is retry.Fault.NOT_FOUND


def test_reader__address_nobody_has__no_account_instead_of_an_empty_one(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    world.uids[ACCOUNT] = world.twin.uid(1)
    [account, *_] = pulled(world).listings
    assert account.error is not None


@pytest.mark.parametrize("kind", ["duplicate_page", "overlapping_page"])
def test_reader__more_fills_than_a_reply_holds__each_once(
    kind: str, serve: Callable[[VenueWorld], RunningSimulator]
) -> None:
    busy = VenueWorld("hyperliquid", accounts=1, lives=8, burst=450, seed=3)
    count = sum(len(each.fills) for each in busy.doings[ACCOUNT].orders)
    assert count > 2000
    simulator = serve(busy)
    simulator.fault("userFillsByTime", kind, account=ACCOUNT, times=100)
    ids = [row["fill_id"] for row in pulled(busy).rows("exchanges/fills")]
    assert (len(ids), len(set(ids))) == (count, count)


@pytest.mark.parametrize("asked", ["userFillsByTime", "historicalOrders", "orderStatus"])
def test_reader__null_for_ever__a_gap_and_no_rows(
    asked: str, simulator: RunningSimulator, world: VenueWorld
) -> None:
    simulator.fault(asked, "null", times=1000)
    found = pulled(world)
    name = {"historicalOrders": "stops"}.get(asked, "fills")
    [listing] = [each for each in found.listings if each.endpoint.name == name]
    assert listing.error is not None and listing.error.fault is retry.Fault.TRANSIENT
    assert listing.records == []


def test_reader__null_once__asked_again(simulator: RunningSimulator, world: VenueWorld) -> None:
    simulator.fault("userFillsByTime", "null")
    assert [each.error for each in pulled(world).listings] == [None] * 4


def test_reader__replies__keep_the_question_that_was_posted(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    asked = {row["endpoint"]: row["request"] for row in pulled(world).replies}
    assert '"userFillsByTime"' in asked["fills"] and world.uids[ACCOUNT] in asked["fills"]


def test_limit__a_greedy_caller__429_for_everyone(
    simulator: RunningSimulator, world: VenueWorld
) -> None:
    client, uid = plain(simulator), world.uids[ACCOUNT]
    for _ in range(20):
        client.publicPostInfo({"type": "userRole", "user": uid})
    with pytest.raises(ccxt.RateLimitExceeded):
        client.publicPostInfo({"type": "meta"})
