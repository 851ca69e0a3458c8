"""Every claim brought to where the facts put it: decided, answered by people, planned, paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leverageguard import config
from leverageguard.claims import knowing, register, telling
from leverageguard.claims.knowing import Notice
from leverageguard.config import Settings
from leverageguard.domain import claim_moves
from leverageguard.lake_settings import Warehouse
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.warehouse import snapshot

AT_ONCE = 200
ATTEMPTS = 5
_log = structlog.get_logger(__name__)


def advance_decided() -> dict[str, int]:
    """Advance every claim of the warehouse after it was decided; the moves made by state."""
    settings = config.load()
    return advance(settings, settings.warehouse, is_fresh=True)


def advance(
    settings: Settings, warehouse: Warehouse | None = None, is_fresh: bool = False
) -> dict[str, int]:
    """Append the moves that bring each claim to where the facts put it, and land them; by state.

    Claims are read from `warehouse`, else from the published snapshot when there is one. `is_fresh`
    says that every claim was decided after all that people did to it. Doing it again appends
    nothing.
    """
    known = knowing.notices(warehouse) if warehouse else _published(settings)
    with base.session(settings) as session:
        noticed = knowing.planned_ones(session)
        seen = register.last_of(session)
    noticed |= {claim_id: Notice(claim_id, row.policy_id, row.at_ms, None)
                for claim_id, row in seen.items()} | known  # fmt: skip
    made: Counter[str] = Counter()
    ids = sorted(noticed)
    for at in range(0, len(ids), AT_ONCE):
        chunk = {claim_id: noticed[claim_id] for claim_id in ids[at : at + AT_ONCE]}
        rows = _advance(settings, chunk, is_fresh)
        made.update(row.to_state for row in rows)
        telling.tell(settings, rows, warehouse)
    register.land(settings)
    if made:
        _log.info("claims_advanced", **made)
    return dict(made)


def advance_one(settings: Settings, session: Session, claim_id: str) -> ClaimTxn | None:
    """Advance one claim that has moved before, in this transaction; its last move.

    None for a claim that never moved. A rival's move makes the flush fail with IntegrityError.
    """
    last = register.last_of(session, [claim_id]).get(claim_id)
    if last is None:
        return None
    noticed = {claim_id: Notice(claim_id, last.policy_id, last.at_ms, None)}
    rows = _append(settings, session, noticed, is_fresh=False)
    session.flush()
    return rows[-1] if rows else last


def _published(settings: Settings) -> dict[str, Notice]:
    try:
        return knowing.notices(snapshot.current(settings))
    except snapshot.SnapshotError:
        return {}


def _advance(settings: Settings, noticed: Mapping[str, Notice], is_fresh: bool) -> list[ClaimTxn]:
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            with base.session(settings) as session:
                return _append(settings, session, noticed, is_fresh)
        except IntegrityError:
            # Somebody moved one of the claims in the meantime; its facts are read again.
            if not attempts_left:
                raise
    return []


def _append(
    settings: Settings, session: Session, noticed: Mapping[str, Notice], is_fresh: bool
) -> list[ClaimTxn]:
    facts = knowing.facts_of(settings, session, noticed, is_fresh)
    rows = []
    for claim_id, past in register.history(session, list(noticed)).items():
        moves = claim_moves.next_moves(facts[claim_id], [register.as_move(row) for row in past])
        last = past[-1] if past else None
        rows += register.append(
            session, settings, claim_id, noticed[claim_id].policy_id, moves, last
        )
    return rows
