"""What people's answer to a proposed batch does to the proposal and to its claims."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.domain.claim_facts import Move
from leverageguard.store.claim_tables import BatchProposal

# How the review ended → what becomes of the proposal; whoever wants it looked at again drops it.
STATES = {"APPROVED": "APPROVED", "REJECTED": "REJECTED", "REVERIFY": "STALE"}


def apply(
    settings: Settings, session: Session, proposal_id: str, review_state: str, actor: str
) -> None:
    """Approve, reject or drop a proposal; the claims of a rejected one wait for people each."""
    proposal = session.get_one(BatchProposal, proposal_id)
    proposal.state = STATES[review_state]
    now = clock.now_ms()
    proposal.closed_at_ms = None if proposal.state == "APPROVED" else now
    if proposal.state != "REJECTED":
        return
    claims = [item["claim_id"] for item in json.loads(proposal.items)]
    for claim_id, last in sorted(register.last_of(session, claims).items()):
        if last.to_state == "APPROVED":
            move = Move(
                "MANUAL_REVIEW",
                "BATCH_REJECTED",
                actor,
                max(now, last.at_ms),
                last.reserve_micro_usdc,
                {"proposal_id": proposal_id},
            )
            register.append(session, settings, claim_id, last.policy_id, [move], last)
    session.flush()
