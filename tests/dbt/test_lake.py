"""One raw folder built into a file and into a lake: the same rows, tests and money to the byte."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from leverageguard import clock, config
from leverageguard.claims import knowing
from leverageguard.evidence import claims as decided_claims
from leverageguard.quality import steps
from leverageguard.recovery import rebuilding
from leverageguard.stack import processes
from leverageguard.warehouse import (
    building,
    connect,
    dbt_runner,
    lake,
    landing,
    model_runner,
    snapshot,
)
from leverageguard.warehouse.model_runner import Models
from tests.dbt import small_world
from tests.dbt.dbt_world import DbtWorld
from tests.postgresql import Server, libpq

pytestmark = pytest.mark.slow
EVERY_RELATION = (
    "select table_schema, table_name, table_type from information_schema.tables "
    "where table_catalog = 'leverageguard' and table_name <> 'passed_builds' order by all"
)
EVERY_COLUMN = (
    "select table_schema, table_name, column_name, data_type from information_schema.columns "
    "where table_catalog = 'leverageguard' and table_name <> 'passed_builds' order by all"
)
# A build that is killed when all is written and nothing committed yet.
KILLED = """
import os, signal
from leverageguard import config
from leverageguard.warehouse import building, lake
lake._mark = lambda connection: os.kill(os.getpid(), signal.SIGKILL)
settings = config.load()
building.run(settings, settings.build_raw_dir)
"""


@pytest.fixture(scope="module")
def models(small: DbtWorld) -> Models:
    return model_runner.compiled(small.settings)


@pytest.fixture(scope="module")
def both(
    small: DbtWorld, models: Models, postgresql: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[config.Settings, config.Settings]]:
    """The settings of a stack with a file and of one with a lake, built at the same instant."""
    with postgresql.database() as url, pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("lake")
        patch.setattr(model_runner, "compiled", lambda _settings: models)
        clock_file = small.start + 48 * small_world.HOUR
        made = []
        for name, catalogue in (("file", None), ("lake", libpq(url))):
            patch.setenv("LEVERAGEGUARD_DATA", str(folder / name))
            clock.set_world(clock_file)
            settings = replace(small.settings, data_dir=folder / name, lake_catalogue=catalogue)
            settings.warehouse_path.parent.mkdir(parents=True)
            landing.ensure_schemas(settings)
            made.append(settings)
        patch.setattr(clock, "now_ms", lambda: clock_file)
        for settings in made:
            done = building.run(settings, small.settings.build_raw_dir)
            assert not any(outcome.is_bad for outcome in done)
        yield made[0], made[1]


@pytest.fixture(autouse=True)
def in_the_lake(
    both: tuple[config.Settings, config.Settings],
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
) -> config.Settings:
    """What reads its own settings finds the lake."""
    _, ours = both
    monkeypatch.setattr(model_runner, "compiled", lambda _settings: models)
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(ours.data_dir))
    monkeypatch.setenv("LEVERAGEGUARD_LAKE_CATALOGUE", str(ours.lake_catalogue))
    return ours


def rows(connection: Any) -> dict[str, list[Any]]:
    return {
        f"{kind} {schema}.{name}": connection.execute(
            f'select * from "{schema}"."{name}" order by all'
        ).fetchall()
        for schema, name, kind in connection.execute(EVERY_RELATION).fetchall()
    }


def decided(settings: config.Settings) -> list[Any]:
    """The claims as evidence is sealed of them; a package orders its rows itself."""
    return [
        replace(
            claim, context={name: sorted(map(repr, found)) for name, found in claim.context.items()}
        )
        for claim in decided_claims.decided(settings, "core-v4")
    ]


def test_lake__every_relation__holds_the_rows_and_types_of_the_file(both):
    file, ours = both
    with connect.trusted(file.warehouse) as here, connect.trusted(ours.warehouse) as there:
        expected, found = rows(here), rows(there)
        assert list(found) == list(expected)
        assert [name for name in expected if found[name] != expected[name]] == []
        columns = there.execute(EVERY_COLUMN).fetchall()
        assert columns == here.execute(EVERY_COLUMN).fetchall()

    assert min(len(expected[f"BASE TABLE main.{mart}"]) for mart in rebuilding.MARTS[:3]) > 2


def test_lake__marts_of_money__have_the_same_digests_in_file_lake_and_publication(both):
    file, ours = both
    expected = rebuilding.digests(file.warehouse)

    assert rebuilding.digests(ours.warehouse) == expected
    snapshot.publish(ours)
    assert rebuilding.digests(snapshot.current(ours)) == expected


def test_lake__every_test_of_the_project__passes_over_what_it_keeps(both, models, small):
    _, ours = both
    with connect.trusted(ours.warehouse) as connection:
        build = building._Build(connection, models, small.settings.build_raw_dir)
        outcomes = [build._test(test) for test in models.tests]

    assert len(outcomes) > 100
    assert [str(one) for one in outcomes if one.status != "pass"] == []


def test_lake__those_who_read_a_warehouse__read_the_same_of_it(both):
    file, ours = both

    assert knowing.notices(ours.warehouse) == knowing.notices(file.warehouse)
    assert decided(ours) == decided(file)
    assert steps.check_departures()["rows"] > 0


def test_build__killed_when_all_is_written__readers_stay_and_the_next_one_heals(both, small):
    _, ours = both
    snapshot.publish(ours)
    published, before = snapshot.current(ours), rebuilding.digests(ours.warehouse)
    known = set(ours.lake_dir.rglob("*.parquet"))
    # Its own process would look for the raw files and the compiled project below its data folder.
    environment = {
        **config.child_environment(small.settings),
        "LEVERAGEGUARD_LAKE_FILES": str(ours.lake_dir),
    }

    done = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)

    assert done.returncode == -9
    left_over = set(ours.lake_dir.rglob("*.parquet")) - known
    assert len(left_over) > 50
    assert rebuilding.digests(ours.warehouse) == before
    assert snapshot.current(ours) == published
    building.run(ours, small.settings.build_raw_dir)
    snapshot.publish(ours)
    assert rebuilding.digests(ours.warehouse) == before
    assert snapshot.current(ours) != published
    assert not left_over & set(ours.lake_dir.rglob("*.parquet"))


def test_build__a_column_wider_than_a_file_keeps__fails_its_test_and_nothing_is_kept(
    both, models, small, monkeypatch
):
    _, ours = both
    before = rebuilding.digests(ours.warehouse)
    nodes = tuple(
        replace(node, sql=f"select *, sum(1) over () as wide from ({node.sql})")
        if node.name == "fct_payout_batches"
        else node
        for node in models.nodes
    )
    monkeypatch.setattr(model_runner, "compiled", lambda _settings: replace(models, nodes=nodes))

    done = building.run(ours, small.settings.build_raw_dir)

    bad = [outcome for outcome in done if outcome.is_bad]
    assert [outcome.name for outcome in bad] == ["no_column_is_wider_than_a_file_keeps"]
    assert "column_name=wide, data_type=HUGEINT" in bad[0].message
    assert rebuilding.digests(ours.warehouse) == before


def test_dbt__target_cluster__builds_a_part_anew_and_writes_the_docs(both, small, models):
    _, ours = both
    before = rebuilding.digests(ours.warehouse)

    counts = dbt_runner.build("fct_payout_items fct_fund_valuations")

    assert counts["success"] == 2 and set(counts) <= {"success", "pass"}
    with lake.connect(ours.lake) as connection:
        assert lake.is_whole(ours.lake)
        [[message]] = connection.execute(
            "select commit_message from leverageguard.snapshots() order by snapshot_id desc limit 1"
        ).fetchall()
    assert message == lake.PASSED
    page = dbt_runner.docs().read_text()
    assert [model.name for model in models.nodes if model.name not in page] == []
    assert rebuilding.digests(ours.warehouse) == before


def test_dbt__the_build_before_did_not_pass__builds_no_part_of_it(both):
    _, ours = both
    with lake.connect(ours.lake) as connection:
        connection.execute("create or replace table main.half_built as select 1 as n")

    with pytest.raises(dbt_runner.DbtFailed, match="build all of it first"):
        dbt_runner.build("fct_payout_items")


def test_rebuild_warehouse__check__holds_the_lake_against_itself(both, small, monkeypatch):
    _, ours = both
    monkeypatch.setattr(processes, "running", lambda _settings: {})
    # Raw is the small world's; the command freezes it for its build.
    monkeypatch.setattr(dbt_runner.freezing, "freeze", lambda _: small.settings.build_raw_dir)

    printed = "\n".join(rebuilding.lines(ours, {"check": True}))

    assert printed.count("as before") == len(rebuilding.MARTS)
    assert "published as " in printed
