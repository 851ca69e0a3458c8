"""The days a report speaks of."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from leverageguard.reporting import ranges
from leverageguard.reporting.ranges import RangeError


@pytest.mark.parametrize(
    ("kind", "day", "first", "until"),
    [
        ("daily", "2026-01-05", date(2026, 1, 5), date(2026, 1, 6)),
        ("weekly", "2026-01-07", date(2026, 1, 5), date(2026, 1, 12)),
        ("weekly", "2026-01-11", date(2026, 1, 5), date(2026, 1, 12)),
        ("monthly", "2026-02-17", date(2026, 2, 1), date(2026, 3, 1)),
        ("monthly", "2025-12-31", date(2025, 12, 1), date(2026, 1, 1)),
    ],
)
def test_asked__kind_and_day__is_the_whole_of_it(kind, day, first, until):
    found = ranges.asked(kind, day)

    assert (found.first, found.until) == (first, until)


def test_asked__range__has_its_last_day_in_it_and_as_many_before():
    found = ranges.asked("range", "2026-01-05", "2026-01-07")

    assert found.until == date(2026, 1, 8)
    assert (found.before.first, found.before.until) == (date(2026, 1, 2), date(2026, 1, 5))
    assert found.bounds == (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("hourly", "2026-01-05"), "kind: 'hourly' is none of daily"),
        (("daily", "5.1.2026"), "from: '5.1.2026' is no day; write it as 2026-01-31"),
        (("daily", ""), "from: '' is no day"),
        (("range", "2026-01-05"), "to: a range needs its last day"),
        (("range", "2026-01-05", "2026-13-01"), "to: '2026-13-01' is no day"),
        (("range", "2026-01-05", "2026-01-04"), "to: 2026-01-04 lies before 2026-01-05"),
        (("range", "2024-01-01", "2026-01-01"), "366 days at most"),
    ],
)
def test_asked__nonsense__names_the_field_and_the_fix(asked, message):
    with pytest.raises(RangeError, match=message):
        ranges.asked(*asked)


def test_is_over__last_instant__is_not_yet():
    day = ranges.daily(date(2026, 1, 5))
    midnight = round(datetime(2026, 1, 6, tzinfo=UTC).timestamp() * 1000)

    assert not day.is_over(midnight - 1)
    assert day.is_over(midnight)
