"""Hourly Parquet under `raw/`: one fixed file name a (table, hour, writer), replaced as a whole.

A file is written beside its place, synced, then renamed over it, so a reader sees the old file or
the new one and a killed writer leaves nothing a glob can find. Rows are sorted: landing the same
rows twice gives the same bytes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leverageguard.config import Settings
from leverageguard.warehouse import raw_tables
from leverageguard.warehouse.raw_tables import HOUR_MS, RawTable

Row = dict[str, Any]


class LandingError(Exception):
    """Rows that do not fit their declared table; the message names table, row and column."""


def hour_dir(settings: Settings, table: str, hour_ms: int) -> Path:
    """Folder of one hour: `raw/<table>/dt=YYYY-MM-DD/hr=HH` in UTC."""
    at = datetime.fromtimestamp(hour_ms // 1000, UTC)
    return settings.raw_dir / table / f"dt={at:%Y-%m-%d}" / f"hr={at:%H}"


def file_path(settings: Settings, table: str, hour_ms: int, name: str) -> Path:
    """Where one writer's rows of one hour lie."""
    return hour_dir(settings, table, hour_ms) / f"{name}.parquet"


def of_chain(chain_id: int) -> str:
    """The file name under which a chain's events land."""
    return f"chain-{chain_id}"


def ensure_schemas(settings: Settings) -> None:
    """Put an empty file below every declared table, so that no glob ever finds nothing."""
    for table in raw_tables.RAW_TABLES.values():
        path = file_path(settings, table.path, 0, "schema")
        if not path.exists() or pq.read_schema(path) != table.schema:
            write_parquet(path, table.schema.empty_table())


def replace(
    settings: Settings,
    table: str,
    hour_ms: int,
    name: str,
    rows: Iterable[Row],
    keep: Callable[[Row], bool] | None = None,
) -> int:
    """Make `rows` the content of one (table, hour, name) file; returns the rows now in it.

    Old rows for which `keep` holds stay beside the new ones. A file left without rows stays as an
    empty one: a build that has already listed it must still find it.
    Raises LandingError, and changes nothing, when a row has an undeclared or missing column, a
    wrong type or another hour.
    """
    declared = raw_tables.table(table)
    _check_hour(declared, hour_ms)
    content = [_checked(declared, hour_ms, row) for row in rows]
    if keep is not None:
        content += [row for row in read(settings, table, hour_ms, name) if keep(row)]
    path = file_path(settings, table, hour_ms, name)
    if content or path.exists():
        write_parquet(path, _sorted_table(declared, content))
    return len(content)


def read(settings: Settings, table: str, hour_ms: int, name: str) -> list[Row]:
    """Rows of one file; an empty list when it was never landed."""
    path = file_path(settings, table, hour_ms, name)
    if not path.exists():
        return []
    rows: list[Row] = _parquet(path).to_pylist()
    return rows


def scan(
    settings: Settings,
    table: str,
    columns: list[str] | None = None,
    where: Mapping[str, Collection[Any]] | None = None,
    hours: Iterable[int] | None = None,
) -> list[Row]:
    """Rows of a whole table, or of some hours of it, in no promised order.

    `where` keeps rows whose column holds one of the values, for each column it names.
    """
    root = settings.raw_dir / raw_tables.table(table).path
    folders = [root] if hours is None else [hour_dir(settings, table, hour) for hour in hours]
    rows: list[Row] = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.parquet")):
        rows += _selected(_parquet(path), where or {}, columns).to_pylist()
    return rows


def row_counts(settings: Settings, table: str, name: str) -> dict[int, int]:
    """How many rows one writer's file of each hour (start of hour, epoch ms) holds."""
    counts = {}
    for path in (settings.raw_dir / raw_tables.table(table).path).glob(f"dt=*/hr=*/{name}.parquet"):
        day, hour = path.parts[-3].removeprefix("dt="), path.parts[-2].removeprefix("hr=")
        at = datetime.strptime(f"{day}T{hour}+0000", "%Y-%m-%dT%H%z")
        counts[int(at.timestamp()) * 1000] = pq.read_metadata(path).num_rows
    return counts


def by_hour(table: str, rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Rows split by the hour their table says they belong to (start of hour, epoch ms)."""
    declared = raw_tables.table(table)
    split: dict[int, list[Row]] = {}
    for row in rows:
        split.setdefault(declared.hour_of(row), []).append(row)
    return split


def write_parquet(path: Path, data: pa.Table) -> None:
    """Write a file under its final name at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with draft.open("wb") as sink:
            pq.write_table(data, sink, compression="zstd", version="2.6")
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_dir(path.parent)


def _parquet(path: Path) -> pa.Table:
    # Not pq.read_table: it goes through pyarrow.dataset, which imports pandas (a second a task).
    with pq.ParquetFile(path) as file:
        return file.read()


def _selected(
    data: pa.Table, where: Mapping[str, Collection[Any]], columns: list[str] | None
) -> pa.Table:
    for name, values in where.items():
        wanted = pa.array(list(values), type=data.schema.field(name).type)
        data = data.filter(pc.is_in(data[name], value_set=wanted))
    return data if columns is None else data.select(columns)


def _sync_dir(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_hour(table: RawTable, hour_ms: int) -> None:
    if hour_ms % HOUR_MS:
        raise LandingError(f"{table.path}: {hour_ms} is not the start of an hour")


def _checked(table: RawTable, hour_ms: int, row: Mapping[str, Any]) -> Row:
    names = table.schema.names
    undeclared = sorted(set(row) - set(names))
    missing = [name for name in names if name not in row]
    if undeclared or missing:
        raise LandingError(
            f"{table.path}: undeclared columns {undeclared}, missing columns {missing} in a row "
            f"(see warehouse/raw_tables.py)"
        )
    if table.hour_column is not None and _hour_of(table, row) != hour_ms:
        raise LandingError(
            f"{table.path}: a row with {table.hour_column}={row[table.hour_column]!r} does not "
            f"belong to the hour {hour_ms}"
        )
    return dict(row)


def _hour_of(table: RawTable, row: Mapping[str, Any]) -> int:
    try:
        return table.hour_of(dict(row))
    except ValueError as error:
        raise LandingError(str(error)) from None


def _sorted_table(table: RawTable, rows: list[Row]) -> pa.Table:
    arrays = [_array(table, field, rows) for field in table.schema]
    data = pa.Table.from_arrays(arrays, schema=table.schema)
    return data.sort_by([(name, "ascending") for name in table.schema.names])


def _array(table: RawTable, field: pa.Field, rows: list[Row]) -> pa.Array:
    try:
        return pa.array([row[field.name] for row in rows], type=field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise LandingError(f"{table.path}.{field.name} must be {field.type}: {error}") from None
