"""Rows that failed on arrival: kept with the reason, taken out of what the decisions rest on.

The order makes a kill harmless: first the row is kept in quarantine, then the fetch window it
belongs to is opened again (so that no claim is decided without it), and only then it leaves the
landed file. Every step can be repeated.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leverageguard import clock, config
from leverageguard.quality.suites import EVERY, Suite
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

_KEPT_BESIDE = (("reason", pa.string()), ("rule", pa.string()), ("quarantined_at_ms", pa.int64()))
# A row fetched again differs in these alone; it is still the row already in quarantine.
_OF_THE_FETCH = {"reply_sha256", "taken_at_ms", "fetched_at_ms", "server_time_ms"}
_PLACE = re.compile(
    r"(?P<source>[^/]+)/(?P<table>[^/]+)/dt=(?P<dt>[^/]+)/hr=(?P<hr>\d\d)/(?P<name>.+)"
)
_REPLY_SPAN = re.compile(r"-(\d{13})-(\d{13})\.parquet$")
WINDOWS = "exchanges/fetch_windows"
# Replies to questions asked without a key are kept under "public": they may concern anybody.
_NOBODY = (None, "", "public")

Row = landing.Row
Place = tuple[str, int]
# Exchange, account (or instrument) and endpoint of a row, each None or empty where it says none.
Owner = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class BadRow:
    """One failing row of a landed file: its position there, and every rule it broke."""

    file: str
    position: int
    reason: str
    rule: str


def move(settings: config.Settings, suite: Suite, bad: list[BadRow]) -> set[Place]:
    """Take rows of one suite out of their files; returns those that were in quarantine before."""
    by_file: dict[str, dict[int, BadRow]] = defaultdict(dict)
    for row in bad:
        by_file[row.file][row.position] = row
    known: set[Place] = set()
    for file, rows in by_file.items():
        table = pq.read_table(settings.raw_dir / file, partitioning=None)
        known |= {(file, position) for position in _keep(settings, file, table, rows)}
        _open_windows(settings, suite, file, table, rows)
        good = [number for number in range(table.num_rows) if number not in rows]
        landing.write_parquet(settings.raw_dir / file, table.take(pa.array(good, pa.int64())))
    return known


def counts(settings: config.Settings | None = None) -> dict[str, dict[str, int]]:
    """Rows in quarantine per raw table and rule."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in listing(settings):
        found[str(row["table"])][str(row["rule"])] += 1
    return {table: dict(rules) for table, rules in sorted(found.items())}


def listing(settings: config.Settings | None = None) -> list[Row]:
    """Every quarantined row with its raw table, reason, rule and time, oldest first."""
    settings = settings or config.load()
    rows: list[Row] = []
    for path in sorted(settings.quarantine_dir.glob("*/*/*.parquet")):
        table = "/".join(path.relative_to(settings.quarantine_dir).parts[:2])
        rows += [{**row, "table": table} for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: int(row["quarantined_at_ms"]))


def _keep(
    settings: config.Settings, file: str, table: pa.Table, rows: dict[int, BadRow]
) -> set[int]:
    """Add rows to the quarantine file of their landed file; returns those that were there."""
    path = _quarantine_path(settings, file)
    schema = pa.schema([*table.schema, *(pa.field(*column) for column in _KEPT_BESIDE)])
    kept = pq.read_table(path, partitioning=None).to_pylist() if path.exists() else []
    names = [name for name in table.schema.names if name not in _OF_THE_FETCH]
    before = {tuple(row[name] for name in names) for row in kept}
    known: set[int] = set()
    for position, bad in sorted(rows.items()):
        row = table.slice(position, 1).to_pylist()[0]
        if tuple(row[name] for name in names) in before:
            known.add(position)
            continue
        kept.append(
            {**row, "reason": bad.reason, "rule": bad.rule, "quarantined_at_ms": clock.now_ms()}
        )
    landing.write_parquet(path, pa.Table.from_pylist(kept, schema=schema))
    return known


def _quarantine_path(settings: config.Settings, file: str) -> Path:
    place = _place(file)
    folder = settings.quarantine_dir / place["source"] / place["table"]
    return folder / f"{place['dt']}-{place['hr']}-{place['name']}"


def _place(file: str) -> re.Match[str]:
    place = _PLACE.fullmatch(file)
    if place is None:
        raise ValueError(f"{file} is not below dt=…/hr=… of a raw table")
    return place


def _open_windows(
    settings: config.Settings, suite: Suite, file: str, table: pa.Table, rows: dict[int, BadRow]
) -> None:
    """Mark incomplete every fetch window the rows were evidence for."""
    if suite.window is None:
        return
    why: dict[Owner, str] = {}
    for position, bad in rows.items():
        row = table.slice(position, 1).to_pylist()[0]
        endpoint = None if suite.window.endpoint == EVERY else row[suite.window.endpoint]
        key = (row["exchange"], row[suite.window.account], endpoint)
        why.setdefault(key, f"quarantined: {bad.rule}")
    for hour in _hours(file):
        _open_hour(settings, hour, why)


def _hours(file: str) -> list[int]:
    """Starts of the hours a file's rows are evidence for; a reply's span is in its name."""
    span = _REPLY_SPAN.search(file)
    if span and file.startswith("exchanges/replies/"):
        first, last = int(span[1]), int(span[2])
        return list(range(first - first % HOUR_MS, last, HOUR_MS))
    place = _place(file)
    at = datetime.fromisoformat(f"{place['dt']}T{place['hr']}:00").replace(tzinfo=UTC)
    return [int(at.timestamp()) * 1000]


def _open_hour(settings: config.Settings, hour: int, why: dict[Owner, str]) -> None:
    paths = sorted(landing.hour_dir(settings, WINDOWS, hour).glob("*.parquet"))
    named = {
        (window["exchange"], window["endpoint"])
        for path in paths
        for window in landing.read(settings, WINDOWS, hour, path.stem)
    }
    for name in [path.stem for path in paths]:
        windows = landing.read(settings, WINDOWS, hour, name)
        reasons = [_reason(window, named, why) for window in windows]
        if any(reasons):
            opened = [
                {**window, "is_complete": False, "gap_reason": reason} if reason else window
                for window, reason in zip(windows, reasons, strict=True)
            ]
            landing.replace(settings, WINDOWS, hour, name, opened)


def _reason(window: Row, named: set[tuple[str, str]], why: dict[Owner, str]) -> str | None:
    """Why a window is open again, or None; what a row does not say could be any.

    An endpoint that is no window's name, such as a single order's, stands for none in particular.
    """
    for (exchange, account, endpoint), reason in why.items():
        is_any_endpoint = not endpoint or (window["exchange"], endpoint) not in named
        if (
            exchange in (None, "", window["exchange"])
            and account in (*_NOBODY, window["account_id"])
            and (is_any_endpoint or endpoint == window["endpoint"])
        ):
            return reason
    return None
