"""A report for reading: HTML with its charts inside, and PDF."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from leverageguard.reporting import charts, texts
from leverageguard.reporting.content import Content, Rows

TEMPLATES = Path(__file__).parent / "templates"
ROWS_ON_A_PAGE, COLUMNS_ON_A_PAGE = 25, 12


def html(content: Content) -> str:
    """One page that needs no other file."""
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    return templates.get_template("report.html").render(**_told(content))


def pdf(content: Content) -> bytes:
    """The same for paper; its charts are drawn beside it while it is made."""
    import typst

    told = _told(content)
    with tempfile.TemporaryDirectory() as folder:
        for place, chapter in enumerate(told["chapters"]):
            for number, table in enumerate(chapter["tables"]):
                drawn = table.pop("svg")
                table["chart"] = f"{place}-{number}.svg" if drawn else None
                if drawn:
                    (Path(folder) / table["chart"]).write_text(drawn)
        (Path(folder) / "report.json").write_text(json.dumps(told))
        (Path(folder) / "report.typ").write_text((TEMPLATES / "report.typ").read_text())
        made: bytes = typst.compile(
            str(Path(folder) / "report.typ"),
            format="pdf",
            ignore_system_fonts=True,
            timestamp=int(content.published_at.timestamp()),
        )
    return made


def _told(content: Content) -> dict[str, Any]:
    published = f"{content.published_at:%Y-%m-%d %H:%M:%S}"
    return {
        "title": content.range.title,
        "is_simulated": content.is_simulated,
        "version": content.version,
        "published": published,
        "about": f"Taken from snapshot {content.version}, published {published} UTC. Amounts are "
        "USDC, times UTC, days whole UTC days.",
        "footer": f"LeverageGuard · {content.range.title}"
        + (" · SIMULATED WORLD" if content.is_simulated else ""),
        "chapters": [
            {
                "title": chapter.title,
                "figures": [
                    {
                        "label": one.label,
                        "value": texts.figure(one, one.value),
                        "before": texts.figure(one, one.before) if one.is_of_range else "",
                        "description": one.description,
                        "is_of_range": one.is_of_range,
                    }
                    for one in figures
                ],
                "tables": [_table(rows) for rows in tables],
            }
            for chapter, figures, tables in content.chapters
        ],
    }


def _table(rows: Rows) -> dict[str, Any]:
    """A table as far as a page holds it; the other files have all of it."""
    places = _places(rows)
    columns = tuple(rows.columns[place] for place in places)
    first = rows.rows[:ROWS_ON_A_PAGE]
    cut = replace(
        rows, columns=columns, rows=tuple(tuple(row[place] for place in places) for row in first)
    )
    return {
        "title": rows.table.title,
        "is_of_range": rows.is_of_range,
        "svg": charts.svg(rows),
        "columns": [
            {"heading": texts.heading(name), "is_number": _is_number(cut.column(name))}
            for name in columns
        ],
        "rows": [[texts.cell(value) for value in row] for row in cut.rows],
        "left_out": _left_out(len(rows.rows) - len(first), len(rows.columns) - len(columns)),
    }


def _places(rows: Rows) -> list[int]:
    """The columns a page holds, in their order: amounts that add up, then the first ones."""
    every = range(len(rows.columns))
    wanted = sorted(every, key=lambda place: rows.columns[place] not in rows.table.totals)
    return sorted(wanted[:COLUMNS_ON_A_PAGE])


def _left_out(rows: int, columns: int) -> str:
    counts = [f"{count:,} more {what}" for count, what in ((rows, "rows"), (columns, "columns"))
              if count]  # fmt: skip
    return f"And {' and '.join(counts)}, in the other files of this report." if counts else ""


def _is_number(values: list[Any]) -> bool:
    return any(
        isinstance(one, int | float | Decimal) and not isinstance(one, bool) for one in values
    )
