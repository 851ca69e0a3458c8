"""SIMULATED paths: their variance, their common part, and what makes the same ones again."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from leverageguard.risk import extremes, paths
from leverageguard.risk.paths import Asset

ASSETS = (Asset("BTC", 620_707, 800_000), Asset("XRP", 1_034_512, 550_000))


@pytest.mark.parametrize("minutes", [1, 5])
def test_moves__long__have_unit_variance_a_minute(minutes):
    random = np.random.default_rng(5)
    found = np.stack(list(islice(paths.moves(random, (2_000,), minutes), 300)))

    assert found.var() / minutes == pytest.approx(1, rel=0.05)
    # Fat tails: a normal's fourth moment would be three.
    assert (found**4).mean() / found.var() ** 2 > 4


def test_market__two_assets__move_together_by_the_root_of_their_shares():
    random = np.random.default_rng(5)
    steps = list(islice(paths.market(random, ASSETS, 2_000, 5), 200))
    one, other = (np.stack([step.move[place] for step in steps]).ravel() for place in (0, 1))

    assert np.corrcoef(one, other)[0, 1] == pytest.approx((0.8 * 0.55) ** 0.5, abs=0.05)
    assert one.std() == pytest.approx(620_707e-9 * 5**0.5, rel=0.05)


def test_bridged__any__reaches_at_least_both_ends():
    random = np.random.default_rng(5)
    move = random.normal(size=1_000)

    step = paths.bridged(random, move, np.float64(1))

    assert (step.low <= np.minimum(0, move)).all()
    assert (step.high >= np.maximum(0, move)).all()


def test_simulate__hours__only_grow_and_covers_are_those_of_their_day():
    made = extremes.simulate(ASSETS, 20, seed=3, days=2)

    assert made.hour_falls.shape == (24, 2, 20)
    assert made.cover_falls.shape == (2, 2, 2, 20)
    assert (np.diff(made.hour_falls, axis=0) >= 0).all() and (made.hour_rises >= 0).all()
    assert (made.cover_falls[0] == made.hour_falls[[7, 23]]).all()
    assert (made.cover_rises[1, 0] <= made.cover_rises[1, 1]).all()


def test_kept__same_inputs__are_read_again_and_others_made_anew(settings, monkeypatch):
    monkeypatch.setattr(extremes, "DAYS", 2)
    monkeypatch.setattr(extremes.simulate, "__defaults__", (2,))
    made = extremes.kept(settings, ASSETS, 20, 3)
    calls = []
    real = extremes.simulate
    monkeypatch.setattr(extremes, "simulate", lambda *of: calls.append(of) or real(*of))

    again = extremes.kept(settings, ASSETS, 20, 3)
    other = extremes.kept(settings, ASSETS, 20, 4)

    assert (again.hour_falls == made.hour_falls).all() and again.assets == ("BTC", "XRP")
    assert len(calls) == 1 and (other.hour_falls != made.hour_falls).any()
