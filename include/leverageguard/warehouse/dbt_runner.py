"""Run dbt in this process: build models with their tests, or write the static docs.

dbt gets its paths and the clock from the settings; target and logs lie in the stack's data folder,
so two stacks never meet. A failure names the node and, for a test, the rows.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leverageguard import clock, config
from leverageguard.warehouse import landing

GOOD = frozenset({"success", "pass", "warn", "no-op"})
ROWS_SHOWN = 5


class DbtFailed(Exception):
    """dbt did not finish; the message names each failed node, why, and a test's rows."""


def build(select: str | None = None) -> dict[str, int]:
    """Rebuild every model and run every test on its data; returns node counts by status.

    Unit tests speak of the code, not of data: the test command runs them. `select` is a dbt node
    selector. A second run changes nothing unless raw did. Raises DbtFailed when a model or a test
    fails; what depends on it was then not built.
    """
    settings = config.load()
    landing.ensure_schemas(settings)
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    chosen = ["--select", *select.split()] if select else []
    results = _invoke(settings, ["build", "--exclude-resource-type", "unit_test", *chosen])
    failed = [result for result in results if result.status not in GOOD | {"skipped"}]
    if failed:
        raise DbtFailed("\n".join(_report(settings, result) for result in failed))
    return dict(Counter(str(result.status) for result in results))


def docs() -> Path:
    """Write the static documentation of the last build and return its one HTML file."""
    settings = config.load()
    _invoke(settings, ["docs", "generate", "--static"])
    page = settings.pages_dir / "dbt" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    draft = page.with_name(".index.html.tmp")
    shutil.copyfile(_target(settings) / "static_index.html", draft)
    draft.replace(page)
    return page


def _target(settings: config.Settings) -> Path:
    return settings.data_dir / "dbt" / "target"


def _invoke(settings: config.Settings, command: list[str]) -> list[Any]:
    """Run one dbt command; the results of its nodes. Raises DbtFailed when it did not run."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    arguments = [
        *command,
        "--quiet",
        "--project-dir", str(settings.dbt_dir),
        "--profiles-dir", str(settings.dbt_dir),
        "--target-path", str(_target(settings)),
        "--log-path", str(settings.data_dir / "dbt" / "logs"),
        "--vars", json.dumps({"max_batch_size": settings.max_batch_size}),
    ]  # fmt: skip
    with _environment(settings):
        try:
            outcome = dbtRunner().invoke(arguments)
        finally:
            # dbt keeps its handle on the file otherwise, and nobody else could open it.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if outcome.exception is not None:
        raise DbtFailed(f"dbt {command[0]} did not run: {outcome.exception}") from outcome.exception
    if not outcome.success and not hasattr(outcome.result, "results"):
        raise DbtFailed(f"dbt {command[0]} failed; its log is in {settings.data_dir / 'dbt'}")
    return list(getattr(outcome.result, "results", []))


@contextmanager
def _environment(settings: config.Settings) -> Iterator[None]:
    """What the project's profile and sources read, for the time of one run."""
    values = {
        "LEVERAGEGUARD_RAW": str(settings.raw_dir),
        "LEVERAGEGUARD_WAREHOUSE": str(settings.warehouse_path),
        "LEVERAGEGUARD_AS_OF_MS": str(clock.now_ms()),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _report(settings: config.Settings, result: Any) -> str:
    node = result.node
    text = f"{node.resource_type} {node.name} ({result.status}): {str(result.message).strip()}"
    if str(result.status) != "fail" or str(node.resource_type) != "test":
        return text
    return f"{text}\n  {_failing_rows(settings, node.compiled_code)}"


def _failing_rows(settings: config.Settings, query: str) -> str:
    """The first rows a test found, one line each; the reason when they cannot be read again."""
    import duckdb

    try:
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            cursor = connection.execute(f"select * from ({query}) limit {ROWS_SHOWN}")
            names = [column[0] for column in cursor.description]
            found = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    except duckdb.Error as error:
        return f"rows not shown: {error}"
    return "\n  ".join(", ".join(f"{name}={value}" for name, value in row.items()) for row in found)
