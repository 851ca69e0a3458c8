"""From a venue's replies to hourly evidence, through the store, the real client and HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.exchanges import market_steps, steps
from leverageguard.exchanges.venues import okx
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
FILLS_FILE = "okx-group-00-fills"
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


def test_fetch__every_listing__landed_with_the_reply_it_came_from(
    world: World, start: Start
) -> None:
    start(world)
    settings = enrol(world)
    assert run() == [{"accounts": 2, "rows": 20, "gaps": 0, "order_lookups": 0}]
    ids = {"orders": "ordId", "fills": "billId", "bills": "billId", "positions": "posId"}
    for (of_venue, column), (table, ours) in zip(
        ids.items(),
        [("orders", "order_id"), ("fills", "fill_id"), ("ledger", "entry_id"),
         ("positions", "position_id")],
        strict=True,
    ):  # fmt: skip
        for account in world.accounts:
            landed = rows(settings, f"exchanges/{table}", account_id=account)
            assert sorted(row[ours] for row in landed) == world.ids(account, of_venue, column)
            for row in landed:
                assert rows(settings, "exchanges/replies", sha256=row["reply_sha256"])


def test_fetch__hours__each_row_in_the_hour_of_its_venue_time(world: World, start: Start) -> None:
    start(world)
    settings = enrol(world)
    run()
    landed = {
        hour: len(landing.read(settings, "exchanges/fills", START_MS + hour * HOUR_MS, FILLS_FILE))
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
    tables = (
        "exchanges/orders",
        "exchanges/fills",
        "exchanges/ledger",
        "exchanges/positions",
        "exchanges/replies",
    )
    before = {table: files(settings, table) for table in tables}
    run()
    assert {table: files(settings, table) for table in tables} == before


def test_fetch__account_config__who_the_venue_says_the_key_belongs_to(
    world: World, start: Start
) -> None:
    start(world)
    settings = enrol(world)
    run()
    [row] = rows(settings, "exchanges/account_configs", account_id="acc-2")
    assert (row["uid"], row["root_uid"], row["permissions"]) == ("7001", "7001", "read_only")
    assert (row["is_read_only"], row["environment"]) == (True, "live")
    assert window(settings, "acc-2", "account_config", 2)["is_complete"]


def test_fetch__revoked_key__gaps_with_the_reason_and_the_others_go_on(
    world: World, start: Start
) -> None:
    world.key_states["acc-1"] = "revoked"
    simulator = start(world)
    settings = enrol(world)
    assert run() == [{"accounts": 2, "rows": 4, "gaps": 18, "order_lookups": 0}]
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
    assert len(rows(settings, "exchanges/orders", order_id=order)) == 1
    # A later look at the hour it was created in lists it too; it stays beside that, as it was read.
    run("2026-01-05T01:00:00Z", END)
    seen = rows(settings, "exchanges/orders", order_id=order)
    assert {row["endpoint"] for row in seen} == {"order", "orders"}
    assert len({row["updated_at_ms"] for row in seen}) == 1


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
    assert len(rows(settings, "exchanges/orders", order_id=order)) == 1


def test_fetch__window_older_than_the_venue_keeps__landed_rows_stay(
    world: World, start: Start
) -> None:
    start(world)
    settings = enrol(world)
    run()
    before = files(settings, "exchanges/fills")
    clock.sleep(okx.RETENTION_MS / 1000)
    run()
    assert files(settings, "exchanges/fills") == before
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
            monkeypatch.setattr(claims, "open_filings", lambda session, accounts: [filing])

        return file

    def test_fetch__somebody_elses_order__three_misses_over_ten_minutes_once(
        self, world: World, start: Start, filed: Callable[[str], None]
    ) -> None:
        start(world)
        settings = enrol(world)
        filed(world.accounts["acc-2"]["orders"][0]["ordId"])
        assert run()[0]["order_lookups"] == 3
        assert run()[0]["order_lookups"] == 0
        asked = sorted(rows(settings, "exchanges/order_lookups"), key=lambda row: row["attempt_no"])
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
        assert sorted(row["attempt_no"] for row in rows(settings, "exchanges/order_lookups")) == [
            1,
            2,
        ]

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
        assert rows(settings, "exchanges/order_lookups")[0]["outcome"] == "found"
        assert len(rows(settings, "exchanges/orders", order_id=order)) == 1

    @pytest.mark.parametrize("kind", ["http_500", "null", "truncated"])
    def test_fetch__lookup_that_fails__no_miss_is_recorded(
        self, world: World, start: Start, filed: Callable[[str], None], kind: str
    ) -> None:
        simulator = start(world)
        settings = enrol(world)
        filed("999")
        simulator.fault("trade/order", kind, times=10_000)
        assert run()[0]["order_lookups"] == 0
        assert rows(settings, "exchanges/order_lookups") == []

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
        monkeypatch.setattr(quotes, "instruments", lambda session: {"okx": [INSTRUMENT]})

    def test_fetch__candles__every_minute_of_the_window_and_an_hour_around(
        self, world: World, start: Start
    ) -> None:
        world.candles = [
            [str(START_MS + m * 60_000), "98200.10", "98201", "98199.90", "98200", "1"]
            for m in range(180)
        ]
        start(world)
        settings = enrol(world)
        part = market_steps.plan("2026-01-05T01:00:00Z", "2026-01-05T02:00:00Z")[0]
        assert market_steps.fetch(part) == {"instruments": 1, "candles": 180, "gaps": 0}
        got = rows(settings, "exchanges/candles", minute_at_ms=START_MS, kind="mark")
        assert [(row["inst_id"], row["open_price"], row["low_price"]) for row in got] == [
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
        [row] = rows(settings, "exchanges/instruments")
        assert (row["inst_id"], row["contract_size"]) == (INSTRUMENT, "0.01")
        assert row["settle_currency"] == "USDT"

    def test_fetch__instrument_the_venue_does_not_know__an_open_gap(
        self, world: World, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            quotes, "instruments", lambda session: {"okx": [INSTRUMENT, "NO-SUCH-SWAP"]}
        )
        start(world)
        settings = enrol(world)
        for part in market_steps.plan(START, END):
            market_steps.fetch(part)
        assert not window(settings, "NO-SUCH-SWAP", "mark_candles", 0)["is_complete"]
        assert window(settings, INSTRUMENT, "mark_candles", 0)["is_complete"]
