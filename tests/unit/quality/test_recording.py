"""What a check found is landed once, summed over its parts, without the values of any row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from leverageguard import clock, config
from leverageguard.quality import quarantine, recording
from leverageguard.quality.failures import Failure
from leverageguard.quality.suites import Suite
from leverageguard.quality.validator import Job
from leverageguard.warehouse import landing

AT = 1_767_574_800_000
ROW = {"order_id": "12", "exchange": "okx", "table": "exchanges/orders", "rule": "no decimal",
       "reason": "an amount is a number", "quarantined_at_ms": AT + 5}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path))
    monkeypatch.setattr(clock, "now_ms", lambda: AT)
    return config.load()


def job(name: str, rows: int) -> Job:
    suite = Suite(name, ("id",), ({"type": "a"}, {"type": "b"}, {"type": "c"}), "v1", "x/" + name)
    return Job(suite, pd.DataFrame({"id": range(rows)}))


def failure(name: str, expectation: str, *rows: int) -> Failure:
    return Failure(name, expectation, ("id",), "why", rows, tuple(map(str, rows)))


def checks(settings: config.Settings) -> dict[str, dict[str, Any]]:
    return {row["suite"]: row for row in landing.scan(settings, recording.CHECKS)}


def test_record_checks__suite_in_two_parts__is_one_row_with_their_sums(settings):
    broken = [failure("orders", "a", 1, 2), failure("orders", "b", 2)]
    recording.record_checks(
        settings,
        "arrivals",
        [(job("orders", 7), broken), (job("orders", 3), [failure("orders", "a", 0)])],
    )

    assert checks(settings) == {
        "orders": {
            "boundary": "arrivals", "suite": "orders", "raw_table": "x/orders",
            "checked_at_ms": AT, "row_count": 10, "failed_row_count": 3, "rule_count": 3,
            "failed_rule_count": 2, "failed_rules": "orders: a(id); orders: b(id)",
            "is_passed": False,
        }
    }  # fmt: skip


def test_record_checks__nothing_failed__passed(settings):
    recording.record_checks(settings, "departures", [(job("items", 4), [])])

    row = checks(settings)["items"]
    assert (row["is_passed"], row["failed_rules"], row["failed_rule_count"]) == (True, None, 0)


def test_record_checks__rule_about_the_whole_table__fails_without_rows(settings):
    recording.record_checks(settings, "arrivals", [(job("fills", 4), [failure("fills", "a")])])

    row = checks(settings)["fills"]
    assert (row["is_passed"], row["failed_rule_count"], row["failed_row_count"]) == (False, 1, 0)


def test_record_checks__later_in_the_day__keeps_what_was_there_in_one_file(settings, monkeypatch):
    recording.record_checks(settings, "arrivals", [(job("fills", 4), [])])
    monkeypatch.setattr(clock, "now_ms", lambda: AT + 7_200_000)
    recording.record_checks(settings, "arrivals", [(job("fills", 1), [])])

    landed = landing.scan(settings, recording.CHECKS)
    assert sorted(row["checked_at_ms"] for row in landed) == [AT, AT + 7_200_000]
    files = (settings.raw_dir / recording.CHECKS).rglob("*.parquet")
    assert len(list(files)) == 1


def test_record_checks__nothing_judged__lands_nothing(settings):
    recording.record_checks(settings, "arrivals", [])

    assert landing.scan(settings, recording.CHECKS) == []


def test_record_quarantine__asked_again__tells_each_row_once_and_no_value(settings, monkeypatch):
    kept = [ROW, {**ROW, "order_id": "13", "exchange": None}]
    monkeypatch.setattr(quarantine, "listing", lambda _: kept[:1])
    recording.record_quarantine(settings)
    monkeypatch.setattr(quarantine, "listing", lambda _: kept)
    recording.record_quarantine(settings)
    recording.record_quarantine(settings)

    landed = landing.scan(settings, recording.QUARANTINE)
    assert sorted(str(row["exchange"]) for row in landed) == ["None", "okx"]
    assert {row["rule"] for row in landed} == {"no decimal"}
    assert len({row["quarantined_id"] for row in landed}) == 2
    assert not {"12", "13"} & {value for row in landed for value in row.values()}


def test_days__checks_of_a_month__are_summed_by_suite_and_day_and_older_ones_left_out(
    settings, monkeypatch
):
    day = 86_400_000
    for back, failures in ((31, []), (29, []), (1, []), (0, [failure("orders", "a", 1, 2)])):
        monkeypatch.setattr(clock, "now_ms", lambda at=AT - back * day: at)
        recording.record_checks(settings, "arrivals", [(job("orders", 7), failures)])
    monkeypatch.setattr(clock, "now_ms", lambda: AT + 1)
    recording.record_checks(settings, "arrivals", [(job("orders", 7), [])])

    assert [(str(one.day), one.checks, one.passed, one.failed_rows)
            for one in recording.days(settings, 30)] == [
        ("2025-12-07", 1, 1, 0), ("2026-01-04", 1, 1, 0), ("2026-01-05", 2, 1, 2),
    ]  # fmt: skip
