"""Every venue over HTTP with the real client: complete and exact, or an open gap that says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from leverageguard import clock
from leverageguard.config import VENUES, Settings
from leverageguard.exchanges import market_steps, retry, steps
from leverageguard.exchanges.limiter import Limiter
from leverageguard.exchanges.registry import venue as venue_of
from leverageguard.exchanges.venue import FILLS, LEDGER, ORDERS, POSITIONS
from leverageguard.intake import quotes
from leverageguard.simulator import limits, scenario
from leverageguard.simulator.faults import KINDS
from leverageguard.warehouse import landing
from tests.integration.venue_world import HOUR_MS, START_MS, VenueWorld, landed_fills
from tests.simulators import RunningSimulator

pytestmark = pytest.mark.slow
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=1.0)
FAULTY = "acc-0"
# The answer is right all the same, or a walk may see through it: a gap is not owed.
HARMLESS = {
    "wrong_content_type", "scientific", "stale_page", "duplicate_page", "overlapping_page",
}  # fmt: skip
# Too slow for a whole matrix: each of these waits for a real time-out.
SLOW = {"slow", "hang"}
Start = Callable[[VenueWorld], tuple[RunningSimulator, Settings]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Serve a venue's world on its clock, its accounts enrolled and the client quick."""
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    running: list[RunningSimulator] = []

    def serve(world: VenueWorld) -> tuple[RunningSimulator, Settings]:
        world.folder = world.write(tmp_path / "world")
        loaded = scenario.load(world.folder)
        clock.set_world(loaded.now_ms)
        running.append(RunningSimulator(loaded, world.exchange))
        monkeypatch.setenv(f"LEVERAGEGUARD_{world.exchange.upper()}_URL", running[-1].url)
        monkeypatch.setattr(steps, "POLICY", QUICK)
        monkeypatch.setattr(market_steps, "POLICY", QUICK)
        insured = {world.exchange: [world.symbol.inst_id]}
        monkeypatch.setattr(quotes, "instruments", lambda _: insured)
        monkeypatch.setattr(
            quotes, "instruments_of", lambda _, ids: {each: [world.symbol.inst_id] for each in ids}
        )
        return running[-1], world.enrol()

    yield serve
    for simulator in running:
        simulator.stop()


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few calls and many tests: the pace has tests of its own."""
    monkeypatch.setattr(Limiter, "acquire", lambda *_: 0.0)
    monkeypatch.setattr(limits.Limiter, "accepts", lambda *_: True)


def pull(world: VenueWorld) -> None:
    """One pull of everything that happened."""
    for part in steps.plan(_iso(START_MS), _iso(START_MS + world.hours * HOUR_MS)):
        steps.fetch(part)


def gaps(settings: Settings, account: str) -> dict[str, set[str]]:
    """Gap reasons by endpoint."""
    found: dict[str, set[str]] = {}
    for row in landing.scan(settings, "exchanges/fetch_windows"):
        if row["account_id"] == account and not row["is_complete"]:
            found.setdefault(row["endpoint"], set()).add(row["gap_reason"])
    return found


def fill_endpoints(world: VenueWorld) -> set[str]:
    return {each.name for each in venue_of(world.exchange).listings if FILLS in each.tables}


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("exchange", VENUES)
def test_fetch__bursts_of_one_millisecond__exactly_the_worlds_fills_and_kinds(
    exchange: str, start: Start
) -> None:
    world = VenueWorld(exchange, lives=10, burst=130)
    _, settings = start(world)
    pull(world)
    for account in world.uids:
        assert gaps(settings, account) == {}
        assert landed_fills(settings, account) == world.orders(account)
        assert _forced(settings, account) == {
            order: "full" if kind in ("takeover", "partial") else kind
            for order, kind in world.kinds(account).items()
            if kind != "own"
        }


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("exchange", VENUES)
def test_fetch__again__evidence_byte_for_byte_the_same(exchange: str, start: Start) -> None:
    world = VenueWorld(exchange)
    _, settings = start(world)
    pull(world)
    before = _bytes(settings)
    pull(world)
    assert _bytes(settings) == before
    assert len(before) > 4


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("kind", sorted(set(KINDS) - SLOW))
@pytest.mark.parametrize("exchange", VENUES)
def test_fetch__bad_reply__complete_and_exact_or_a_gap_that_says_why(
    exchange: str, kind: str, start: Start
) -> None:
    """A fault at every place in turn: each pull is exact or says what is missing, then heals."""
    world = VenueWorld(exchange, lives=5, burst=12)
    simulator, settings = start(world)
    for place in (0, 3, 6):
        simulator.fault("*", kind, account=FAULTY, times=1 if place else 10_000, after=place)
        pull(world)
        simulator.clear_faults()
        _assert_no_silent_loss(world, settings)
        if kind not in HARMLESS and not place:
            assert gaps(settings, FAULTY), "a fault that stays must show"
    pull(world)
    simulator.fault("*", kind, account=FAULTY, times=10_000)
    pull(world)
    # What was once read whole stays read, whatever a later pull meets.
    assert gaps(settings, FAULTY) == {}
    for account in world.uids:
        assert landed_fills(settings, account) == world.orders(account)
    assert _every_body_has_its_digest(settings)


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("kind", ["truncated", "null", "empty_list", "html", "data_object"])
@pytest.mark.parametrize("exchange", VENUES)
def test_markets__bad_reply__all_candles_or_an_open_gap(
    exchange: str, kind: str, start: Start
) -> None:
    world = VenueWorld(exchange, accounts=1, lives=1)
    simulator, settings = start(world)
    simulator.fault("*", kind, times=10_000)
    for part in market_steps.plan(_iso(START_MS), _iso(START_MS + HOUR_MS)):
        if part["exchange"] == exchange:
            market_steps.fetch(part)
    complete = [row["is_complete"] for row in landing.scan(settings, "exchanges/fetch_windows")]
    assert complete == [False] * 6
    assert landing.scan(settings, "exchanges/candles") == []


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("exchange", VENUES)
def test_fetch__no_answer_in_time__a_gap(
    exchange: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = retry.Policy(attempts=1, timeout_seconds=1.0)
    world = VenueWorld(exchange, accounts=2, lives=1)
    simulator, settings = start(world)
    monkeypatch.setattr(steps, "POLICY", once)
    simulator.fault("*", "slow", account=FAULTY, times=10_000, delay_seconds=1.5)
    pull(world)
    assert gaps(settings, FAULTY)
    _assert_no_silent_loss(world, settings)


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("exchange", VENUES)
def test_markets__candles_and_terms__every_minute_of_the_window(
    exchange: str, start: Start
) -> None:
    world = VenueWorld(exchange, accounts=1, lives=1)
    _, settings = start(world)
    for part in market_steps.plan(_iso(START_MS), _iso(START_MS + HOUR_MS)):
        if part["exchange"] == exchange:
            market_steps.fetch(part)
    minutes = {
        (row["kind"], row["minute_at_ms"]) for row in landing.scan(settings, "exchanges/candles")
    }
    wanted = range(START_MS - HOUR_MS, START_MS + 2 * HOUR_MS, 60_000)
    assert minutes == {(kind, at) for kind in ("mark", "trade") for at in wanted}
    [terms] = landing.scan(settings, "exchanges/instruments")
    assert (terms["inst_type"], terms["contract_type"]) == ("perpetual", "linear")
    assert (terms["base_asset"], terms["inst_id"]) == ("BTC", world.symbol.inst_id)


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("exchange", VENUES)
def test_limiter__processes_on_one_key__not_one_refusal(
    exchange: str, processes: int, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_SIMULATED_PACE", "1")
    world = VenueWorld(exchange, accounts=1, lives=1)
    simulator, _ = start(world)
    cheapest = min(venue_of(exchange).listings, key=lambda each: each.limit.seconds)
    script = f"""
from leverageguard import config
from leverageguard.exchanges import registry, steps
from leverageguard.exchanges.account_pull import pull_account
from leverageguard.exchanges.windows import Stretch
group = steps._group(config.load(), {{"exchange": {exchange!r}, "group": 0}})
clients = steps.Clients(group)
calls = 0
while calls < 12:
    clock = clients.of("acc-0")
    stretch = Stretch({cheapest.name!r}, {START_MS}, {START_MS + HOUR_MS})
    pulled = pull_account(clients.of("acc-0"), [stretch], [{world.symbol.inst_id!r}])
    assert pulled.is_whole, pulled.listings[0].error
    calls += max(1, pulled.listings[0].pages)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(processes)
    ]
    assert [process.wait(240) for process in running] == [0] * processes
    stats = simulator.stats()
    assert stats["refusals"] == {}
    assert sum(stats["requests"].values()) >= 12 * processes


def _assert_no_silent_loss(world: VenueWorld, settings: Settings) -> None:
    """Where every window of the fills is whole, the fills are the world's; never fewer."""
    for account in world.uids:
        if not fill_endpoints(world) & set(gaps(settings, account)):
            assert landed_fills(settings, account) == world.orders(account), account


def _every_body_has_its_digest(settings: Settings) -> bool:
    replies = landing.scan(settings, "exchanges/replies")
    return bool(replies) and all(
        sha256(row["body"].encode()).hexdigest() == row["sha256"] for row in replies
    )


def _forced(settings: Settings, account: str) -> dict[str, str]:
    """The base kind of each forced close; sources that say one must say the same."""
    said: dict[str, str] = {}
    for table in (ORDERS, FILLS, POSITIONS, LEDGER):
        for row in landing.scan(settings, table):
            kind = row["forced_kind"]
            if row["account_id"] == account and row["order_id"] and kind:
                kind = "full" if kind in ("takeover", "partial") else kind
                assert said.setdefault(row["order_id"], kind) == kind, (table, row)
    return {order: kind for order, kind in said.items() if kind != "own_close"}


def _bytes(settings: Settings) -> dict[str, bytes]:
    """Content of every evidence file, but for what tells when it was fetched."""
    skipped = ("replies", "fetch_windows", "account_configs", "leverages")
    return {
        str(path.relative_to(settings.raw_dir)): path.read_bytes()
        for path in sorted((settings.raw_dir / "exchanges").rglob("*.parquet"))
        if path.parts[-4] not in skipped and path.stem != "schema"
    }


def _iso(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def test_kinds__every_fault__is_described() -> None:
    assert len(KINDS) >= 24
    assert all(json.dumps(text) for text in KINDS.values())


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("exchange", VENUES)
def test_markets__forced_close_nobody_insured__gets_its_candles_all_the_same(
    exchange: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = VenueWorld(exchange, accounts=1, lives=2)
    _, settings = start(world)
    monkeypatch.setattr(quotes, "instruments", lambda _: {})
    pull(world)
    monkeypatch.setattr(market_steps, "reference", lambda _: [])
    counts = market_steps.price_forced_closes(_iso(START_MS), _iso(START_MS + HOUR_MS))
    assert counts["candles"] == 2 * 3 * 60
    assert {row["inst_id"] for row in landing.scan(settings, "exchanges/candles")} == {
        world.symbol.inst_id
    }
