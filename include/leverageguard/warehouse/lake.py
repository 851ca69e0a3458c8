"""The warehouse as a lake: Parquet files that any machine reads, their catalogue in PostgreSQL.

Every commit is a version of the whole lake. One that ends a build whose tests passed is marked, and
readers attach the last marked version: they see whole builds alone, however far another one has
come or where it was killed.

DuckLake knows no unique keys, and two writers of one row are both let through. So whoever writes
holds a lock of the catalogue's database, which PostgreSQL frees when its holder dies.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard import clock
from leverageguard.lake_settings import Lake
from leverageguard.warehouse.sql_text import quoted

CATALOG = "leverageguard"  # what views name, in a file as in a lake
EXTENSIONS = ("ducklake", "postgres_scanner")
PASSED = "every test passed"
_AUTHOR = "leverageguard"
_LOCK = int.from_bytes(b"lakelock")
# Small tables go to files too: the catalogue keeps rows as text, and text comes back as it can.
_OPTIONS = "data_inlining_row_limit 0"
_NO_DOWNLOADS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@dataclass(frozen=True)
class View:
    """A view of a build and its query, which names its relations as the lake does."""

    schema: str
    name: str
    query: str


class LakeError(OSError):
    """The lake cannot be reached or holds nothing whole; the message never tells a password."""


def connect(lake: Lake, *, threads: int = 2, memory_limit: str | None = None) -> Any:
    """A connection in UTC to the lake as it is now, also in the middle of a build."""
    connection = _empty(threads, memory_limit)
    attach(connection, lake)
    connection.execute(f"use {CATALOG}")
    return connection


def read_only(lake: Lake, *, threads: int = 2, memory_limit: str | None = None) -> Any:
    """A connection in UTC to the last whole build; it stays there while others are built.

    Raises LakeError before the first one.
    """
    connection = _empty(threads, memory_limit)
    attach_whole(connection, lake)
    connection.execute(f"use {CATALOG}")
    return connection


def attach_whole(connection: Any, lake: Lake) -> None:
    """Make the last whole build readable as `leverageguard`; raises LakeError when there is none.

    Unlike a file's catalogue this one cannot be closed to other files: give its connection no SQL
    of strangers.
    """
    attach(connection, lake)
    versions = passed(connection)
    connection.execute(f"detach {CATALOG}")
    if not versions:
        raise LakeError("no build of the lake has passed yet: run build_claims")
    attach(connection, lake, f"snapshot_version {versions[-1]}")


def attach(connection: Any, lake: Lake, option: str = _OPTIONS) -> None:
    """Attach the lake as `leverageguard`; raises LakeError when it cannot be reached.

    The extensions are files of installed packages: nothing is downloaded.
    """
    import duckdb

    load_extensions(connection)
    lake.files.mkdir(parents=True, exist_ok=True)
    where, files = quoted(f"ducklake:postgres:{lake.catalogue}"), quoted(f"{lake.files}/")
    try:
        connection.execute(f"attach '{where}' as {CATALOG} (data_path '{files}', {option})")
    except duckdb.Error as error:
        # DuckDB repeats the connection string, and what was raised would be shown with it.
        told = str(error).replace(lake.catalogue, "...").replace(quoted(lake.catalogue), "...")
        raise LakeError(f"the lake's catalogue does not answer: {told.strip()}") from None


def load_extensions(connection: Any) -> None:
    """Load what a lake needs from the installed packages; DuckDB checks their signatures."""
    import duckdb

    for name in EXTENSIONS:
        try:
            package = importlib.import_module(f"duckdb_extension_{name}")
        except ModuleNotFoundError:
            raise LakeError(
                f"the package duckdb-extension-{name.replace('_', '-')} is not installed: it is "
                "in requirements/cluster.lock"
            ) from None
        [folder] = package.__path__
        file = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        connection.execute(f"load '{quoted(file)}'")


@contextmanager
def writing(lake: Lake) -> Iterator[None]:
    """Wait until nobody else writes the lake and be its only writer for the block."""
    import psycopg

    try:
        holder = psycopg.connect(lake.catalogue, autocommit=True)
    except psycopg.Error as error:
        told = str(error).replace(lake.catalogue, "...").strip()
        raise LakeError(f"the lake's catalogue does not answer: {told}") from None
    with holder:
        holder.execute("select pg_advisory_lock(%s)", [_LOCK])
        yield


def fill(lake: Lake, draft: Path, views: Iterable[View]) -> None:
    """Put a build in place of all that is there, in one commit that readers see.

    `draft` is the DuckDB file it was made in; `views` come each after those it reads. A commit a
    table took eight times as long, and ever longer the more of them the catalogue knew.
    """
    with writing(lake), connect(lake) as connection:
        connection.execute(f"attach '{quoted(draft)}' as draft (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'draft' order by all"
        ).fetchall()
        connection.execute("begin")
        _clear(connection)
        for schema, table in tables:
            connection.execute(f'create schema if not exists {CATALOG}."{schema}"')
            connection.execute(
                f'create table {CATALOG}."{schema}"."{table}" as from draft."{schema}"."{table}"'
            )
        for view in views:
            connection.execute(f'create schema if not exists {CATALOG}."{view.schema}"')
            connection.execute(
                f'create view {CATALOG}."{view.schema}"."{view.name}" as (\n{view.query}\n)'
            )
        _mark(connection)
        connection.execute("commit")


def _clear(connection: Any) -> None:
    """Take every table and view out; older versions keep theirs."""
    relations = connection.execute(
        "select table_schema, table_name, table_type from information_schema.tables "
        "where table_catalog = ?",
        [CATALOG],
    ).fetchall()
    for schema, name, kind in relations:
        what = "view" if kind == "VIEW" else "table"
        connection.execute(f'drop {what} {CATALOG}."{schema}"."{name}"')


def mark_passed(connection: Any) -> None:
    """Make the newest version the one that readers see."""
    connection.execute("begin")
    _mark(connection)
    connection.execute("commit")


def _mark(connection: Any) -> None:
    _refuse_wide_columns(connection)
    connection.execute(
        f"create or replace table {CATALOG}.main.passed_builds as select {clock.now_ms()} as at_ms"
    )
    connection.execute(f"call {CATALOG}.set_commit_message('{_AUTHOR}', '{PASSED}')")


def _refuse_wide_columns(connection: Any) -> None:
    """A whole number of 128 bits is kept as a binary double, and comes back another one."""
    wide = connection.execute(
        "select table_schema || '.' || table_name || '.' || column_name "
        "from information_schema.columns where table_catalog = ? and data_type like '%HUGEINT%' "
        "order by all",
        [CATALOG],
    ).fetchall()
    if wide:
        names = ", ".join(name for (name,) in wide)
        raise LakeError(f"no lake keeps HUGEINT: cast {names} to DECIMAL(38, 0) or BIGINT")


def passed(connection: Any) -> list[int]:
    """The versions of whole builds that are still kept, oldest first."""
    rows = connection.execute(
        f"select snapshot_id from {CATALOG}.snapshots() where commit_message = ? order by all",
        [PASSED],
    ).fetchall()
    return [version for (version,) in rows]


def is_whole(lake: Lake) -> bool:
    """Whether the newest version is one that readers see, so that a part of it can be built anew.

    A lake nothing was built in is.
    """
    with connect(lake) as connection:
        [[newest]] = connection.execute(
            f"select max(snapshot_id) from {CATALOG}.snapshots()"
        ).fetchall()
        return newest == 0 or newest in passed(connection)


def has_build(lake: Lake) -> bool:
    """Whether a build has passed, so that there is something to read."""
    with connect(lake) as connection:
        return bool(passed(connection))


def tidy(lake: Lake) -> int:
    """Forget every version but those of the last builds, and delete what only they read.

    Files of builds that were killed go too. Returns the number of files deleted. The oldest build
    that is kept may be read meanwhile; one that is older may not.
    """
    with writing(lake), connect(lake) as connection:
        kept = passed(connection)[-lake.builds :]
        [[newest]] = connection.execute(
            f"select max(snapshot_id) from {CATALOG}.snapshots()"
        ).fetchall()
        rows = connection.execute(f"select snapshot_id from {CATALOG}.snapshots()").fetchall()
        old = [version for (version,) in rows if version not in (*kept, newest)]
        if old:
            connection.execute(f"call ducklake_expire_snapshots('{CATALOG}', versions => {old})")
        gone = [
            *_deleted(connection, "ducklake_cleanup_old_files"),
            *_deleted(connection, "ducklake_delete_orphaned_files"),
        ]
    return len(gone)


def _deleted(connection: Any, function: str) -> list[Any]:
    deleted: list[Any] = connection.execute(
        f"call {function}('{CATALOG}', cleanup_all => true)"
    ).fetchall()
    return deleted


def _empty(threads: int, memory_limit: str | None) -> Any:
    import duckdb

    config: dict[str, Any] = {**_NO_DOWNLOADS, "threads": threads}
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("set TimeZone = 'UTC'")
    return connection
