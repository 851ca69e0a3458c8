"""A report for programs: JSON of all of it, CSV and Parquet of each table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from leverageguard.reporting.content import Cell, Content, Rows

_STARTS = frozenset("=+-@\t\r\n")  # of what a spreadsheet may take for a formula
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def as_json(content: Content) -> Iterator[str]:
    """Figures as numbers, exact amounts as texts, times as ISO 8601; piece by piece, a line a row:
    the claims of a month are never one text in memory.
    """
    told = {
        "title": content.range.title,
        "from": content.range.first.isoformat(),
        "until": content.range.until.isoformat(),
        "snapshot": content.version,
        "published_at": content.published_at.isoformat(),
        "world": content.world,
        "figures": {
            one.metric: {
                "section": chapter.section, "label": one.label, "unit": one.unit,
                "value": one.value, "before": one.before,
            }
            for chapter, figures, _ in content.chapters
            for one in figures
        },
    }  # fmt: skip
    yield json.dumps(told, indent=1).removesuffix("\n}") + ',\n "tables": {'
    every = [rows for _, _, tables in content.chapters for rows in tables]
    for place, rows in enumerate(every):
        yield f"{',' if place else ''}\n  {json.dumps(rows.table.report)}: ["
        for number, row in enumerate(rows.rows):
            shown = dict(zip(rows.columns, map(_plain, row), strict=True))
            yield f"{',' if number else ''}\n   {json.dumps(shown)}"
        yield "]"
    yield "\n }\n}\n"


def as_csv(rows: Rows) -> Iterator[str]:
    """One table line by line, its columns named in the first one.

    Texts come from traders and venues, and a spreadsheet runs one that looks like a formula: an
    apostrophe stands before it, as OWASP's page on CSV injection says. Numbers stay numbers.
    """
    line = io.StringIO()
    writer = csv.writer(line)  # lines end as RFC 4180 says, so that a lone CR is quoted too
    for row in chain([rows.columns], (map(_in_csv, row) for row in rows.rows)):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def as_parquet(rows: Rows) -> bytes:
    """One table; amounts are decimals of six places."""
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {name: _array(pa, name, rows.column(name)) for name in rows.columns}
    made = io.BytesIO()
    parquet.write_table(pa.table(arrays), made, compression="zstd")
    return made.getvalue()


def _array(pa: Any, name: str, values: list[Cell]) -> Any:
    if name.endswith("_usdc"):
        return pa.array(values, pa.decimal128(38, 6))
    kinds = {type(one) for one in values if one is not None}
    if kinds and kinds <= {datetime}:
        return pa.array(values, pa.timestamp("us", "UTC"))
    return pa.array(values if len(kinds) <= 1 else [None if v is None else str(v) for v in values])


def _in_csv(value: Cell) -> Any:
    is_risky = isinstance(value, str) and value[:1] in _STARTS and not _NUMBER.fullmatch(value)
    return f"'{value}" if is_risky else _plain(value)


def _plain(value: Cell) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return f"{value:.6f}" if isinstance(value, Decimal) else value
