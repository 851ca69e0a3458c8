from __future__ import annotations

import pytest

from leverageguard.settlement import states
from leverageguard.store import settlement_tables as tables


@pytest.mark.parametrize(
    ("edges", "allowed"),
    [
        (states.BATCH_EDGES, tables.BATCH_STATES),
        (states.PAYOUT_EDGES, tables.PAYOUT_STATES),
        (states.TRANSACTION_EDGES, tables.TRANSACTION_STATES),
    ],
)
def test_edges__every_state__is_one_the_store_allows(
    edges: dict[str, frozenset[str]], allowed: tuple[str, ...]
) -> None:
    assert set(edges) == set(allowed)
    assert set().union(*edges.values()) <= set(allowed)


@pytest.mark.parametrize("state", ["PAID", "FAILED"])
def test_payout_edges__closed_payout__goes_nowhere(state: str) -> None:
    assert states.PAYOUT_EDGES[state] == frozenset()


def test_check__edge_that_does_not_exist__names_both_ends() -> None:
    with pytest.raises(states.IllegalMove, match="batch 4 cannot go from FINAL to PLANNED"):
        states.check(states.BATCH_EDGES, "batch 4", "FINAL", "PLANNED")


def test_lost_edges__what_is_closed__goes_back_under_way_and_nowhere_else() -> None:
    assert {state: {"SENT"} for state in ("FINAL", "PAID", "FAILED")} == states.LOST_EDGES
