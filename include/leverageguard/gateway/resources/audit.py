"""The audit log, for those who look over others' shoulders."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select

from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.audit import AuditEventOut, AuditEvents
from leverageguard.store import base
from leverageguard.store.audit_tables import AuditEvent

router = APIRouter(tags=["audit"])


@router.get("/audit/events")
def list_audit_events(
    settings: SettingsDep,
    _caller: Annotated[Caller, allowed(Role.AUDITOR, Role.ADMIN)],
    subject: Annotated[
        str | None, Query(max_length=250, description="Only subjects that begin so")
    ] = None,
    request_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^[1-9][0-9]{0,14}$")] = None,
) -> AuditEvents:
    """The rows of the audit log, newest first; `./leverageguard audit verify` checks its chain."""
    query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(limit + 1)
    if subject:
        query = query.where(AuditEvent.subject.startswith(subject, autoescape=True))
    if request_id:
        query = query.where(AuditEvent.request_id == request_id)
    if cursor:
        query = query.where(AuditEvent.seq <= int(cursor))
    with base.session(settings) as session:
        found = list(session.scalars(query))
    more = str(found[limit].seq) if len(found) > limit else None
    return AuditEvents(items=[_said(row) for row in found[:limit]], next_cursor=more)


def _said(row: AuditEvent) -> AuditEventOut:
    return AuditEventOut(
        seq=row.seq,
        written_at=datetime.fromtimestamp(row.at_ms / 1000, UTC),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        after=json.loads(row.payload),
        before=None if row.before is None else json.loads(row.before),
        caller=row.caller,
        request_id=row.request_id,
        prev_hash=row.prev_hash,
        event_hash=row.event_hash,
    )
