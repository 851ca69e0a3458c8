"""What the checks landed comes out of the quality reports whole: nothing failed is lost there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from leverageguard import clock
from leverageguard.quality import quarantine, recording
from leverageguard.quality.failures import Failure
from leverageguard.quality.suites import Suite
from leverageguard.quality.validator import Job
from leverageguard.warehouse import landing, model_runner
from leverageguard.warehouse.model_runner import Models
from tests.dbt.dbt_world import DbtWorld

pytestmark = pytest.mark.slow
AT = 1_767_574_800_000
DAY = 86_400_000
REPORTS = ("rpt_quality_checks", "rpt_quality_failures", "rpt_quarantine")
COUNTED = "the_quality_reports_count_every_check"


@pytest.fixture(scope="module")
def models(small: DbtWorld) -> Models:
    return model_runner.compiled(small.settings)


@pytest.fixture
def warehouse(
    models: Models, small: DbtWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The reports over two suites checked on two days, one of them with failures."""
    settings = replace(small.settings, data_dir=tmp_path)
    landing.ensure_schemas(settings)
    suites = [Suite(f"arrivals.{name}", ("id",), ({},) * 4, "v1", name) for name in ("a", "b")]
    jobs = [Job(suite, pd.DataFrame({"id": range(5)})) for suite in suites]
    broken = [Failure("arrivals.b", "no_null", ("id",), "why", (1, 2), ("1", "2"))]
    for at, found in ((AT, ([], broken)), (AT + DAY, ([], []))):
        monkeypatch.setattr(clock, "now_ms", lambda at=at: at)
        recording.record_checks(settings, "arrivals", zip(jobs, found, strict=True))
    kept = [
        {"id": number, "table": "b", "exchange": venue, "rule": "no_null", "reason": "why",
         "quarantined_at_ms": AT}
        for number, venue in enumerate(("okx", "okx", None))
    ]  # fmt: skip
    monkeypatch.setattr(quarantine, "listing", lambda _: kept)
    recording.record_quarantine(settings)
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        models.run(connection, REPORTS, settings.raw_dir)
        yield connection


def shown(connection: Any, models: Models, metric: str) -> float:
    found = next(each for each in models.metrics if each.metric == metric)
    [(value,)] = connection.execute(f"select {found.expression} from {found.model}").fetchall()
    return float(value)


def test_reports__every_check_and_every_row_taken_out__are_counted(
    warehouse: Any, models: Models
) -> None:
    counted = next(test for test in models.tests if test.name == COUNTED)

    assert warehouse.execute(counted.sql).fetchall() == []


@pytest.mark.parametrize(
    ("report", "lost"),
    [
        ("rpt_quality_checks", "where suite_name = 'arrivals.a'"),
        ("rpt_quality_failures", "where false"),
        ("rpt_quarantine", "where exchange = 'okx'"),
    ],
)
def test_reports__a_row_lost_on_the_way__is_told(
    warehouse: Any, models: Models, report: str, lost: str
) -> None:
    relation = models.model(report).relation
    warehouse.execute(f"create table less as select * from {relation} {lost}")
    counted = next(test for test in models.tests if test.name == COUNTED)

    assert warehouse.execute(counted.sql.replace(relation, "less")).fetchall() != []


def test_reports__a_failed_check_that_says_it_passed__is_told(
    warehouse: Any, models: Models
) -> None:
    mart = models.model("fct_quality_checks").relation
    warehouse.execute(f"update {mart} set is_passed = true")
    counted = next(test for test in models.tests if test.name == COUNTED)

    assert warehouse.execute(counted.sql).fetchall() != []


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("boundary_checks", 4),
        ("boundary_pass_rate", 75.0),
        ("boundary_rules_failed", 1),
        ("boundary_rule_pass_rate", 93.75),
        ("boundary_rows", 20),
        ("boundary_row_failure_rate", 10.0),
        ("rows_quarantined", 3),
        ("tables_quarantined", 1),
    ],
)
def test_metrics__over_the_reports__are_as_made(
    warehouse: Any, models: Models, metric: str, value: float
) -> None:
    assert shown(warehouse, models, metric) == pytest.approx(value)
