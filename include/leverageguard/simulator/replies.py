"""The venue rows of a scenario folder: JSON lists in each venue's own wire format."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leverageguard.simulator.fields import ScenarioError

Row = dict[str, Any]
TABLES = ("orders", "fills", "bills", "positions")


@dataclass(frozen=True)
class Replies:
    """What one venue answers: rows by account and table, instruments and mark candles."""

    accounts: dict[str, dict[str, list[Row]]]
    instruments: list[Row] = field(default_factory=list)
    mark_candles: dict[str, list[list[str]]] = field(default_factory=dict)


def load(folder: Path, account_ids: list[str]) -> Replies:
    """The rows below `folder` (one venue's); a missing file is an empty list.

    Raises ScenarioError for files that are not lists, rows with numbers instead of text, and
    files or folders the format does not know (a misspelt name would silently be no evidence).
    """
    candles = folder / "mark_candles"
    names = {"instruments.json", "mark_candles", *account_ids}
    _refuse_unknown(folder, names, "add the account to world.yaml or remove it")
    for account in account_ids:
        files = {f"{table}.json" for table in TABLES}
        _refuse_unknown(folder / account, files, f"the tables are {', '.join(TABLES)}")
    return Replies(
        accounts={
            account: {table: _rows(folder / account / f"{table}.json") for table in TABLES}
            for account in account_ids
        },
        instruments=_rows(folder / "instruments.json"),
        mark_candles={path.stem: _candles(path) for path in sorted(candles.glob("*.json"))},
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


def _candles(path: Path) -> list[list[str]]:
    rows = _list(path)
    for number, row in enumerate(rows):
        is_text = isinstance(row, list) and all(isinstance(part, str) for part in row)
        if not is_text or len(row) != 6:
            raise ScenarioError(
                f"{path}: row {number} must be six texts: ts, open, high, low, close, confirm"
            )
    return rows
