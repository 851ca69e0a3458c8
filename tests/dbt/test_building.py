"""A build that runs what dbt compiled ends as dbt's own: the same rows, tests that judge alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leverageguard import clock, config
from leverageguard.warehouse import (
    building,
    connect,
    dbt_runner,
    landing,
    model_runner,
    snapshot,
)
from leverageguard.warehouse.manifest import DataTest, Model
from leverageguard.warehouse.model_runner import Models
from tests.dbt import small_world
from tests.dbt.dbt_world import HOUR, DbtWorld

pytestmark = pytest.mark.slow
EVERY_RELATION = (
    "select table_schema, table_name, table_type from information_schema.tables "
    "where table_catalog = 'leverageguard' order by all"
)


@pytest.fixture
def models(small: DbtWorld) -> Models:
    return model_runner.compiled(small.settings)


@pytest.fixture
def settings(
    small: DbtWorld, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> config.Settings:
    """The small world's raw files and time, and a warehouse of its own."""
    made = replace(small.settings, data_dir=tmp_path)
    made.warehouse_path.parent.mkdir(parents=True)
    monkeypatch.setattr(model_runner, "compiled", lambda _settings: models)
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path))
    clock.set_world(small.start + 48 * small_world.HOUR)
    return made


def relations(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table and view of a warehouse with its rows."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(EVERY_RELATION).fetchall()
        return {
            f"{kind} {schema}.{name}": connection.execute(
                f'select * from "{schema}"."{name}" order by all'
            ).fetchall()
            for schema, name, kind in found
        }


def only(models: Models, name: str, sql: str) -> Models:
    """The models with one of them, or one test, reading otherwise."""
    nodes = tuple(replace(node, sql=sql) if node.name == name else node for node in models.nodes)
    tests = tuple(replace(test, sql=sql) if test.name == name else test for test in models.tests)
    return replace(models, nodes=nodes, tests=tests)


def run(settings: config.Settings, small: DbtWorld) -> dict[str, building.Outcome]:
    outcomes = building.run(settings, small.settings.build_raw_dir)
    return {outcome.name: outcome for outcome in outcomes}


def test_run__ends_as_dbts_own_build(
    small: DbtWorld, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(small.settings.warehouse_path), read_only=True) as connection:
        moment = "select epoch_ms(any_value(as_of_at)) from dim_days"
        [[as_of_ms]] = connection.execute(moment).fetchall()
    monkeypatch.setattr(clock, "now_ms", lambda: as_of_ms)
    found = run(settings, small)

    dbts = relations(small.settings.warehouse_path)
    ours = relations(settings.warehouse_path)
    for kept in ("dim_metrics", "report_queries"):  # what a build adds for people
        assert ours.pop(f"BASE TABLE main.{kept}")
    assert list(ours) == list(dbts)
    assert [name for name in dbts if ours[name] != dbts[name]] == []
    assert {outcome.status for outcome in found.values()} <= {"success", "pass"}


def test_compiled__holds_every_test_of_the_project(small: DbtWorld, models: Models) -> None:
    folder = small.settings.dbt_dir / "tests"
    singular = {path.stem for path in folder.rglob("*.sql") if path.parent.name != "generic"}

    assert singular <= {test.name for test in models.tests}
    assert len(models.tests) > 2 * len(singular)
    assert all(test.parents and "{{" not in test.sql for test in models.tests)


def test_run__a_test_finds_rows__leaves_the_warehouse_that_was_there(
    small: DbtWorld, settings: config.Settings, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, small)
    before = settings.warehouse_path.read_bytes()
    broken = only(models, "no_liquidation_is_paid_twice", "select 'clm_7' as claim_id")
    monkeypatch.setattr(model_runner, "compiled", lambda _settings: broken)

    outcome = run(settings, small)["no_liquidation_is_paid_twice"]

    assert (outcome.status, outcome.is_bad) == ("fail", True)
    assert "Got 1 results" in outcome.message and "claim_id=clm_7" in outcome.message
    assert settings.warehouse_path.read_bytes() == before
    assert [path.name for path in settings.warehouse_path.parent.iterdir()] == [
        settings.warehouse_path.name
    ]


def test_run__a_model_breaks__what_reads_it_is_skipped_tests_too(
    small: DbtWorld, settings: config.Settings, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = only(models, "fct_claims", "select 1 / 'nothing'::int as claim_id")
    monkeypatch.setattr(model_runner, "compiled", lambda _settings: broken)

    found = run(settings, small)

    readers = [node.name for node in models.nodes if "fct_claims" in node.parents]
    tests = [test.name for test in models.tests if "fct_claims" in test.parents]
    assert found["fct_claims"].status == "error" and "nothing" in found["fct_claims"].message
    assert readers and tests
    assert {found[name].status for name in (*readers, *tests)} == {"skipped"}
    assert not settings.warehouse_path.exists()


def test_run__knows_the_time__a_row_of_the_future_stops_it(
    small: DbtWorld, settings: config.Settings
) -> None:
    clock.set_world(small.start + HOUR)

    assert run(settings, small)["no_time_lies_in_the_future"].status == "fail"


@pytest.mark.parametrize(
    ("rows", "severity", "status"),
    [(0, "error", "pass"), (2, "error", "fail"), (2, "warn", "warn")],
)
def test_test__judged_as_dbt_does(rows: int, severity: str, status: str, tmp_path: Path) -> None:
    sql = f"select * from range({rows})"
    test = DataTest("t", sql, severity, "count(*)", "!= 0", "!= 0", None, ())
    seeds = tmp_path / "seeds.duckdb"
    with building._database(seeds):
        pass
    with building._database(tmp_path / "w.duckdb") as connection:
        made = Models((Model("m", "main", False, "select 1 as a", ()),), seeds, (test,))
        done = list(building._Build(connection, made, tmp_path).run(True))

    assert [(each.name, each.status) for each in done] == [("m", "success"), ("t", status)]


def test_database__what_does_not_fit_into_memory__goes_beside_the_file(tmp_path: Path) -> None:
    with building._database(tmp_path / "w.duckdb") as connection:
        [[folder]] = connection.execute("select current_setting('temp_directory')").fetchall()

    assert folder == str(tmp_path / "w.spill")


def test_run__for_claims__leaves_the_tests_of_reports_alone_and_no_other(
    small: DbtWorld, settings: config.Settings, models: Models
) -> None:
    whole = run(settings, small)
    done = building.run(settings, small.settings.build_raw_dir, tests_reports=False)

    left = {name for name in whole if name not in {outcome.name for outcome in done}}
    parents = {test.name: test.parents for test in models.tests}
    assert left and all(any(one.startswith("rpt_") for one in parents[name]) for name in left)
    assert not any(
        one.startswith("rpt_") for outcome in done for one in parents.get(outcome.name, ())
    )


def test_build__for_claims__is_no_whole_one(
    small: DbtWorld, settings: config.Settings, models: Models
) -> None:
    landing.ensure_schemas(settings)

    dbt_runner.build(tests_reports=False)

    assert dbt_runner.build_if_changed() != {"unchanged": 1}
    assert dbt_runner.build_if_changed() == {"unchanged": 1}


def test_models__that_are_reports__are_views_over_what_is_published(models: Models) -> None:
    reports = [model for model in models.nodes if model.is_report]

    assert [model.name for model in models.nodes if model.name.startswith("rpt_")] == [
        model.name for model in reports
    ]
    assert [model.name for model in reports if not model.is_view] == []
    read = {parent for model in reports for parent in model.parents}
    assert [name for name in read if not name.startswith(snapshot.PUBLISHED_PREFIXES)] == []


def test_publish__every_report__is_worked_out_in_the_snapshot_as_in_the_warehouse(
    small: DbtWorld, settings: config.Settings, models: Models
) -> None:
    run(settings, small)
    snapshot.publish(settings)

    reports = {model.name: model.schema for model in models.nodes if model.is_report}
    with (
        duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse,
        connect.read_only(snapshot.current(settings)) as published,
    ):
        warehouse.execute("set TimeZone = 'UTC'")
        views = published.execute("select view_name from duckdb_views() where not internal")
        assert {name for (name,) in views.fetchall()} == set(reports)
        for name, schema in reports.items():
            here = warehouse.execute(f"select * from {schema}.{name} order by all").fetchall()
            there = published.execute(f"select * from {name} order by all").fetchall()
            assert there == here, name


def test_build__fails__is_not_current_and_nothing_of_it_is_used(
    small: DbtWorld, settings: config.Settings, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.ensure_schemas(settings)
    dbt_runner.build()
    before = settings.warehouse_path.read_bytes()
    broken = only(models, "no_liquidation_is_paid_twice", "select 'clm_7' as claim_id")
    monkeypatch.setattr(model_runner, "compiled", lambda _settings: broken)

    with pytest.raises(dbt_runner.DbtFailed, match=r"no_liquidation_is_paid_twice \(fail\)"):
        dbt_runner.build()

    assert not dbt_runner._stamp(settings).exists()
    assert settings.warehouse_path.read_bytes() == before
