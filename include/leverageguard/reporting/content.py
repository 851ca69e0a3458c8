"""What a report says: figures and rows of one published snapshot over one range."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from leverageguard.reporting.chapters import CHAPTERS, OF_ROWS, Chapter, Table
from leverageguard.reporting.ranges import Range
from leverageguard.warehouse import connect, metrics, snapshot

MICRO = "_micro_usdc"
_MICRO_USDC = Decimal(1_000_000)
Cell = str | int | float | bool | Decimal | date | datetime | None


@dataclass(frozen=True)
class Figure:
    """A metric over the range, and over as many days before where a range applies to it."""

    metric: str
    label: str
    description: str
    unit: str
    value: float | None
    before: float | None
    is_of_range: bool


@dataclass(frozen=True)
class Rows:
    """A table's rows; money is in USDC and its column ends in `_usdc`."""

    table: Table
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_of_range: bool

    def column(self, name: str) -> list[Cell]:
        """The values of one column; KeyError where the table has none of that name."""
        if name not in self.columns:
            raise KeyError(f"{self.table.report} has no column {name}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class Content:
    """A whole report; `chapters` gives each its figures and tables."""

    range: Range
    version: str
    published_at: datetime
    world: str
    chapters: tuple[tuple[Chapter, tuple[Figure, ...], tuple[Rows, ...]], ...]

    @property
    def is_simulated(self) -> bool:
        """Whether the world it speaks of is made up."""
        return self.world == "simulated"


def gather(path: Path, of: Range) -> Content:
    """Read a report of a range from one published file."""
    with connect.read_only(path) as connection:
        [(version, published_at, world)] = connection.execute(
            f"select version, published_at, world from {snapshot.INFO_TABLE}"
        ).fetchall()
        figures, times = _figures(connection, of)
        known = {
            name
            for (name,) in connection.execute("select view_name from duckdb_views()").fetchall()
        }
        known |= {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
        chapters = tuple(
            (
                chapter,
                tuple(figures[chapter.section]),
                tuple(
                    _rows(connection, table, times.get(table.report, ""), of)
                    for table in chapter.tables
                    if table.report in known
                ),
            )
            for chapter in CHAPTERS
        )
    return Content(of, version, published_at.astimezone(UTC), world, chapters)


def _figures(connection: Any, of: Range) -> tuple[dict[str, list[Figure]], dict[str, str]]:
    """Figures by section, and by report the column a range applies to."""
    found: dict[str, list[Figure]] = defaultdict(list)
    times = {}
    rows = connection.execute(
        "select metric, label, description, unit, model, expression, time_column, section "
        f"from {metrics.TABLE} order by section, model, metric"
    ).fetchall()
    for metric, label, description, unit, model, expression, time_column, section in rows:
        times[model] = time_column
        if metric in OF_ROWS:
            continue
        value = _value(connection, model, expression, time_column, of)
        before = _value(connection, model, expression, time_column, of.before)
        found[section].append(
            Figure(
                metric,
                label,
                description,
                unit,
                value,
                before if time_column else None,
                bool(time_column),
            )
        )
    return found, times


def _value(connection: Any, model: str, expression: str, time: str, of: Range) -> float | None:
    where, bounds = _within(time, of)
    [(value,)] = connection.execute(f"select {expression} from {model}{where}", bounds).fetchall()
    return None if value is None else float(value)


def _rows(connection: Any, table: Table, time: str, of: Range) -> Rows:
    where, bounds = _within(time, of)
    cursor = connection.execute(
        f"select * from {table.report}{where} order by {table.order}", bounds
    )
    names = [column[0] for column in cursor.description]
    # A report that shows an amount in USDC beside the exact one need not show it twice.
    shown = [
        place
        for place, name in enumerate(names)
        if not (name.endswith("_usdc") and not name.endswith(MICRO)
                and name.removesuffix("_usdc") + MICRO in names)
    ]  # fmt: skip
    rows = tuple(
        tuple(_cell(names[place], row[place]) for place in shown) for row in cursor.fetchall()
    )
    columns = tuple(names[place].replace(MICRO, "_usdc") for place in shown)
    return Rows(table, columns, rows, bool(time))


def _within(time: str, of: Range) -> tuple[str, list[datetime]]:
    if not time:
        return "", []
    column = f"cast({time} as timestamptz)"
    return f" where {column} >= ? and {column} < ?", list(of.bounds)


def _cell(column: str, value: Any) -> Cell:
    if value is None:
        return None
    if column.endswith(MICRO):
        return Decimal(int(value)) / _MICRO_USDC
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, str | int | float | bool | Decimal | date):
        return value
    return str(value)
