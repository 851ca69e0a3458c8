"""What is known of one claim when its next move is asked for, and what a move is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The reason of a claim that a person rejected.
REVIEW = "REVIEW"
VERIFIED, REJECTED, UNDETERMINED = "verified", "rejected", "undetermined"


@dataclass(frozen=True)
class Move:
    """One move of a claim. `detail` are the facts it rests on: whole numbers, texts and lists."""

    to_state: str
    rule_id: str
    actor: str
    at_ms: int
    reserve_micro_usdc: int
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """The newest verdict on a claim; the amount is None where none was worked out."""

    verdict_no: int
    verdict: str
    reasons: tuple[str, ...]
    holds: tuple[str, ...]
    approved_micro_usdc: int | None
    evidence_root: str | None
    decided_at_ms: int
    standing: str | None

    @property
    def hard_reasons(self) -> tuple[str, ...]:
        """Why it is refused, but for that a person rejected it."""
        return tuple(reason for reason in self.reasons if reason != REVIEW)

    @property
    def is_by_person_alone(self) -> bool:
        """Whether nothing but a person's rejection refuses it."""
        return self.verdict == REJECTED and not self.hard_reasons

    def as_json(self) -> dict[str, Any]:
        """What a move keeps of it."""
        return {
            "verdict_no": self.verdict_no,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "hold_reasons": list(self.holds),
            "approved_micro_usdc": self.approved_micro_usdc,
            "evidence_root": self.evidence_root,
        }


@dataclass(frozen=True)
class Action:
    """What somebody did to the claim; `covers` are the holds an approval releases."""

    action_id: str
    action: str
    actor: str
    covers: frozenset[str]
    acted_at_ms: int


@dataclass(frozen=True)
class ChainEvent:
    """One change of the claim's payout, counted by `event_id`."""

    event_id: int
    to_state: str
    at_ms: int
    actor: str


@dataclass(frozen=True)
class Planned:
    """The claim's place in a batch."""

    batch_id: str
    amount_micro_usdc: int
    at_ms: int


@dataclass(frozen=True)
class Facts:
    """Everything a claim's moves rest on; actions and events oldest first.

    `room_micro_usdc` is the most the policy can still pay. `is_fresh` says that the decision was
    made just now; without it a claim that a person wants verified again waits. The two periods are
    None for a product nobody knows: such a claim is never closed by the clock.
    """

    claim_id: str
    policy_id: str
    notified_at_ms: int
    room_micro_usdc: int
    decision: Decision | None
    actions: Sequence[Action]
    events: Sequence[ChainEvent]
    planned: Planned | None
    rescued_in: str | None
    fraud_codes: frozenset[str]
    appeal_ms: int | None
    close_ms: int | None
    now_ms: int
    is_fresh: bool


Moves = Sequence[Move]
# Gives the next move of a claim with these moves behind it when its facts are there, else None.
Rule = Callable[[Facts, Moves], Move | None]
