"""The crash matrix in a thin slice: nothing paid twice, nothing left out, and it can tell."""

from __future__ import annotations

import pytest

from tests.bench import crash_matrix

POINTS = ["after broadcast", "before recording the outcome"]
WORLDS = ["30 % of requests fail", "reorg of 2", "two workers two stores"]


@pytest.mark.slow
def test_matrix__thin_slice__each_claim_is_paid_once_and_the_naive_sender_pays_twice():
    found = crash_matrix.measure(WORLDS, POINTS, claims=3)

    assert (found["double"], found["missing"], found["unfinished"]) == (0, 0, 0)
    assert found["runs"] == len(POINTS) * len(WORLDS)
    assert found["max_tx_ratio"] <= 1
    assert found["naive_double"] > 0
    assert all(world["kills"] >= 3 * len(POINTS) for world in found["worlds"].values())
    assert found["worlds"]["30 % of requests fail"]["faults"] > 20
    assert found["worlds"]["reorg of 2"]["reorgs"] >= 3 * len(POINTS)
