"""The benchmark of capital compares the loop's losses with ours, path by path."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench import capital


def test_measure__small_sizes__both_methods_are_held_against_each_other():
    found = capital.measure([20, 50], paths=200)

    assert found["paths"] == 200
    for size in (20, 50):
        ours, loop = (found["sizes"][size][name] for name in ("ours", "loop"))
        assert (ours["scr_1d"], ours["scr_10d"]) == (loop["scr_1d"], loop["scr_10d"])
    assert "SIMULATED" in capital.table(found)
    tested = found["back_test"]
    assert tested["independent"]["exceeded"] > tested["common"]["exceeded"]


def test_losses__one_policy_left_out__is_not_equal():
    world = capital.extremes.simulate([capital.extremes.Asset("BTC", 620_707, 800_000)], 50, 3, 2)
    made = capital.policies(30, ("BTC",))
    whole, less = (capital.capital.book(each, world.assets) for each in (made, made[1:]))

    assert np.array_equal(
        capital.in_a_loop(whole, world, 0).ten_days,
        capital.METHODS["ours"](whole, world, 0).ten_days,
    )
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(
            capital.in_a_loop(less, world, 0).ten_days,
            capital.METHODS["ours"](whole, world, 0).ten_days,
        )
