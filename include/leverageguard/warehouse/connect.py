"""Read-only DuckDB connections that can reach nothing but the file they were opened on."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

HARDENED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "lock_configuration": "true",
}
_opening = Lock()


def read_only(path: Path, memory_limit: str = "1GB", threads: int = 2) -> Any:
    """A DuckDB connection that reads `path` in UTC; duckdb.IOException while dbt writes it.

    Files, network and extensions are out of reach of its SQL, and no statement can undo that.
    Connections of one process to one file share its settings, so the first one makes them for all.
    """
    import duckdb

    config: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads}
    with _opening:
        connection = duckdb.connect(str(path), read_only=True, config=config)
        [[is_locked]] = connection.execute(
            "select current_setting('lock_configuration')"
        ).fetchall()
        if not is_locked:
            connection.execute("set global TimeZone = 'UTC'")
            for name, value in HARDENED.items():
                connection.execute(f"set {name} = {value}")
    return connection


def rows(path: Path, query: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
    """The query's rows as mappings of column to value."""
    with read_only(path) as connection:
        cursor = connection.execute(query, parameters or [])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
