"""What was said before, held against later SIMULATED days and later notices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from leverageguard.fund import backtesting, capital
from leverageguard.fund.triangles import DAY_MS, HOUR_MS, Notified
from leverageguard.risk.extremes import simulate
from leverageguard.risk.paths import Asset

ASSETS = (Asset("BTC", 620_707, 800_000), Asset("ETH", 896_577, 750_000))
HOUR, USDC, DAY = 3_600_000, 1_000_000, 20_000


def insured(count: int) -> capital.Book:
    """Longs and shorts of two assets and many leverages, nothing earned."""
    made = [
        capital.AtRisk(
            ("BTC", "ETH")[number % 2], ("long", "long", "short")[number % 3], 5 + number % 36,
            4_000, 24 * HOUR, 24 * HOUR, 10 * USDC, 10 * USDC, 0,
        )
        for number in range(count)
    ]  # fmt: skip
    return capital.book(made, [one.base_asset for one in ASSETS])


def test_kupiec__as_many_as_expected__is_believed():
    losses = np.array([0] * 995 + [9] * 5)

    found = backtesting.kupiec(losses, 5)

    assert (found.exceeded, found.expected, found.likelihood_ratio) == (5, 5, 0)
    assert found.is_believed


@pytest.mark.parametrize("exceeded", [0, 1, 12, 15, 40])
def test_kupiec__any_count__has_the_p_value_of_chi_squared(exceeded):
    losses = np.array([0] * (1_000 - exceeded) + [9] * exceeded)

    found = backtesting.kupiec(losses, 5)

    assert found.p_value == pytest.approx(chi2.sf(found.likelihood_ratio, 1), abs=1e-12)
    assert found.exceeded == exceeded


def test_kupiec__a_loss_of_just_the_figure__is_covered():
    assert backtesting.kupiec(np.array([5, 5, 6]), 5).exceeded == 1


def test_kupiec__too_many_and_none_at_all__are_not_believed():
    many = np.array([0] * 980 + [9] * 20)

    assert not backtesting.kupiec(many, 5).is_believed
    assert not backtesting.kupiec(np.zeros(1_000, dtype=np.int64), 5).is_believed
    with pytest.raises(ValueError, match="a day at least"):
        backtesting.kupiec(np.array([], dtype=np.int64), 5)


def test_days_of__simulated_days_of_other_seeds__believe_the_common_figure_not_the_independent():
    """The chances are the same in both: that policies fall together is what makes the difference.

    Each path's days are no independent draws (variance clusters), so one day a path is taken.
    """
    of = insured(300)
    said = capital.figures(of, simulate(ASSETS, 4_000, seed=1, days=1), 0)
    later = simulate(ASSETS, 2_000, seed=2, days=1)
    days = backtesting.days_of(of, later, 0)

    common = backtesting.kupiec(days, said.scr_1d)
    independent = backtesting.kupiec(days, said.independent_1d)

    assert said.independent_1d < said.scr_1d
    assert common.is_believed and common.expected == 10
    assert not independent.is_believed and independent.exceeded > 5 * independent.expected


def notice(day: int, lag_hours: float, amount: int) -> Notified:
    at = day * DAY_MS + 12 * HOUR_MS
    return Notified(at, at + int(lag_hours * HOUR_MS), amount)


def test_notices__late_ones_as_before__are_what_was_expected():
    """Each day 100 comes at once and 60 ten hours late; the last day is read before they came."""
    claims = [notice(DAY + n, lag, usdc) for n in range(5) for lag, usdc in ((0.5, 100), (20, 60))]
    from_ms = (DAY + 5) * DAY_MS + 1 * HOUR_MS

    found = backtesting.notices(claims, from_ms, from_ms + 3 * DAY_MS)

    assert found.actual_micro_usdc == 60
    assert 0 < found.expected_micro_usdc <= 60


def test_notices__twice_as_many__show_as_more_than_expected():
    history = [notice(DAY + n, lag, usdc) for n in range(4) for lag, usdc in ((0.5, 100), (20, 60))]
    claims = [*history, notice(DAY + 4, 0.5, 100), notice(DAY + 4, 20, 600)]
    from_ms = (DAY + 5) * DAY_MS + 1 * HOUR_MS

    found = backtesting.notices(claims, from_ms, from_ms + 3 * DAY_MS)

    ratio = found.actual_over_expected_ppm
    assert ratio is not None and ratio > 5_000_000
    assert replace(found, expected_micro_usdc=0).actual_over_expected_ppm is None
