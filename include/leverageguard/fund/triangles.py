"""Claims that happened and were not notified yet: an hours-lag triangle by day of liquidation.

A row is a UTC day of liquidations, a column what was notified within so many hours of them; money
is paid and reserved as known now, so that the triangle develops by late notice alone and case
reserves answer for the rest. Exact fractions; a reserve is rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

LAG_HOURS = (1, 2, 4, 8, 12, 24, 48, 72)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True)
class Notified:
    """A claim: when its liquidation was, when it was notified, what it costs in micro-USDC."""

    liquidated_at_ms: int
    notified_at_ms: int
    incurred_micro_usdc: int

    @property
    def day(self) -> int:
        """The UTC day of the liquidation, in days since the epoch."""
        return self.liquidated_at_ms // DAY_MS


@dataclass(frozen=True)
class Triangle:
    """Cumulative micro-USDC by day and lag; a cell is there once the whole day is that old."""

    cells: dict[int, tuple[int, ...]]

    def factors(self) -> tuple[Fraction, ...]:
        """What a column's sum grows by to the next one, over the days that show both."""
        return tuple(self._factor(column) for column in range(len(LAG_HOURS) - 1))

    def _factor(self, column: int) -> Fraction:
        both = [row for row in self.cells.values() if len(row) > column + 1]
        before, after = (sum(row[place] for row in both) for place in (column, column + 1))
        return Fraction(after, before) if before else Fraction(1)

    def developed(self) -> tuple[Fraction, ...]:
        """The share of the last column that each column holds, 1 for the last."""
        share = [Fraction(1)]
        for factor in reversed(self.factors()):
            share.insert(0, share[0] / factor)
        return tuple(share)


def triangle(claims: Iterable[Notified], at_ms: int) -> Triangle:
    """The triangle as an instant shows it; days without a liquidation are no rows."""
    known = [one for one in claims if one.notified_at_ms <= at_ms]
    days = sorted({one.day for one in known})
    cells = {}
    for day in days:
        age_hours = (at_ms - (day + 1) * DAY_MS) // HOUR_MS
        of_day = [one for one in known if one.day == day]
        cells[day] = tuple(_within(of_day, lag) for lag in LAG_HOURS if lag <= age_hours)
    return Triangle(cells)


def _within(claims: Iterable[Notified], hours: int) -> int:
    return sum(
        one.incurred_micro_usdc
        for one in claims
        if one.notified_at_ms - one.liquidated_at_ms <= hours * HOUR_MS
    )


@dataclass(frozen=True)
class Ibnr:
    """What is still to be notified, micro-USDC, by two methods and by day of liquidation."""

    chain_ladder: int
    bornhuetter_ferguson: int
    by_day: dict[int, tuple[int, int]]


def ibnr(
    claims: Sequence[Notified],
    earned_by_day: Mapping[int, int],
    expected_loss_ratio_ppm: int,
    at_ms: int,
) -> Ibnr:
    """The reserves of all days whose liquidations may still be notified.

    Bornhuetter-Ferguson: earned premium x expected loss ratio x share not developed. Chain-ladder:
    what was notified x (1 / share developed - 1); it says nothing of a day that has no whole column
    yet, and there the other method speaks for both.
    """
    known = [one for one in claims if one.notified_at_ms <= at_ms]
    made = triangle(known, at_ms)
    share = made.developed()
    by_day = {}
    for day in sorted({*earned_by_day, *(one.day for one in known)}):
        developed = developed_share(share, day, at_ms)
        if developed >= 1:
            continue
        expected = Fraction(earned_by_day.get(day, 0) * expected_loss_ratio_ppm, 1_000_000)
        by_exposure = ceil(expected * (1 - developed))
        by_claims = by_exposure
        if made.cells.get(day) and developed:
            reported = sum(one.incurred_micro_usdc for one in known if one.day == day)
            by_claims = ceil(reported * (1 / developed - 1))
        by_day[day] = (by_claims, by_exposure)
    ladder, ferguson = (sum(each[place] for each in by_day.values()) for place in (0, 1))
    return Ibnr(ladder, ferguson, by_day)


def developed_share(share: Sequence[Fraction], day: int, at_ms: int) -> Fraction:
    """How much of a day's liquidations so far is notified, an hour of the day like the other."""
    first = day * DAY_MS
    ages = [at_ms - hour for hour in range(first, first + DAY_MS, HOUR_MS) if hour < at_ms]
    if not ages:
        return Fraction(0)
    return sum((_at_age(share, age // HOUR_MS) for age in ages), Fraction(0)) / len(ages)


def _at_age(share: Sequence[Fraction], hours: int) -> Fraction:
    """The share notified at an age in whole hours: nothing before the first column is full."""
    reached = [each for lag, each in zip(LAG_HOURS, share, strict=True) if lag <= hours]
    return reached[-1] if reached else Fraction(0)
