"""The venue rows of a scenario folder: JSON lists in each venue's own wire format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leverageguard.simulator.fields import ScenarioError

Row = dict[str, Any]


@dataclass(frozen=True)
class Replies:
    """What one venue answers: rows by account and table, instruments, candles by instrument."""

    accounts: dict[str, dict[str, list[Row]]]
    instruments: list[Row] = field(default_factory=list)
    mark_candles: dict[str, list[Any]] = field(default_factory=dict)
    trade_candles: dict[str, list[Any]] = field(default_factory=dict)


def load(folder: Path, account_ids: list[str], tables: Sequence[str]) -> Replies:
    """The rows below `folder` (one venue's, with its `tables`); a missing file is an empty list.

    Raises ScenarioError for files that are not lists, rows with numbers instead of text, and
    files or folders the format does not know (a misspelt name would silently be no evidence).
    """
    names = {"instruments.json", "mark_candles", "trade_candles", *account_ids}
    _refuse_unknown(folder, names, "add the account to world.yaml or remove it")
    for account in account_ids:
        files = {f"{table}.json" for table in tables}
        _refuse_unknown(folder / account, files, f"the tables are {', '.join(tables)}")
    return Replies(
        accounts={
            account: {table: _rows(folder / account / f"{table}.json") for table in tables}
            for account in account_ids
        },
        instruments=_rows(folder / "instruments.json"),
        mark_candles=_candles(folder / "mark_candles"),
        trade_candles=_candles(folder / "trade_candles"),
    )


def _refuse_unknown(folder: Path, known: set[str], fix: str) -> None:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            raise ScenarioError(f"{path}: is not part of the format: {fix}")


def _list(path: Path) -> list[Any]:
    if not path.exists():
        return []
    try:
        value = json.loads(path.read_text())
    except ValueError as error:
        raise ScenarioError(f"{path}: is not JSON ({error}): correct the file") from None
    if not isinstance(value, list):
        raise ScenarioError(f"{path}: must be a JSON list of the venue's rows")
    return value


def _rows(path: Path) -> list[Row]:
    rows = _list(path)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ScenarioError(f"{path}: row {number} must be an object of the venue's fields")
        for key, value in row.items():
            if isinstance(value, float):
                raise ScenarioError(
                    f"{path}: row {number}.{key} is a float: write it as text, as the venue does"
                )
    return rows


def _candles(folder: Path) -> dict[str, list[Any]]:
    """Candles by instrument: each a list of texts and whole numbers, or an object of them."""
    return {path.stem: _minutes(path) for path in sorted(folder.glob("*.json"))}


def _minutes(path: Path) -> list[Any]:
    rows = _list(path)
    for number, row in enumerate(rows):
        cells = row.values() if isinstance(row, dict) else row
        is_candle = isinstance(row, (list, dict)) and row
        if not is_candle or not all(isinstance(cell, (str, int)) for cell in cells):
            raise ScenarioError(
                f"{path}: row {number} must be a candle as the venue sends it: "
                "a list or an object of texts and whole numbers"
            )
    return rows
