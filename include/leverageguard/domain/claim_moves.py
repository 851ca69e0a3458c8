"""Which moves of a claim its facts ask for: one ordered list of rules a state.

Every move is an edge of the table of edges; here stands what has to be true for it. The rules of a
state are asked in order, the first that has a move makes it, and then those of the next state are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leverageguard.domain import claim_payments as payments
from leverageguard.domain import claim_standing as standing
from leverageguard.domain.claim_facts import VERIFIED, Decision, Facts, Move, Moves, Rule

RULES = "rules"
MOST = 100
_UNPLANNED = frozenset(
    {
        None,
        "NOTIFIED",
        "EVIDENCE_PENDING",
        "VERIFYING",
        "ELIGIBLE",
        "NOT_ELIGIBLE",
        "MANUAL_REVIEW",
        "FRAUD_HOLD",
        "APPROVED",
    }
)


def next_moves(facts: Facts, history: Moves) -> list[Move]:
    """The moves from a claim's last one to where the facts put it, oldest first.

    Asking again with these moves in the history gives none. A claim that was planned was approved,
    whatever its history or its newest verdict say: a rebuilt store has neither.
    """
    found = list(history)
    while len(found) < len(history) + MOST:
        state = found[-1].to_state if found else None
        move = _first(BY_STATE.get(state, ()), _as_planned(facts, state), found)
        if move is None:
            return found[len(history) :]
        found.append(move)
    raise RuntimeError(f"claim {facts.claim_id} moves in a circle: {found[-1].to_state}")


def _first(rules: Sequence[Rule], facts: Facts, history: Moves) -> Move | None:
    for rule in rules:
        if (move := rule(facts, history)) is not None:
            return move
    return None


def _as_planned(facts: Facts, state: str | None) -> Facts:
    if facts.planned is None or state not in _UNPLANNED:
        return facts
    seen = facts.decision
    approved = Decision(
        verdict_no=seen.verdict_no if seen else 0,
        verdict=VERIFIED,
        reasons=(),
        holds=(),
        approved_micro_usdc=facts.planned.amount_micro_usdc,
        evidence_root=seen.evidence_root if seen else None,
        decided_at_ms=facts.planned.at_ms,
        standing=None,
    )
    return replace(facts, decision=approved, actions=(), is_fresh=True)


def _decided(facts: Facts, history: Moves, to_state: str, rule_id: str) -> Move:
    """A move made by the newest verdict."""
    decision = facts.decision
    assert decision is not None
    return standing.move(
        facts, history, to_state, rule_id, RULES, decision.decided_at_ms,
        decision=decision.as_json(),
    )  # fmt: skip


def _noticed(facts: Facts, history: Moves) -> Move | None:
    return standing.move(
        facts, history, "NOTIFIED", "NOTICE", RULES, facts.notified_at_ms,
        notified_at_ms=facts.notified_at_ms, room_micro_usdc=facts.room_micro_usdc,
    )  # fmt: skip


def _asked(facts: Facts, history: Moves) -> Move | None:
    return standing.move(
        facts, history, "EVIDENCE_PENDING", "EVIDENCE_ASKED", RULES, facts.notified_at_ms,
        notified_at_ms=facts.notified_at_ms,
    )  # fmt: skip


def _complete(facts: Facts, history: Moves) -> Move | None:
    if standing.outcome(facts) == "EVIDENCE_PENDING":
        return None
    return _decided(facts, history, "VERIFYING", "EVIDENCE_COMPLETE")


def _judged(facts: Facts, history: Moves) -> Move | None:
    """Out of VERIFYING; a claim that a person wants verified again waits for the next verdict."""
    if history[-1].rule_id == "REVIEW_REVERIFIES" and not facts.is_fresh:
        return None
    to_state, rule_id = {
        "EVIDENCE_PENDING": ("EVIDENCE_PENDING", "EVIDENCE_OPEN"),
        "NOT_ELIGIBLE": ("NOT_ELIGIBLE", "CHECK_FAILED"),
        "MANUAL_REVIEW": ("MANUAL_REVIEW", "HELD_FOR_REVIEW"),
        "FRAUD_HOLD": ("ELIGIBLE", "CHECKS_PASSED"),
        "APPROVED": ("ELIGIBLE", "CHECKS_PASSED"),
    }[standing.outcome(facts)]
    if facts.decision is None:
        return standing.move(facts, history, to_state, rule_id, RULES, history[-1].at_ms)
    return _decided(facts, history, to_state, rule_id)


def _straight_through(facts: Facts, history: Moves) -> Move | None:
    outcome = standing.outcome(facts)
    if outcome == "APPROVED":
        return _decided(facts, history, "APPROVED", "STRAIGHT_THROUGH")
    if outcome == "FRAUD_HOLD":
        return _decided(facts, history, "FRAUD_HOLD", "HELD_FOR_FRAUD")
    return _again(facts, history)


def _again(facts: Facts, history: Moves) -> Move:
    at_ms = facts.decision.decided_at_ms if facts.decision else facts.now_ms
    return standing.move(
        facts, history, "VERIFYING", "EVIDENCE_CHANGED", RULES, at_ms,
        verdict_no=facts.decision.verdict_no if facts.decision else 0,
    )  # fmt: skip


def _refusal_changed(facts: Facts, history: Moves) -> Move | None:
    return None if standing.outcome(facts) == "NOT_ELIGIBLE" else _again(facts, history)


def _approval_changed(facts: Facts, history: Moves) -> Move | None:
    approved = facts.decision.approved_micro_usdc if facts.decision else None
    if standing.outcome(facts) == "APPROVED" and approved == standing.basis(history).get(
        "approved_micro_usdc"
    ):
        return None
    return _again(facts, history)


def _hold_changed(facts: Facts, history: Moves) -> Move | None:
    return _again(facts, history) if standing.is_changed(facts, history) else None


def _by_action(
    facts: Facts, history: Moves, name: str, to_state: str, rule_id: str, since_ms: int = -1
) -> Move | None:
    for action in facts.actions:
        counts = action.action == name and action.acted_at_ms > since_ms
        if counts and not standing.is_done(action, history):
            return standing.move(
                facts, history, to_state, rule_id, action.actor, action.acted_at_ms,
                actions=[action.action_id],
            )  # fmt: skip
    return None


def _withdrawn(facts: Facts, history: Moves) -> Move | None:
    return _by_action(facts, history, "withdraw", "WITHDRAWN", "WITHDRAWAL")


def _appealed(facts: Facts, history: Moves) -> Move | None:
    return _by_action(facts, history, "appeal", "APPEALED", "APPEAL")


def _appeal_queued(facts: Facts, history: Moves) -> Move | None:
    return standing.move(facts, history, "MANUAL_REVIEW", "APPEAL_QUEUED", RULES, history[-1].at_ms)


def _last_ms(facts: Facts, *names: str) -> int:
    return max((each.acted_at_ms for each in facts.actions if each.action in names), default=-1)


def _rejected(facts: Facts, history: Moves) -> Move | None:
    since = _last_ms(facts, "appeal")
    return _by_action(facts, history, "reject", "REJECTED", "REVIEW_REJECTED", since)


def _reverified(facts: Facts, history: Moves) -> Move | None:
    since = _last_ms(facts, "appeal", "reject")
    return _by_action(facts, history, "reverify", "VERIFYING", "REVIEW_REVERIFIES", since)


def _approved(facts: Facts, history: Moves) -> Move | None:
    """Two different people released every hold, and the rules, asked again, hold nothing more."""
    counting = standing.approvals(facts, history)
    actors = sorted({action.actor for action in counting})
    asked = set(standing.basis(history).get("hold_reasons", ()))
    if (
        standing.outcome(facts) != "APPROVED"
        or len(actors) < standing.APPROVERS
        or asked - standing.released(counting)
    ):
        return None
    assert facts.decision is not None
    return standing.move(
        facts, history, "APPROVED", "REVIEW_APPROVED", "+".join(actors),
        max(action.acted_at_ms for action in counting),
        actions=[action.action_id for action in counting], decision=facts.decision.as_json(),
    )  # fmt: skip


# The first rule of a state that has a move makes it.
BY_STATE: dict[str | None, tuple[Rule, ...]] = {
    None: (_noticed,),
    "NOTIFIED": (_withdrawn, _asked),
    "EVIDENCE_PENDING": (_withdrawn, _complete),
    "VERIFYING": (_withdrawn, _judged),
    "ELIGIBLE": (_withdrawn, _straight_through),
    "NOT_ELIGIBLE": (_withdrawn, _appealed, _refusal_changed, payments.appeal_over),
    "MANUAL_REVIEW": (_withdrawn, _rejected, _reverified, _approved, _hold_changed),
    "FRAUD_HOLD": (_withdrawn, _rejected, _reverified, _approved, _hold_changed),
    "APPROVED": (_withdrawn, payments.planned, _approval_changed, payments.nothing_due),
    "REJECTED": (_withdrawn, _appealed, payments.appeal_over),
    "APPEALED": (_withdrawn, _appeal_queued),
    "WITHDRAWN": (payments.withdrawn_for_good,),
    "BATCHED": (payments.on_chain,),
    "SETTLING": (payments.on_chain,),
    "PAY_UNKNOWN": (payments.on_chain,),
    "PAY_REFUSED": (payments.on_chain, payments.rescued),
    "PAID": (payments.on_chain, payments.disputed, payments.settled),
    "RECOVERY_OPEN": (payments.stands_again,),
    "CLOSED": (payments.disputed,),
}
