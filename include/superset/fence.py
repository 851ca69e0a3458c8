"""What a query may do: ask for rows of the published snapshot, for a while.

DuckDB's own settings keep a query from files, from other databases and from writing. They do not
keep it from the process around it: `call enable_logging(storage_path='…')` makes every later query
fail, and the server with it. So nothing but SELECT comes through, with table functions from a list.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb
from duckdb_engine import ConnectionWrapper, CursorWrapper
from query_limit import Watch

HARDENED = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # A table's name must not mean a variable of the server.
    "python_enable_replacements": "false",
    "memory_limit": "512MB",
    # What does not fit is refused: a spill would fill the disk beside the snapshot.
    "temp_directory": "",
    "threads": "2",
    "lock_configuration": "true",
}
# Of rows, of lists, and of what tables there are; the last three are what Superset asks itself.
TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "duckdb_tables", "duckdb_columns", "duckdb_views"}
)
REFUSED_FUNCTIONS = frozenset({"write_log", "getenv"})


class _Parser:
    """DuckDB reads the statement itself, in a database of its own that holds nothing."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._database = duckdb.connect(":memory:", config=dict(HARDENED))

    def tree(self, statement: str) -> dict[str, Any]:
        with self._turn:
            asked = self._database.execute("select json_serialize_sql(?::varchar)", [statement])
            [text] = asked.fetchone() or [""]
        return dict(json.loads(text))


@cache
def _parser(process: int) -> _Parser:
    """One of each process: DuckDB's threads and the lock do not come along into a forked one."""
    return _Parser()


def check(statement: str) -> None:
    """Raises PermissionException for whatever is more than asking for rows."""
    tree = _parser(os.getpid()).tree(statement)
    if tree["error"]:
        if tree["error_type"] == "parser":
            raise duckdb.ParserException(str(tree["error_message"]))
        raise duckdb.PermissionException("only SELECT is allowed on the published snapshot")
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            name = node["function"]["function_name"].lower()
            if name not in TABLE_FUNCTIONS:
                raise duckdb.PermissionException(f"the table function {name} is not allowed")
        if str(node.get("function_name", "")).lower() in REFUSED_FUNCTIONS:
            raise duckdb.PermissionException(f"{node['function_name']} is not allowed")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(part, dict | list):
            yield from _nodes(part)


class FencedConnection(ConnectionWrapper):
    """One connection to a published file, read-only, locked, and ended after `seconds`."""

    def __init__(self, path: str, seconds: float) -> None:
        raw = duckdb.connect(path, read_only=True, config=dict(HARDENED))
        super().__init__(raw)
        self.raw, self.seconds = raw, seconds
        self.watch = Watch(raw.interrupt, seconds)

    def cursor(self) -> FencedCursor:
        return FencedCursor(self.raw, self)

    def close(self) -> None:
        self.watch.stop()
        super().close()


class FencedCursor(CursorWrapper):
    """Looks at each statement before DuckDB runs it."""

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        check(statement)
        self._within(super().execute, statement, parameters, context)

    def executemany(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        raise duckdb.PermissionException("one statement at a time, without rows to write")

    def fetchall(self) -> list[Any]:
        return self._within(self.connection.raw.fetchall)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._within(super().fetchmany, size)

    def _within(self, ask: Any, *arguments: Any) -> Any:
        try:
            return ask(*arguments)
        except duckdb.InterruptException:
            seconds = self.connection.seconds
            told = f"the query took longer than {seconds:g} s and was ended: ask for less"
            raise duckdb.InterruptException(told) from None
