"""How a report's values are written for people, the same in HTML and PDF."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from leverageguard.reporting.content import Cell, Figure

_PLACES = {"USDC": 2, "%": 2, "count": 0, "gas": 0, "s": 0, "hours": 1, "days": 1, "x": 2}


def figure(of: Figure, value: float | None) -> str:
    """A figure with its unit; a hyphen where it is unknown."""
    if value is None:
        return "-"
    text = f"{value:,.{_PLACES.get(of.unit, 2)}f}"
    return text if of.unit in ("count", "x") else f"{text} {of.unit}"


def cell(value: Cell) -> str:
    """A cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Decimal):
        return f"{value:,.6f}"
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    return f"{text[:10]}…{text[-4:]}" if text.startswith("0x") and len(text) > 20 else text


def heading(column: str) -> str:
    """A column's heading, with its unit."""
    for ending, unit in (("_usdc", ", USDC"), ("_ppm", ", ppm"), ("_seconds", ", s"), ("_at", "")):
        if column.endswith(ending):
            return f"{column.removesuffix(ending).replace('_', ' ').capitalize()}{unit}"
    return column.replace("_", " ").capitalize()
