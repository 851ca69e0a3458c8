"""The dashboards and a report of a stack that was just brought up: every chart, every figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from leverageguard import config
from leverageguard.reporting.chapters import OF_ROWS
from leverageguard.warehouse import connect, snapshot
from tests.e2e.stacks import Stack
from tests.e2e.superset_server import Running, send, session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHARTS = config.REPO_DIR / "include" / "superset" / "assets" / "charts"


@pytest.fixture
def settings(default_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(default_stack.data))
    monkeypatch.setenv("LEVERAGEGUARD_PORT", str(default_stack.port))
    return config.load()


@pytest.fixture
def running(settings: config.Settings) -> Running:
    return Running(settings, f"http://127.0.0.1:{settings.superset_port}")


@pytest.fixture
def opened(running: Running) -> requests.Session:
    return session(running, "admin")


def pages(opened: requests.Session, running: Running, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(10):
        query = {"q": f"(page_size:100,page:{page})"}
        asked = opened.get(f"{running.url}/api/v1/{kind}/", params=query, timeout=60).json()
        found += asked["result"]
    return found


def test_up__every_chart_of_every_dashboard__returns_rows(
    opened: requests.Session, running: Running
) -> None:
    charts = pages(opened, running, "chart")
    assert len(charts) == len(list(CHARTS.glob("*.yaml")))
    empty = []
    for chart in charts:
        answer = opened.get(f"{running.url}/api/v1/chart/{chart['id']}/data/", timeout=120)
        assert answer.ok, (chart["slice_name"], answer.text)
        if not answer.json()["result"][0]["data"]:
            empty.append(chart["slice_name"])
    assert empty == []


def test_up__every_figure__is_the_same_on_dashboards_in_a_report_and_asked_directly(
    default_stack: Stack, opened: requests.Session, running: Running
) -> None:
    path = snapshot.current(running.settings)
    # Capital came and evidence was read before the first policy was sold.
    bounds = "min(day_date) - interval '7 days' as first, max(day_date) as last"
    [days] = connect.rows(path, f"select {bounds} from dim_days")
    first, last = (f"{days[name]:%Y-%m-%d}" for name in ("first", "last"))
    default_stack.run("report", "--from", first, "--to", last, "--formats", "json", "--again")
    report = Path(running.settings.data_dir) / "reports" / f"range-{first}-{last}" / "report.json"
    told = json.loads(report.read_text())
    numbers = {one["table_name"]: one["id"] for one in pages(opened, running, "dataset")}
    metrics = connect.rows(path, "select metric, model, expression from dim_metrics")
    assert told["snapshot"] == path.parent.name and len(metrics) > 150
    wrong = []
    for metric, model, expression in (tuple(row.values()) for row in metrics):
        [direct] = connect.rows(path, f"select cast({expression} as double) as value from {model}")
        body = {
            "datasource": {"id": numbers[model], "type": "table"},
            "queries": [{"columns": [], "metrics": [metric], "filters": [], "row_limit": 1}],
            "result_format": "json",
            "result_type": "full",
        }
        answer = send(opened, running, "POST", "chart/data", json=body)
        assert answer.ok, (metric, answer.text)
        [row] = answer.json()["result"][0]["data"]
        expected = None if direct["value"] is None else pytest.approx(direct["value"], rel=1e-9)
        shown = None if row[metric] is None else float(row[metric])
        filed = expected if metric in OF_ROWS else told["figures"][metric]["value"]
        if shown != expected or filed != expected:
            wrong.append((metric, direct["value"], shown, filed))
    assert wrong == [], wrong
    assert set(told["figures"]) == {row["metric"] for row in metrics} - OF_ROWS


def test_up__totals__tie_to_the_ledger_and_to_the_chain(
    default_stack: Stack, settings: config.Settings
) -> None:
    pool = default_stack.status()["pool"]
    figures = {}
    path = snapshot.current(settings)
    for row in connect.rows(path, "select metric, model, expression from dim_metrics"):
        [found] = connect.rows(path, f"select {row['expression']} as value from {row['model']}")
        figures[row["metric"]] = found["value"]

    assert round(figures["paid_loss"] * 1e6) == pool["paid_micro_usdc"]
    assert round(figures["paid_on_claims"] * 1e6) == pool["paid_micro_usdc"]
    assert round(figures["cash"] * 1e6) == pool["balance_micro_usdc"]
    assert round(figures["net_cash_flow"] * 1e6) == pool["balance_micro_usdc"]
    assert round(figures["cash_difference"] * 1e6) == 0
    assert round(figures["trial_balance"] * 1e6) == 0
    assert figures["unreconciled_batches"] == 0
    assert round(figures["unbooked_amount"] * 1e6) == 0
