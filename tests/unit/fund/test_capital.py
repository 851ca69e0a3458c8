"""Common paths over a book: equal to the plain loop, and what being common costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.fund import capital
from leverageguard.fund.capital import AtRisk
from leverageguard.risk import stress
from leverageguard.risk.extremes import COVER_HOURS, HOURS, Extremes, simulate
from leverageguard.risk.paths import Asset

HOUR, USDC = 3_600_000, 1_000_000
ASSETS = (Asset("BTC", 620_707, 800_000), Asset("ETH", 896_577, 750_000))
SMALL = simulate(ASSETS, 5, seed=11, days=3)


@pytest.fixture(scope="module")
def world() -> Extremes:
    return simulate(ASSETS, 400, seed=7, days=3)


def policy(**other) -> AtRisk:
    made = {
        "base_asset": "BTC", "side": "long", "leverage": 40, "maintenance_ppm": 4000,
        "left_ms": 24 * HOUR, "cover_ms": 24 * HOUR, "left_micro_usdc": 10 * USDC,
        "sum_micro_usdc": 10 * USDC, "premium_micro_usdc": 3 * USDC,
    }  # fmt: skip
    return AtRisk(**{**made, **other})


def book(*policies: AtRisk) -> capital.Book:
    return capital.book(policies, [one.base_asset for one in ASSETS])


def plainly(policies, world: Extremes, side_of_either: str, earned: int) -> tuple[list, list]:
    """One policy and path after the other."""
    names = [one.base_asset for one in ASSETS]
    one_day, ten_days = [], []
    for path in range(world.paths):
        days = [-earned, *(-sum(one.premium_micro_usdc for one in policies) for _ in range(2))]
        for one in policies:
            if one.base_asset not in names:
                days = [days[0] + one.left_micro_usdc, *(d + one.left_micro_usdc for d in days[1:])]
                continue
            side, asset = one.side or side_of_either, names.index(one.base_asset)
            far = capital._far(one.leverage, one.maintenance_ppm, side)
            hours = min(HOURS, max(1, -(-one.left_ms // HOUR)))
            cover = 0 if one.cover_ms <= COVER_HOURS[0] * HOUR else 1
            first, again = (
                (world.hour_falls, world.cover_falls)
                if side == "long"
                else (world.hour_rises, world.cover_rises)
            )
            days[0] += one.left_micro_usdc * bool(first[hours - 1, asset, path] >= far)
            for day in (1, 2):
                days[day] += one.sum_micro_usdc * bool(again[day, cover, asset, path] >= far)
        one_day.append(days[0])
        ten_days.append(sum(days))
    return one_day, ten_days


POLICIES = st.builds(
    policy,
    base_asset=st.sampled_from(["BTC", "ETH", "NEW", None]),
    side=st.sampled_from(["long", "short", None]),
    leverage=st.integers(1, 125),
    left_ms=st.integers(1, 25 * HOUR),
    cover_ms=st.sampled_from([8 * HOUR, 24 * HOUR]),
    left_micro_usdc=st.integers(1, 50 * USDC),
    premium_micro_usdc=st.integers(1, 5 * USDC),
)


@given(st.lists(POLICIES, max_size=6), st.sampled_from(["long", "short"]), st.integers(0, USDC))
def test_losses__any_book__are_those_of_the_plain_loop(policies, side, earned):
    found = capital.losses(capital.on_side(book(*policies), side), SMALL, earned)

    one_day, ten_days = plainly(policies, SMALL, side, earned)
    assert (found.one_day.tolist(), found.ten_days.tolist()) == (one_day, ten_days)


def test_quantile__995_of_1000__is_what_all_but_five_stay_within():
    values = np.arange(1000)[::-1].copy()

    assert capital.quantile(values) == 994
    assert capital.quantile(np.array([7])) == 7


def test_figures__policies_of_one_kind__lose_together_and_independent_draws_hide_it(world):
    """A hundred equal policies look diversified; on common paths they are one policy."""
    made = capital.figures(book(*[policy(premium_micro_usdc=0)] * 100), world, 0)

    assert made.scr_1d == 1000 * USDC
    assert made.independent_1d < 700 * USDC
    assert made.independent_1d > made.expected_payout


def test_figures__longs_and_shorts__need_less_than_the_longs_alone_twice(world):
    longs = [policy(leverage=25)] * 50
    shorts = [policy(leverage=25, side="short")] * 50

    both = capital.figures(book(*longs, *shorts), world, 0).scr_1d
    assert both < capital.figures(book(*longs, *longs), world, 0).scr_1d


def test_figures__no_side_said__is_the_dearer_side(world):
    unsaid = [policy(side=None, leverage=30)] * 3
    longs, shorts = ([policy(side=side, leverage=30)] * 3 for side in ("long", "short"))

    found = capital.figures(book(*unsaid), world, 0)

    assert found.scr_1d == max(
        capital.figures(book(*each), world, 0).scr_1d for each in (longs, shorts)
    )


def test_figures__nothing_at_risk__need_nothing(world):
    made = capital.figures(book(), world, 0)

    assert (made.scr_1d, made.scr_10d, made.independent_1d, made.expected_payout) == (0, 0, 0, 0)


def test_figures__more_leverage__never_need_less(world):
    needs = [
        capital.figures(book(*[policy(leverage=lev)] * 10), world, 0).scr_1d
        for lev in (5, 10, 20, 30, 40)
    ]

    assert needs == sorted(needs)


def test_at_move__a_fall__costs_the_longs_whose_barrier_it_passes():
    made = book(policy(leverage=40), policy(leverage=10), policy(leverage=40, side="short"))

    assert [capital.at_move(made, percent) for percent in (-1, -3, -20, 3)] == [
        0, 10 * USDC, 20 * USDC, 10 * USDC,
    ]  # fmt: skip


def test_reverse_stress__smallest_move__reaches_the_own_funds_and_a_smaller_one_does_not():
    made = book(policy(leverage=40), policy(leverage=20), policy(leverage=10))

    found = capital.reverse_stress(made, 20 * USDC)

    assert found["rise_ppm"] is None
    fall = found["fall_ppm"]
    assert fall is not None and 45_000 < fall < 47_000  # 20x: 5 % less the maintenance margin
    assert capital.reverse_stress(made, 30 * USDC + 1)["fall_ppm"] is None
    assert capital.reverse_stress(made, 0) == {"fall_ppm": 0, "rise_ppm": 0}


def test_at_stresses__a_crash__takes_what_is_near_enough_and_still_covered(settings):
    worlds = stress.stresses(settings, ["BTC", "ETH"])
    near, far = policy(leverage=40), policy(leverage=3)
    late = policy(leverage=3, left_ms=2 * HOUR)

    found = capital.at_stresses(book(near, far, late, policy(side="short")), worlds)

    # Only the first day halved BTC, and by its thirteenth hour: the third cover was over.
    assert found == {
        "2020-03-12": 20 * USDC, "2021-05-19": 10 * USDC, "2022-11-08": 10 * USDC,
        "2025-10-10": 10 * USDC,
    }  # fmt: skip


def flat(falls: list[float], rises: list[float]) -> Extremes:
    """A world of one asset whose every hour and cover has these extremes, by path."""
    low, high = (np.array(each, dtype=float) for each in (falls, rises))
    hour, cover = (24, 1, len(falls)), (2, 2, 1, len(falls))
    shapes = (np.broadcast_to(low, hour), np.broadcast_to(high, hour))
    return Extremes(
        ("BTC",), *shapes, np.broadcast_to(low, cover), np.broadcast_to(high, cover)
    )  # fmt: skip


def test_losses__a_fall_of_just_the_distance__is_a_touch():
    far = capital._far(40, 4000, "long")
    made = capital.book([policy(premium_micro_usdc=0)], ["BTC"])

    found = capital.losses(made, flat([far, np.nextafter(far, 0)], [0, 0]), 0)

    assert found.one_day.tolist() == [10 * USDC, 0]
    assert capital.chances(made, flat([far, 0], [0, 0])).tolist() == [0.5]


def test_figures__only_rises__take_the_unsaid_side_as_short():
    made = capital.book([policy(side=None)], ["BTC"])

    found = capital.figures(made, flat([0, 0], [1, 1]), 0)

    assert (found.worst_side, found.scr_1d) == ("short", 10 * USDC)


def test_figures__independent__is_the_normal_of_the_same_chances():
    """Four policies of chance 1/4: mean 10, deviation sqrt(4 · 3/16) · 10 USDC."""
    made = capital.book([policy()] * 4, ["BTC"])

    found = capital.figures(made, flat([1, 0, 0, 0], [0] * 4), 0)

    deviation = 10 * USDC * (4 * 3 / 16) ** 0.5
    exact = 10 * USDC + 2.5758293035489 * deviation
    assert found.independent_1d == pytest.approx(exact, abs=1)
    assert found.independent_1d >= exact
    assert found.expected_payout == 10 * USDC
