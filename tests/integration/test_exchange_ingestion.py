"""From a venue's replies to hourly evidence, through the store, the real client and HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.exchanges import market_steps, okx, steps
from leverageguard.intake import claims, quotes
from leverageguard.intake.claims import Filing
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
END = "2026-01-05T03:00:00Z"
Start = Callable[[World], RunningSimulator]


@pytest.fixture
def world() -> World:
    made = World(hours=3)
    for account in ("acc-1", "acc-2"):
        made.account(account)
    for number in range(1, 5):
        made.trade("acc-1", START_MS + number * HOUR_MS // 2, number)
    made.trade("acc-2", START_MS + 1, 50)
    return made


@pytest.fixture
def start(
    tmp_path: Path,
    start_simulator: Callable[[Path], RunningSimulator],
    monkeypatch: pytest.MonkeyPatch,
) -> Start:
    def begin(world: World) -> RunningSimulator:
        simulator = start_simulator(world.write(tmp_path / "world"))
        monkeypatch.setenv("LEVERAGEGUARD_OKX_URL", simulator.url)
        monkeypatch.setattr(steps, "POLICY", QUICK)
        monkeypatch.setattr(market_steps, "POLICY", QUICK)
        return simulator

    return begin


def run(begin: str = START, end: str = END) -> list[dict[str, int]]:
    return [steps.fetch(part) for part in steps.plan(begin, end)]


def rows(settings: Settings, table: str, **where: Any) -> list[dict[str, Any]]:
    return [
        row
        for row in landing.scan(settings, table)
        if all(row[column] == value for column, value in where.items())
    ]


def window(settings: Settings, account: str, endpoint: str, hour: int) -> dict[str, Any]:
    return rows(
        settings,
        "exchanges/fetch_windows",
        account_id=account,
        endpoint=endpoint,
        window_from_ms=START_MS + hour * HOUR_MS,
    )[0]


def files(settings: Settings, table: str) -> dict[str, bytes]:
    folder = settings.raw_dir / table
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}


def test_fetch__every_listing__landed_as_the_venue_wrote_it(world: World, start: Start) -> None:
    start(world)
    settings = enrol(world)
    assert run() == [{"accounts": 2, "rows": 20, "gaps": 0, "order_lookups": 0}]
    for table in ("orders", "fills", "bills", "positions"):
        for account, tables in world.accounts.items():
            for venue_row in tables[table]:
                [row] = [
                    each
                    for each in rows(settings, f"okx/{table}", account_id=account)
                    if venue_row.items() <= each.items()
                ]
                assert rows(settings, "exchanges/replies", sha256=row["reply_sha256"])


def test_fetch__hours__each_row_in_the_hour_of_its_venue_time(world: World, start: Start) -> None:
    start(world)
    settings = enrol(world)
    run()
    landed = {
        hour: len(landing.read(settings, "okx/fills", START_MS + hour * HOUR_MS, "group-00"))
        for hour in range(3)
    }
    assert landed == {0: 2, 1: 2, 2: 1}
    counted = {hour: window(settings, "acc-1", "fills", hour)["row_count"] for hour in range(3)}
    assert counted == {0: 1, 1: 2, 2: 1}


def test_fetch__same_window_again__evidence_byte_for_byte_the_same(
    world: World, start: Start
) -> None:
    start(world)
    settings = enrol(world)
    run()
    tables = ("okx/orders", "okx/fills", "okx/bills", "okx/positions", "exchanges/replies")
    before = {table: files(settings, table) for table in tables}
    run()
    assert {table: files(settings, table) for table in tables} == before


def test_fetch__account_config__who_the_venue_says_the_key_belongs_to(
    world: World, start: Start
) -> None:
    start(world)
    settings = enrol(world)
    run()
    [row] = rows(settings, "okx/account_configs", account_id="acc-2")
    assert (row["uid"], row["mainUid"], row["perm"]) == ("7001", "7001", "read_only")
    assert window(settings, "acc-2", "account_config", 2)["is_complete"]


def test_fetch__revoked_key__gaps_with_the_reason_and_the_others_go_on(
    world: World, start: Start
) -> None:
    world.key_states["acc-1"] = "revoked"
    simulator = start(world)
    settings = enrol(world)
    assert run() == [{"accounts": 2, "rows": 4, "gaps": 15, "order_lookups": 0}]
    gap = window(settings, "acc-1", "orders", 0)
    assert not gap["is_complete"]
    assert gap["gap_reason"].startswith("auth: ")
    assert window(settings, "acc-2", "orders", 0)["is_complete"]
    assert sum(simulator.stats()["refusals"].values()) == 1


def test_fetch__no_secret_in_the_evidence(world: World, start: Start) -> None:
    from leverageguard.simulator.scenario import credentials

    start(world)
    settings = enrol(world)
    run()
    key = credentials("acc-1")
    text = repr(landing.scan(settings, "exchanges/replies"))
    assert not any(secret in text for secret in (key.api_key, key.api_secret, key.passphrase))


def test_plan__window_ahead_of_the_clock__nothing_to_do(world: World, start: Start) -> None:
    start(world)
    enrol(world)
    assert steps.plan("2026-01-05T04:00:00Z", "2026-01-05T05:00:00Z") == []
    assert market_steps.plan("2026-01-05T04:00:00Z", "2026-01-05T05:00:00Z") == []


def test_fetch__hour_that_is_not_over__landed_but_open_until_it_is(
    world: World, start: Start
) -> None:
    world.extra_ms = HOUR_MS // 2
    world.trade("acc-1", START_MS + 3 * HOUR_MS + 60_000, 77)
    start(world)
    settings = enrol(world)
    run(end="2026-01-05T06:00:00Z")
    open_ = window(settings, "acc-1", "fills", 3)
    assert (open_["is_complete"], open_["gap_reason"]) == (False, "the hour is not over")
    assert open_["row_count"] == 1
    assert not rows(settings, "exchanges/fetch_windows", window_from_ms=START_MS + 4 * HOUR_MS)
    clock.sleep(HOUR_MS / 1000)
    run("2026-01-05T04:00:00Z", "2026-01-05T05:00:00Z")
    assert window(settings, "acc-1", "fills", 3)["is_complete"]


def test_fetch__order_created_before_the_window__read_through_its_fill(
    world: World, start: Start
) -> None:
    order = world.trade("acc-1", START_MS + 2 * HOUR_MS + 5, 9, cTime=START_MS + HOUR_MS + 7)
    start(world)
    settings = enrol(world)
    run("2026-01-05T02:00:00Z", END)
    assert len(rows(settings, "okx/orders", ordId=order)) == 1
    # A later look at the hour it was created in does not list it there, and it stays.
    run("2026-01-05T01:00:00Z", END)
    assert len(rows(settings, "okx/orders", ordId=order)) == 1


def test_fetch__order_landed_by_lookup__not_lost_by_a_listing_without_it(
    world: World, start: Start
) -> None:
    order = world.trade("acc-1", START_MS + 2 * HOUR_MS + 5, 9, cTime=START_MS + HOUR_MS + 7)
    world.accounts["acc-1"]["fills"] = []
    simulator = start(world)
    settings = enrol(world)
    run()
    simulator.core.venue._replies.accounts["acc-1"]["orders"] = []  # type: ignore[attr-defined]
    run()
    assert len(rows(settings, "okx/orders", ordId=order)) == 1


def test_fetch__window_older_than_the_venue_keeps__landed_rows_stay(
    world: World, start: Start
) -> None:
    start(world)
    settings = enrol(world)
    run()
    before = files(settings, "okx/fills")
    clock.sleep(okx.RETENTION_MS / 1000)
    run()
    assert files(settings, "okx/fills") == before
    assert window(settings, "acc-1", "fills", 0)["is_complete"]
    run("2026-01-04T20:00:00Z", "2026-01-04T21:00:00Z")
    never_seen = window(settings, "acc-1", "fills", -4)
    assert not never_seen["is_complete"]
    assert never_seen["gap_reason"].endswith("older than the venue keeps")


def test_fetch__world_clock_moved_by_another_process__key_not_given_up(
    world: World, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = start(world)
    enrol(world)
    synced = steps.Clients.__init__

    def then_jump(self: steps.Clients, group: steps.Group) -> None:
        synced(self, group)
        clock.sleep(900)

    monkeypatch.setattr(steps.Clients, "__init__", then_jump)
    assert run()[0]["gaps"] == 0
    assert "50102" in simulator.stats()["refusals"]


class TestOrderLookups:
    @pytest.fixture
    def filed(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        def file(order_id: str) -> None:
            filing = Filing("fil-1", "acc-1", INSTRUMENT, order_id)
            monkeypatch.setattr(claims, "open_filings", lambda session: [filing])

        return file

    def test_fetch__somebody_elses_order__three_misses_over_ten_minutes_once(
        self, world: World, start: Start, filed: Callable[[str], None]
    ) -> None:
        start(world)
        settings = enrol(world)
        filed(world.accounts["acc-2"]["orders"][0]["ordId"])
        assert run()[0]["order_lookups"] == 3
        assert run()[0]["order_lookups"] == 0
        asked = sorted(rows(settings, "okx/order_lookups"), key=lambda row: row["attempt_no"])
        assert [row["attempt_no"] for row in asked] == [1, 2, 3]
        assert {row["outcome"] for row in asked} == {"not_found"}
        assert asked[-1]["looked_up_at_ms"] - asked[0]["looked_up_at_ms"] >= 600_000
        for row in asked:
            assert rows(settings, "exchanges/replies", sha256=row["reply_sha256"])

    def test_fetch__system_clock__one_miss_a_run(
        self,
        world: World,
        start: Start,
        filed: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        start(world)
        settings = enrol(world)
        filed("999")
        monkeypatch.setattr(clock, "is_simulated", lambda: False)
        assert [run()[0]["order_lookups"] for _ in range(2)] == [1, 1]
        assert sorted(row["attempt_no"] for row in rows(settings, "okx/order_lookups")) == [1, 2]

    def test_fetch__order_that_was_listed__not_asked_for(
        self, world: World, start: Start, filed: Callable[[str], None]
    ) -> None:
        simulator = start(world)
        enrol(world)
        filed(world.accounts["acc-1"]["orders"][0]["ordId"])
        assert run()[0]["order_lookups"] == 0
        assert "trade/order" not in simulator.stats()["requests"]

    def test_fetch__order_outside_the_window__found_and_landed(
        self, world: World, start: Start, filed: Callable[[str], None]
    ) -> None:
        start(world)
        settings = enrol(world)
        order = world.accounts["acc-1"]["orders"][0]["ordId"]
        filed(order)
        assert run("2026-01-05T02:00:00Z", END)[0]["order_lookups"] == 1
        assert rows(settings, "okx/order_lookups")[0]["outcome"] == "found"
        assert len(rows(settings, "okx/orders", ordId=order)) == 1

    @pytest.mark.parametrize("kind", ["http_500", "null", "truncated"])
    def test_fetch__lookup_that_fails__no_miss_is_recorded(
        self, world: World, start: Start, filed: Callable[[str], None], kind: str
    ) -> None:
        simulator = start(world)
        settings = enrol(world)
        filed("999")
        simulator.fault("trade/order", kind, times=10_000)
        assert run()[0]["order_lookups"] == 0
        assert rows(settings, "okx/order_lookups") == []

    def test_fetch__listing_with_a_gap__no_lookup(
        self, world: World, start: Start, filed: Callable[[str], None]
    ) -> None:
        simulator = start(world)
        enrol(world)
        filed("999")
        simulator.fault("trade/orders-history-archive", "null", account="acc-1", times=10_000)
        assert run()[0]["order_lookups"] == 0


class TestMarkets:
    @pytest.fixture(autouse=True)
    def insured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quotes, "instruments", lambda session: [INSTRUMENT])

    def test_fetch__candles__every_minute_of_the_window_and_an_hour_around(
        self, world: World, start: Start
    ) -> None:
        world.candles = [
            [str(START_MS + m * 60_000), "98200.10", "98201", "98199.90", "98200", "1"]
            for m in range(180)
        ]
        start(world)
        settings = enrol(world)
        [part] = market_steps.plan("2026-01-05T01:00:00Z", "2026-01-05T02:00:00Z")
        assert market_steps.fetch(part) == {"instruments": 1, "candles": 180, "gaps": 0}
        got = rows(settings, "okx/mark_candles", ts=str(START_MS))
        assert [(row["inst_id"], row["o"], row["l"]) for row in got] == [
            (INSTRUMENT, "98200.10", "98199.90")
        ]
        assert window(settings, INSTRUMENT, "mark_candles", 0)["row_count"] == 60

    def test_fetch__instrument_terms__landed_with_the_contract_size(
        self, world: World, start: Start
    ) -> None:
        start(world)
        settings = enrol(world)
        for part in market_steps.plan(START, END):
            market_steps.fetch(part)
        [row] = rows(settings, "okx/instruments")
        assert (row["instId"], row["ctVal"], row["settleCcy"]) == (INSTRUMENT, "0.01", "USDT")

    def test_fetch__instrument_the_venue_does_not_know__an_open_gap(
        self, world: World, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quotes, "instruments", lambda session: [INSTRUMENT, "NO-SUCH-SWAP"])
        start(world)
        settings = enrol(world)
        for part in market_steps.plan(START, END):
            market_steps.fetch(part)
        assert not window(settings, "NO-SUCH-SWAP", "mark_candles", 0)["is_complete"]
        assert window(settings, INSTRUMENT, "mark_candles", 0)["is_complete"]


def test_limiter__two_processes_on_one_key__not_one_refusal(world: World, start: Start) -> None:
    simulator = start(world)
    enrol(world)
    script = (
        "from leverageguard import config\n"
        "from leverageguard.exchanges import okx\n"
        "from leverageguard.exchanges.client import connect\n"
        "from leverageguard.intake import accounts\n"
        "from leverageguard.store.base import session\n"
        "settings = config.load()\n"
        "with session(settings) as opened:\n"
        "    key = accounts.credentials(opened, 'acc-1')\n"
        "client = connect(okx.VENUE, settings, 'acc-1', key)\n"
        "client.sync_clock()\n"
        "for _ in range(15):\n"
        "    client.call(okx.FILLS, {})\n"
    )
    began = time.monotonic()
    both = [subprocess.Popen([sys.executable, "-c", script], env={**os.environ}) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    stats = simulator.stats()
    assert stats["refusals"] == {}
    assert stats["requests"]["trade/fills-history"] == 30
    assert time.monotonic() - began > 5
