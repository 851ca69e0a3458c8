"""The register of claims: their moves, written here alone, along the table of edges only."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock, lifecycle, store_landing
from leverageguard.config import Settings
from leverageguard.domain.claim_facts import Move
from leverageguard.domain.evidence import canonical_json
from leverageguard.store.claim_tables import ClaimTxn

TABLE = "lifecycle/claim_txns"


def append(
    session: Session,
    settings: Settings,
    claim_id: str,
    policy_id: str,
    moves: Sequence[Move],
    last: ClaimTxn | None,
) -> list[ClaimTxn]:
    """Add moves that follow on a claim's last one (None before its first); the rows.

    Raises IllegalMove, with nothing added, for a move that is no edge. Who appended to the claim in
    the meantime makes the flush fail with IntegrityError: read the last move again.
    """
    machine = lifecycle.machine(settings, "claim")
    state = last.to_state if last else None
    number = last.txn_no if last else 0
    rows = []
    for move in moves:
        machine.edge(state, move.to_state, move.rule_id)
        number += 1
        detail = canonical_json(dict(move.detail))
        rows.append(
            ClaimTxn(
                claim_id=claim_id,
                txn_no=number,
                policy_id=policy_id,
                from_state=state,
                to_state=move.to_state,
                at_ms=move.at_ms,
                recorded_at_ms=clock.now_ms(),
                actor=move.actor,
                rule_id=move.rule_id,
                inputs_hash="0x" + sha256(detail).hexdigest(),
                detail=detail.decode(),
                reserve_micro_usdc=move.reserve_micro_usdc,
            )
        )
        state = move.to_state
    session.add_all(rows)
    return rows


def as_move(row: ClaimTxn) -> Move:
    """A row of the register as the move it records."""
    return Move(
        row.to_state,
        row.rule_id,
        row.actor,
        row.at_ms,
        row.reserve_micro_usdc,
        json.loads(row.detail),
    )


def last_of(session: Session, claim_ids: Collection[str] | None = None) -> dict[str, ClaimTxn]:
    """The last move of each claim that has one (of all when none are named)."""
    newest = select(ClaimTxn.claim_id, func.max(ClaimTxn.txn_no).label("txn_no"))
    newest = newest.group_by(ClaimTxn.claim_id)
    if claim_ids is not None:
        newest = newest.where(ClaimTxn.claim_id.in_(claim_ids))
    found = newest.subquery()
    query = select(ClaimTxn).join(
        found, (ClaimTxn.claim_id == found.c.claim_id) & (ClaimTxn.txn_no == found.c.txn_no)
    )
    return {row.claim_id: row for row in session.scalars(query)}


def state_of(session: Session, claim_ids: Collection[str]) -> dict[str, str]:
    """The state of each of the claims that has one."""
    return {claim_id: row.to_state for claim_id, row in last_of(session, claim_ids).items()}


def history(session: Session, claim_ids: Collection[str]) -> dict[str, list[ClaimTxn]]:
    """Every move of each of the claims, oldest first; an empty list for one without any."""
    found: dict[str, list[ClaimTxn]] = {claim_id: [] for claim_id in claim_ids}
    query = select(ClaimTxn).where(ClaimTxn.claim_id.in_(claim_ids)).order_by(ClaimTxn.txn_no)
    for row in session.scalars(query):
        found[row.claim_id].append(row)
    return found


def land(settings: Settings) -> int:
    """Land the hours whose files hold other moves than the register; the rows in them."""
    return store_landing.land(settings, TABLE, ClaimTxn.recorded_at_ms)
