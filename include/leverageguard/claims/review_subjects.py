"""What is reviewed: claims, batches and withdrawals that wait, what each is about, who answers."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims import review_facts, review_forms
from leverageguard.claims.review_facts import Facts
from leverageguard.config import APPROVALS_NEEDED, Settings
from leverageguard.domain import review
from leverageguard.domain.evidence import canonical_json
from leverageguard.store.claim_tables import BatchProposal, ClaimAction, ReviewRecord
from leverageguard.store.fund_tables import FundRequest

CLAIM, BATCH, WITHDRAWAL = "claim", "batch", "withdrawal"
KINDS = {BATCH: "BATCH_OVER_LIMIT", WITHDRAWAL: "WITHDRAWAL"}
NOBODY = "schedule"
GRACE_MS = 3_600_000


def waiting(session: Session) -> list[tuple[str, str]]:
    """Kind and id of all that waits for people and is in no open review, claims last."""
    taken = set(session.scalars(select(ReviewRecord.open_key).where(ReviewRecord.state == "OPEN")))
    proposals = session.scalars(
        select(BatchProposal.proposal_id)
        .where(BatchProposal.state == "OPEN")
        .order_by(BatchProposal.proposed_at_ms, BatchProposal.proposal_id)
    )
    subjects = [(BATCH, proposal_id) for proposal_id in proposals]
    requests = session.scalars(
        select(FundRequest.request_id)
        .where(FundRequest.state == "REQUESTED")
        .order_by(FundRequest.requested_at_ms, FundRequest.request_id)
    )
    subjects += [(WITHDRAWAL, request_id) for request_id in requests]
    subjects += [(CLAIM, move.claim_id) for move in review_facts.waiting_claims(session)]
    return [(kind, each) for kind, each in subjects if f"{kind}:{each}" not in taken]


def new(
    settings: Settings, kind: str, subject_id: str, about: Facts, proposed_by: str | None
) -> ReviewRecord:
    """A review that is open from now on; where it is asked is for the caller to say."""
    now = clock.now_ms()
    detail = canonical_json(about).decode()
    seed = f"{kind}|{subject_id}|{now}|{hash_of(about)}"
    return ReviewRecord(
        review_id="rev_" + sha256(seed.encode()).hexdigest()[:24],
        subject_kind=kind,
        subject_id=subject_id,
        kind=KINDS.get(kind) or about["state"],
        covers="|".join(review_facts.holds(about)),
        approvals_needed=APPROVALS_NEEDED,
        proposed_by=proposed_by or NOBODY,
        detail=detail,
        inputs_hash=hash_of(about),
        state="OPEN",
        open_key=f"{kind}:{subject_id}",
        opened_at_ms=now,
        due_at_ms=now + APPROVALS_NEEDED * settings.review_patience_s * 1000 + GRACE_MS,
    )


def facts(settings: Settings, session: Session, kind: str, subject_id: str) -> Facts | None:
    """What a subject is about now; None when it waits no longer."""
    if kind == BATCH:
        return review_facts.of_proposal(session, subject_id)
    if kind == WITHDRAWAL:
        return review_facts.of_withdrawal(session, subject_id)
    return review_facts.of_claim(settings, session, subject_id)


def text(settings: Settings, row: ReviewRecord, about: Facts, step: int) -> tuple[str, str]:
    """Subject and body of the form of a step."""
    needed = row.approvals_needed
    if row.subject_kind == BATCH:
        limit = settings.approve_batches_over_micro_usdc
        body = review_forms.batch_body(about, limit, step, needed)
        return review_forms.batch_subject(about), body
    if row.subject_kind == WITHDRAWAL:
        body = review_forms.withdrawal_body(about, step, needed)
        return review_forms.withdrawal_subject(about), body
    holds = review_facts.holds(about)
    may_approve = review_facts.may_be_approved(about)
    body = review_forms.claim_body(about, holds, step, needed, may_approve)
    return review_forms.claim_subject(about, holds), body


def circle(settings: Settings, session: Session, row: ReviewRecord) -> review.Circle:
    """Approvers but for who asked for it, and who rejected the claim before: an appeal is for
    others."""
    proposers = {row.proposed_by}
    barred: set[str] = set()
    if row.subject_kind == BATCH:
        proposers.add(session.get_one(BatchProposal, row.subject_id).proposed_by)
    elif row.subject_kind == WITHDRAWAL:
        proposers.add(session.get_one(FundRequest, row.subject_id).requested_by)
    else:
        rejected = select(ClaimAction.actor).where(
            ClaimAction.claim_id == row.subject_id, ClaimAction.action == review.REJECT
        )
        barred.update(session.scalars(rejected))
    return review.Circle(settings.approvers, frozenset(proposers), barred)


def hash_of(about: Facts) -> str:
    """sha256 (0x-hex) of the facts' canonical JSON."""
    return "0x" + sha256(canonical_json(about)).hexdigest()
