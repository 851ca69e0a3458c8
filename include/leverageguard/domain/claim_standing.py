"""Where a claim stands: what its history and the newest verdict say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leverageguard.domain.claim_facts import (
    REVIEW,
    UNDETERMINED,
    VERIFIED,
    Action,
    Facts,
    Move,
    Moves,
)

APPROVERS = 2
_OWES_PLANNED = frozenset({"BATCHED", "SETTLING", "PAY_UNKNOWN", "PAY_REFUSED"})
_OWES_APPROVED = frozenset({"ELIGIBLE", "MANUAL_REVIEW", "FRAUD_HOLD", "APPROVED", "APPEALED"})
_OWES_ROOM = frozenset({"NOTIFIED", "EVIDENCE_PENDING", "VERIFYING"})


def reserve(to_state: str, facts: Facts) -> int:
    """The case reserve (micro-USDC) of a claim that comes into a state."""
    if to_state in _OWES_PLANNED and facts.planned is not None:
        return facts.planned.amount_micro_usdc
    if to_state in _OWES_APPROVED:
        decision = facts.decision
        is_verified = decision is not None and decision.verdict == VERIFIED
        approved = decision.approved_micro_usdc if decision and is_verified else None
        return facts.room_micro_usdc if approved is None else approved
    return facts.room_micro_usdc if to_state in _OWES_ROOM else 0


def move(
    facts: Facts,
    history: Moves,
    to_state: str,
    rule_id: str,
    actor: str,
    at_ms: int,
    **detail: object,
) -> Move:
    """A move that takes effect no sooner than the one before it."""
    at_ms = max(at_ms, history[-1].at_ms) if history else at_ms
    return Move(to_state, rule_id, actor, at_ms, reserve(to_state, facts), detail)


def basis(history: Moves) -> Mapping[str, Any]:
    """The decision that the claim's state rests on; empty before the first."""
    decided = (each.detail["decision"] for each in reversed(history) if "decision" in each.detail)
    return next(decided, {})


def is_done(action: Action, history: Moves) -> bool:
    """Whether a move was made for this action."""
    return any(action.action_id in each.detail.get("actions", ()) for each in history)


def last_event(history: Moves) -> int:
    """The number of the last change of the payout that a move was made for, 0 before any."""
    return max((each.detail.get("event_id", 0) for each in history), default=0)


def _reset_ms(facts: Facts, history: Moves) -> int:
    """Since when approvals count: what was approved before a rejection or an appeal does not."""
    asked = [
        action.acted_at_ms for action in facts.actions
        if action.action in ("reject", "reverify", "appeal")
    ]  # fmt: skip
    rejected = [each.at_ms for each in history if each.rule_id == "BATCH_REJECTED"]
    return max([*asked, *rejected], default=-1)


def approvals(facts: Facts, history: Moves) -> list[Action]:
    """The approvals that count."""
    since = _reset_ms(facts, history)
    return [
        action for action in facts.actions
        if action.action == "approve" and action.acted_at_ms > since
    ]  # fmt: skip


def released(counting: Sequence[Action]) -> frozenset[str]:
    """The holds that two different people approved."""
    by_code: dict[str, set[str]] = {}
    for action in counting:
        for code in action.covers:
            by_code.setdefault(code, set()).add(action.actor)
    return frozenset(code for code, actors in by_code.items() if len(actors) >= APPROVERS)


def is_changed(facts: Facts, history: Moves) -> bool:
    """Whether the newest verdict says otherwise than the one the claim's state rests on.

    What people did is no new evidence: neither their rejection nor what they released counts.
    """
    decision, before = facts.decision, basis(history)
    if decision is None or decision.is_by_person_alone or not before:
        return False
    freed = released(approvals(facts, history))
    now = (decision.verdict, set(decision.hard_reasons), set(decision.holds) - freed)
    then = (
        before["verdict"],
        set(before["reasons"]) - {REVIEW},
        set(before["hold_reasons"]) - freed,
    )
    return now != then


def outcome(facts: Facts) -> str:
    """Where the newest verdict alone puts a claim."""
    decision = facts.decision
    if decision is None or decision.verdict == UNDETERMINED:
        return "EVIDENCE_PENDING"
    if decision.is_by_person_alone:
        return "MANUAL_REVIEW"
    if decision.verdict != VERIFIED:
        return "NOT_ELIGIBLE"
    if not decision.holds:
        return "APPROVED"
    return "FRAUD_HOLD" if facts.fraud_codes & set(decision.holds) else "MANUAL_REVIEW"
