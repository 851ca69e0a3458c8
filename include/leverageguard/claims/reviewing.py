"""Decisions by people: what waits is asked in a run, two different people answer, a record ends it.

A review is found by the run that asks and its place in it alone (`asked_in`), so that nothing that
travels between tasks can lead an answer to another claim. Answers are kept as they come; they
become actions on the claim only when the review ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims import (
    batch_answers,
    review_facts,
    review_subjects,
    withdrawal_answers,
)
from leverageguard.claims.review_facts import Facts
from leverageguard.config import Settings
from leverageguard.domain import review
from leverageguard.store import base
from leverageguard.store.claim_tables import (
    ClaimAction,
    ReviewAnswer,
    ReviewRecord,
)

OPTIONS = {"Approve": review.APPROVE, "Reject": review.REJECT, "Verify again": review.REVERIFY}
# What goes back into the queue, and is told to the operator.
UNDECIDED = ("TIMED_OUT", "REFUSED", "SUPERSEDED")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Form:
    """What one question of a review shows, and to whom."""

    review_id: str
    subject: str
    body: str
    users: tuple[str, ...]
    patience: timedelta


@dataclass(frozen=True)
class Ended:
    """How a review ended; `is_new` only for the call that ended it."""

    review_id: str
    subject_id: str
    state: str
    closed_at_ms: int
    is_new: bool

    @property
    def is_decided(self) -> bool:
        """False where the subject waits for the next run."""
        return self.state not in UNDECIDED


def open_reviews(settings: Settings, run_id: str, proposed_by: str | None) -> list[str]:
    """Open a review for all that waits and is in no open one; their ids in the order of the run.

    The same run gets the same ones again. `proposed_by` started the run by hand and may answer
    none of them; None for a run that nobody started. Reviews that a lost run left open end first.
    """
    with base.session(settings) as session:
        asked = _of_run(session, run_id)
        if asked:
            return [row.review_id for row in asked]
        for left in _overdue(session):
            _close(session, left, "TIMED_OUT")
        ids: list[str] = []
        for kind, subject_id in review_subjects.waiting(session):
            facts = review_subjects.facts(settings, session, kind, subject_id)
            if facts is not None:
                row = review_subjects.new(settings, kind, subject_id, facts, proposed_by)
                row.asked_in = asked_in(run_id, len(ids))
                session.add(row)
                ids.append(row.review_id)
        return ids


def asked_in(run_id: str, place: int) -> str:
    """The key under which a review is found: the run and its place in it, from 0."""
    return f"{run_id}#{place}"


def form(settings: Settings, key: str, step: int) -> Form | None:
    """The question of a step (from 1); None when it needs no answer any more, or has nobody."""
    with base.session(settings) as session:
        row = _open(session, key)
        if row is None:
            return None
        earlier = _answers(session, row.review_id)
        if len(earlier) != step - 1 or any(_ends_it(one) for one in earlier):
            return None
        users = review_subjects.circle(settings, session, row).open_to(earlier)
        facts = review_subjects.facts(settings, session, row.subject_kind, row.subject_id)
        if not users or facts is None or review_subjects.hash_of(facts) != row.inputs_hash:
            _log.warning("review_not_asked", review_id=row.review_id, step=step, users=users)
            return None
        subject, body = review_subjects.text(settings, row, facts, step)
        patience = timedelta(seconds=settings.review_patience_s)
        return Form(row.review_id, subject, body, users, patience)


def answer(
    settings: Settings, key: str, step: int, actor: str, option: str, reason: str
) -> str | None:
    """Keep what a person answered; why it does not count, None when it does.

    The same answer again changes nothing. Raises KeyError for an unknown review or option, and
    ValueError when the question was answered otherwise or the review has ended.
    """
    chosen = OPTIONS[option]
    with base.session(settings) as session:
        row = session.scalars(
            select(ReviewRecord).where(ReviewRecord.asked_in == key)
        ).one_or_none()
        if row is None:
            raise KeyError(f"no review was asked in {key}")
        kept = session.get(ReviewAnswer, (row.review_id, step))
        if kept is not None and (kept.actor, kept.answer) == (actor, chosen):
            return kept.refusal
        if kept is not None or row.state != "OPEN":
            raise ValueError(f"{row.review_id} was answered or ended before: nothing was changed")
        earlier = _answers(session, row.review_id)
        facts = review_subjects.facts(settings, session, row.subject_kind, row.subject_id)
        refusal = review_subjects.circle(settings, session, row).refusal(
            review.Answer(step, actor, chosen, reason),
            earlier,
            may_approve=facts is not None and review_facts.may_be_approved(facts),
        )
        session.add(
            ReviewAnswer(
                review_id=row.review_id,
                step=step,
                actor=actor,
                answer=chosen,
                reason=reason.strip()[:2000],
                refusal=refusal,
                answered_at_ms=clock.now_ms(),
            )
        )
        _log.info("review_answered", review_id=row.review_id, step=step, refusal=refusal)
        return refusal


def record(settings: Settings, key: str) -> Ended:
    """End a review with what was answered, and write the actions that follow from it.

    A review of what has changed meanwhile ends as SUPERSEDED, one that nobody answered as
    TIMED_OUT, one with an answer that does not count as REFUSED: its subject waits for the next
    run. Ended already, it stays as it is. KeyError for an unknown review.
    """
    with base.session(settings) as session:
        row = session.scalars(
            select(ReviewRecord).where(ReviewRecord.asked_in == key)
        ).one_or_none()
        if row is None:
            raise KeyError(f"no review was asked in {key}")
        if row.state != "OPEN":
            return _ended(row, is_new=False)
        answers = _answers(session, row.review_id)
        state = review.outcome(answers, row.approvals_needed)
        facts = review_subjects.facts(settings, session, row.subject_kind, row.subject_id)
        if facts is None or review_subjects.hash_of(facts) != row.inputs_hash:
            state = "SUPERSEDED"
        _close(session, row, state)
        if state not in UNDECIDED:
            _act(settings, session, row, answers, facts or {})
        return _ended(row, is_new=True)


def _ended(row: ReviewRecord, is_new: bool) -> Ended:
    return Ended(row.review_id, row.subject_id, row.state, int(row.closed_at_ms or 0), is_new)


def _act(
    settings: Settings,
    session: Session,
    row: ReviewRecord,
    answers: Sequence[review.Answer],
    facts: Facts,
) -> None:
    if row.subject_kind == review_subjects.BATCH:
        batch_answers.apply(settings, session, row.subject_id, row.state, answers[-1].actor)
        return
    if row.subject_kind == review_subjects.WITHDRAWAL:
        withdrawal_answers.apply(session, row.subject_id, row.state, answers[-1].actor)
        return
    now = clock.now_ms()
    for one in answers:
        session.add(
            ClaimAction(
                action_id="act_" + sha256(f"{row.review_id}|{one.step}".encode()).hexdigest()[:24],
                claim_id=row.subject_id,
                action=one.answer,
                actor=one.actor,
                review_id=row.review_id,
                covers=row.covers if one.answer == review.APPROVE else "",
                evidence_root=facts["verdict"]["evidence_root"],
                reason=one.reason,
                acted_at_ms=now,
                created_at_ms=now,
            )
        )
        session.flush()


def _answers(session: Session, review_id: str) -> list[review.Answer]:
    query = select(ReviewAnswer).where(ReviewAnswer.review_id == review_id)
    return [
        review.Answer(row.step, row.actor, row.answer, row.reason, row.refusal)
        for row in session.scalars(query.order_by(ReviewAnswer.step))
    ]


def _ends_it(answer: review.Answer) -> bool:
    return bool(answer.refusal) or answer.answer != review.APPROVE


def _open(session: Session, key: str) -> ReviewRecord | None:
    query = select(ReviewRecord).where(ReviewRecord.asked_in == key, ReviewRecord.state == "OPEN")
    return session.scalars(query).one_or_none()


def _of_run(session: Session, run_id: str) -> list[ReviewRecord]:
    query = select(ReviewRecord).where(
        ReviewRecord.asked_in.startswith(f"{run_id}#", autoescape=True)
    )
    return sorted(session.scalars(query), key=lambda row: int(row.asked_in.rpartition("#")[2]))


def _overdue(session: Session) -> list[ReviewRecord]:
    query = select(ReviewRecord).where(
        ReviewRecord.state == "OPEN", ReviewRecord.due_at_ms < clock.now_ms()
    )
    return list(session.scalars(query))


def _close(session: Session, row: ReviewRecord, state: str) -> None:
    row.state, row.open_key, row.closed_at_ms = state, None, clock.now_ms()
    session.flush()
    log = _log.warning if state in UNDECIDED else _log.info
    log("review_ended", review_id=row.review_id, subject_id=row.subject_id, state=state)
