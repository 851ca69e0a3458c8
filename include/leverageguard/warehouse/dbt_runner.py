"""Run dbt in this process: build models with their tests, or write the static docs.

dbt gets its paths and the clock from the settings; target and logs lie in the stack's data folder,
so two stacks never meet. A failure names the node and, for a test, the rows.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from leverageguard import clock, config
from leverageguard.lake_settings import Lake
from leverageguard.warehouse import connect, freezing, lake, landing

log = logging.getLogger(__name__)

GOOD = frozenset({"success", "pass", "warn", "no-op"})
ROWS_SHOWN = 5
DOCS_STAMP = ".written-from"


class DbtFailed(Exception):
    """dbt did not finish; the message names each failed node, why, and a test's rows."""


def build(select: str | None = None, *, tests_reports: bool = True) -> dict[str, int]:
    """Rebuild every model and run every test on its data; returns node counts by status.

    Unit tests speak of the code, not of data: the test command runs them. `select` is a dbt node
    selector, and has dbt itself build in the warehouse that is there; without one, what dbt
    compiled is run (`building`), with the same outcome. A second run changes nothing unless raw
    did. Without `tests_reports` it is a build for claims: reports are there, their tests wait for
    the next whole build. Raises DbtFailed when a model or a test fails; what depends on it was
    then not built.
    """
    settings = config.load()
    target = settings.lake
    landing.ensure_schemas(settings)
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    # Taken before dbt reads: what lands meanwhile must count as a change. A build that fails
    # leaves models of several states, so until it passes nothing is current.
    found = _fingerprint(settings)
    _stamp(settings).unlink(missing_ok=True)
    frozen = freezing.freeze(settings)
    if select is None:
        counts = _run_compiled(settings, frozen, tests_reports)
        if tests_reports:
            _stamp(settings).write_text(found)
        return counts
    return _run_dbt(settings, select) if target is None else _run_in_lake(settings, target, select)


def _run_dbt(settings: config.Settings, select: str) -> dict[str, int]:
    chosen = ["--select", *select.split()]
    results = _invoke(settings, ["build", "--exclude-resource-type", "unit_test", *chosen])
    failed = [result for result in results if result.status not in GOOD | {"skipped"}]
    if failed:
        raise DbtFailed("\n".join(_report(settings, result) for result in failed))
    for result in results:
        if result.status == "warn":
            log.warning("%s", _report(settings, result))
    return dict(Counter(str(result.status) for result in results))


def _run_in_lake(settings: config.Settings, target: Lake, select: str) -> dict[str, int]:
    """A part is built anew where the rest of the lake is whole, and then all of it is again."""
    with lake.writing(target):
        if not lake.is_whole(target):
            raise DbtFailed("the last build of the lake did not pass: build all of it first")
        counts = _run_dbt(settings, select)
        with lake.connect(target) as connection:
            lake.mark_passed(connection)
    return counts


def _run_compiled(settings: config.Settings, frozen: Path, tests_reports: bool) -> dict[str, int]:
    from leverageguard.warehouse import building  # it names this module's error

    done = building.run(settings, frozen, tests_reports)
    bad = [str(outcome) for outcome in done if outcome.is_bad]
    if bad:
        raise DbtFailed("\n".join(bad))
    for outcome in done:
        if outcome.status == "warn":
            log.warning("%s", outcome)
    return dict(Counter(outcome.status for outcome in done))


def build_if_changed() -> dict[str, int]:
    """`build`, unless neither raw nor the project changed since the last whole one passed."""
    settings = config.load()
    if _is_current(settings, _stamp(settings)):
        return {"unchanged": 1}
    return build()


def docs() -> Path:
    """Write the static documentation of the last build and return its one HTML file."""
    settings = config.load()
    _invoke(settings, ["docs", "generate", "--static"])
    page = settings.pages_dir / "dbt" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    draft = page.with_name(".index.html.tmp")
    shutil.copyfile(_target(settings) / "static_index.html", draft)
    draft.replace(page)
    page.with_name(DOCS_STAMP).write_text(_project(settings))
    return page


def docs_if_changed() -> Path:
    """`docs`, unless they were written from the same project: they tell nothing of the data."""
    settings = config.load()
    page = settings.pages_dir / "dbt" / "index.html"
    stamp = page.with_name(DOCS_STAMP)
    is_there = page.exists() and stamp.exists()
    return page if is_there and stamp.read_text() == _project(settings) else docs()


def _stamp(settings: config.Settings) -> Path:
    return settings.data_dir / "dbt" / "built"


def _is_current(settings: config.Settings, stamp: Path) -> bool:
    is_there = stamp.exists() and connect.is_built(settings.warehouse)
    return is_there and stamp.read_text() == _fingerprint(settings)


def _fingerprint(settings: config.Settings) -> str:
    """Name, size and time of every file a build reads, and the settings it takes.

    The drafts of files being landed are no input, and they vanish while one looks.
    """
    raw = _stamps(settings.raw_dir, "*.parquet")
    return sha256(f"{settings.max_batch_size} {_project(settings)} {raw}".encode()).hexdigest()


def _project(settings: config.Settings) -> str:
    """Name, size and time of every file of the dbt project."""
    return _stamps(settings.dbt_dir, "*.*")


def _stamps(folder: Path, pattern: str) -> str:
    digest = sha256()
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
        found = path.stat()
        digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


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
        "--target", "cluster" if settings.lake else "local",
        "--target-path", str(_target(settings)),
        "--log-path", str(settings.data_dir / "dbt" / "logs"),
        "--vars", json.dumps({"max_batch_size": settings.max_batch_size}),
    ]  # fmt: skip
    # What the project's profile and sources read, for the time of one run.
    read_by_dbt = {
        "LEVERAGEGUARD_RAW": str(settings.build_raw_dir),
        "LEVERAGEGUARD_WAREHOUSE": str(settings.warehouse_path),
        "LEVERAGEGUARD_AS_OF_MS": str(clock.now_ms()),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    with config.environment(read_by_dbt):
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


def _report(settings: config.Settings, result: Any) -> str:
    node = result.node
    text = f"{node.resource_type} {node.name} ({result.status}): {str(result.message).strip()}"
    if str(result.status) not in ("fail", "warn") or str(node.resource_type) != "test":
        return text
    return f"{text}\n  {_failing_rows(settings, node.compiled_code)}"


def _as_it_is(settings: config.Settings) -> Any:
    """The warehouse with what a test found bad in it: of a lake, what no reader sees."""
    if settings.lake is not None:
        return lake.connect(settings.lake)
    return connect.trusted(settings.warehouse_path)


def _failing_rows(settings: config.Settings, query: str) -> str:
    """The first rows a test found, one line each; the reason when they cannot be read again."""
    import duckdb

    try:
        with _as_it_is(settings) as connection:
            cursor = connection.execute(f"select * from ({query}) limit {ROWS_SHOWN}")
            names = [column[0] for column in cursor.description]
            found = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    except duckdb.Error as error:
        return f"rows not shown: {error}"
    return "\n  ".join(", ".join(f"{name}={value}" for name, value in row.items()) for row in found)
