"""The day's stage: a real chain, a real store, a warehouse, and what the venues would show.

The real clients ask and parse, the simulated venues answer in this process; everything from the
landed files on is what the scheduler's tasks run.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leverageguard import clock, config
from leverageguard.claims import advancing as claims_advancing
from leverageguard.config import Settings
from leverageguard.evidence import steps as evidence_steps
from leverageguard.fund import booking, valuing
from leverageguard.intake import steps as intake_steps
from leverageguard.policies import advancing as policies_advancing
from leverageguard.quality import steps as quality_steps
from leverageguard.settlement import chain as chains
from leverageguard.settlement import chain_steps
from leverageguard.settlement import steps as settlement_steps
from leverageguard.settlement.chain import Chain
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator import world
from leverageguard.simulator.scenario import Scenario
from leverageguard.stack import deployment, local_chain, processes, secrets, traders
from leverageguard.stack.up import migrate_store
from leverageguard.store.base import session
from leverageguard.store.intake_tables import FiledClaim
from leverageguard.warehouse import connect, dbt_runner, landing, raw_tables, snapshot
from tests.dbt.scenario_rows import ScenarioRows

HOUR_MS = 3_600_000
SPAN_MS = 60 * HOUR_MS  # longer than the day lasts
LONGEST_WAIT_S = 15 * 24 * 3600
OURS = ("intake/", "chain/", "settlement/", "lifecycle/", "evidence/")
Say = Callable[[str], None]


class Stage:
    """One business day in the data folder of the settings; `say` tells how far it is."""

    def __init__(self, folder: Path, seed: int, policies: int, busyness: int, say: Say) -> None:
        self.settings: Settings = config.load()
        self.say = say
        secrets.generate(self.settings)
        scenario_folder = folder / "scenario"
        world.write_mixed(scenario_folder, seed, policies, busyness)
        self.scenario: Scenario = scenarios.load(scenario_folder)
        clock.set_world(self.scenario.start_ms - HOUR_MS)
        migrate_store(self.settings)
        landing.ensure_schemas(self.settings)
        local_chain.start(self.settings, clock.now_ms())
        self.deployed = deployment.deploy(self.settings, self.scenario.pool_deposit_micro_usdc)
        self.chain: Chain = chains.connect(self.settings)
        say(f"a chain, a pool and a world of {len(self.scenario.accounts)} accounts")

    def sell(self) -> int:
        """The traders register, are quoted, buy on the chain and file; policies bought."""
        return traders.trade(self.settings, self.scenario)

    def land_the_day(self) -> None:
        """Everything the ingestion would land once the day is over."""
        read = ScenarioRows(self.settings, self.scenario).read().rows
        traders_filings = self._filing_ids()
        for row in read["exchanges/order_lookups"]:
            row["filing_id"] = traders_filings[row["filing_id"].removeprefix("fil-")]
        clock.set_world(self.scenario.now_ms)
        for table, rows in read.items():
            if not table.startswith(OURS):
                self._land(table, rows)
        self.land_ours()

    def land_ours(self) -> None:
        """What the store and the chain hold by now."""
        now = clock.now_ms()
        window = _iso(max(self.scenario.start_ms, now - SPAN_MS) - HOUR_MS), _iso(now)
        chain_steps.land(*window)
        policies_advancing.advance()
        booking.book(self.settings)
        intake_steps.land(*window)

    def decide(self) -> None:
        """What build_claims does."""
        quality_steps.check_arrivals()
        dbt_runner.build_if_changed()
        evidence_steps.seal()
        claims_advancing.advance_decided()
        quality_steps.check_departures()
        snapshot.publish()
        evidence_steps.report_unsealed()

    def settle(self) -> int:
        """What settle_payouts and publish_reports do; batches settled."""
        batches = settlement_steps.plan()
        for batch_id in batches:
            settlement_steps.settle(batch_id)
            settlement_steps.confirm(batch_id)
        settlement_steps.record()
        settlement_steps.reconcile()
        self.keep_books()
        self._publish()
        return len(batches)

    def let_time_pass(self) -> None:
        """Every time to appeal and to look at a payment again goes by; what is over is closed."""
        for _ in range(2):
            clock.sleep(LONGEST_WAIT_S)
            self.land_ours()
            claims_advancing.advance(self.settings)
            self._publish()  # a policy is closed once its claims were decided after their time
            policies_advancing.advance()
        self.keep_books()
        self._publish()

    def keep_books(self) -> None:
        """Value the fund and book what that changes."""
        valuing.value(self.settings)
        booking.book(self.settings)

    def _publish(self) -> None:
        dbt_runner.build_if_changed()
        snapshot.publish()

    def close(self) -> None:
        """End the processes of the stage."""
        processes.stop_all(self.settings)

    def _land(self, table: str, rows: list[dict[str, Any]]) -> None:
        first = self.scenario.start_ms - HOUR_MS  # of what belongs to no hour
        is_timed = raw_tables.table(table).hour_column is not None
        of_hours = landing.by_hour(table, rows) if is_timed else {first: rows}
        for hour, of_hour in of_hours.items():
            landing.replace(self.settings, table, hour, "business-day", of_hour)

    def _filing_ids(self) -> dict[str, str]:
        with session(self.settings) as opened:
            return {row.reference: row.filing_id for row in opened.query(FiledClaim)}


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def query(sql: str) -> list[dict[str, Any]]:
    """Rows of the published snapshot."""
    with connect.read_only(snapshot.current()) as connection:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
