"""A report as a workbook: figures, then a sheet a table, with totals that the program adds up."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from leverageguard.reporting import texts
from leverageguard.reporting.content import Cell, Content, Rows

NAME_LENGTH = 31  # what a workbook takes as the name of a sheet
# Texts come from traders and venues: one that starts with "=" must not run where it is opened.
_TEXTS_STAY = {"strings_to_formulas": False, "strings_to_urls": False}


def xlsx(content: Content) -> bytes:
    """The workbook's bytes; the same content is the same bytes."""
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(
        made, {"constant_memory": True, "remove_timezone": True, **_TEXTS_STAY}
    ) as book:
        title = content.range.title + (" · SIMULATED WORLD" if content.is_simulated else "")
        book.set_properties(
            {"title": title, "company": "LeverageGuard",
             "created": content.published_at.replace(tzinfo=None)}
        )  # fmt: skip
        formats = {
            "head": book.add_format({"bold": True, "bg_color": "#E7F4F8", "text_wrap": True}),
            "title": book.add_format({"bold": True, "font_size": 14}),
            "usdc": book.add_format({"num_format": "#,##0.000000"}),
            "number": book.add_format({"num_format": "#,##0"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "total": book.add_format({"bold": True, "num_format": "#,##0.000000", "top": 1}),
        }
        _figures(book, content, title, formats)
        for _, _, tables in content.chapters:
            for rows in tables:
                _sheet(book, rows, formats)
    return made.getvalue()


def _figures(book: Any, content: Content, title: str, formats: dict[str, Any]) -> None:
    sheet = book.add_worksheet("Figures")
    sheet.write(0, 0, title, formats["title"])
    sheet.write(1, 0, f"Snapshot {content.version}, published {content.published_at:%F %T} UTC")
    heads = ("Chapter", "Metric", "Figure", "Unit", "In the range", "As long before", "What it is")
    for column, head in enumerate(heads):
        sheet.write(3, column, head, formats["head"])
    line = 4
    for chapter, figures, _ in content.chapters:
        for one in figures:
            told = (chapter.title, one.metric, one.label, one.unit, one.value, one.before)
            for column, value in enumerate((*told, one.description)):
                sheet.write(line, column, value)
            line += 1
    sheet.set_column(0, 2, 26)
    sheet.set_column(3, 5, 16)
    sheet.set_column(6, 6, 80)
    sheet.freeze_panes(4, 0)


def _sheet(book: Any, rows: Rows, formats: dict[str, Any]) -> None:
    sheet = book.add_worksheet(rows.table.title[:NAME_LENGTH])
    for column, name in enumerate(rows.columns):
        sheet.write(0, column, texts.heading(name), formats["head"])
    for line, row in enumerate(rows.rows, 1):
        for column, value in enumerate(row):
            _write(sheet, line, column, value, formats)
    if rows.rows:
        _totals(sheet, rows, formats)
    sheet.set_column(0, len(rows.columns) - 1, 18)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows.rows), len(rows.columns) - 1)


def _totals(sheet: Any, rows: Rows, formats: dict[str, Any]) -> None:
    """A sum below each column of money that adds up; balances and limits do not."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    below = len(rows.rows) + 1
    for column, name in enumerate(rows.columns):
        if name in rows.table.totals:
            first, last = xl_rowcol_to_cell(1, column), xl_rowcol_to_cell(below - 1, column)
            total = sum((one for one in rows.column(name) if isinstance(one, Decimal)), Decimal(0))
            sheet.write_formula(
                below, column, f"=SUM({first}:{last})", formats["total"], float(total)
            )
            if column:
                sheet.write(below, 0, "Total", formats["head"])


def _write(sheet: Any, line: int, column: int, value: Cell, formats: dict[str, Any]) -> None:
    if isinstance(value, bool) or value is None:
        sheet.write(line, column, value)
    elif isinstance(value, str):
        sheet.write_string(line, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(line, column, value.replace(tzinfo=None), formats["time"])
    elif isinstance(value, date):
        sheet.write_datetime(line, column, datetime(value.year, value.month, value.day),
                             formats["date"])  # fmt: skip
    elif isinstance(value, Decimal):
        sheet.write_number(line, column, float(value), formats["usdc"])
    elif isinstance(value, int):
        sheet.write_number(line, column, value, formats["number"])
    else:
        sheet.write(line, column, value)
