"""Landed files as frames, and the memory of which of them passed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from leverageguard import clock, config
from leverageguard.quality.suites import Suite

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 500_000
FILE = "_file"
POSITION = "_position"
_SCHEMA_FILE = "schema.parquet"

Stamps = dict[str, str]


class Watermark:
    """Which files passed which version of their suite.

    A landed file is replaced by a rename, so inode, time and size tell a new one.
    """

    def __init__(self, settings: config.Settings) -> None:
        self._raw_dir = settings.raw_dir
        self._path = settings.data_dir / "quality" / "passed.json"
        try:
            self._passed: dict[str, Stamps] = json.loads(self._path.read_text())
        except FileNotFoundError:
            self._passed = {}

    def changed(self, suite: Suite) -> Stamps:
        """File → stamp of every file of the suite's table that did not pass as it is now."""
        passed = self._passed.get(_version(suite), {})
        now = {
            str(path.relative_to(self._raw_dir)): _stamp(path)
            for path in sorted((self._raw_dir / suite.table).glob("dt=*/hr=*/*.parquet"))
            if path.name != _SCHEMA_FILE and not path.name.startswith(".")
        }
        return {file: stamp for file, stamp in now.items() if passed.get(file) != stamp}

    def add(self, suite: Suite, stamps: Stamps) -> None:
        """Remember files that hold only good rows; an earlier version of the suite is forgotten."""
        version = _version(suite)
        kept = self._passed.get(version, {})
        for old in [key for key in self._passed if key.startswith(f"{suite.name}@")]:
            del self._passed[old]
        self._passed[version] = kept | stamps

    def save(self) -> None:
        """Write at once or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(self._passed))
        draft.replace(self._path)


def _version(suite: Suite) -> str:
    return f"{suite.name}@{suite.definition}"


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"


def is_unchanged(settings: config.Settings, file: str, stamp: str) -> bool:
    """True while a file is the one that was read."""
    path = settings.raw_dir / file
    return path.exists() and _stamp(path) == stamp


def chunks(settings: config.Settings, files: list[str]) -> Iterator[list[str]]:
    """The files in groups of at most ROWS_AT_ONCE rows, or one larger file."""
    group: list[str] = []
    rows = 0
    for file in files:
        here = pq.read_metadata(settings.raw_dir / file).num_rows
        if group and rows + here > ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(file)
        rows += here
    if group:
        yield group


def frame(settings: config.Settings, suite: Suite, files: list[str]) -> pd.DataFrame:
    """The files' rows with `landed_hour` ("YYYY-MM-DD HH"), the suite's derived columns, and the
    file and position of each row. Expressions may use getvariable('now_ms'). Decimals stay exact,
    and missing text is empty text.
    """
    import duckdb

    derived = "".join(f', ({sql}) as "{name}"' for name, sql in suite.derived.items())
    query = f"""
        with landed as (
            select
                * exclude (filename, file_row_number),
                filename[{len(str(settings.raw_dir)) + 2}:] as {FILE},
                file_row_number as {POSITION},
                regexp_extract(filename, 'dt=([-0-9]+)/hr=[0-9]+/[^/]*$', 1) || ' '
                || regexp_extract(filename, '/hr=([0-9]+)/[^/]*$', 1) as landed_hour
            from read_parquet(
                ?, filename = true, file_row_number = true, hive_partitioning = false
            )
        )
        select *{derived} from landed order by {FILE}, {POSITION}
    """
    paths = [str(settings.raw_dir / file) for file in files]
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"set variable now_ms = {clock.now_ms()}::bigint")
        rows = connection.execute(query, [paths]).to_arrow_table()
    return _empty_for_missing(rows).to_pandas()


def _empty_for_missing(rows: pa.Table) -> pa.Table:
    """Missing text as empty text: a pattern then judges it too, where null would be passed over."""
    for number, column in enumerate(rows.schema):
        if pa.types.is_string(column.type):
            rows = rows.set_column(number, column, rows.column(number).fill_null(""))
    return rows
