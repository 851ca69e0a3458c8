from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leverageguard.domain.probability import ClosedForm, RiskInputs
from leverageguard.fund.earning import Earning

HOUR = 3_600_000
DAY = Earning(10_000_000, 1_000 * HOUR, 1_024 * HOUR)


def closed_form(leverage: int):
    model = ClosedForm()
    return lambda seconds: model.probability_ppm(
        RiskInputs("BTC", "long", leverage, 4_000, 620_707, seconds)
    )


def test_pro_rata__before_within_and_after__is_nothing_a_part_and_all():
    earned = [DAY.pro_rata(hour * HOUR) for hour in (0, 1_000, 1_006, 1_024, 2_000)]

    assert earned == [0, 0, 2_500_000, 10_000_000, 10_000_000]


def test_hazard__a_near_barrier__earns_sooner_and_a_far_one_later():
    half = 1_012 * HOUR

    assert (
        DAY.hazard(half, closed_form(100)) > DAY.pro_rata(half) > DAY.hazard(half, closed_form(15))
    )


@pytest.mark.parametrize("leverage", [2, 250])
def test_hazard__a_chance_that_time_does_not_change__earns_by_time(leverage):
    """Out of reach of every table, or liquidated at once."""
    assert DAY.hazard(1_006 * HOUR, closed_form(leverage)) == 2_500_000


@settings(max_examples=25)
@given(
    st.integers(0, 10**12), st.integers(0, 10**9), st.integers(1, 10**9), st.integers(0, 10**9),
    st.integers(0, 10**9), st.sampled_from([5, 20, 100]),
)  # fmt: skip
def test_earned__any_two_instants__never_falls_and_never_exceeds_what_was_written(
    written, start, length, one, other, leverage
):
    made, chance = Earning(written, start, start + length), closed_form(leverage)
    first, second = sorted((one, other))

    for earned in (made.pro_rata, lambda at: made.hazard(at, chance)):
        assert 0 <= earned(first) <= earned(second) <= written
    assert made.pro_rata(start + length) == made.hazard(start + length, chance) == written
