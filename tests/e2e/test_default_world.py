"""One command from nothing to paid claims, and nothing that can be done twice pays twice."""

from __future__ import annotations

import json
import time

import pytest

from leverageguard import config
from leverageguard.stack import airflow
from tests.e2e.stacks import Stack, against_truth, money

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EVERY_DAG = (*airflow.INGEST_DAGS, *airflow.CHAINED_DAGS)


def decided(status: dict) -> dict:
    """What must never change by itself: verdict, reasons, amount and payment of each claim."""
    fields = (
        "verdict",
        "reasons",
        "hold_reasons",
        "approved_micro_usdc",
        "paid_micro_usdc",
        "transaction",
    )
    return {claim["claim_id"]: [claim[name] for name in fields] for claim in status["claims"]}


@pytest.fixture
def client(default_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> airflow.Client:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(default_stack.data))
    monkeypatch.setenv("LEVERAGEGUARD_PORT", str(default_stack.port))
    made = airflow.Client(config.load())
    made.wait_ready()
    return made


def wait_until_idle(client: airflow.Client, seconds: float = 1400) -> None:
    """Wait until no run of any DAG is queued or running, twice in a row."""
    quiet, deadline = 0, time.monotonic() + seconds
    while quiet < 3:
        states = {run["state"] for dag_id in EVERY_DAG for run in client.runs(dag_id)}
        quiet = 0 if states & {"queued", "running"} else quiet + 1
        assert time.monotonic() < deadline, "the scheduler is still busy"
        time.sleep(1)


def failed_runs(client: airflow.Client) -> list[str]:
    return [
        reason
        for dag_id in EVERY_DAG
        for run in client.runs(dag_id)
        if run["state"] == "failed"
        for reason in client.failures(dag_id, run["dag_run_id"])
    ]


def test_up__default_world__every_verdict_and_reason_equals_the_ground_truth(default_stack):
    assert against_truth(default_stack) == []


def test_up__default_world__paid_on_chain_is_what_was_approved(default_stack):
    status = default_stack.status()
    approved = sum(c["approved_micro_usdc"] or 0 for c in status["claims"])
    settled = sum(b["total_micro_usdc"] for b in status["batches"])

    assert approved == settled == status["pool"]["paid_micro_usdc"] > 0


def test_up__printed__tells_claims_payouts_balances_and_where_to_look(default_stack):
    printed = default_stack.printed

    for word in ("SIMULATED WORLD", "balance before", "balance now", "gas used", "Airflow  "):
        assert word in printed
    for claim in default_stack.status()["claims"]:
        if claim["transaction"]:
            assert claim["transaction"] in printed


def test_up__second_time__reuses_what_is_there_and_pays_nothing(default_stack):
    before = default_stack.status()

    default_stack.run("up")

    after = default_stack.status()
    assert decided(after) == decided(before)
    assert money(after) == money(before)
    assert after["processes"] == before["processes"]


def test_dags__each_triggered_twice_more__change_nothing(default_stack, client):
    before = default_stack.status()
    conf = {"window_start": "2026-01-04T23:00:00Z", "window_end": "2026-01-06T02:00:00Z"}

    for _ in range(2):
        for dag_id in EVERY_DAG:
            client.trigger(dag_id, conf if dag_id in airflow.INGEST_DAGS else {})
    wait_until_idle(client)

    after = default_stack.status()
    assert failed_runs(client) == []
    assert decided(after) == decided(before)
    assert money(after) == money(before)
    assert after["batches"] == before["batches"]


def test_backfill__hours_of_every_ingest_dag__changes_nothing(default_stack, client):
    before = default_stack.status()

    for dag_id in airflow.INGEST_DAGS:
        words = ["--from-date", "2026-01-05T09:00:00Z", "--to-date", "2026-01-05T11:00:00Z"]
        default_stack.run("airflow", "backfill", "create", "--dag-id", dag_id, *words)
    wait_until_idle(client)

    after = default_stack.status()
    runs = [r for d in airflow.INGEST_DAGS for r in client.runs(d) if r["run_type"] == "backfill"]
    assert {run["state"] for run in runs} == {"success"}
    assert len(runs) >= 4 * 3
    assert decided(after) == decided(before)
    assert money(after) == money(before)


def test_secrets__of_a_run__stand_in_no_log_and_no_raw_file(default_stack):
    secrets = [
        word
        for path in (default_stack.data / "secrets").iterdir()
        for word in (path.read_text().strip(),)
        if not path.name.endswith(".json")
    ]
    passwords = json.loads((default_stack.data / "secrets/airflow_passwords.json").read_text())
    secrets += passwords.values()
    for folder in ("logs", "raw", "serve", "pages", "world"):
        for path in (default_stack.data / folder).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                leaked = [s for s in secrets if s.encode() in content]
                assert leaked == [], path


def test_two_stacks__side_by_side__do_not_meet(default_stack, tmp_path):
    other = Stack(tmp_path / "other", default_stack.port + 20)
    before = default_stack.status()
    try:
        scenario = "tests/scenarios/okx_real_full_liquidation"
        other.run("up", "--no-superset", "--scenario", scenario)

        claim = other.status()["claims"][0]
        assert claim["verdict"] == "verified"
        assert claim["paid_micro_usdc"] == 3_748_551
        assert money(default_stack.status()) == money(before)
    finally:
        other.run("down")
    assert other.processes() == []
    assert default_stack.status()["processes"] == before["processes"]
