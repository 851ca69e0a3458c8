"""The data-quality pages: an index of our own over Data Docs that load nothing from other hosts.

Data Docs come with scripts and styles of remote hosts, and their index is empty without them. An
offline machine must show everything, so those go and one local stylesheet takes their place.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

TREND_DAYS = 30
_BAR, _HIGH = 8, 28  # pixels
_STYLE = "local.css"
_REMOTE = re.compile(
    r"<link[^>]+href=\"https?://[^>]*>"
    r"|<script[^>]+src=\"https?://[^>]*>\s*</script>"
    r"|<img[^>]+src=\"https?://[^>]*>"
)
_REMOTE_URL = re.compile(r"url\('?https?://[^)]*\)")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Data quality</title>
<link rel="stylesheet" href="static/{style}"></head>
<body><div class="container-fluid"><h1>Data quality at the boundaries</h1>
<p>What arrives from venues, chain and store, and what leaves for the chain.
Times are those of the check.</p>
<h2>The last {days} days</h2>
<table><tr><th>Suite</th><th>Checks</th><th>Passed</th><th>Rows failed</th><th>By day</th></tr>
{trend}</table>
<h2>Checks, newest first</h2>
<p>Whole results of the last runs of each suite are kept.</p>
<table><tr><th>Suite</th><th>Checked at</th><th>Result</th><th>Held</th></tr>
{checks}</table>
<h2>Rows in quarantine</h2>
<table><tr><th>Table</th><th>Rule</th><th>Rows</th></tr>
{quarantined}</table></div></body></html>
"""


@dataclass(frozen=True)
class Day:
    """What one suite's checks of one UTC day came to."""

    suite: str
    day: date
    checks: int
    passed: int
    failed_rows: int


def build(
    folder: Path,
    results: Path,
    quarantined: Mapping[str, Mapping[str, int]],
    days: Sequence[Day] = (),
) -> None:
    """Make the Data Docs in `folder` local and write `index.html` over the kept `results`.

    `days` are those of the trend, in any order.
    """
    style = folder / "static" / _STYLE
    style.parent.mkdir(parents=True, exist_ok=True)
    style.write_text(Path(__file__).with_name(_STYLE).read_text())
    for page in folder.rglob("*.html"):
        _make_local(page, style)
    checks = sorted(results.rglob("*.json"), key=lambda path: path.parent.name, reverse=True)
    (folder / "index.html").write_text(
        _PAGE.format(
            style=_STYLE,
            days=TREND_DAYS,
            trend=_trend(days) or _row("none", "", "", "", ""),
            checks="".join(_check_row(results, path) for path in checks),
            quarantined="".join(
                _row(table, rule, count)
                for table, rules in quarantined.items()
                for rule, count in rules.items()
            )
            or _row("none", "", ""),
        )
    )


def _make_local(page: Path, style: Path) -> None:
    text = page.read_text()
    if _REMOTE.search(text):
        link = f'<link rel="stylesheet" href="{os.path.relpath(style, page.parent)}">'
        local = _REMOTE_URL.sub("none", _REMOTE.sub("", text))
        page.write_text(local.replace("</head>", f"{link}\n</head>", 1))


def _trend(days: Sequence[Day]) -> str:
    """A row a suite, a bar a day: as high as its share of passed checks, red where one failed."""
    by_suite: dict[str, list[Day]] = {}
    for each in days:
        by_suite.setdefault(each.suite, []).append(each)
    newest = max((each.day for each in days), default=date.min)
    return "".join(_suite_row(suite, by_suite[suite], newest) for suite in sorted(by_suite))


def _suite_row(suite: str, days: list[Day], newest: date) -> str:
    checks, passed = sum(each.checks for each in days), sum(each.passed for each in days)
    cells = (suite, checks, f"{100 * passed / checks:.1f} %", sum(one.failed_rows for one in days))
    bars = "".join(_bar(each, TREND_DAYS - 1 - (newest - each.day).days) for each in days)
    told = html.escape(f"{suite}: share of passed checks by day, {TREND_DAYS} days to {newest}")
    chart = (
        f'<svg width="{_BAR * TREND_DAYS}" height="{_HIGH}" role="img" aria-label="{told}">'
        f"{bars}</svg>"
    )
    return _row(*cells).replace("</tr>", f"<td>{chart}</td></tr>")


def _bar(each: Day, place: int) -> str:
    high = max(2, round(_HIGH * each.passed / each.checks))
    colour = "#2e7d32" if each.passed == each.checks else "#c62828"
    told = html.escape(f"{each.day}: {each.passed} of {each.checks} passed")
    return (
        f'<rect x="{place * _BAR}" y="{_HIGH - high}" width="{_BAR - 2}" height="{high}" '
        f'fill="{colour}"><title>{told}</title></rect>'
    )


def _check_row(results: Path, path: Path) -> str:
    result = json.loads(path.read_text())
    counted = result["statistics"]
    page = Path("validations") / path.relative_to(results).with_suffix(".html")
    link = f'<a href="{html.escape(str(page))}">{html.escape(result["suite_name"])}</a>'
    at = str(result["meta"]["run_id"]["run_name"]).rpartition("-")[0]
    told = ("passed", "text-success") if result["success"] else ("failed", "text-danger")
    held = f"{counted['successful_expectations']} of {counted['evaluated_expectations']}"
    return (
        f'<tr><td>{link}</td><td>{at}</td><td class="{told[1]}">{told[0]}</td>'
        f"<td>{held}</td></tr>\n"
    )


def _row(*cells: Any) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>\n"
