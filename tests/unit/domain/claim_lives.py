"""Facts of one claim, with what a test is about changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from leverageguard import lifecycle
from leverageguard.config import Settings
from leverageguard.domain import claim_moves
from leverageguard.domain.claim_facts import Action, ChainEvent, Decision, Facts, Move, Planned
from leverageguard.domain.lifecycle import Machine

ROOM, DUE = 48_000_000, 30_000_000
APPEAL_MS, CLOSE_MS = 1000, 5000
FACTS = Facts(
    claim_id="clm_1",
    policy_id="0x" + "ab" * 32,
    notified_at_ms=10,
    room_micro_usdc=ROOM,
    decision=None,
    actions=(),
    events=(),
    planned=None,
    rescued_in=None,
    fraud_codes=frozenset({"EDGE_ADD"}),
    appeal_ms=APPEAL_MS,
    close_ms=CLOSE_MS,
    now_ms=20,
    is_fresh=True,
)


def verdict(
    number: int = 1,
    verdict: str = "verified",
    *,
    reasons: str = "",
    holds: str = "",
    due: int | None = DUE,
    at_ms: int = 20,
    standing: str | None = None,
) -> Decision:
    return Decision(
        number,
        verdict,
        tuple(reasons.split()),
        tuple(holds.split()),
        due,
        "0x" + "cd" * 32,
        at_ms,
        standing,
    )


def act(name: str, at_ms: int, actor: str = "ada", covers: str = "") -> Action:
    return Action(f"{name}-{actor}-{at_ms}", name, actor, frozenset(covers.split()), at_ms)


def event(number: int, to_state: str, at_ms: int = 50) -> ChainEvent:
    return ChainEvent(number, to_state, at_ms, "worker")


PLANNED = Planned("b" * 64, DUE, 40)


class Life:
    """One claim that goes through facts; each step is checked against the table of edges."""

    def __init__(self, settings: Settings) -> None:
        self._machine: Machine = lifecycle.machine(settings, "claim")
        self.moves: list[Move] = []
        self.facts = FACTS

    def learn(self, **changed: Any) -> list[str]:
        """Change facts; the states that the claim goes through, and nothing the second time."""
        self.facts = replace(self.facts, **changed)
        made = claim_moves.next_moves(self.facts, self.moves)
        for move in made:
            state = self.moves[-1].to_state if self.moves else None
            self._machine.edge(state, move.to_state, move.rule_id)
            assert not self.moves or move.at_ms >= self.moves[-1].at_ms
            self.moves.append(move)
        assert claim_moves.next_moves(self.facts, self.moves) == []
        return [move.to_state for move in made]

    def force(self, to_state: str, rule_id: str, at_ms: int, actor: str = "ada") -> None:
        """A move that somebody else writes."""
        self._machine.edge(self.moves[-1].to_state, to_state, rule_id)
        self.moves.append(Move(to_state, rule_id, actor, at_ms, 0))

    @property
    def last(self) -> Move:
        return self.moves[-1]
