"""Verdicts as they were given: a new row only when something about a claim changed.

A verdict that changes after the claim was planned or paid never changes the payment. It is written
down beside the earlier one, with whether the payment still stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

TABLE = "evidence/verdicts"
NAME = "store"
VERIFIED = "verified"
# Of a claim that was planned or unsealed and of which nothing is left in the evidence.
GONE = "CLAIM_GONE"
# Of a decided claim whose package decides otherwise; why follows, as far as the column takes it.
NOT_SEALED = "NOT_SEALED"
_REASONS_LENGTH = 400
_COMPARED = ("verdict", "reasons", "hold_reasons", "approved_micro_usdc", "evidence_root")


@dataclass(frozen=True)
class Decision:
    """What the models say about one claim now; the amount is what would be due by it."""

    claim_id: str
    verdict: str
    reasons: str
    hold_reasons: str
    approved_micro_usdc: int | None
    evidence_root: str | None
    rules_version: str
    product_version: str


def latest(session: Session, claim_ids: Collection[str] | None = None) -> dict[str, VerdictRecord]:
    """The newest verdict of each claim (of all claims when none are named)."""
    newest = select(
        VerdictRecord.claim_id, func.max(VerdictRecord.verdict_no).label("verdict_no")
    ).group_by(VerdictRecord.claim_id)
    if claim_ids is not None:
        newest = newest.where(VerdictRecord.claim_id.in_(claim_ids))
    found = newest.subquery()
    query = select(VerdictRecord).join(
        found,
        (VerdictRecord.claim_id == found.c.claim_id)
        & (VerdictRecord.verdict_no == found.c.verdict_no),
    )
    return {row.claim_id: row for row in session.scalars(query)}


def record(session: Session, decisions: Iterable[Decision], now_ms: int) -> list[VerdictRecord]:
    """Add a verdict for every decision that differs from the claim's last one; the rows added."""
    known = latest(session)
    amounts = select(PayoutRecord.claim_id, PayoutRecord.amount_micro_usdc)
    planned = {row.claim_id: row.amount_micro_usdc for row in session.execute(amounts)}
    added = []
    for decision in decisions:
        last = known.get(decision.claim_id)
        if last is not None and _same(last, decision):
            continue
        row = VerdictRecord(
            **asdict(decision),
            verdict_no=1 if last is None else last.verdict_no + 1,
            decided_at_ms=now_ms,
            cause=_cause(last, decision),
            standing=_standing(decision, planned.get(decision.claim_id)),
        )
        session.add(row)
        known[decision.claim_id] = row
        added.append(row)
    session.flush()
    return added


def not_sealed(why: str) -> str:
    """The reasons of a verdict that stands in place of one that no package carries."""
    return f"{NOT_SEALED}: {why}"[:_REASONS_LENGTH]


def unsealed(session: Session) -> dict[str, str]:
    """The claims left unsealed by their newest verdict, each with why."""
    return {
        claim_id: row.reasons.removeprefix(f"{NOT_SEALED}: ")
        for claim_id, row in sorted(latest(session).items())
        if row.reasons.startswith(NOT_SEALED)
    }


def gone(session: Session, decided: Collection[str]) -> list[Decision]:
    """Planned and unsealed claims that no model knows any more, as decisions that say so."""
    watched = {*session.scalars(select(PayoutRecord.claim_id)), *unsealed(session)}
    missing = watched - set(decided)
    known = latest(session, missing) if missing else {}
    return [
        Decision(
            claim_id, "undetermined", GONE, "", None, None, last.rules_version, last.product_version
        )
        for claim_id, last in sorted(known.items())
    ]


def land(settings: Settings, since_ms: int) -> int:
    """Land the hours of the verdicts given since then; the rows in them."""
    first = since_ms - since_ms % HOUR_MS
    with base.session(settings) as session:
        query = select(VerdictRecord).where(VerdictRecord.decided_at_ms >= first)
        rows = [_row(row) for row in session.scalars(query)]
    for hour, of_hour in landing.by_hour(TABLE, rows).items():
        landing.replace(settings, TABLE, hour, NAME, of_hour)
    return len(rows)


def _same(last: VerdictRecord, decision: Decision) -> bool:
    return all(getattr(last, name) == getattr(decision, name) for name in _COMPARED)


def _cause(last: VerdictRecord | None, decision: Decision) -> str:
    if last is None:
        return "first"
    if (last.rules_version, last.product_version) != (
        decision.rules_version, decision.product_version,
    ):  # fmt: skip
        return "rules_changed"
    return "evidence_changed" if last.evidence_root != decision.evidence_root else "verdict_changed"


def _standing(decision: Decision, planned_micro_usdc: int | None) -> str | None:
    """Whether what was planned stands; of an unplanned claim, whether it waits to be paid."""
    is_payable = decision.verdict == VERIFIED and not decision.hold_reasons
    due = decision.approved_micro_usdc or 0
    if planned_micro_usdc is None:
        return "open" if is_payable and due else None
    return "stands" if is_payable and due >= planned_micro_usdc else "RECOVERY_OPEN"


def _row(row: VerdictRecord) -> dict[str, Any]:
    names = [column.name for column in VerdictRecord.__table__.columns]
    return {name: getattr(row, name) for name in names if name != "verdict_id"}
