"""Who may answer what people are asked, which answers count, and what becomes of a review."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

APPROVE, REJECT, REVERIFY = "approve", "reject", "reverify"
MIN_REASON = 3
CLOSING = {REJECT: "REJECTED", REVERIFY: "REVERIFY"}


@dataclass(frozen=True)
class Answer:
    """What a person answered to the question of a step (from 1); `refusal` is why it does not
    count."""

    step: int
    actor: str
    answer: str
    reason: str
    refusal: str | None = None


@dataclass(frozen=True)
class Circle:
    """Who may answer: approvers, but for who proposed and whoever is barred from this subject."""

    approvers: Collection[str]
    proposers: Collection[str] = ()
    barred: Collection[str] = ()

    def open_to(self, earlier: Sequence[Answer]) -> tuple[str, ...]:
        """Those who may answer the next question, in order of name: nobody answers twice."""
        out = {*self.proposers, *self.barred, *(one.actor for one in earlier)}
        return tuple(sorted(set(self.approvers) - out))

    def refusal(
        self, answer: Answer, earlier: Sequence[Answer], may_approve: bool = True
    ) -> str | None:
        """Why the answer does not count, None when it does.

        `may_approve` is False where a check failed that nobody can release.
        """
        if answer.actor not in self.approvers:
            return "NOT_AN_APPROVER"
        if answer.actor in self.proposers:
            return "PROPOSER"
        if answer.actor in {one.actor for one in earlier}:
            return "SAME_PERSON"
        if answer.actor in self.barred:
            return "REJECTED_IT_BEFORE"
        if len(answer.reason.strip()) < MIN_REASON:
            return "NO_REASON"
        if answer.answer == APPROVE and not may_approve:
            return "A_CHECK_FAILED"
        return None


def outcome(answers: Sequence[Answer], approvals_needed: int) -> str:
    """What a review ends as, its answers in the order of their steps.

    One rejection ends it, as does one wish to look again; approval takes that many different
    people. An answer that does not count ends it as REFUSED, one that is missing as TIMED_OUT.
    """
    if any(one.refusal for one in answers):
        return "REFUSED"
    for one in answers:
        if one.answer in CLOSING:
            return CLOSING[one.answer]
    people = {one.actor for one in answers if one.answer == APPROVE}
    return "APPROVED" if len(people) >= approvals_needed else "TIMED_OUT"
