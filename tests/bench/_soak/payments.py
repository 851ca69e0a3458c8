"""Who was paid how often, as the chain alone tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement import history
from leverageguard.warehouse import connect, snapshot
from tests.bench._latency.traders import HOUR_MS, Insured
from tests.bench._soak.hours import closed_ms

APPROVED = """
    select claim_id, wallet, approved_micro_usdc from fct_claims where approved_micro_usdc > 0
"""


def counted(settings: Settings, insured: Iterable[Insured]) -> dict[str, Any]:
    """How many claims were paid over the life of the stack, and who too often or not at all."""
    chain = chains.connect(settings)
    settled = history.batches(chain, chain.pool())
    paid = [payment for batch in settled for payment in batch.payments if payment.is_paid]
    due = [one.visitor["wallet"] for one in insured if closed_ms(one.visitor) < _complete_ms()]
    approved = connect.rows(snapshot.current(settings), APPROVED)
    return tally(paid_to=[one.recipient for one in paid], due=due, approved=approved)


def tally(
    paid_to: Iterable[str], due: Iterable[str], approved: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """A wallet is owed a payment for each approved claim; a visitor one for its one liquidation."""
    paid, owed = Counter(wallet.lower() for wallet in paid_to), Counter[str]()
    owed.update(row["wallet"].lower() for row in approved)
    for wallet in due:
        owed[wallet.lower()] = 1  # whatever was approved of it
    return {
        "claims_paid": paid.total(),
        "paid_double": sorted((paid - owed).elements()),
        "missing": sorted((owed - paid).elements()),
    }


def _complete_ms() -> int:
    """What was liquidated before is decided by now: its evidence was complete an hour ago."""
    return clock.now_ms() - 2 * HOUR_MS
