"""Read-only DuckDB connections that can reach nothing but the warehouse they were opened on."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

from leverageguard.lake_settings import Lake, Warehouse
from leverageguard.warehouse import lake
from leverageguard.warehouse.sql_text import quoted

HARDENED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "lock_configuration": "true",
}
_opening = Lock()


def read_only(warehouse: Warehouse, memory_limit: str = "1GB", threads: int = 2) -> Any:
    """A DuckDB connection that reads it in UTC; duckdb.IOException while dbt writes the file.

    Files, network and extensions are out of reach of its SQL, and no statement can undo that.
    Connections of one process to one file share its settings, so the first one makes them for all.
    A lake is read as its last whole build left it; its catalogue's database stays within reach.
    """
    import duckdb

    config: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads}
    if isinstance(warehouse, Lake):
        return _closed(lake.read_only(warehouse, **config), warehouse.files)
    with _opening:
        connection = duckdb.connect(str(warehouse), read_only=True, config=config)
        [[is_locked]] = connection.execute(
            "select current_setting('lock_configuration')"
        ).fetchall()
        if not is_locked:
            connection.execute("set global TimeZone = 'UTC'")
            for name, value in HARDENED.items():
                connection.execute(f"set {name} = {value}")
    return connection


def _closed(connection: Any, files: Path) -> Any:
    """The connection, able to read these files alone."""
    connection.execute(f"set allowed_directories = ['{quoted(f'{files}/')}']")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def trusted(warehouse: Warehouse) -> Any:
    """As `read_only`, for our own SQL: what it names may be views of landed files."""
    import duckdb

    if isinstance(warehouse, Lake):
        return lake.read_only(warehouse)
    connection = duckdb.connect(str(warehouse), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def is_built(warehouse: Warehouse) -> bool:
    """Whether there is a build to read."""
    return lake.has_build(warehouse) if isinstance(warehouse, Lake) else warehouse.exists()


def rows(
    warehouse: Warehouse, query: str, parameters: list[Any] | None = None
) -> list[dict[str, Any]]:
    """The query's rows as mappings of column to value."""
    with read_only(warehouse) as connection:
        cursor = connection.execute(query, parameters or [])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
