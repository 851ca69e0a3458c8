"""The life of one policy: which move the facts call for next. Times are epoch milliseconds.

A move's time is when it took effect, not when it was seen: what is read late may take effect before
the move recorded last, and then stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from leverageguard.domain.policy import (
    Cancellation,
    Facts,
    Purchase,
    cover_end_ms,
    cover_start_ms,
    differences,
    file_until_ms,
)


@dataclass(frozen=True)
class Life:
    """Where a policy stands: its last state and when it took effect, and what it was bought by.

    `lost_at_ms` is when the chain was seen to have lost its purchase.
    """

    state: str | None = None
    at_ms: int = 0
    purchase: Purchase | None = None
    cancellation: Cancellation | None = None
    lost_at_ms: int = 0


@dataclass(frozen=True)
class Move:
    """The next move, when it took effect, and the facts it rests on."""

    to_state: str
    rule_id: str
    at_ms: int
    facts: dict[str, Any]


def next_move(life: Life, facts: Facts) -> Move | None:
    """The move the facts call for from here, None when the policy stays where it is."""
    for rule in _RULES.get(life.state, ()):
        move = rule(life, facts)
        if move is not None:
            return move
    return None


def after(life: Life, move: Move, facts: Facts) -> Life:
    """Where the policy stands after a move."""
    purchase, cancellation = life.purchase, life.cancellation
    if move.to_state in ("PAID", "VOID"):
        purchase, cancellation = facts.purchase, None
    if move.to_state == "LAPSED":
        purchase, cancellation = None, None
    if move.to_state == "CANCELLED":
        cancellation = facts.cancellation
    if move.rule_id == "CANCELLATION_REORGED":
        cancellation = None
    is_lost = move.rule_id == "PURCHASE_REORGED"
    lost_at_ms = facts.now_ms if is_lost else life.lost_at_ms
    return Life(move.to_state, move.at_ms, purchase, cancellation, lost_at_ms)


_Rule = Callable[[Life, Facts], Move | None]


def _quoted(_life: Life, facts: Facts) -> Move:
    return Move("QUOTED", "QUOTE_ISSUED", facts.quoted.created_at_ms, asdict(facts.quoted))


def _bought(rule_id: str) -> _Rule:
    def rule(_life: Life, facts: Facts) -> Move | None:
        bought = facts.purchase
        if bought is None:
            return None
        wrong = differences(facts.quoted, bought)
        if wrong:
            rests_on = asdict(bought) | {"differences": list(wrong)}
            return Move("VOID", "PURCHASE_DIFFERS", bought.at_ms, rests_on)
        return Move("PAID", rule_id, bought.at_ms, asdict(bought))

    return rule


def _expired_quote(_life: Life, facts: Facts) -> Move | None:
    """Nobody bought it: said only of chains that were read for as long as the quote held."""
    expires = facts.quoted.expires_at_ms
    if expires is None or min(facts.now_ms, facts.read_until_ms) <= expires:
        return None
    return Move("LAPSED", "QUOTE_EXPIRED", expires, {"expires_at_ms": expires})


def _forgotten(life: Life, facts: Facts) -> Move | None:
    """A purchase made in time, or mined again after the reorg, would have been read by then."""
    last = max(life.at_ms, life.lost_at_ms, facts.quoted.expires_at_ms or 0)
    closes = last + facts.quoted.filing_grace_seconds * 1000
    if min(facts.now_ms, facts.read_until_ms) <= closes:
        return None
    return _closed(closes, facts)


def _waits(life: Life, facts: Facts) -> Move:
    bought = _known(life)
    return Move("WAITING", "WAIT_BEGINS", bought.at_ms, {"bought_at_ms": bought.at_ms})


def _begins(life: Life, facts: Facts) -> Move | None:
    begins = cover_start_ms(facts.quoted, _known(life))
    if facts.now_ms < begins:
        return None
    return Move("IN_FORCE", "COVER_BEGINS", begins, {"cover_start_at_ms": begins})


def _ends(life: Life, facts: Facts) -> Move | None:
    ends = cover_end_ms(facts.quoted, _known(life))
    if facts.now_ms < ends:
        return None
    return Move("EXPIRED", "COVER_ENDS", ends, {"cover_end_at_ms": ends})


def _cancelled(rule_id: str) -> _Rule:
    """Only before the cover began: a refund never takes back a cover that ran."""

    def rule(life: Life, facts: Facts) -> Move | None:
        told, bought = facts.cancellation, _known(life)
        if told is None or told.chain_id != bought.chain_id:
            return None
        if not bought.at_ms <= told.at_ms < cover_start_ms(facts.quoted, bought):
            return None
        return Move("CANCELLED", rule_id, told.at_ms, asdict(told))

    return rule


def _exhausted(life: Life, facts: Facts) -> Move | None:
    """Paid in full; where the cover ended before that, it ended first."""
    paid = facts.exhausted_at_ms
    if paid is None:
        return None
    if life.state == "IN_FORCE" and paid >= cover_end_ms(facts.quoted, _known(life)):
        return None
    return Move("EXHAUSTED", "SUM_INSURED_PAID", paid, {"paid_in_full_at_ms": paid})


def _purchase_lost(life: Life, facts: Facts) -> Move | None:
    """As if it had never been bought: the chain says so now, from the purchase on."""
    lost, bought = facts.lost_purchase, life.purchase
    if lost is None or bought is None or lost.key != bought.key:
        return None
    return Move("LAPSED", "PURCHASE_REORGED", bought.at_ms, asdict(bought))


def _cancellation_lost(life: Life, facts: Facts) -> Move | None:
    lost, told = facts.lost_cancellation, life.cancellation
    if lost is None or told is None or lost.key != told.key:
        return None
    return Move("WAITING", "CANCELLATION_REORGED", told.at_ms, asdict(told))


def _nothing_open(life: Life, facts: Facts) -> Move | None:
    """Claims of the cover were decided after the last could be filed, and all are closed."""
    until = file_until_ms(facts.quoted, _known(life))
    is_decided = facts.decided_at_ms is not None and facts.decided_at_ms >= until
    if facts.now_ms < until or not is_decided or facts.has_open_claims:
        return None
    return _closed(max(until, facts.last_claim_closed_at_ms), facts)


def _paid_out(life: Life, facts: Facts) -> Move | None:
    """The claims it was paid out on are known and closed."""
    if not facts.has_claims or facts.has_open_claims:
        return None
    return _closed(max(life.at_ms, facts.last_claim_closed_at_ms), facts)


def _given_up(life: Life, facts: Facts) -> Move | None:
    """Not before all would have been over, so that a chain that takes it back is still heard."""
    until = file_until_ms(facts.quoted, _known(life))
    return None if facts.now_ms < until else _closed(until, facts)


def _answered(_life: Life, facts: Facts) -> Move | None:
    return None if facts.answered_at_ms is None else _closed(facts.answered_at_ms, facts)


def _closed(at_ms: int, facts: Facts) -> Move:
    rests_on = {"closes_at_ms": at_ms, "has_claims": facts.has_claims}
    return Move("CLOSED", "NOTHING_OPEN", at_ms, rests_on)


def _known(life: Life) -> Purchase:
    if life.purchase is None:
        raise ValueError(f"a policy that is {life.state} was bought, but its purchase is not known")
    return life.purchase


# What the chain lost comes first, then what the chain says, then the clock.
_RULES: dict[str | None, tuple[_Rule, ...]] = {
    None: (_quoted,),
    "QUOTED": (_bought("PREMIUM_PAID"), _expired_quote),
    "LAPSED": (_bought("PREMIUM_SEEN_LATE"), _forgotten),
    "PAID": (_purchase_lost, _waits),
    "WAITING": (_purchase_lost, _cancelled("CANCELLED"), _begins),
    "IN_FORCE": (_purchase_lost, _cancelled("CANCELLATION_SEEN_LATE"), _exhausted, _ends),
    "EXPIRED": (_purchase_lost, _cancelled("CANCELLATION_SEEN_LATE"), _exhausted, _nothing_open),
    "EXHAUSTED": (_paid_out,),
    "CANCELLED": (_cancellation_lost, _given_up),
    "VOID": (_purchase_lost, _answered),
}
