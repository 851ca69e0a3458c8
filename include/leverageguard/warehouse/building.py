"""A build of the warehouse: the SQL that dbt compiled, run in the order of its references.

dbt spends seven tenths of a build on itself (24.0 s of CPU against 6.7 s for the same 156 models
and 129 tests of the default world), and a filed claim waits for it. So dbt compiles the project
once, and whenever it or its variables change, and every build runs what it compiled: all seeds,
all models, then all tests.

A build makes a file of its own and takes the warehouse's place only when every test passed: as that
file, or in a lake as one version of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.warehouse import lake, manifest, metrics, model_runner
from leverageguard.warehouse.lake import View
from leverageguard.warehouse.manifest import DataTest, Model
from leverageguard.warehouse.model_runner import Models
from leverageguard.warehouse.snapshot import REPORT_QUERIES
from leverageguard.warehouse.sql_text import quoted

CATALOG = lake.CATALOG  # what dbt calls the warehouse, and what its views name
THREADS = 2
ROWS_SHOWN = 5


@dataclass(frozen=True)
class Outcome:
    """How one seed, model or test ended: success, error, skipped, pass, warn or fail."""

    kind: str
    name: str
    status: str
    message: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the build must not be used."""
        return self.status in ("error", "fail")

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.status}): {self.message}"


def run(settings: Settings, raw_dir: Path, tests_reports: bool = True) -> list[Outcome]:
    """Build the warehouse from the raw files below `raw_dir`; how every node ended.

    No decision reads a report, so a claim does not wait for tests of reports: `tests_reports`
    says whether they are run. After a bad outcome the warehouse is the one that was there before.
    Raises dbt_runner.DbtFailed when the project does not compile.
    """
    models = model_runner.compiled(settings)
    draft = settings.warehouse_path.with_suffix(".draft")
    try:
        with _database(draft) as connection:
            build = _Build(connection, models, raw_dir)
            done = list(build.run(tests_reports))
        if not any(outcome.is_bad for outcome in done):
            _keep(settings, draft, build.views())
    finally:
        draft.unlink(missing_ok=True)
        _wal(draft).unlink(missing_ok=True)
    return done


def _keep(settings: Settings, draft: Path, views: list[View]) -> None:
    if settings.lake is not None:
        lake.fill(settings.lake, draft, views)
    else:
        _wal(settings.warehouse_path).unlink(missing_ok=True)
        draft.replace(settings.warehouse_path)


class _Build:
    """One run over all nodes; what reads a broken model is skipped."""

    def __init__(self, connection: Any, models: Models, raw_dir: Path) -> None:
        self._connection = connection
        self._models = models
        self._raw_dir = raw_dir
        self._as_of_ms = clock.now_ms()
        self._broken: set[str] = set()

    def run(self, tests_reports: bool) -> Iterator[Outcome]:
        """Seeds, models and tests, each with its outcome."""
        yield from self._seeds()
        for model in self._models.nodes:
            yield self._model(model)
        self._tell_reports()
        reports = {model.name for model in self._models.nodes if model.is_report}
        for test in self._models.tests:
            if tests_reports or not reports.intersection(test.parents):
                yield self._test(test)

    def views(self) -> list[View]:
        """The views, each after those it reads."""
        return [
            View(model.schema, model.name, self._sql(model.sql))
            for model in self._models.nodes
            if model.is_view
        ]

    def _seeds(self) -> Iterator[Outcome]:
        for schema, name in model_runner.attach_seeds(self._connection, self._models.seeds):
            self._connection.execute(f'create schema if not exists {CATALOG}."{schema}"')
            self._connection.execute(
                f'create table {CATALOG}."{schema}"."{name}" as '
                f'select * from seeds_file."{schema}"."{name}"'
            )
            yield Outcome("seed", name, "success")

    def _model(self, model: Model) -> Outcome:
        import duckdb

        if self._broken.intersection(model.parents):
            self._broken.add(model.name)
            return Outcome("model", model.name, "skipped")
        kind = "view" if model.is_view else "table"
        try:
            self._connection.execute(f'create schema if not exists {CATALOG}."{model.schema}"')
            self._connection.execute(
                f'create {kind} {CATALOG}."{model.schema}"."{model.name}" as (\n'
                f"{self._sql(model.sql)}\n)"
            )
        except duckdb.Error as error:
            self._broken.add(model.name)
            return Outcome("model", model.name, "error", str(error).strip())
        return Outcome("model", model.name, "success")

    def _tell_reports(self) -> None:
        """The metrics, and the reports' queries for the snapshot: DuckDB does not tell a view as
        it was written, and a cross join it tells otherwise."""
        metrics.write(self._connection, f"{CATALOG}.main.{metrics.TABLE}", self._models.metrics)
        reports = [model for model in self._models.nodes if model.is_report]
        self._connection.execute(
            f"create table {CATALOG}.main.{REPORT_QUERIES} (place integer, report text, query text)"
        )
        for place, model in enumerate(reports):
            self._connection.execute(
                f"insert into {CATALOG}.main.{REPORT_QUERIES} values (?, ?, ?)",
                [place, model.name, self._sql(model.sql)],
            )

    def _test(self, test: DataTest) -> Outcome:
        """As dbt judges: what the rows count to, held against the test's conditions."""
        import duckdb

        if self._broken.intersection(test.parents):
            return Outcome("test", test.name, "skipped")
        sql = self._sql(test.sql)
        limit = "" if test.limit is None else f"limit {test.limit}"
        try:
            [(count, is_error, is_warning)] = self._connection.execute(
                f"select failures, failures {test.error_if}, failures {test.warn_if} from "
                f"(select {test.fail_calc} as failures from (\n{sql}\n{limit}\n))"
            ).fetchall()
        except duckdb.Error as error:
            return Outcome("test", test.name, "error", str(error).strip())
        if test.severity == "error" and is_error:
            return Outcome("test", test.name, "fail", self._found(count, test.error_if, sql))
        if is_warning:
            return Outcome("test", test.name, "warn", self._found(count, test.warn_if, sql))
        return Outcome("test", test.name, "pass")

    def _found(self, count: int, condition: str, sql: str) -> str:
        """What a test found, and the first rows of it, one a line."""
        cursor = self._connection.execute(f"select * from ({sql}) limit {ROWS_SHOWN}")
        names = [column[0] for column in cursor.description]
        lines = [
            ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))
            for row in cursor.fetchall()
        ]
        return "\n  ".join([f"Got {count} results, configured to fail if {condition}", *lines])

    def _sql(self, sql: str) -> str:
        """Compiled SQL about this database, these files and now."""
        ours = model_runner.reading(sql, self._raw_dir, self._as_of_ms)
        return ours.replace(f'"{manifest.CATALOG}".', f'"{CATALOG}".')


@contextmanager
def _database(path: Path) -> Iterator[Any]:
    """A connection whose catalogue is a new file; whole on disk when the block ends well."""
    import duckdb

    path.unlink(missing_ok=True)
    _wal(path).unlink(missing_ok=True)
    with duckdb.connect(":memory:", config={"threads": THREADS}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        # Landed files are read once a run; keeping them fills the memory with what nobody asks for.
        connection.execute("set enable_external_file_cache = false")
        # What does not fit into memory spills beside the file, not where the process happens to be.
        spill = quoted(path.with_suffix(".spill"))
        connection.execute(f"set temp_directory = '{spill}'")
        connection.execute(f"attach '{quoted(path)}' as {CATALOG}")
        # Tests that look through the columns of their own database look here.
        connection.execute(f"use {CATALOG}")
        yield connection
        connection.execute(f"checkpoint {CATALOG}")
        connection.execute("use memory")
        connection.execute(f"detach {CATALOG}")


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
