"""The lake: whole builds alone are seen, what nobody reads goes, one writer at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from leverageguard import config
from leverageguard.lake_settings import Lake
from leverageguard.warehouse import connect, lake
from leverageguard.warehouse.lake import LakeError, View
from tests.postgresql import Server, libpq

WORD = "geheim"
ODD = View("staging", "odd", 'select * from "leverageguard"."main"."fct_numbers" where n % 2 = 1')


@pytest.fixture
def empty(postgresql: Server, tmp_path: Path) -> Iterator[Lake]:
    with postgresql.database() as url:
        yield Lake(libpq(url), tmp_path / "lake", builds=2)


def draft(tmp_path: Path, query: str = "select range as n from range(3)") -> Path:
    """A build's file with one table."""
    path = tmp_path / "draft.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table fct_numbers as {query}")
    return path


def numbers(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in connection.execute("select n from fct_numbers order by n").fetchall()]


def files(where: Lake) -> set[Path]:
    return {path for path in where.files.rglob("*") if path.is_file()}


def test_read_only__nothing_was_built__says_what_to_run(empty: Lake) -> None:
    with pytest.raises(LakeError, match="run build_claims"):
        lake.read_only(empty)
    assert not connect.is_built(empty)


def test_fill__tables_and_views__are_read_as_the_build_made_them(
    empty: Lake, tmp_path: Path
) -> None:
    lake.fill(empty, draft(tmp_path), [ODD])

    with connect.read_only(empty) as connection:
        assert numbers(connection) == [0, 1, 2]
        assert connection.execute("select n from staging.odd").fetchall() == [(1,)]
    assert connect.is_built(empty)


def test_fill__what_the_project_has_no_more__is_gone_and_the_build_before_still_read(
    empty: Lake, tmp_path: Path
) -> None:
    lake.fill(empty, draft(tmp_path), [ODD])
    with connect.read_only(empty) as before:
        lake.fill(empty, draft(tmp_path, "select 7 as n"), [])

        assert numbers(before) == [0, 1, 2]
        assert before.execute("select n from staging.odd").fetchall() == [(1,)]
    with connect.read_only(empty) as after:
        assert numbers(after) == [7]
        with pytest.raises(duckdb.CatalogException):
            after.execute("select * from staging.odd")


def test_commit__that_no_build_ended_with__is_not_seen(empty: Lake, tmp_path: Path) -> None:
    lake.fill(empty, draft(tmp_path), [])
    with lake.connect(empty) as connection:
        connection.execute("insert into fct_numbers values (100)")

    with connect.read_only(empty) as reader:
        assert numbers(reader) == [0, 1, 2]
    assert not lake.is_whole(empty)
    lake.fill(empty, draft(tmp_path), [])
    assert lake.is_whole(empty)


@pytest.mark.parametrize("query", ["select 1::hugeint as n", "select [1::uhugeint] as n"])
def test_fill__a_whole_number_of_128_bits__is_refused_and_named(
    empty: Lake, tmp_path: Path, query: str
) -> None:
    lake.fill(empty, draft(tmp_path), [])

    with pytest.raises(LakeError, match=r"cast main\.fct_numbers\.n to DECIMAL"):
        lake.fill(empty, draft(tmp_path, query), [])

    with connect.read_only(empty) as reader:
        assert numbers(reader) == [0, 1, 2]


def test_fill__the_widest_decimal__comes_back_to_the_last_digit(
    empty: Lake, tmp_path: Path
) -> None:
    most = "9" * 38
    lake.fill(empty, draft(tmp_path, f"select {most}::decimal(38, 0) as n"), [])

    with connect.read_only(empty) as reader:
        assert [str(n) for n in numbers(reader)] == [most]


def test_tidy__many_builds__the_last_ones_stay_and_the_files_of_the_others_go(
    empty: Lake, tmp_path: Path
) -> None:
    for n in range(5):
        lake.fill(empty, draft(tmp_path, f"select {n} as n"), [])
    before = files(empty)
    left_over = empty.files / "main" / "fct_numbers" / "of-a-killed-build.parquet"
    left_over.write_bytes(b"PAR1")
    with lake.connect(empty) as connection:
        kept = lake.passed(connection)[-2:]

    deleted = lake.tidy(empty)

    with lake.connect(empty) as connection:
        assert lake.passed(connection) == kept
        versions = connection.execute("select snapshot_id from leverageguard.snapshots()")
        assert [version for (version,) in versions.fetchall()] == kept
    # A build of these is a file for its table, and one that says when it was.
    assert len(before) == 10 and len(files(empty)) == 4 and files(empty) < before
    assert deleted == 7
    with connect.read_only(empty) as reader:
        assert numbers(reader) == [4]
    assert lake.tidy(empty) == 0


def test_tidy__a_reader_of_the_oldest_build_that_is_kept__reads_on(
    empty: Lake, tmp_path: Path
) -> None:
    lake.fill(empty, draft(tmp_path), [])
    with connect.read_only(empty) as reader:
        lake.fill(empty, draft(tmp_path, "select 7 as n"), [])
        lake.tidy(empty)

        assert numbers(reader) == [0, 1, 2]


def test_fill__while_another_writes__waits_for_it(
    postgresql: Server, empty: Lake, tmp_path: Path
) -> None:
    made = draft(tmp_path)
    other = threading.Thread(target=lake.fill, args=(empty, made, []))
    with lake.writing(empty), psycopg.connect(empty.catalogue, autocommit=True) as watching:
        other.start()
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        until = time.monotonic() + 60
        while watching.execute(waiting).fetchone() != (1,):
            assert time.monotonic() < until
            time.sleep(0.02)
        assert not connect.is_built(empty)
    other.join(60)

    assert connect.is_built(empty)


def test_read_only__files_of_others__are_out_of_reach(empty: Lake, tmp_path: Path) -> None:
    lake.fill(empty, draft(tmp_path), [])

    with connect.read_only(empty) as reader:
        with pytest.raises(duckdb.PermissionException):
            reader.execute("select * from read_text('/etc/hostname')")
        with pytest.raises(duckdb.InvalidInputException):
            reader.execute("set enable_external_access = true")
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            reader.execute("drop table fct_numbers")


@pytest.mark.parametrize(
    "catalogue",
    [
        "host=/nowhere dbname=lake user=me password=" + WORD,
        f"postgresql://me:{WORD}@/lake?host=/nowhere",
        f"host=/nowhere dbname=lake user=me password='{WORD}'",
    ],
)
def test_catalogue__does_not_answer__no_error_tells_its_password(
    catalogue: str, tmp_path: Path
) -> None:
    gone = Lake(catalogue, tmp_path)

    for refused in (lambda: lake.connect(gone), lambda: lake.tidy(gone)):
        with pytest.raises(LakeError, match="catalogue does not answer") as failed:
            refused()
        assert WORD not in str(failed.value)
    assert WORD not in repr(gone)


def test_extensions__are_those_of_the_packages__nothing_is_downloaded(
    empty: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))

    with lake.connect(empty) as connection:
        loaded = connection.execute(
            "select extension_name from duckdb_extensions() where loaded "
            "and extension_name in ('ducklake', 'postgres_scanner') order by all"
        ).fetchall()
        downloads = connection.execute(
            "select value from duckdb_settings() where name in "
            "('autoinstall_known_extensions', 'autoload_known_extensions')"
        ).fetchall()

    assert loaded == [("ducklake",), ("postgres_scanner",)]
    assert downloads == [("false",), ("false",)]
    assert list(home.iterdir()) == []


def test_settings__catalogue_set__builds_go_to_the_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.load().warehouse == config.load().warehouse_path
    monkeypatch.setenv("LEVERAGEGUARD_LAKE_CATALOGUE", "host=db password=" + WORD)

    loaded = config.load()

    assert loaded.warehouse == Lake("host=db password=" + WORD, loaded.data_dir / "lake", 3)
    assert WORD not in repr(loaded)


@pytest.mark.parametrize("builds", ["0", "-1", "some"])
def test_settings__no_build_would_be_kept__is_refused(
    monkeypatch: pytest.MonkeyPatch, builds: str
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_LAKE_BUILDS", builds)

    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_LAKE_BUILDS"):
        config.load()
