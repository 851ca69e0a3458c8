"""What people's answer to a withdrawal does to it, and who stands for an approved one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims.review_subjects import WITHDRAWAL
from leverageguard.domain import review
from leverageguard.store.claim_tables import ReviewAnswer, ReviewRecord
from leverageguard.store.fund_tables import FundRequest

# How the review ended → what becomes of the request; what is looked at again stays requested.
STATES = {"APPROVED": "APPROVED", "REJECTED": "REJECTED", "REVERIFY": "REQUESTED"}


def apply(session: Session, request_id: str, review_state: str, actor: str) -> None:
    """Approve, reject or leave a request."""
    request = session.get_one(FundRequest, request_id)
    request.state, request.changed_by = STATES[review_state], actor
    request.note = f"people: {review_state}"
    request.updated_at_ms = clock.now_ms()
    session.flush()


def approvers(session: Session, request_id: str) -> frozenset[str]:
    """Who approved a request in a review that ended so, but for who wanted it."""
    query = (
        select(ReviewAnswer.actor)
        .join(ReviewRecord, ReviewRecord.review_id == ReviewAnswer.review_id)
        .where(
            ReviewRecord.subject_kind == WITHDRAWAL,
            ReviewRecord.subject_id == request_id,
            ReviewRecord.state == "APPROVED",
            ReviewAnswer.answer == review.APPROVE,
            ReviewAnswer.refusal.is_(None),
        )
    )
    wanted_by = session.get_one(FundRequest, request_id).requested_by
    return frozenset(session.scalars(query)) - {wanted_by}
