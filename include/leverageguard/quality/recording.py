"""What the checks found, landed as raw rows of their own, so that reports can show it.

Great Expectations keeps whole results of the last runs only. Here each check leaves one row a
suite, and each row put into quarantine leaves one that names its table, rule and reason but none of
its values. No suite judges these rows: every check lands some, so the next one would never find
nothing to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime

from leverageguard import clock, config
from leverageguard.quality import quarantine
from leverageguard.quality.failures import Failure
from leverageguard.quality.pages import Day
from leverageguard.quality.validator import Job
from leverageguard.warehouse import landing
from leverageguard.warehouse.landing import Row

CHECKS, QUARANTINE = "quality/checks", "quality/quarantine"
HOUR_MS = 3_600_000
_QUARANTINE_FILE = "quarantine"
_DAY_MS = 24 * HOUR_MS


def record_checks(
    settings: config.Settings,
    boundary: str,
    judged: Iterable[tuple[Job, list[Failure]]],
) -> None:
    """Land one row for each suite of a check at `boundary` (arrivals or departures).

    A suite judged in several parts counts as one: its rows and failing rows are summed.
    """
    now = clock.now_ms()
    rows: dict[str, Row] = {}
    for job, failures in judged:
        row = rows.setdefault(job.suite.name, _unjudged(boundary, job, now))
        row["row_count"] += len(job.frame)
        row["failed_row_count"] += len({number for each in failures for number in each.rows})
        row["failed_rules"] |= {each.rule for each in failures}
    for row in rows.values():
        failed = sorted(row["failed_rules"])
        row["is_passed"] = not failed
        row["failed_rule_count"] = len(failed)
        row["failed_rules"] = "; ".join(failed) or None
    if rows:
        # A day's in one file, at its first hour: every build reads them all, and a month of hourly
        # ones took it more than a second.
        landing.replace(
            settings, CHECKS, _day_of(now), boundary, rows.values(), keep=lambda _: True
        )


def record_quarantine(settings: config.Settings) -> None:
    """Land a row for each quarantined row that has none yet.

    It compares with what is landed, so rows kept by a check that was killed follow with the next.
    """
    found = {row["quarantined_id"]: row for row in map(_told, quarantine.listing(settings))}
    if found:
        known = landing.scan(settings, QUARANTINE, ["quarantined_id"])
        for row in known:
            found.pop(row["quarantined_id"], None)
        for hour, rows in landing.by_hour(QUARANTINE, found.values()).items():
            landing.replace(settings, QUARANTINE, hour, _QUARANTINE_FILE, rows, keep=lambda _: True)


def days(settings: config.Settings, count: int) -> list[Day]:
    """What the checks of the last `count` UTC days came to, a row a suite and day."""
    today = _day_of(clock.now_ms())
    hours = [today - _DAY_MS * back for back in range(count)]
    found: dict[tuple[str, date], Day] = {}
    for row in landing.scan(settings, CHECKS, hours=hours):
        day = datetime.fromtimestamp(row["checked_at_ms"] / 1000, UTC).date()
        before = found.get((row["suite"], day), Day(row["suite"], day, 0, 0, 0))
        found[row["suite"], day] = Day(
            row["suite"],
            day,
            before.checks + 1,
            before.passed + row["is_passed"],
            before.failed_rows + row["failed_row_count"],
        )
    return [found[key] for key in sorted(found)]


def _day_of(at_ms: int) -> int:
    return at_ms - at_ms % _DAY_MS


def _unjudged(boundary: str, job: Job, now: int) -> Row:
    return {
        "boundary": boundary,
        "suite": job.suite.name,
        "raw_table": job.suite.table or None,
        "checked_at_ms": now,
        "row_count": 0,
        "failed_row_count": 0,
        "rule_count": len(job.suite.expectations),
        "failed_rule_count": 0,
        "failed_rules": set(),
    }


def _told(row: Row) -> Row:
    """A quarantined row without its values: they may be a person's, and reports are for many."""
    content = json.dumps(row, sort_keys=True, default=str)
    return {
        "quarantined_id": hashlib.sha256(content.encode()).hexdigest(),
        "raw_table": row["table"],
        "exchange": row.get("exchange") or None,
        "rule": row["rule"],
        "reason": row["reason"],
        "quarantined_at_ms": row["quarantined_at_ms"],
    }
