"""The states of a batch, a payout and a transaction, and the only edges between them.

What is closed goes nowhere, but for LOST_EDGES: the chain lost the block, deeper than the
confirmations.
"""

from __future__ import annotations

from typing import Final

BATCH_EDGES: Final[dict[str, frozenset[str]]] = {
    "PLANNED": frozenset({"SIGNED", "MINED"}),
    "SIGNED": frozenset({"SENT"}),
    "SENT": frozenset({"MINED", "PAY_UNKNOWN", "REVERTED"}),
    "PAY_UNKNOWN": frozenset({"MINED", "REVERTED", "PLANNED"}),
    "REVERTED": frozenset({"PLANNED"}),
    "MINED": frozenset({"SENT", "FINAL"}),
    "FINAL": frozenset(),
}
PAYOUT_EDGES: Final[dict[str, frozenset[str]]] = {
    **BATCH_EDGES,
    "PLANNED": BATCH_EDGES["PLANNED"] | {"PAID", "FAILED"},
    "MINED": frozenset({"SENT", "PAID", "FAILED"}),
    "PAID": frozenset(),
    "FAILED": frozenset(),
}
del PAYOUT_EDGES["FINAL"]
TRANSACTION_EDGES: Final[dict[str, frozenset[str]]] = {
    "SIGNED": frozenset({"SENT", "REPLACED"}),
    "SENT": frozenset({"MINED", "REVERTED", "REPLACED"}),
    "REPLACED": frozenset({"SENT"}),
    "MINED": frozenset({"FINAL", "SENT"}),
    "REVERTED": frozenset(),
    "FINAL": frozenset(),
}
CLOSED_PAYOUTS: Final = frozenset({"PAID", "FAILED"})
# The one way back from the end, for batch, payouts and transaction together.
LOST_EDGES: Final = dict.fromkeys(("FINAL", "PAID", "FAILED"), frozenset({"SENT"}))


class IllegalMove(Exception):
    """A state change along an edge that does not exist."""


def check(edges: dict[str, frozenset[str]], what: str, before: str, after: str) -> None:
    """Raise IllegalMove unless `edges` has the edge from `before` to `after`."""
    if after not in edges.get(before, frozenset()):
        raise IllegalMove(f"{what} cannot go from {before} to {after}")
