"""Every reply fault, against the real client over HTTP: a retry that succeeds, or an open gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from leverageguard.config import Settings
from leverageguard.exchanges import market_steps, steps
from leverageguard.exchanges.limiter import Limiter
from leverageguard.intake import quotes
from leverageguard.simulator.faults import KINDS
from leverageguard.warehouse import landing
from tests.integration.exchange_world import (
    HOUR_MS,
    INSTRUMENT,
    QUICK,
    START,
    START_MS,
    World,
    enrol,
)
from tests.simulators import RunningSimulator, start_simulator

__all__ = ["start_simulator"]
pytestmark = pytest.mark.slow
END = "2026-01-05T02:00:00Z"
ENDPOINTS = {
    "trade/orders-history-archive": ("orders", "ordId"),
    "trade/fills-history": ("fills", "billId"),
    "account/bills-archive": ("bills", "billId"),
    "account/positions-history": ("positions", "posId"),
    "account/config": ("account_config", ""),
}
# More often than any retry: the fault does not go away.
PERSISTENT = 10_000
FAULTY, SOUND = "acc-1", "acc-2"


@pytest.fixture
def world() -> World:
    made = World(hours=3)
    for account in (FAULTY, SOUND):
        made.account(account)
    for number in range(1, 121):
        made.trade(FAULTY, START_MS + number * 30_000, number)
    made.trade(SOUND, START_MS + 5_000, 900)
    made.candles = [[str(START_MS + m * 60_000), "1", "2", "0.5", "1", "1"] for m in range(180)]
    return made


@pytest.fixture
def venue(
    world: World,
    tmp_path: Path,
    start_simulator: Callable[[Path], RunningSimulator],
    monkeypatch: pytest.MonkeyPatch,
) -> RunningSimulator:
    simulator = start_simulator(world.write(tmp_path / "world"))
    monkeypatch.setenv("LEVERAGEGUARD_OKX_URL", simulator.url)
    monkeypatch.setattr(steps, "POLICY", QUICK)
    monkeypatch.setattr(market_steps, "POLICY", QUICK)
    monkeypatch.setattr(quotes, "instruments", lambda session: [INSTRUMENT])
    return simulator


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few calls and many tests: the pace has tests of its own."""
    monkeypatch.setattr(Limiter, "acquire", lambda *_: 0.0)


def run(end: str = END) -> None:
    for part in steps.plan(START, end):
        steps.fetch(part)


def landed(settings: Settings, table: str, column: str, account: str = FAULTY) -> list[str]:
    rows = landing.scan(settings, f"okx/{table}")
    return sorted(row[column] for row in rows if row["account_id"] == account)


def windows(settings: Settings, owner: str, endpoint: str) -> dict[int, tuple[bool, str | None]]:
    return {
        (row["window_from_ms"] - START_MS) // HOUR_MS: (row["is_complete"], row["gap_reason"])
        for row in landing.scan(settings, "exchanges/fetch_windows")
        if (row["account_id"], row["endpoint"]) == (owner, endpoint)
    }


def complete(settings: Settings, owner: str, endpoint: str) -> list[bool]:
    return [is_complete for is_complete, _ in windows(settings, owner, endpoint).values()]


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_fetch__fault_that_passes__retried_until_whole(
    world: World, venue: RunningSimulator, path: str, kind: str
) -> None:
    settings = enrol(world)
    venue.fault(path, kind, account=FAULTY, times=1, after=0, delay_seconds=2.0)
    run()
    table, column = ENDPOINTS[path]
    assert complete(settings, FAULTY, table) == [True, True]
    if column:
        assert landed(settings, table, column) == world.ids(FAULTY, table, column)


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_fetch__fault_that_stays__an_open_gap_and_never_zero_rows_taken_as_the_truth(
    world: World, venue: RunningSimulator, path: str, kind: str
) -> None:
    settings = enrol(world)
    venue.fault(path, kind, account=FAULTY, times=PERSISTENT, delay_seconds=2.0)
    run()
    table, column = ENDPOINTS[path]
    if all(complete(settings, FAULTY, table)):
        # Repeated rows are all a faulty page brought: then the set must be the world's.
        assert kind in ("duplicate_page", "overlapping_page")
        assert column == "" or landed(settings, table, column) == world.ids(FAULTY, table, column)
    else:
        assert complete(settings, FAULTY, table) == [False, False]
        reasons = {reason for _, reason in windows(settings, FAULTY, table).values()}
        assert all(reasons)
    assert landed(settings, "orders", "ordId", SOUND) == world.ids(SOUND, "orders", "ordId")
    assert complete(settings, SOUND, table) == [True, True]


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("kind", KINDS)
def test_fetch__fault_after_a_whole_pull__the_evidence_stays(
    world: World, venue: RunningSimulator, kind: str
) -> None:
    settings = enrol(world)
    run()
    before = landed(settings, "fills", "billId")
    venue.fault("*", kind, account=FAULTY, times=PERSISTENT, delay_seconds=2.0)
    run()
    assert before == world.ids(FAULTY, "fills", "billId")
    assert landed(settings, "fills", "billId") == before
    assert complete(settings, FAULTY, "fills") == [True, True]


@pytest.mark.parametrize("kind", ["http_502", "truncated", "null"])
def test_fetch__gap_whose_fault_is_gone__closed_by_the_next_run(
    world: World, venue: RunningSimulator, kind: str
) -> None:
    settings = enrol(world)
    venue.fault("account/bills-archive", kind, account=FAULTY, times=PERSISTENT, delay_seconds=2.0)
    run()
    venue.clear_faults()
    for part in steps.plan(END, "2026-01-05T03:00:00Z"):
        steps.fetch(part)
    assert complete(settings, FAULTY, "bills") == [True, True, True]
    assert landed(settings, "bills", "billId") == world.ids(FAULTY, "bills", "billId")


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [1, PERSISTENT])
def test_fetch_candles__any_fault__all_candles_or_an_open_gap(
    world: World, venue: RunningSimulator, kind: str, times: int
) -> None:
    settings = enrol(world)
    path = "market/history-mark-price-candles"
    venue.fault(path, kind, times=times, delay_seconds=2.0)
    for part in market_steps.plan(START, END):
        market_steps.fetch(part)
    got = sorted(row["ts"] for row in landing.scan(settings, "okx/mark_candles"))
    seen = {
        hour: whole for hour, (whole, _) in windows(settings, INSTRUMENT, "mark_candles").items()
    }
    if times == 1 or seen[0]:
        assert got == sorted(candle[0] for candle in world.candles)
        assert seen == {-1: True, 0: True, 1: True, 2: True}
    else:
        assert got == []
        assert seen == {-1: False, 0: False, 1: False, 2: False}


def test_fetch__venue_down__every_window_an_open_gap(world: World, venue: RunningSimulator) -> None:
    settings = enrol(world)
    parts = steps.plan(START, END)
    venue.fault("*", "http_502", times=PERSISTENT)
    counts = [steps.fetch(part) for part in parts]
    assert counts == [{"accounts": 2, "rows": 0, "gaps": 20, "order_lookups": 0}]
    assert landing.scan(settings, "okx/orders") == []


@pytest.mark.parametrize("kind", ["truncated", "html", "null", "http_500"])
def test_fetch__broken_reply__its_body_is_kept_with_its_digest(
    world: World, venue: RunningSimulator, kind: str
) -> None:
    settings = enrol(world)
    venue.fault("trade/fills-history", kind, account=FAULTY, times=1)
    run()
    kept = [
        row
        for row in landing.scan(settings, "exchanges/replies")
        if (row["account_id"], row["endpoint"]) == (FAULTY, "fills")
    ]
    answers = Counter(row["request"] for row in kept)
    assert sorted(answers.values()) == [1, 1, 2]
    assert all(request.startswith("/api/v5/trade/fills-history?") for request in answers)
    assert all(sha256(row["body"].encode()).hexdigest() == row["sha256"] for row in kept)
