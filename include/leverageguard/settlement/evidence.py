"""The evidence root of a batch: what an outsider recomputes from the published payout items."""

from __future__ import annotations

from collections.abc import Iterable

from leverageguard.domain.evidence import canonical_json, merkle_root
from leverageguard.store.settlement_tables import PayoutRecord


def root(payouts: Iterable[PayoutRecord]) -> bytes:
    """Merkle root over one canonical JSON document a claim, named by its claim id.

    A document holds claim, event and policy id, the recipient in lower case and the amount in
    micro-USDC as text.
    """
    return merkle_root({payout.claim_id: _document(payout) for payout in payouts})


def _document(payout: PayoutRecord) -> bytes:
    return canonical_json(
        {
            "claim_id": payout.claim_id,
            "liquidation_event_id": payout.liquidation_event_id,
            "policy_id": payout.policy_id,
            "recipient": payout.recipient.lower(),
            "amount_micro_usdc": str(payout.amount_micro_usdc),
        }
    )
