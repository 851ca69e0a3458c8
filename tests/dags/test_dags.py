"""The DAG files: exactly these, importable without the package's weight, documented, in pools."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leverageguard.gateway import announcing

REPO = Path(__file__).parents[2]
DAGS = {
    "ingest_exchanges",
    "ingest_chain",
    "ingest_claims",
    "ingest_markets",
    "ingest_filings",
    "gather_evidence",
    "build_claims",
    "settle_payouts",
    "train_risk_model",
    "publish_reports",
    "deliver_reports",
    "notify_traders",
    "reconcile_payouts",
    "review_claims",
    "manage_fund",
}
BESIDE_THE_WAREHOUSE = {"let_claims_pass", "show_quality"}
ALLOWED_AT_TOP = {"pendulum", "airflow"}
LOAD = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("{dags}")
print(json.dumps({{
    "errors": {{k: str(v) for k, v in bag.import_errors.items()}},
    "heavy": sorted(m for m in ("ccxt", "web3", "duckdb", "dbt", "great_expectations",
                                "matplotlib", "numpy", "sklearn")
                    if m in sys.modules),
    "dags": {{d.dag_id: {{
        "doc": d.doc_md, "tags": sorted(d.tags), "owner": d.owner, "catchup": d.catchup,
        "max_active_runs": d.max_active_runs,
        "timetable": type(d.timetable).__name__,
        "assets": str(getattr(d.timetable, "asset_condition", "")),
        "waits": {{t.task_id: [t.mode, t.timeout, t.soft_fail] for t in d.tasks
                  if hasattr(t, "poke")}},
        "options": {{t.task_id: t.options for t in d.tasks if hasattr(t, "options")}},
        "retries": {{t.task_id: t.retries for t in d.tasks}},
        "pools": {{t.task_id: t.pool for t in d.tasks}},
        "outlets": {{t.task_id: [o.uri for o in t.outlets] for t in d.tasks}},
        "mapped": sorted(t.task_id for t in d.tasks if t.is_mapped),
        "rules": {{t.task_id: t.trigger_rule.value for t in d.tasks}},
        "upstream": {{t.task_id: sorted(t.upstream_task_ids) for t in d.tasks}},
    }} for d in bag.dags.values()}},
}}))
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    import json

    home = tmp_path_factory.mktemp("airflow")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(REPO / "airflow.cfg"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONWARNINGS": "ignore",
    }
    code = LOAD.format(dags=REPO / "dags")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def started_by(bag, dag_id: str) -> list[str]:
    """The assets a DAG waits for."""
    return re.findall(r"uri='([^']+)'", bag["dags"][dag_id]["assets"])


def test_dags__folder__holds_exactly_the_flow(bag):
    assert bag["errors"] == {}
    assert set(bag["dags"]) == DAGS
    assert {path.stem for path in (REPO / "dags").glob("*.py")} == DAGS


def test_dags__parsing__imports_nothing_heavy(bag):
    assert bag["heavy"] == []


@pytest.mark.parametrize("dag_id", sorted(DAGS))
def test_dag__docstring__answers_the_operators_questions(bag, dag_id):
    found = bag["dags"][dag_id]

    for heading in ("Reads ", "Writes ", "Re-run ", "Backfill ", "On fail "):
        assert heading in found["doc"]
    assert found["tags"] and found["owner"] == "pool-operator" and not found["catchup"]


@pytest.mark.parametrize(
    "dag_id", sorted(d for d in DAGS if d.startswith("ingest_") and d != "ingest_filings")
)
def test_ingest_dag__hourly__has_real_intervals_so_that_backfill_works(bag, dag_id):
    assert bag["dags"][dag_id]["timetable"] == "CronDataIntervalTimetable"


@pytest.mark.parametrize("dag_id", ["build_claims", "publish_reports"])
def test_dag__that_runs_dbt__stays_in_the_one_slot_pool(bag, dag_id):
    pools = bag["dags"][dag_id]["pools"]
    elsewhere = {task_id for task_id, pool in pools.items() if pool != "warehouse"}
    assert elsewhere == (BESIDE_THE_WAREHOUSE if dag_id == "publish_reports" else set())
    assert bag["dags"][dag_id]["max_active_runs"] == 1


def test_publish_reports__the_books__are_kept_and_watched_before_people_see_figures(bag):
    assert started_by(bag, "publish_reports") == ["leverageguard://raw/fund_valuations"]
    outlets = bag["dags"]["manage_fund"]["outlets"]
    told = {task for task, assets in outlets.items() if assets}
    assert told == {"watch_limits"}
    assert outlets["watch_limits"] == ["leverageguard://raw/fund_valuations"]
    # A task before it that failed keeps nobody from seeing what is known.
    assert bag["dags"]["manage_fund"]["rules"]["watch_limits"] == "all_done"


def test_publish_reports__while_claims_are_filed__waits_outside_the_slot_and_not_for_ever(bag):
    found = bag["dags"]["publish_reports"]

    # A task of its own every two seconds (`reschedule`) would cost the claims more than it spares.
    assert found["waits"] == {"let_claims_pass": ["poke", 300, True]}
    assert found["upstream"]["check_arrivals"] == ["let_claims_pass"]
    assert found["upstream"]["let_claims_pass"] == []
    assert found["rules"]["check_arrivals"] == "none_failed"  # a wait that gave up is skipped


def test_build_claims__a_claim_left_unsealed__fails_the_run_after_the_others_are_published(bag):
    found = bag["dags"]["build_claims"]

    assert found["upstream"]["report_unsealed"] == ["publish_snapshot"]
    assert [after for after in found["upstream"].values() if "report_unsealed" in after] == []
    # The payouts of the others are started by the published task, whatever comes of the run.
    assert found["outlets"]["publish_snapshot"] == ["leverageguard://marts/fct_payout_batches"]
    assert found["outlets"]["report_unsealed"] == []


def test_ingest_chain__one_chain_that_fails__neither_stops_the_others_nor_the_build(bag):
    found = bag["dags"]["ingest_chain"]

    assert found["mapped"] == ["land"]
    assert found["upstream"]["register_policies"] == ["land"]
    assert found["rules"]["register_policies"] == "all_done_min_one_success"
    # The build must find a payment that bought nothing in the queue already.
    assert found["outlets"] == {
        "chains": [], "land": [], "register_policies": ["leverageguard://raw/chain"]
    }  # fmt: skip


def test_settle_payouts__one_batch_that_fails__is_red_after_the_others_are_landed(bag):
    found = bag["dags"]["settle_payouts"]

    assert found["rules"]["record"] == "all_done"
    assert found["upstream"]["report_unsettled"] == ["record", "settle"]
    assert found["rules"]["report_unsettled"] == "none_failed"
    assert [after for after in found["upstream"].values() if "report_unsettled" in after] == []


def test_settle_payouts__books_are_compared__before_the_next_run_may_begin(bag):
    found = bag["dags"]["settle_payouts"]

    assert found["upstream"]["reconcile"] == ["record"]
    assert found["rules"]["reconcile"] == "all_done"
    assert found["max_active_runs"] == 1
    assert bag["dags"]["reconcile_payouts"]["upstream"] == {"reconcile": []}


def test_review_claims__one_question_without_an_answer__is_recorded_all_the_same(bag):
    found = bag["dags"]["review_claims"]

    assert found["upstream"]["review.record"] == ["review.ask_second"]
    assert found["rules"]["review.record"] == found["rules"]["review.ask_second"] == "all_done"
    assert found["outlets"]["review.record"] == ["leverageguard://raw/decisions"]
    # A decision is enough to build; of what is pulled, all four are waited for.
    assert set(started_by(bag, "build_claims")) == {
        "leverageguard://raw/evidence", "leverageguard://raw/filings", "leverageguard://raw/decisions"
    }  # fmt: skip
    assert bag["dags"]["build_claims"]["assets"].startswith("AssetAny(")
    gathers = bag["dags"]["gather_evidence"]["assets"]
    assert gathers.startswith("AssetAll(") and len(started_by(bag, "gather_evidence")) == 4


def test_ingest_filings__a_filed_claim__is_taken_up_and_builds_by_itself(bag):
    found = bag["dags"]["ingest_filings"]

    assert started_by(bag, "ingest_filings") == [announcing.FILED]
    # An event that was lost with its server: the clock makes up for it.
    assert found["timetable"] == "AssetOrTimeSchedule"
    assert found["outlets"] == {"take_up": ["leverageguard://raw/filings"]}
    assert found["max_active_runs"] == 1


def test_review_claims__waiting_for_people__holds_up_no_other_run(bag):
    found = bag["dags"]["review_claims"]

    assert found["max_active_runs"] >= 100
    assert "warehouse" not in found["pools"].values()
    # A question that timed out is asked by the next run, never twice by the same one.
    assert set(found["retries"].values()) == {0}


def test_review_claims__options__are_the_ones_that_are_understood(bag):
    from leverageguard.claims import reviewing

    options = bag["dags"]["review_claims"]["options"]
    assert set(options) == {"review.ask_first", "review.ask_second"}
    assert all(set(each) == set(reviewing.OPTIONS) for each in options.values())


def test_train_risk_model__gate__sees_every_kind_that_is_judged(bag):
    found = bag["dags"]["train_risk_model"]

    assert found["upstream"]["promote"] == ["judge_candidate"]
    assert found["mapped"] == ["judge_candidate"]
    # A run that was missed is not made up for: it judges over all days anyhow.
    assert found["timetable"] == "CronTriggerTimetable"


@pytest.mark.parametrize("dag_id", sorted(DAGS))
def test_dag_file__top_level__is_wiring_only(dag_id):
    tree = ast.parse((REPO / "dags" / f"{dag_id}.py").read_text())
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }

    assert imported <= ALLOWED_AT_TOP
    assert len((REPO / "dags" / f"{dag_id}.py").read_text().splitlines()) <= 100


def test_manage_fund__whatever_fails__the_limits_are_watched_and_the_run_is_red(bag):
    found = bag["dags"]["manage_fund"]

    assert found["rules"]["watch_limits"] == found["rules"]["value_fund"] == "all_done"
    assert found["rules"]["push_reserved"] == "all_success"
    assert found["rules"]["report_failed"] == "none_failed"
    assert all("report_failed" not in before for before in found["upstream"].values())
    assert set(found["upstream"]["report_failed"]) == set(found["upstream"]) - {"report_failed"}
    assert found["max_active_runs"] == 1
