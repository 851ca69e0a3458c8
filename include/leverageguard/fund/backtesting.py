"""Whether what was said before came true: capital on SIMULATED days, reserves on later notices.

Kupiec's test (1995): if a figure holds on 99.5 % of days, the days it does not are binomial, and
LR = -2 ln(L(expected share) / L(seen share)) is chi-squared with one degree of freedom. With it
P(chi² > LR) = erfc(√(LR / 2)), in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import erfc, log, sqrt

import numpy as np

from leverageguard.fund import triangles
from leverageguard.fund.capital import LEVEL_PPM, PPM, Book, Ints, cells, on_side, payouts
from leverageguard.fund.triangles import Notified
from leverageguard.risk.extremes import Extremes

BELIEVED_PPM = 50_000


@dataclass(frozen=True)
class Kupiec:
    """How many of the days exceeded a figure, how many should have, and the test's p-value."""

    days: int
    exceeded: int
    expected: Fraction
    likelihood_ratio: float
    p_value: float

    @property
    def is_believed(self) -> bool:
        """Whether so many days are no surprise at 5 %."""
        return self.p_value * PPM >= BELIEVED_PPM


def kupiec(losses: Ints, figure: int, level_ppm: int = LEVEL_PPM) -> Kupiec:
    """The test of one figure on the losses of independent days; ValueError without a day."""
    days, exceeded = len(losses), int(np.count_nonzero(losses > figure))
    if not days:
        raise ValueError("a back-test needs a day at least")
    share = 1 - level_ppm / PPM
    seen = exceeded / days
    ratio = 2 * (_log_likelihood(exceeded, days, seen) - _log_likelihood(exceeded, days, share))
    ratio = max(0.0, ratio)
    expected = Fraction(days * (PPM - level_ppm), PPM)
    return Kupiec(days, exceeded, expected, ratio, erfc(sqrt(ratio / 2)))


def _log_likelihood(exceeded: int, days: int, share: float) -> float:
    kept = days - exceeded
    return (exceeded * log(share) if exceeded else 0.0) + (kept * log(1 - share) if kept else 0.0)


def days_of(of: Book, world: Extremes, earned_micro_usdc: int, side: str = "long") -> Ints:
    """The net loss of the book on each SIMULATED day of each path, as days of their own.

    Every policy is insured for its whole sum and cover from the day's start, as in a renewed book.
    """
    renewed = cells(on_side(of, "long" if side == "long" else "short"), of.total, of.cover)
    found = [
        payouts(renewed, falls, rises)
        for falls, rises in zip(world.cover_falls, world.cover_rises, strict=True)
    ]
    return np.concatenate(found) + of.unmodelled - earned_micro_usdc


@dataclass(frozen=True)
class Notices:
    """What was expected to be notified of known days within some hours, and what was."""

    expected_micro_usdc: int
    actual_micro_usdc: int

    @property
    def actual_over_expected_ppm(self) -> int | None:
        """None where nothing was expected."""
        expected = self.expected_micro_usdc
        return self.actual_micro_usdc * PPM // expected if expected else None


def notices(claims: Sequence[Notified], from_ms: int, to_ms: int) -> Notices:
    """Actual against expected: late notices between two instants, by the first one's triangle.

    Of the days that show a whole column at the first instant, by chain-ladder; rounded down.
    """
    known = [one for one in claims if one.notified_at_ms <= from_ms]
    made = triangles.triangle(known, from_ms)
    share = made.developed()
    expected, actual = Fraction(0), 0
    for day in (day for day, row in made.cells.items() if row):
        before = triangles.developed_share(share, day, from_ms)
        after = triangles.developed_share(share, day, to_ms)
        if before:
            reported = sum(one.incurred_micro_usdc for one in known if one.day == day)
            expected += reported * (after / before - 1)
        actual += sum(
            one.incurred_micro_usdc
            for one in claims
            if one.day == day and from_ms < one.notified_at_ms <= to_ms
        )
    return Notices(int(expected), actual)
