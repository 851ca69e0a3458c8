"""Faults, caused for real: Prometheus scrapes the gateway, and each alert fires and clears.

The rules are the project's, without the time they wait; what a fault would take hours to become is
written as that old. The alerts that rest on a rate over an hour are promtool's (tests/monitoring).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
import yaml

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.gateway.app import API, PREFIX
from leverageguard.settlement import incidents
from leverageguard.stack import monitoring, processes, secrets, up
from leverageguard.warehouse import snapshot
from tests.monitoring.test_rules import ALERTS
from tests.monitoring_world import Around, Pool, free_ports

pytestmark = pytest.mark.slow
PATIENCE_S = 60


@dataclass
class Watched:
    """A pool behind a real gateway, watched by a real Prometheus and Alertmanager."""

    settings: Settings
    pool: Pool
    around: Around
    gateway: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.port_base + 9}{PREFIX}"

    def serve(self) -> None:
        """Start the gateway and wait until it answers."""
        words = [sys.executable, "-m", "leverageguard.cli", "gateway"]
        environment = config.child_environment(self.settings) | {
            "LEVERAGEGUARD_RATE_PERCENT": "100000"
        }
        self.gateway = subprocess.Popen(
            [*words, "--port", str(self.settings.port_base + 9)],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        eventually(lambda: answers(f"{self.address}{API}/health"), "the gateway answers")

    def stop(self) -> None:
        assert self.gateway is not None
        self.gateway.terminate()
        self.gateway.wait(30)

    def firing(self) -> set[str]:
        """The names of the alerts that fire now, as Prometheus has them."""
        url = f"http://127.0.0.1:{self.settings.prometheus_port}/api/v1/alerts"
        said = requests.get(url, timeout=10).json()["data"]["alerts"]
        return {one["labels"]["alertname"] for one in said if one["state"] == "firing"}

    def told(self) -> set[str]:
        """The names of the alerts that Alertmanager knows."""
        url = f"http://127.0.0.1:{self.settings.alertmanager_port}/api/v2/alerts"
        return {one["labels"]["alertname"] for one in requests.get(url, timeout=10).json()}

    def wait_for(self, *names: str) -> None:
        """Until all of these fire, and Alertmanager was told."""
        eventually(lambda: set(names) <= self.firing() & self.told(), lambda: self._missing(names))

    def wait_without(self, *names: str) -> None:
        """Until none of these fires."""
        eventually(lambda: not set(names) & self.firing(), f"{names} clear: {self.firing()}")

    def _missing(self, names: tuple[str, ...]) -> str:
        return f"quiet: {set(names) - self.firing()}, untold: {set(names) - self.told()}"


def answers(url: str) -> bool:
    try:
        return bool(requests.get(url, timeout=5).ok)
    except requests.RequestException:
        return False


def eventually(is_so: Callable[[], bool], what: str | Callable[[], str]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if is_so():
            return
        time.sleep(0.3)
    pytest.fail(what if isinstance(what, str) else what())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch:
        data = tmp_path_factory.mktemp("alerts") / "data"
        patch.setenv("LEVERAGEGUARD_DATA", str(data))
        settings = replace(config.load(), port_base=free_ports())
        secrets.generate(settings)
        up.migrate_store(settings)
        made = Watched(settings, Pool(settings), Around())
        made.around.serve(settings.airflow_port, settings.chain_port)
        monitoring.start(settings)
        hurry(settings)
        made.serve()
        yield made
        made.stop()
        made.around.close()
        stopped = processes.stop_all(settings)
        assert {"prometheus", "alertmanager"} <= set(stopped)


def hurry(settings: Settings) -> None:
    """Let Prometheus look every second, at the gateway of the test, and no alert wait."""
    folder = settings.data_dir / "monitoring"
    rules = folder / "rules"
    rules.mkdir()
    for path in (config.REPO_DIR / "monitoring" / "rules").glob("*.yml"):
        told = yaml.safe_load(path.read_text())
        for rule in told["groups"][0]["rules"]:
            rule.pop("for", None)
        (rules / path.name).write_text(yaml.safe_dump(told))
    path = folder / "prometheus.yml"
    told = yaml.safe_load(path.read_text())
    told["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    told["rule_files"] = [str(rules / "*.yml")]
    told["scrape_configs"][0] |= {
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{settings.port_base + 9}"]}],
    }
    path.write_text(yaml.safe_dump(told))
    os.kill(processes.running(settings)["prometheus"].pid, signal.SIGHUP)


def test_alerts__a_valuation_that_does_not_come__fires_until_it_does(watched: Watched) -> None:
    # The first test: valuations stay, and only the newest one's age counts.
    watched.pool.value("0x1", ago_s=11_000)
    watched.wait_for("ValuationStale")

    watched.pool.value("0x2")
    watched.wait_without("ValuationStale")


def calm(watched: Watched) -> None:
    """A pool that nothing is wrong with, seen so by Prometheus."""
    watched.pool.publish(decided="f-1")
    watched.pool.value(f"0x{time.monotonic_ns():x}")
    watched.pool.land(watched.around.head)
    eventually(lambda: not watched.firing(), lambda: f"not calm: {watched.firing()}")


def test_alerts__faults_in_store_and_figures__fire_and_clear(watched: Watched) -> None:
    calm(watched)
    pool = watched.pool
    pool.claim("clm_1", "NOTIFIED", "VERIFYING", "APPROVED", ago_s=1000)
    pool.claim("clm_2", "NOTIFIED", "EVIDENCE_PENDING", ago_s=30_000)
    pool.send("0x1", ago_s=1000)
    pool.pay("clm_3", "PAY_UNKNOWN")
    pool.pay("clm_4", "FAILED")
    pool.file("f-1", ago_s=4000)
    pool.ask("r-1", due_ago_s=10)
    pool.tell("n-1", ago_s=4000)
    pool.cross("below_reserve", "halt_sales", "critical")
    incidents.open_incident(watched.settings, "books_differ", "batch 1", "by the test")
    incidents.open_incident(watched.settings, "final_batch_lost", "batch 1", "by the test")
    wrong = {
        "trial_balance": 0.01, "cash_difference": 5, "solvency_ratio": 90, "cash": 50,
        "rows_quarantined": 9, "fetch_gaps": 4,
    }  # fmt: skip
    pool.publish(wrong, ago_s=10_000, read_ago_s=8000, gaps=4)
    names = {
        "ApprovedClaimUnpaid", "BooksDiffer", "BooksUnbalanced", "CashUnexplained",
        "ClaimUndetermined", "FetchGaps", "FilingNotDecided", "FundHalted", "MessagesStuck",
        "OutboxStuck", "PaymentsHalted", "PayoutRefused", "PayoutUnknown", "PoolBelowReserve",
        "QuarantineGrows", "ReviewOverdue", "SnapshotStale", "SolvencyLow", "SourceSilent",
    }  # fmt: skip
    watched.wait_for(*names)

    pool.claim("clm_1", "BATCHED", "SETTLING", "PAID")
    pool.claim("clm_2", "VERIFYING")
    pool.mine("0x1")
    pool.pay("clm_3", "PAID")
    pool.pay("clm_4", "PAID")
    pool.answer("r-1")
    pool.tell("n-1", ago_s=4000, state="SENT")
    pool.uncross()
    for one in incidents.open_ones(watched.settings):
        incidents.resolve(watched.settings, one.incident_id, "mended", "the test")
    pool.publish(decided="f-1")
    watched.wait_without(*names)


def test_alerts__faults_of_chain_and_airflow__fire_and_clear(watched: Watched) -> None:
    calm(watched)
    around = watched.around
    around.scheduler = around.dag_processor = "unhealthy"
    around.head_age_s = 700
    watched.pool.land(around.head - 500)
    watched.wait_for("AirflowUnwell", "ChainHeadOld", "ChainLag", "SchedulerSilent")
    around.is_node_up = False
    watched.wait_for("ChainSilent")

    around.scheduler = around.dag_processor = "healthy"
    around.head_age_s, around.is_node_up = 2, True
    watched.pool.land(around.head)
    watched.wait_without(
        "AirflowUnwell", "ChainHeadOld", "ChainLag", "ChainSilent", "SchedulerSilent"
    )


def test_alerts__a_run_that_failed__fires_until_one_does_not(watched: Watched) -> None:
    calm(watched)
    watched.around.red_dags = ("build_claims",)
    watched.wait_for("RunFailed")

    watched.around.red_dags = ()
    watched.wait_without("RunFailed")
    watched.around.token = "another"  # Airflow was started anew and takes the old one no more
    watched.around.red_dags = ("settle_payouts",)
    watched.wait_for("RunFailed")

    watched.around.red_dags = ()
    watched.wait_without("RunFailed")


def test_alerts__a_snapshot_that_cannot_be_read__is_told_and_so_are_errors(
    watched: Watched,
) -> None:
    calm(watched)
    path = snapshot.current(watched.settings)
    kept = path.read_bytes()
    path.unlink()
    path.write_bytes(b"no database")

    def fail() -> bool:
        for _ in range(5):
            requests.get(f"{watched.address}{API}/transparency", timeout=10)
        return {"MetricsIncomplete", "GatewayErrors"} <= watched.firing()

    eventually(fail, lambda: f"quiet, but for {watched.firing()}")
    path.write_bytes(kept)
    watched.pool.publish()

    def serve() -> bool:
        for _ in range(200):
            requests.get(f"{watched.address}{API}/health", timeout=10)
        return not {"MetricsIncomplete", "GatewayErrors"} & watched.firing()

    eventually(serve, lambda: f"still: {watched.firing()}")


def test_alerts__the_gateway_stops__is_told_and_clears_when_it_is_back(watched: Watched) -> None:
    calm(watched)
    watched.stop()
    watched.wait_for("GatewayDown")

    watched.serve()
    watched.wait_without("GatewayDown")


def test_alerts__the_key_is_revoked__is_as_if_the_gateway_were_down(watched: Watched) -> None:
    from leverageguard.gateway import service_accounts

    calm(watched)
    [account] = [
        one for one in service_accounts.every_one(watched.settings) if one.revoked_at_ms is None
    ]
    service_accounts.revoke(watched.settings, account.account_id, "test")
    watched.wait_for("GatewayDown")

    # As its runbook says: the file is removed, and a new key is made.
    (watched.settings.secrets_dir / monitoring.KEY).unlink()
    monitoring.prometheus(watched.settings)
    watched.wait_without("GatewayDown")


def test_alerts__every_rule__is_caused_here() -> None:
    text = Path(__file__).read_text()

    assert [name for name in ALERTS if f'"{name}"' not in text] == []
