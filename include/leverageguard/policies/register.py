"""The only writer of policy_txns: each move is on an edge and rests on facts that can be hashed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.lifecycle import Machine
from leverageguard.domain.policy import Cancellation, Purchase
from leverageguard.domain.policy_moves import Life, Move
from leverageguard.store.policy_tables import PolicyTxn

_Seen = TypeVar("_Seen", Purchase, Cancellation)


@dataclass(frozen=True)
class Recorded:
    """A life as recorded, and when its purchase and cancellation were written down."""

    life: Life
    txn_no: int = 0
    bought_recorded_at_ms: int = 0
    cancelled_recorded_at_ms: int = 0


def append(
    session: Session,
    machine: Machine,
    policy_id: str,
    last: tuple[int, str | None],
    move: Move,
    recorded_at_ms: int,
) -> PolicyTxn:
    """Write a policy's next move down, after its `last` number and state.

    Raises IllegalMove where the machine has no such edge, and IntegrityError where somebody else
    wrote a move meanwhile. `detail` is the canonical JSON of the facts, `inputs_hash` its sha256.
    """
    last_no, from_state = last
    edge = machine.edge(from_state, move.to_state, move.rule_id)
    detail = canonical_json({"policy_id": policy_id, **move.facts})
    row = PolicyTxn(
        policy_id=policy_id,
        txn_no=last_no + 1,
        from_state=from_state,
        to_state=move.to_state,
        at_ms=move.at_ms,
        recorded_at_ms=recorded_at_ms,
        actor=edge.mover,
        rule_id=move.rule_id,
        inputs_hash="0x" + sha256(detail).hexdigest(),
        detail=detail.decode(),
    )
    session.add(row)
    session.flush()
    return row


def recorded(session: Session) -> dict[str, Recorded]:
    """Where every policy stands, by its id."""
    rows = session.scalars(select(PolicyTxn).order_by(PolicyTxn.policy_id, PolicyTxn.txn_no))
    by_policy = groupby(rows, key=lambda row: row.policy_id)
    return {policy_id: _replayed(moves) for policy_id, moves in by_policy}


def recorded_of(session: Session, policy_id: str) -> Recorded:
    """Where one policy stands."""
    rows = select(PolicyTxn).where(PolicyTxn.policy_id == policy_id).order_by(PolicyTxn.txn_no)
    return _replayed(session.scalars(rows))


def _replayed(rows: Iterable[PolicyTxn]) -> Recorded:
    life, txn_no, bought, cancelled, lost = Life(), 0, 0, 0, 0
    for row in rows:
        purchase, cancellation = life.purchase, life.cancellation
        if row.to_state in ("PAID", "VOID"):
            purchase, cancellation = seen(Purchase, row), None
            bought = row.recorded_at_ms
        elif row.to_state == "LAPSED":
            purchase, cancellation = None, None
            lost = row.recorded_at_ms if row.rule_id == "PURCHASE_REORGED" else lost
        elif row.to_state == "CANCELLED":
            cancellation, cancelled = seen(Cancellation, row), row.recorded_at_ms
        elif row.rule_id == "CANCELLATION_REORGED":
            cancellation = None
        life, txn_no = Life(row.to_state, row.at_ms, purchase, cancellation, lost), row.txn_no
    return Recorded(life, txn_no, bought, cancelled)


def seen(kind: type[_Seen], row: PolicyTxn) -> _Seen:
    """The purchase or cancellation that a move was made for."""
    facts: Mapping[str, Any] = json.loads(row.detail)
    return kind(**{field.name: facts[field.name] for field in fields(kind)})
