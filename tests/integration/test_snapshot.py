"""The published snapshot: readers see the old version or the new one, never an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from leverageguard import clock, config
from leverageguard.warehouse import snapshot


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    return config.load()


def build_warehouse(settings: config.Settings, number: int) -> None:
    """A private warehouse as dbt leaves it: a mart, a report view on Parquet, a staging view."""
    parquet = settings.data_dir / "raw.parquet"
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f"copy (select {number} as number) to '{parquet}' (format parquet)")
        for schema in ("main_staging", "main_marts", "main_reports"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            "create or replace view main_staging.stg_numbers as "
            f"select * from read_parquet('{parquet}')"
        )
        connection.execute(
            f"create or replace table main_marts.fct_numbers as select {number} as number"
        )
        connection.execute(
            "create or replace view main_reports.rpt_numbers as "
            "select number from leverageguard.main_staging.stg_numbers"
        )


def read_number(settings: config.Settings, table: str = "fct_numbers") -> int:
    with duckdb.connect(str(snapshot.current(settings)), read_only=True) as connection:
        return connection.execute(f"select number from {table}").fetchone()[0]


def test_publish__marts_and_reports__are_readable_without_the_files_under_them(settings):
    build_warehouse(settings, 7)
    snapshot.publish()
    (settings.data_dir / "raw.parquet").unlink()
    settings.warehouse_path.unlink()
    assert read_number(settings) == 7
    assert read_number(settings, "rpt_numbers") == 7


def test_publish__staging__is_not_published(settings):
    build_warehouse(settings, 7)
    version = snapshot.publish()
    with duckdb.connect(str(snapshot.current(settings)), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("show tables").fetchall()}
        told = connection.execute("select version, is_simulated from dim_snapshot").fetchone()
    assert tables == {"fct_numbers", "rpt_numbers", "dim_snapshot"}
    assert told == (version, False)


def test_publish__simulated_world__says_so_in_the_snapshot(settings):
    clock.set_world(1_767_571_200_000)
    build_warehouse(settings, 7)
    assert snapshot.publish().startswith("20260105T00")
    with duckdb.connect(str(snapshot.current(settings)), read_only=True) as connection:
        assert connection.execute("select is_simulated from dim_snapshot").fetchone() == (True,)


def test_publish__five_times_in_one_second__keeps_the_last_three_in_order(settings):
    build_warehouse(settings, 7)
    made = [snapshot.publish() for _ in range(5)]
    assert made == sorted(made)
    assert snapshot.versions(settings) == made[-3:]
    assert snapshot.current(settings).parent.name == made[-1]


def test_publish__clock_went_back__still_sorts_after_the_last_version(settings):
    build_warehouse(settings, 7)
    clock.set_world(1_767_571_200_000)
    first = snapshot.publish()
    clock.set_world(1_767_500_000_000)
    second = snapshot.publish()
    assert second > first
    assert snapshot.current(settings).parent.name == second


def test_current__nothing_published__says_what_to_run(settings):
    with pytest.raises(snapshot.SnapshotError, match="nothing is published"):
        snapshot.current(settings)


def test_publish__no_warehouse__says_what_to_run(settings):
    with pytest.raises(snapshot.SnapshotError, match="there is no warehouse"):
        snapshot.publish()


def test_publish__same_mart_in_two_schemas__is_refused_and_readers_keep_the_old(settings):
    build_warehouse(settings, 7)
    snapshot.publish()
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create table main_reports.fct_numbers as select 8 as number")
    with pytest.raises(snapshot.SnapshotError, match="same name: fct_numbers"):
        snapshot.publish()
    assert read_number(settings) == 7


def test_publish__reader_holds_the_old_version__keeps_its_answer(settings):
    build_warehouse(settings, 1)
    snapshot.publish()
    with duckdb.connect(str(snapshot.current(settings)), read_only=True) as held:
        build_warehouse(settings, 2)
        snapshot.publish()
        assert held.execute("select number from fct_numbers").fetchone() == (1,)
    assert read_number(settings) == 2


def test_publish__many_concurrent_readers__see_old_or_new_and_never_an_error(settings):
    build_warehouse(settings, 0)
    snapshot.publish()
    stop, seen, errors = threading.Event(), [], []

    def keep_reading() -> None:
        mine = []
        while not stop.is_set():
            try:
                mine.append(read_number(settings))
            except (duckdb.Error, OSError, snapshot.SnapshotError) as error:
                errors.append(error)
        seen.append(mine)

    readers = [threading.Thread(target=keep_reading) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 9):
        build_warehouse(settings, number)
        snapshot.publish()
        time.sleep(0.1)
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert all(mine == sorted(mine) for mine in seen)
    assert all(seen)
    assert read_number(settings) == 8


KILLED = """
import os, sys
from leverageguard.warehouse import snapshot
def die(*_): os.kill(os.getpid(), 9)
setattr(snapshot, sys.argv[1], die)
snapshot.publish()
"""


@pytest.mark.parametrize("point", ["_copy_marts", "_sync", "_point_link", "_prune"])
def test_publish__killed_half_way__readers_see_a_whole_version_and_the_next_publish_works(
    settings, point
):
    build_warehouse(settings, 1)
    snapshot.publish()
    build_warehouse(settings, 2)
    command = [sys.executable, "-c", KILLED, point]
    killed = subprocess.run(command, env=dict(os.environ), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read_number(settings) == (2 if point == "_prune" else 1)
    build_warehouse(settings, 3)
    snapshot.publish()
    assert read_number(settings) == 3
    assert not list(settings.serve_dir.glob(".tmp-*"))


def test_publish__other_data_folder__is_left_alone(settings, tmp_path):
    build_warehouse(settings, 1)
    snapshot.publish()
    other = replace(settings, data_dir=tmp_path / "other")
    with pytest.raises(snapshot.SnapshotError):
        snapshot.current(other)
