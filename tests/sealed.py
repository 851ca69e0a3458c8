"""Sealed evidence for payout items that no pipeline decided."""

from __future__ import annotations

from collections.abc import Iterable

from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.domain.claim_facts import Move
from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.solvency import Room
from leverageguard.evidence import verdicts
from leverageguard.evidence.verdicts import Decision
from leverageguard.settlement import planning
from leverageguard.settlement.planning import Item
from leverageguard.store import base
from leverageguard.warehouse import packages

UNBOUNDED = Room(free_micro_usdc=10**18, promised_micro_usdc=0, minimum_micro_usdc=0)
WAY = (
    ("NOTIFIED", "NOTICE"),
    ("EVIDENCE_PENDING", "EVIDENCE_ASKED"),
    ("VERIFYING", "EVIDENCE_COMPLETE"),
    ("ELIGIBLE", "CHECKS_PASSED"),
    ("APPROVED", "STRAIGHT_THROUGH"),
)


def approve(settings: Settings, items: Iterable[Item]) -> None:
    """The moves that bring each item's claim to APPROVED, but for those that moved before."""
    with base.session(settings) as session:
        for item in items:
            amount = max(item.amount_micro_usdc, 0)
            decision = {"decision": {"approved_micro_usdc": amount, "hold_reasons": []}}
            moves = [Move(state, rule, "rules", 1, amount, decision) for state, rule in WAY]
            if not register.last_of(session, [item.claim_id]):
                register.append(session, settings, item.claim_id, item.policy_id, moves, None)
                session.flush()


def seal(
    settings: Settings, items: Iterable[Item], verdict: str = "verified", hold_reasons: str = ""
) -> None:
    """A package and a verdict of the item's amount for each, and an approved claim."""
    decisions = []
    approve(settings, items := list(items))
    for item in items:
        if item.amount_micro_usdc <= 0:
            continue
        stated = {
            "claim_id": item.claim_id,
            "verdict": verdict,
            "reasons": "",
            "hold_reasons": hold_reasons,
            "approved_micro_usdc": item.amount_micro_usdc,
        }
        root = packages.seal(settings, {packages.VERDICT: canonical_json(stated)})
        decisions.append(
            Decision(**stated, evidence_root=root, rules_version="test", product_version="test")
        )
    with base.session(settings) as session:
        verdicts.record(session, decisions, now_ms=1)


def plan(settings: Settings, items: Iterable[Item], room: Room = UNBOUNDED) -> list[str]:
    """Seal the items, then plan them, every pool with that room; the ids of the batches made."""
    given = list(items)
    seal(settings, given)
    return plan_sealed(settings, given, room)


def plan_sealed(
    settings: Settings,
    items: Iterable[Item],
    room: Room = UNBOUNDED,
    proposed_by: str | None = None,
) -> list[str]:
    """Plan what is sealed, every pool with that room; the ids of the batches made."""
    given = list(items)
    rooms = {item.chain_id: room for item in given}
    return planning.plan(settings, given, rooms, proposed_by)
