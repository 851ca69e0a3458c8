"""Sealed evidence for payout items that no pipeline decided."""

from __future__ import annotations

from collections.abc import Iterable

from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.evidence import verdicts
from leverageguard.evidence.verdicts import Decision
from leverageguard.settlement import planning
from leverageguard.settlement.planning import Item
from leverageguard.store import base
from leverageguard.warehouse import packages


def seal(
    settings: Settings, items: Iterable[Item], verdict: str = "verified", hold_reasons: str = ""
) -> None:
    """A package and a verdict of the item's amount for each."""
    decisions = []
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


def plan(settings: Settings, items: Iterable[Item]) -> list[str]:
    """Seal the items, then plan them; the ids of the batches made."""
    given = list(items)
    seal(settings, given)
    return planning.plan(settings, given)
