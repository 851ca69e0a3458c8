"""An hour of the world: visitors buy, are liquidated and file, and every DAG does its work."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.simulator import scenario as scenarios
from leverageguard.stack import airflow, visiting, world
from leverageguard.stack.progress import Progress, StackError
from leverageguard.underwriting.refusals import QuoteRefused
from tests.bench._latency import traders
from tests.bench._latency.traders import HOUR_MS, Insured

PATIENCE_S, QUIET_LOOKS = 1200.0, 3
LAST_CHANCE_MS = 90 * 60_000


@dataclass
class Visitors:
    """Those of the world's visitors who came so far, and who of them filed."""

    settings: Settings
    insured: list[Insured] = field(default_factory=list)
    declined: set[str] = field(default_factory=set)
    filed: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def come(self) -> int:
        """Whose position opens before there is another chance to buy cover buys it; how many.

        So many liquidations can halt the sales, as they should: whom they refuse stays away.
        """
        now_ms, before = clock.now_ms(), len(self.insured)
        known = self.declined | {one.visitor["visitor"] for one in self.insured}
        new = [
            each
            for each in traders.spanned(visiting.visitors(self.settings), now_ms)
            if each["visitor"] not in known and opened_ms(each) < now_ms + LAST_CHANCE_MS
        ]
        for each in new:
            try:
                self.insured.append(traders.insure(self.settings, each))
            except QuoteRefused as refused:
                self.declined.add(each["visitor"])
                print(f"{each['visitor']} bought nothing: {refused}", file=sys.stderr, flush=True)
        return len(self.insured) - before

    def file(self) -> int:
        """Every other one files an hour after its liquidation; the rest are left to be found."""
        due = [
            one
            for number, one in enumerate(self.insured)
            if number % 2 == 0
            and one.visitor["visitor"] not in self.filed
            and closed_ms(one.visitor) < clock.now_ms() - HOUR_MS
        ]
        token = chains.connect(self.settings).token()
        for one in due:
            self.filed.add(one.visitor["visitor"])
            if token.balance_of(one.visitor["wallet"]) <= one_without_payout(one):
                self._file(one)
        return len(due)

    def _file(self, one: Insured) -> None:
        try:
            traders.Api(self.settings, one).file()
        except RuntimeError as error:
            self.refused.append(f"{one.visitor['visitor']}: {error}")


def opened_ms(visitor: dict[str, Any]) -> int:
    """When the visitor's one position opens."""
    return clock.parse_ms(visitor["opened_at"])


def closed_ms(visitor: dict[str, Any]) -> int:
    """When the visitor's one position is liquidated."""
    return clock.parse_ms(visitor["liquidated_at"])


def one_without_payout(one: Insured) -> int:
    """What a visitor's wallet holds who bought and was not paid, in micro-USDC."""
    return visiting.TEST_MONEY_MICRO_USDC - one.quote.premium_micro_usdc


def work(settings: Settings, client: airflow.Client, say: Progress) -> None:
    """What the clock sets off in an hour, and all that follows from it, until nothing runs.

    A run that fails ends nothing here: it is found among the failed ones, and the next hour takes
    up what it left.
    """
    scenario = scenarios.load(settings.world_dir / "scenario")
    window = world.window(settings, scenario)
    try:
        airflow.run_main_job(client, window, say)
        world.window_is_done(settings, window[1])
    except StackError as error:
        print(f"this hour's job failed: {error}", file=sys.stderr, flush=True)
    until_quiet(client)


def until_quiet(client: airflow.Client) -> None:
    """Wait until no run of any DAG was waiting or going, several looks in a row."""
    quiet, deadline = 0, time.monotonic() + PATIENCE_S
    while quiet < QUIET_LOOKS:
        found = client.get("/api/v2/dags/~/dagRuns?limit=1&state=running&state=queued")
        quiet = 0 if found["total_entries"] else quiet + 1
        if time.monotonic() > deadline:
            raise TimeoutError(f"the scheduler was busy for {PATIENCE_S:.0f} s")
        time.sleep(1)


def failed(client: airflow.Client) -> list[str]:
    """Every run that failed, as DAG and run."""
    found = client.get("/api/v2/dags/~/dagRuns?limit=100&state=failed")["dag_runs"]
    return [f"{run['dag_id']} {run['dag_run_id']}" for run in found]
