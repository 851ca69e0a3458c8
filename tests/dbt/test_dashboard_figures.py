"""A figure has one definition: what a dashboard shows is the metric dbt's project defines."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from leverageguard import config
from leverageguard.dashboards import command as dashboards
from leverageguard.reporting.chapters import CHAPTERS
from leverageguard.stack.progress import StackError
from leverageguard.warehouse import model_runner
from leverageguard.warehouse.metrics import SECTIONS
from leverageguard.warehouse.model_runner import Models
from tests.dbt.dbt_world import DbtWorld

pytestmark = pytest.mark.slow
GUESTS = "rpt_wallet_claims"  # a trader's own rows, and no figure of the pool
ASSETS = config.REPO_DIR / "include" / "superset" / "assets"
DATASETS = ASSETS / "datasets"


@pytest.fixture(scope="module")
def models(small: DbtWorld) -> Models:
    return model_runner.compiled(small.settings)


def datasets() -> dict[str, dict[str, Any]]:
    found = [yaml.safe_load(path.read_text()) for path in DATASETS.rglob("*.yaml")]
    return {each["table_name"]: each for each in found if each["table_name"] != GUESTS}


def test_datasets__their_metrics__are_those_of_the_project(models: Models) -> None:
    ours = {
        (metric.model, metric.metric): (metric.expression, metric.format, metric.description)
        for metric in models.metrics
    }
    shown = {
        (table, metric["metric_name"]): (
            metric["expression"], metric["d3format"], metric["description"]
        )
        for table, each in datasets().items()
        for metric in each["metrics"]
    }  # fmt: skip

    assert shown == ours


def test_sync__what_was_edited_by_hand__is_told_then_mended_and_nothing_else_moves(
    small: DbtWorld, models: Models, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(ASSETS, tmp_path / "assets"))
    files = {
        "charts/operations_gas_a_claim_gas.yaml": ("whole pool", "each venue"),
        "dashboards/risk_and_exposure.yaml": (
            "excluded:\n      - 25268395",
            "excluded:\n      - 1",
        ),
        "datasets/LeverageGuard/rpt_claims.yaml": ("expression: count(", "expression: 2 * count("),
    }
    for name, (before, after) in files.items():
        text = (folder / name).read_text()
        assert before in text, name
        (folder / name).write_text(text.replace(before, after))
    asked = {"action": "sync", "to": folder, "check": True}

    with pytest.raises(StackError) as told:
        dashboards.lines(small.settings, asked)
    assert all(name in str(told.value) for name in files)
    assert dashboards.lines(small.settings, {**asked, "check": False}) == [
        f"changed: {name}" for name in files
    ]
    assert dashboards.lines(small.settings, asked) == ["every file is as dbt and datasets say"]
    for name in files:
        assert (folder / name).read_text() == (ASSETS / name).read_text()


def test_datasets__every_report__can_be_looked_at(models: Models) -> None:
    reports = {model.name for model in models.nodes if model.is_report}

    assert set(datasets()) == reports - {GUESTS} | {"dim_snapshot"}


def test_metrics__every_section__has_some(models: Models) -> None:
    assert {metric.section for metric in models.metrics} == set(SECTIONS)


def test_exposures__each_dashboard_and_the_report_files__name_the_reports_they_show() -> None:
    folder = config.REPO_DIR / "dbt_project" / "models" / "reports"
    told = yaml.safe_load((folder / "_exposures.yml").read_text())["exposures"]
    named = {one["name"]: {ref[5:-2] for ref in one["depends_on"]} for one in told}
    tables = {each["uuid"]: name for name, each in datasets().items()}
    charts = [yaml.safe_load(path.read_text()) for path in (ASSETS / "charts").glob("*.yaml")]
    report = {chart["uuid"]: tables[chart["dataset_uuid"]] for chart in charts}
    shown = {
        path.stem: {
            report[item["meta"]["uuid"]]
            for item in yaml.safe_load(path.read_text())["position"].values()
            if isinstance(item, dict) and item["type"] == "CHART"
        }
        - {"dim_snapshot"}
        for path in (ASSETS / "dashboards").glob("*.yaml")
    }
    files = {table.report for chapter in CHAPTERS for table in chapter.tables}

    assert named == {**shown, "report_files": files}
