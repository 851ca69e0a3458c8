"""A claim's moves once it is approved: planned, settled by the chain, looked at again, closed."""

from __future__ import annotations

from leverageguard.domain.claim_facts import ChainEvent, Facts, Move, Moves
from leverageguard.domain.claim_standing import basis, last_event, move

CLOCK, PLANNER, RULES, CHAIN = "clock", "planner", "rules", "chain"
_UNDER_WAY = ("SIGNED", "SENT", "MINED", "REVERTED")
_ENDED = ("PAY_UNKNOWN", "PAID", "FAILED")
# State of the claim and what became of the payout → next state, rule, and whether that is all
# there is to the event: a payout may end before anybody saw it under way.
_ON_CHAIN: dict[tuple[str, str], tuple[str, str, bool]] = {
    **{("BATCHED", state): ("SETTLING", "SENT", True) for state in _UNDER_WAY},
    **{("BATCHED", state): ("SETTLING", "SENT", False) for state in _ENDED},
    ("SETTLING", "PAID"): ("PAID", "PAID", True),
    ("SETTLING", "FAILED"): ("PAY_REFUSED", "TRANSFER_REFUSED", True),
    ("SETTLING", "PAY_UNKNOWN"): ("PAY_UNKNOWN", "OUTCOME_UNKNOWN", True),
    **{
        ("PAY_UNKNOWN", state): ("SETTLING", "SENT_AGAIN", True)
        for state in (*_UNDER_WAY, "PLANNED")
    },
    ("PAY_UNKNOWN", "PAID"): ("PAID", "PAID", True),
    ("PAY_UNKNOWN", "FAILED"): ("SETTLING", "SENT_AGAIN", False),
    ("PAID", "SENT"): ("SETTLING", "CHAIN_LOST_IT", True),
    ("PAY_REFUSED", "SENT"): ("SETTLING", "CHAIN_LOST_IT", True),
}


def batched(batch_id: str, amount_micro_usdc: int, at_ms: int) -> Move:
    """The move of an approved claim that gets its place in a batch."""
    detail = {"batch_id": batch_id, "amount_micro_usdc": amount_micro_usdc}
    return Move("BATCHED", "PLANNED", PLANNER, at_ms, amount_micro_usdc, detail)


def planned(facts: Facts, history: Moves) -> Move | None:
    """Into the batch that the claim has its place in."""
    place = facts.planned
    if place is None:
        return None
    return batched(place.batch_id, place.amount_micro_usdc, max(place.at_ms, history[-1].at_ms))


def on_chain(facts: Facts, history: Moves) -> Move | None:
    """As the chain settles, or loses, the payout."""
    state, seen = history[-1].to_state, last_event(history)
    for event in facts.events:
        found = _ON_CHAIN.get((state, event.to_state))
        if found is not None and event.event_id > seen:
            return _by_event(facts, history, event, *found)
    return None


def rescued(facts: Facts, history: Moves) -> Move | None:
    """A refused payout that the chain shows as made after all."""
    if facts.rescued_in is None:
        return None
    return move(
        facts, history, "PAID", "RESCUED", CHAIN, facts.now_ms, tx_hash=facts.rescued_in
    )  # fmt: skip


def disputed(facts: Facts, history: Moves) -> Move | None:
    """A payment that later evidence does not bear; once a verdict, whatever came of it."""
    decision = facts.decision
    if facts.planned is None or decision is None or decision.standing != "RECOVERY_OPEN":
        return None
    opened = [each for each in history if each.rule_id == "PAYMENT_DOES_NOT_STAND"]
    if opened and opened[-1].detail["decision"]["verdict_no"] >= decision.verdict_no:
        return None
    return move(
        facts, history, "RECOVERY_OPEN", "PAYMENT_DOES_NOT_STAND", RULES, decision.decided_at_ms,
        decision=decision.as_json(),
    )  # fmt: skip


def stands_again(facts: Facts, history: Moves) -> Move | None:
    """A payment that the newest verdict bears again."""
    decision = facts.decision
    if decision is None or decision.standing != "stands":
        return None
    return move(
        facts, history, "PAID", "PAYMENT_STANDS", RULES, decision.decided_at_ms,
        decision=decision.as_json(),
    )  # fmt: skip


def settled(facts: Facts, history: Moves) -> Move | None:
    """Closed when a payment is looked at no more."""
    return _after(facts, history, facts.close_ms, "SETTLED")


def nothing_due(facts: Facts, history: Moves) -> Move | None:
    """Closed when the limits left nothing to pay."""
    if basis(history).get("approved_micro_usdc"):
        return None
    return _after(facts, history, facts.close_ms, "NOTHING_DUE")


def withdrawn_for_good(facts: Facts, history: Moves) -> Move | None:
    """Closed some time after the holder withdrew it."""
    return _after(facts, history, facts.close_ms, "WITHDRAWN_FOR_GOOD")


def appeal_over(facts: Facts, history: Moves) -> Move | None:
    """Closed when nobody appealed in time; at once when people rejected the one appeal there is."""
    has_appealed = any(each.rule_id == "APPEAL" for each in history)
    is_answered = has_appealed and history[-1].to_state == "REJECTED"
    return _after(facts, history, 0 if is_answered else facts.appeal_ms, "APPEAL_PERIOD_OVER")


def _by_event(
    facts: Facts, history: Moves, event: ChainEvent, to_state: str, rule_id: str, is_all: bool
) -> Move:
    detail: dict[str, object] = {"event_id": event.event_id} if is_all else {}
    return move(
        facts, history, to_state, rule_id, event.actor, event.at_ms,
        **detail, payout_state=event.to_state,
    )  # fmt: skip


def _after(facts: Facts, history: Moves, wait_ms: int | None, rule_id: str) -> Move | None:
    if wait_ms is None or facts.now_ms < history[-1].at_ms + wait_ms:
        return None
    at_ms = history[-1].at_ms + wait_ms
    return move(facts, history, "CLOSED", rule_id, CLOCK, at_ms, waited_ms=wait_ms)
