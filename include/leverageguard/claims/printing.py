"""The register of claims as lines for the command line."""

from __future__ import annotations

from datetime import UTC, datetime

from leverageguard.claims import actions, register
from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.store import base


def listing(settings: Settings) -> list[str]:
    """One line a claim: state, reserve (USDC), since when, by which rule; the last moved first."""
    with base.session(settings) as session:
        rows = sorted(
            register.last_of(session).values(), key=lambda row: (-row.at_ms, row.claim_id)
        )
    lines = [
        f"{row.claim_id:<32}{row.to_state:<18}{text_from_micro(row.reserve_micro_usdc):>12}  "
        f"{_at(row.at_ms)}  {row.rule_id}"
        for row in rows
    ]
    head = f"{'claim':<32}{'state':<18}{'reserve':>12}  {'since':<20}  rule"
    return [head, *lines] if lines else ["no claim has moved yet: run build_claims"]


def shown(settings: Settings, claim_id: str) -> list[str]:
    """Every move of one claim with the facts it rests on; ActionRefused for an unknown one."""
    with base.session(settings) as session:
        rows = register.history(session, [claim_id])[claim_id]
    if not rows:
        raise actions.unknown(claim_id)
    lines = [f"claim {claim_id} on policy {rows[0].policy_id}"]
    for row in rows:
        reserve = text_from_micro(row.reserve_micro_usdc)
        lines += [
            f"{row.txn_no:>3}  {_at(row.at_ms)}  {row.from_state or '(nothing)'} -> {row.to_state} "
            f"by {row.rule_id}, {row.actor}; reserve {reserve}",
            f"     {row.inputs_hash}  {row.detail}",
        ]
    return lines


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
