"""Readers under publication: none ever fails, each sees the new version soon, none holds it up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leverageguard import config
from leverageguard.warehouse import snapshot

pytestmark = pytest.mark.slow

READERS, PUBLICATIONS = 4, 6
SOON_S = 5.0
# Opens what is published now, as every reader does, and says which figure it saw when first.
READER = """
import json, sys, time
from leverageguard import config
from leverageguard.warehouse import connect, snapshot
settings, told = config.load(), {"reads": 0, "failed": [], "first_seen": {}}
print("ready", flush=True)
while not (settings.data_dir / "enough").exists():
    try:
        [row] = connect.rows(
            snapshot.current(settings),
            "select any_value(number) as number, count(distinct number) as versions, "
            "count(*) as n from fct_numbers",
        )
        assert (row["versions"], row["n"]) == (1, 200_000), row
        told["first_seen"].setdefault(str(row["number"]), time.time())
    except Exception as error:
        told["failed"].append(repr(error))
    told["reads"] += 1
print(json.dumps(told))
"""
HEAVY = """
import sys
from leverageguard import config
from leverageguard.warehouse import connect, snapshot
path = snapshot.current(config.load())
print("ready", flush=True)
connect.rows(path, "select count(*) from fct_numbers a, fct_numbers b where hash(a.k, b.k) % 7 = 3")
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    return config.load()


def publish(settings: config.Settings, number: int) -> float:
    """A build and its publication; how long both took."""
    began = time.monotonic()
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            f"create or replace table fct_numbers as select {number} as number, range as k "
            "from range(200_000)"
        )
    snapshot.publish(settings)
    return time.monotonic() - began


@contextmanager
def started(script: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes of their own, each past its imports."""
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_readers__four_processes_and_six_publications__fail_never_and_see_each_soon(
    settings: config.Settings,
) -> None:
    publish(settings, 0)
    published_at: dict[str, float] = {}
    with started(READER, READERS) as readers:
        for number in range(1, PUBLICATIONS + 1):
            publish(settings, number)
            published_at[str(number)] = time.time()
            time.sleep(1.5)
        (settings.data_dir / "enough").touch()
        told: list[dict[str, Any]] = [
            json.loads(reader.communicate(timeout=60)[0]) for reader in readers
        ]
    for each in told:
        assert each["failed"] == []
        assert each["reads"] > PUBLICATIONS
        waits = {number: each["first_seen"][number] - at for number, at in published_at.items()}
        assert max(waits.values()) < SOON_S, waits


def test_publication__beside_a_heavy_query__waits_for_nothing(settings: config.Settings) -> None:
    publish(settings, 0)
    with started(HEAVY, 1) as [heavy]:
        took = [publish(settings, number) for number in range(1, snapshot.KEEP + 2)]
        assert heavy.poll() is None, "the query was not heavy enough to stand in the way"
        with duckdb.connect(str(snapshot.current(settings)), read_only=True) as connection:
            seen = connection.execute("select any_value(number) from fct_numbers").fetchone()
    assert seen == (snapshot.KEEP + 1,)
    assert max(took) < SOON_S
