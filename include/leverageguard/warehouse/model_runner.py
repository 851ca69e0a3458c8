"""The pipeline's own models over a small set of rows: dbt compiles once, DuckDB runs in memory.

dbt needs seconds to start and a warehouse file to itself. Checking one claim's evidence needs the
same models over a few hundred rows, so the project is compiled once (seeds included) and its SQL
executed in the order of its references. What is compiled is kept below the data folder under a
hash of the project and the variables: an edited model is compiled anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from leverageguard.config import Settings, environment
from leverageguard.warehouse import manifest, metrics, raw_tables
from leverageguard.warehouse.dbt_runner import DbtFailed
from leverageguard.warehouse.manifest import CATALOG, DataTest, Model
from leverageguard.warehouse.metrics import Metric
from leverageguard.warehouse.sql_text import quoted

RAW_SCHEMA = "raw"
_RAW = "@raw@"
# In place of the time of a build; far ahead, so that what runs without a time finds none passed.
_AS_OF = "4102444800001"
_SOURCE = re.compile(r"read_parquet\('@raw@/(?P<table>\w+/\w+)/[^']*'[^)]*\)")
_FORMAT = 4  # of what is kept below the data folder
_NODES, _SEEDS = "project.json", f"{CATALOG}.duckdb"
_PROJECT_FILES = ("*.sql", "*.yml", "*.csv")


@dataclass(frozen=True)
class Models:
    """The compiled project: models so that each comes after its parents, tests, the seeds' file."""

    nodes: tuple[Model, ...]
    seeds: Path
    tests: tuple[DataTest, ...] = ()
    metrics: tuple[Metric, ...] = ()

    def model(self, name: str) -> Model:
        """The model of that name; KeyError when the project has none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"the dbt project has no model {name!r}")

    def needed(self, select: Iterable[str], given: Collection[str] = ()) -> list[Model]:
        """The models to run for `select`, in order; what the `given` ones read is not needed."""
        by_name = {node.name: node for node in self.nodes}
        wanted: set[str] = set()
        open_names = [name for name in select if self.model(name)]
        while open_names:
            name = open_names.pop()
            if name in by_name and name not in wanted:
                wanted.add(name)
                open_names += () if name in given else by_name[name].parents
        return [node for node in self.nodes if node.name in wanted]

    def run(
        self,
        connection: Any,
        select: Iterable[str] | None = None,
        raw_dir: Path | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        """Make the selected models and all they read; every model when nothing is selected.

        Sources are the Parquet below `raw_dir`, or without one the tables that `land` made. Seeds
        that `replace_seed` gave other rows keep them. A model named in `given` is made by that
        query instead of its own.
        """
        given = given or {}
        chosen = [node.name for node in self.nodes] if select is None else list(select)
        self._make_seeds(connection)
        for node in self.needed(chosen, given):
            connection.execute(f'create schema if not exists "{node.schema}"')
            kind = "view" if node.is_view else "table"
            query = given.get(node.name) or reading(node.sql, raw_dir)
            connection.execute(f"create or replace {kind} {node.relation} as (\n{query}\n)")

    def replace_seed(self, connection: Any, name: str, rows: list[dict[str, str]]) -> None:
        """Give a seed these rows (as its CSV file writes them) instead of the project's."""
        self._make_seeds(connection)
        relation = next(
            f'"{CATALOG}"."{schema}"."{table}"'
            for schema, table in _seed_names(connection)
            if table == name
        )
        connection.execute(f"delete from {relation}")
        for row in rows:
            columns = ", ".join(f'"{column}"' for column in row)
            places = ", ".join("?" for _ in row)
            connection.execute(
                f"insert into {relation} ({columns}) values ({places})",
                [value or None for value in row.values()],
            )

    def _make_seeds(self, connection: Any) -> None:
        for schema, name in attach_seeds(connection, self.seeds):
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(
                f'create table if not exists "{CATALOG}"."{schema}"."{name}" as '
                f'select * from seeds_file."{schema}"."{name}"'
            )


def attach_seeds(connection: Any, seeds: Path) -> list[tuple[str, str]]:
    """Make the seeds readable as `seeds_file`; schema and name of each."""
    connection.execute(f"attach if not exists '{quoted(seeds)}' as seeds_file (read_only)")
    return _seed_names(connection)


def _seed_names(connection: Any) -> list[tuple[str, str]]:
    names: list[tuple[str, str]] = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = 'seeds_file' order by all"
    ).fetchall()
    return names


def connect() -> Any:
    """An empty in-memory database in UTC, as `Models.run` needs it.

    Over few rows a second thread only costs time; several databases may be used side by side.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    return connection


def land(connection: Any, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Make every declared raw table in the connection; tables without rows are empty.

    Raises pyarrow's errors for a value of the wrong type and KeyError for an undeclared table.
    """
    import pyarrow as pa

    connection.execute(f"create schema if not exists {RAW_SCHEMA}")
    for path in rows:
        raw_tables.table(path)
    for path, table in raw_tables.RAW_TABLES.items():
        landed = pa.Table.from_pylist(rows.get(path, []), schema=table.schema)
        connection.register("landed_rows", landed)
        connection.execute(
            f'create or replace table {RAW_SCHEMA}."{path}" as select * from landed_rows'
        )
        connection.unregister("landed_rows")


def compiled(settings: Settings, variables: Mapping[str, Any] | None = None) -> Models:
    """The project compiled with these dbt variables, from the cache when nothing changed.

    Raises dbt_runner.DbtFailed when the project does not compile.
    """
    values = _values(settings, variables)
    folder = _folder(settings, values)
    if not (folder / _NODES).exists():
        _compile(settings, values, folder)
    kept = json.loads((folder / _NODES).read_text())
    models = tuple(Model(**_with_parents(row)) for row in kept["models"])
    tests = tuple(DataTest(**_with_parents(row)) for row in kept["tests"])
    told = tuple(Metric(**row) for row in kept["metrics"])
    return Models(models, folder / _SEEDS, tests, told)


def _with_parents(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "parents": tuple(row["parents"])}


def is_compiled(settings: Settings, variables: Mapping[str, Any] | None = None) -> bool:
    """Whether the project was compiled with these dbt variables, so that nobody waits for dbt."""
    return (_folder(settings, _values(settings, variables)) / _NODES).exists()


def _values(settings: Settings, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"max_batch_size": settings.max_batch_size, **(variables or {})}


def _folder(settings: Settings, values: Mapping[str, Any]) -> Path:
    return settings.data_dir / "dbt" / "compiled" / _key(settings, values)


def _key(settings: Settings, values: Mapping[str, Any]) -> str:
    """Hash of the project's files and the variables."""
    digest = sha256(f"{_FORMAT} {json.dumps(values, sort_keys=True)}".encode())
    for pattern in _PROJECT_FILES:
        for path in sorted(settings.dbt_dir.rglob(pattern)):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(settings.dbt_dir)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:32]


def _compile(settings: Settings, values: Mapping[str, Any], folder: Path) -> None:
    """Fill the cache folder; a folder another process was quicker with stays."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        common = [
            "--quiet",
            "--project-dir", str(settings.dbt_dir),
            "--profiles-dir", str(settings.dbt_dir),
            "--target-path", str(draft / "target"),
            "--log-path", str(draft / "logs"),
            "--vars", json.dumps(values),
        ]  # fmt: skip
        _dbt(draft, ["seed", *common])
        # No model is looked at in the database: its SQL must not depend on what was built.
        offline = ["--no-introspect", "--no-populate-cache", "--select", "resource_type:model",
                   "resource_type:test"]  # fmt: skip
        _dbt(draft, ["compile", *offline, *common])
        found = json.loads((draft / "target" / "manifest.json").read_text())
        project = {
            "models": [asdict(node) for node in manifest.in_order(manifest.models(found))],
            "tests": [asdict(test) for test in manifest.tests(found)],
            "metrics": [asdict(metric) for metric in metrics.metrics(found)],
        }
        shutil.rmtree(draft / "target")
        (draft / _NODES).write_text(json.dumps(project))
        if not (folder / _NODES).exists():
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _dbt(folder: Path, arguments: list[str]) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    read_by_dbt = {
        "LEVERAGEGUARD_RAW": _RAW,
        "LEVERAGEGUARD_WAREHOUSE": str(folder / _SEEDS),
        "LEVERAGEGUARD_AS_OF_MS": _AS_OF,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    with environment(read_by_dbt):
        try:
            outcome = dbtRunner().invoke(arguments)
        finally:
            # dbt keeps its handle on the file otherwise, and the seeds could not be read.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not outcome.success:
        reason = outcome.exception or [
            result.message for result in getattr(outcome.result, "results", [])
        ]
        raise DbtFailed(f"dbt {arguments[0]} did not run: {reason}")


def reading(sql: str, raw_dir: Path | None, as_of_ms: int | None = None) -> str:
    """A node's SQL about a raw folder, or the connection's tables, and about a time (epoch ms)."""
    if as_of_ms is not None:
        sql = sql.replace(_AS_OF, str(as_of_ms))
    if raw_dir is not None:
        return sql.replace(_RAW, quoted(raw_dir))
    return _SOURCE.sub(rf'"{CATALOG}".{RAW_SCHEMA}."\g<table>"', sql)
