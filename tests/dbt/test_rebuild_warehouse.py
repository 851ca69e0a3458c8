"""The warehouse and its snapshot are deleted: built from raw alone they are what they were."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from leverageguard import clock, config
from leverageguard.recovery import rebuilding
from leverageguard.recovery.rebuilding import RebuildRefused
from leverageguard.stack import processes
from leverageguard.warehouse import snapshot
from tests.dbt import small_world
from tests.dbt.dbt_world import HOUR, DbtWorld

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(dbt_data: Path) -> Iterator[config.Settings]:
    """The small world in a folder of its own, built and published by the command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "lost"))
        world = DbtWorld(config.load(), hours=48)
        clock.set_world(world.start + 48 * HOUR)
        small_world.build(world)
        world.land()
        run(world.settings)
        yield world.settings


@pytest.fixture(autouse=True)
def own_data_folder(built: config.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(built.data_dir))


def run(settings: config.Settings, *, check: bool = False) -> str:
    return "\n".join(rebuilding.lines(settings, {"check": check}))


def test_rebuild__file_that_cannot_be_read__is_no_missing_one(built):
    kept = built.warehouse_path.read_bytes()
    built.warehouse_path.write_bytes(b"held by somebody" * 1000)
    try:
        with pytest.raises(duckdb.IOException):
            run(built)
    finally:
        built.warehouse_path.write_bytes(kept)


def test_rebuild__warehouse_and_snapshot_deleted__every_mart_of_money_is_the_same(built):
    before = rebuilding.digests(snapshot.current(built))
    with duckdb.connect(str(built.warehouse_path), read_only=True) as warehouse:
        counts = [warehouse.execute(f"select count(*) from {mart}").fetchone()[0]
                  for mart in rebuilding.MARTS[:3]]  # fmt: skip
    assert min(counts) > 2
    for folder in (built.warehouse_path.parent, built.serve_dir, built.data_dir / "dbt"):
        shutil.rmtree(folder)

    printed = run(built)

    assert rebuilding.digests(built.warehouse_path) == before
    assert rebuilding.digests(snapshot.current(built)) == before
    assert all(digest in printed for digest in before.values())


def test_check__warehouse_lost_and_snapshot_there__is_held_against_the_snapshot(built):
    built.warehouse_path.unlink()

    assert run(built, check=True).count("as before") == len(rebuilding.MARTS)


def test_check__amount_changed_past_the_builds__fails_and_names_the_mart(built):
    before = rebuilding.digests(built.warehouse_path)
    with duckdb.connect(str(built.warehouse_path)) as warehouse:
        changed = "update fct_payout_items set amount_micro_usdc = amount_micro_usdc + 1"
        assert warehouse.execute(changed).fetchone()[0] > 0
    assert rebuilding.digests(built.warehouse_path) != before

    with pytest.raises(RebuildRefused, match=r"^fct_payout_items: not what was there"):
        run(built, check=True)
    assert rebuilding.digests(built.warehouse_path) == before


def test_rebuild__while_the_stack_runs__is_refused(built, monkeypatch):
    monkeypatch.setattr(processes, "running", lambda _settings: {"airflow-scheduler": object()})

    with pytest.raises(RebuildRefused, match="down first"):
        run(built)
