"""The published snapshot: a versioned, read-only copy of the marts and reports for every reader.

The private warehouse file locks readers out while dbt writes, so nobody reads it. A publish copies
the marts, and the reports as views over them, into `serve/<version>/leverageguard.duckdb` and
swings the link `serve/current` to it. Readers resolve the link once and keep what they opened; the
last few versions stay for them.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leverageguard import clock, config
from leverageguard.lake_settings import Lake, Warehouse
from leverageguard.warehouse import connect, lake
from leverageguard.warehouse.sql_text import quoted

FILE_NAME = "leverageguard.duckdb"
LINK_NAME = "current"
KEEP = 3
PUBLISHED_PREFIXES = ("fct_", "dim_", "rpt_")
INFO_TABLE = "dim_snapshot"
REPORT_QUERIES = "report_queries"  # what a build keeps for publications
_HALF_MADE = ".tmp-"
# How compiled SQL names what it reads.
_RELATION = re.compile(r'"leverageguard"\.("\w+"\."\w+")')


class SnapshotError(Exception):
    """Nothing can be published or read; the message says what to run first."""


def publish(settings: config.Settings | None = None) -> str:
    """Copy the marts and reports to a new version and make it the one readers see.

    Returns the version. Raises SnapshotError when the warehouse or its marts do not exist; then,
    as after a kill at any point, readers keep the version they had.
    """
    settings = settings or config.load()
    if not connect.is_built(settings.warehouse):
        raise SnapshotError(f"there is no warehouse at {_where(settings)}: run build_claims")
    settings.serve_dir.mkdir(parents=True, exist_ok=True)
    with _only_publisher(settings.serve_dir):
        _remove_half_made(settings.serve_dir)
        version = _next_version(settings.serve_dir)
        folder = settings.serve_dir / f"{_HALF_MADE}{version}"
        folder.mkdir()
        _copy_marts(settings, folder / FILE_NAME, version)
        _sync(folder / FILE_NAME)
        _sync(folder)
        folder.rename(settings.serve_dir / version)
        _point_link(settings.serve_dir, version)
        _prune(settings.serve_dir)
    if settings.lake is not None:
        lake.tidy(settings.lake)
    return version


def current(settings: config.Settings | None = None) -> Path:
    """The newest published file, its link resolved: open it read-only.

    Raises SnapshotError before the first publish.
    """
    settings = settings or config.load()
    path = settings.serve_dir / LINK_NAME / FILE_NAME
    try:
        return path.resolve(strict=True)
    except FileNotFoundError:
        raise SnapshotError(
            f"nothing is published under {settings.serve_dir} yet: run build_claims"
        ) from None


def versions(settings: config.Settings) -> list[str]:
    """The published versions still on disk, oldest first."""
    return _versions(settings.serve_dir)


def _versions(serve_dir: Path) -> list[str]:
    return sorted(
        entry.name
        for entry in serve_dir.iterdir()
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
    )


def _next_version(serve_dir: Path) -> str:
    """`<UTC time>-<counter>`, later in text order than every version on disk."""
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    existing = _versions(serve_dir)
    if not existing or existing[-1] < f"{now}-0001":
        return f"{now}-0001"
    stamp, counter = existing[-1].rsplit("-", 1)
    return f"{stamp}-{int(counter) + 1:04d}"


@contextmanager
def _only_publisher(serve_dir: Path) -> Iterator[None]:
    with (serve_dir / ".publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_half_made(serve_dir: Path) -> None:
    for left_over in serve_dir.glob(f"{_HALF_MADE}*"):
        if left_over.is_symlink():
            left_over.unlink()
        else:
            shutil.rmtree(left_over)


def _copy_marts(settings: config.Settings, target: Path, version: str) -> None:
    import duckdb

    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        # A view names its own catalogue, so the warehouse is attached under its own name.
        connection.execute("set TimeZone = 'UTC'")
        _attach(connection, settings.warehouse)
        connection.execute(f"attach '{quoted(target)}' as snapshot")
        # One transaction: a lake's catalogue is then asked once for what tables share.
        connection.execute("begin")
        marts = _marts(connection, settings)
        views = _views(connection, marts)
        for schema, table in marts:
            if table not in views:
                connection.execute(
                    f'create table snapshot.main."{table}" as '
                    f'select * from leverageguard."{schema}"."{table}"'
                )
        connection.execute(
            f"create table snapshot.main.{INFO_TABLE} as select ? as version, "
            "make_timestamp(?::bigint * 1000)::timestamptz as published_at, ? as is_simulated, "
            "if(is_simulated, 'simulated', 'real') as world",
            [version, clock.now_ms(), settings.is_simulated],
        )
        connection.execute("commit")
        connection.execute("checkpoint snapshot")
        connection.execute("detach snapshot")
    _add_views(target, views)


def _attach(connection: Any, warehouse: Warehouse) -> None:
    if isinstance(warehouse, Lake):
        lake.attach_whole(connection, warehouse)
    else:
        connection.execute(f"attach '{quoted(warehouse)}' as leverageguard (read_only)")


def _where(settings: config.Settings) -> Path:
    return settings.lake_dir if settings.lake else settings.warehouse_path


def _marts(connection: Any, settings: config.Settings) -> list[tuple[str, str]]:
    """(schema, name) of every mart and report, whatever schema dbt put it in."""
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = 'leverageguard' order by table_name, table_schema"
    ).fetchall()
    marts = [(schema, name) for schema, name in rows if name.startswith(PUBLISHED_PREFIXES)]
    names = [name for _, name in marts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SnapshotError(f"two schemas hold a mart of the same name: {', '.join(twice)}")
    if not marts:
        raise SnapshotError(f"{_where(settings)} holds no marts: run build_claims")
    return marts


def _views(connection: Any, marts: list[tuple[str, str]]) -> dict[str, str]:
    """Name → query over the snapshot's own tables of every report, parents first.

    A report that is a view costs a publication nothing; it is worked out when somebody reads it.
    What reads more than is published is not among them and is copied as it stands.
    """
    has_queries = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'leverageguard' "
        "and schema_name = 'main' and table_name = ?", [REPORT_QUERIES]
    ).fetchone()[0]  # fmt: skip
    if not has_queries:  # dbt built it itself, for a part of the project
        return {}
    published = {f'"{schema}"."{table}"' for schema, table in marts}
    views: dict[str, str] = {}
    for name, query in connection.execute(
        f"select report, query from leverageguard.main.{REPORT_QUERIES} order by place"
    ).fetchall():
        if published.issuperset(_RELATION.findall(query)):
            views[name] = _RELATION.sub(lambda found: f"main.{found[1].split('.')[1]}", query)
    return views


def _add_views(target: Path, views: Mapping[str, str]) -> None:
    """Under the file's own name: it is the catalogue every reader sees."""
    import duckdb

    with duckdb.connect(str(target)) as connection:
        for name, query in views.items():
            connection.execute(f'create view main."{name}" as {query}')


def _point_link(serve_dir: Path, version: str) -> None:
    new = serve_dir / f"{_HALF_MADE}link"
    new.symlink_to(version, target_is_directory=True)
    os.replace(new, serve_dir / LINK_NAME)  # noqa: PTH105  one rename, never a missing link
    _sync(serve_dir)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(serve_dir: Path) -> None:
    for version in _versions(serve_dir)[:-KEEP]:
        shutil.rmtree(serve_dir / version)
