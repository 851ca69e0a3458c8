"""Reading a published file: in UTC, cut off from everything else, from many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leverageguard.warehouse import connect


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    path = tmp_path / "leverageguard.duckdb"
    with duckdb.connect(str(path)) as connection:
        at = "timestamptz '2026-01-05 23:30:00+00'"
        connection.execute(f"create table t as select {at} as seen_at")
    return path


def test_read_only__many_threads_at_once__each_reads_in_utc(published: Path) -> None:
    def read(_: int) -> list[dict[str, Any]]:
        return connect.rows(published, "select cast(seen_at as date)::varchar as day from t")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, range(64)))

    assert found == [[{"day": "2026-01-05"}]] * 64


def test_read_only__beside_another_connection__both_are_cut_off(published: Path) -> None:
    first, second = connect.read_only(published), connect.read_only(published)

    for connection in (first, second):
        for statement in ("select * from read_text('/etc/hostname')", "set threads = 1"):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
        connection.close()
