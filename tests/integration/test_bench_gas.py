"""The gas benchmark pays everybody with every design, and its figures keep their order."""

from __future__ import annotations

import pytest

from tests.bench import gas
from tests.bench._gas import bound
from tests.bench._gas.designs import NAMES


@pytest.fixture(scope="module")
def small():
    return gas.measure([1, 3])


@pytest.mark.slow
def test_measure__small_sizes__every_design_costs_more_than_the_bound(small):
    assert small["n"] == [1, 3]
    for kind in gas.KINDS:
        assert set(small[kind]) == {*NAMES, "bound"}
        for name in NAMES:
            assert all(small[kind][name][n] > small[kind]["bound"][n] for n in (1, 3)), name


@pytest.mark.slow
def test_measure__existing_recipients__cost_less_than_fresh_ones_by_the_first_write(small):
    """17,100 is what a balance slot's first write costs more than the next, for every design."""
    for name in (*NAMES, "bound"):
        saved = small["fresh"][name][3] - small["existing"][name][3]
        assert saved == pytest.approx(17_100, abs=900), name


@pytest.mark.slow
def test_table__small_sizes__has_a_row_for_each_figure(small):
    rows = gas.table(small).splitlines()
    assert len(rows) == 1 + 2 * 2 * (len(NAMES) + 1)


def test_bound__one_new_recipient__is_the_sum_of_its_parts():
    to, amount = "0x" + "11" * 20, 0x01_00  # 21 bytes that are not zero, 7 that are
    expected = 22_100 + 200 + 1_756 + 100 + 21 * 16 + 7 * 4 + 21_000 + 2_500 + 2_000 + 2_800
    assert bound.per_payout([(to, amount)], is_fresh=True) == expected


@pytest.mark.slow
def test_measure__largest_batch__ours_costs_less_than_an_unguarded_drop():
    """Signatures, limits, solvency and once-only, for less than the cheapest peer without any."""
    found = gas.measure([400], ["ours", "gaslite"])
    for kind in gas.KINDS:
        assert found[kind]["ours"][400] < found[kind]["gaslite"][400]
