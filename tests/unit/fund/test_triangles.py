"""Late notices: the triangle, its two reserves, and the library that does the same by months."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.fund import mack, triangles
from leverageguard.fund.triangles import DAY_MS, HOUR_MS, LAG_HOURS, Notified

DAY = 20_000


def claim(day: int, lag_hours: float, amount: int, hour: float = 12) -> Notified:
    liquidated = day * DAY_MS + int(hour * HOUR_MS)
    return Notified(liquidated, liquidated + int(lag_hours * HOUR_MS), amount)


# Four old days, each with 100 of 160 notified at once and the rest ten hours late.
HISTORY = [claim(DAY + n, lag, amount) for n in range(4) for lag, amount in ((0.5, 100), (10, 60))]


def test_triangle__old_days__show_every_column_and_new_ones_what_is_old_enough():
    made = triangles.triangle(HISTORY, (DAY + 4) * DAY_MS + 9 * HOUR_MS)

    assert made.cells[DAY] == (100, 100, 100, 100, 160, 160, 160, 160)
    assert made.cells[DAY + 3] == (100, 100, 100, 100)
    assert made.factors() == (1, 1, 1, Fraction(8, 5), 1, 1, 1)
    assert made.developed()[3:5] == (Fraction(5, 8), 1)


def test_triangle__what_is_notified_later__is_not_known_yet():
    made = triangles.triangle(HISTORY, DAY * DAY_MS + 20 * HOUR_MS)

    assert made.cells == {DAY: ()}


def test_ibnr__a_day_whose_late_claims_are_missing__is_what_the_others_showed():
    at_ms = (DAY + 4) * DAY_MS + 9 * HOUR_MS
    known = [*HISTORY[:-2], claim(DAY + 3, 0.5, 200)]

    made = triangles.ibnr(known, {DAY + 3: 1_000}, 320_000, at_ms)

    # The last day's hours are 10 to 33 hours old: two of 24 have not reached the column of 12.
    missing = 1 - (2 * Fraction(5, 8) + 22) / 24
    assert made.by_day == {DAY + 3: made.by_day[DAY + 3]}
    assert made.bornhuetter_ferguson == -(-1_000 * 32 * missing // 100)
    assert made.chain_ladder == -(-200 * (1 / (1 - missing) - 1) // 1)


def test_ibnr__a_day_without_a_whole_column__takes_the_exposure_for_both():
    at_ms = (DAY + 4) * DAY_MS + 30 * 60_000
    known = [*HISTORY, claim(DAY + 4, 0.1, 500, hour=0)]

    made = triangles.ibnr(known, {DAY + 4: 900}, 1_000_000, at_ms)

    assert made.by_day[DAY + 4] == (900, 900)


def test_ibnr__nothing_ever_happened__still_expects_the_hour_that_cannot_be_known():
    made = triangles.ibnr([], {DAY: 1_000}, 500_000, DAY * DAY_MS + 30 * 60_000)

    assert (made.chain_ladder, made.bornhuetter_ferguson) == (500, 500)
    # A reserve is rounded up: a third of a micro-USDC is one.
    assert triangles.ibnr([], {DAY: 1}, 333_333, DAY * DAY_MS + 60_000).chain_ladder == 1


@given(
    st.lists(
        st.builds(claim, st.integers(DAY, DAY + 6), st.floats(0, 72), st.integers(1, 10**9)),
        max_size=30,
    ),
    st.integers(0, 8 * 24),
)
def test_ibnr__any_history__is_never_negative_and_nothing_once_all_is_old(claims, hours):
    earned = {DAY + n: 10**6 for n in range(7)}
    now = triangles.ibnr(claims, earned, 800_000, DAY * DAY_MS + hours * HOUR_MS)
    late = triangles.ibnr(claims, earned, 800_000, (DAY + 12) * DAY_MS)

    assert now.chain_ladder >= 0 and now.bornhuetter_ferguson >= 0
    assert (late.chain_ladder, late.bornhuetter_ferguson) == (0, 0)


# A run-off triangle, also given to the library below.
ROWS = [(100, 130, 150, 160, 165), (80, 120, 126, 130), (200, 210, 260), (50, 70), (90,)]


def test_standard_error__too_few_days__is_unknown_and_of_equal_days_nothing():
    one = triangles.Triangle({1: (100, 160), 2: (100,)})
    equal = triangles.Triangle(dict.fromkeys(range(3), (100, 160)) | {3: (100,)})

    assert mack.standard_error(triangles.Triangle({})) is None
    assert mack.standard_error(one) is None
    assert mack.standard_error(equal) == 0


def test_standard_error__two_columns__is_macks_by_hand():
    """f = 330/200, s² = 100·(0.05² + 0.05²), U = 165, mse = U²·s²/f²·(1/100 + 1/200)."""
    made = triangles.Triangle({1: (100, 160), 2: (100, 170), 3: (100,)})

    assert mack.standard_error(made) == ceil((165**2 * 0.5 / 1.65**2 * 0.015) ** 0.5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_factors_and_error__chainladder_the_library__finds_the_same():
    """Its finest grain is a month: a day is a month of origin here, a lag a month of age."""
    chainladder = pytest.importorskip("chainladder")
    pandas = pytest.importorskip("pandas")
    long = [
        (pandas.Period("2025-01", "M") + origin, pandas.Period("2025-01", "M") + origin + lag, c)
        for origin, row in enumerate(ROWS)
        for lag, c in enumerate(row)
    ]
    frame = pandas.DataFrame(
        [(str(o), str(d), c) for o, d, c in long], columns=["origin", "development", "value"]
    )
    made = chainladder.Triangle(
        frame, origin="origin", development="development", columns="value", cumulative=True
    )
    theirs = chainladder.Development(average="volume").fit(made).ldf_.values.ravel().tolist()

    ours = triangles.Triangle(dict(enumerate(ROWS)))

    assert len(LAG_HOURS) > len(theirs)
    assert [float(each) for each in ours.factors()[: len(theirs)]] == pytest.approx(theirs)
    developed = chainladder.Development(average="volume", sigma_interpolation="mack")
    error = chainladder.MackChainladder().fit(developed.fit_transform(made)).total_mack_std_err_
    assert mack.standard_error(ours) == ceil(float(error.values.ravel()[0]))
