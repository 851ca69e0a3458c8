"""The suites under `expectations/`, read as data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_FIELDS = {"suite", "table", "query", "keys", "window", "derived", "on_failure", "expectations"}
_ON_FAILURE = ("quarantine", "stop")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # by libyaml, ten times as fast
EVERY = "*"


class SuiteError(Exception):
    """A suite file is wrong; the message names the file and the field."""


@dataclass(frozen=True)
class Window:
    """Which fetch window a row rests on: the columns naming the endpoint and whose it is.

    EVERY instead of a column: all windows of the account.
    """

    endpoint: str
    account: str


@dataclass(frozen=True)
class Suite:
    """One suite: what it reads, and what must hold of every row.

    An arrival suite names a raw `table`; a departure suite a `query` over the private warehouse.
    `derived` are further columns as SQL expressions. `keys` name a row in messages.
    `stops` marks a record whose absence could decide a claim wrongly: its rows are never moved.
    """

    name: str
    keys: tuple[str, ...]
    expectations: tuple[dict[str, Any], ...]
    definition: str
    table: str = ""
    query: str = ""
    window: Window | None = None
    stops: bool = False
    derived: dict[str, str] = field(default_factory=dict)


def load(folder: Path) -> list[Suite]:
    """Every suite of one boundary, in file order; raises SuiteError naming a bad file."""
    suites = [_read(path) for path in sorted(folder.glob("*.yaml"))]
    if not suites:
        raise SuiteError(f"{folder} holds no suites: a boundary without checks lets anything pass")
    return suites


def _read(path: Path) -> Suite:
    text = path.read_text()
    content: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - it is the safe one
    unknown = sorted(set(content) - _FIELDS)
    if unknown:
        raise SuiteError(f"{path}: unknown field(s) {', '.join(unknown)}")
    if ("table" in content) == ("query" in content):
        raise SuiteError(f"{path}: exactly one of table and query is needed")
    window = content.get("window")
    on_failure = content.get("on_failure", _ON_FAILURE[0])
    if on_failure not in _ON_FAILURE:
        raise SuiteError(f"{path}: on_failure is one of {', '.join(_ON_FAILURE)}, not {on_failure}")
    try:
        return Suite(
            name=content["suite"],
            keys=tuple(content["keys"]),
            expectations=tuple(_expectation(path, entry) for entry in content["expectations"]),
            definition=hashlib.sha256(text.encode()).hexdigest(),
            table=content.get("table", ""),
            query=content.get("query", ""),
            window=Window(**window) if window else None,
            stops=on_failure == "stop",
            derived=content.get("derived") or {},
        )
    except (KeyError, TypeError) as error:
        raise SuiteError(f"{path}: {error} is missing or wrong") from None


def _expectation(path: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Great Expectations' own form; every expectation says why it is there."""
    if set(entry) != {"type", "kwargs", "meta"} or not entry["meta"].get("reason"):
        raise SuiteError(f"{path}: {entry} needs exactly type, kwargs and meta.reason")
    return dict(entry)
