"""What must not be paid over: an open incident stops every new signature until it is resolved.

Opening one is an alert: a log line at error level, and whoever opens it fails its task. Further
ways of telling somebody are added to `ALERTS`. What was signed before is still followed to its
receipt, since not looking would not take it back.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.settlement.errors import Halted, SettlementError
from leverageguard.store import base
from leverageguard.store.incident_tables import IncidentRecord

LONGEST = 2000  # characters of a detail or a resolution that are kept
_log = structlog.get_logger(__name__)


def _log_it(incident: IncidentRecord) -> None:
    _log.error(
        "incident_opened",
        incident_id=incident.incident_id,
        chain_id=incident.chain_id,
        kind=incident.kind,
        subject=incident.subject,
        detail=incident.detail,
    )


ALERTS: list[Callable[[IncidentRecord], None]] = [_log_it]


def open_incident(
    settings: Settings,
    kind: str,
    subject: str,
    detail: str,
    *,
    is_on_every_chain: bool = False,
    actor: str | None = None,
) -> bool:
    """Open an incident on the chain of the settings; False when the same one is open already.

    The same is: same chain, kind and subject (a batch, a claim, a transaction).
    """
    chain_id = None if is_on_every_chain else settings.chain_id
    open_key = f"{'every' if chain_id is None else chain_id}|{kind}|{subject}"
    made = IncidentRecord(
        chain_id=chain_id,
        kind=kind,
        subject=subject,
        detail=detail[:LONGEST],
        open_key=open_key,
        opened_at_ms=clock.now_ms(),
        opened_by=actor or me(),
    )
    try:
        with base.session(settings) as session:
            session.add(made)
    except IntegrityError:
        if not any(row.open_key == open_key for row in open_ones(settings)):
            raise
        return False
    for alert in ALERTS:
        alert(made)
    return True


def open_ones(settings: Settings) -> list[IncidentRecord]:
    """Open incidents of every chain, oldest first."""
    with base.session(settings) as session:
        query = select(IncidentRecord).where(IncidentRecord.resolved_at_ms.is_(None))
        return list(session.scalars(query.order_by(IncidentRecord.incident_id)))


def every_one(settings: Settings) -> list[IncidentRecord]:
    """All incidents there ever were, oldest first."""
    with base.session(settings) as session:
        return list(session.scalars(select(IncidentRecord).order_by(IncidentRecord.incident_id)))


def resolve(settings: Settings, incident_id: int, why: str, actor: str) -> IncidentRecord:
    """Close one open incident for a reason; raises SettlementError when there is none such."""
    if not why.strip():
        raise SettlementError("an incident is resolved for a reason: say it with --why")
    with base.session(settings) as session:
        found = session.get(IncidentRecord, incident_id)
        if found is None:
            raise SettlementError(f"there is no incident {incident_id}")
        if found.resolved_at_ms is not None:
            raise SettlementError(
                f"incident {incident_id} was resolved by {found.resolved_by}: {found.resolution}"
            )
        found.open_key = None
        found.resolved_at_ms = clock.now_ms()
        found.resolved_by, found.resolution = actor, why.strip()[:LONGEST]
    _log.warning("incident_resolved", incident_id=incident_id, actor=actor, why=found.resolution)
    return found


def require_none(settings: Settings) -> None:
    """Raise Halted while an incident is open on the chain of the settings, or on every chain."""
    on_this = or_(IncidentRecord.chain_id.is_(None), IncidentRecord.chain_id == settings.chain_id)
    with base.session(settings) as session:
        query = select(IncidentRecord).where(IncidentRecord.resolved_at_ms.is_(None), on_this)
        found = list(session.scalars(query.order_by(IncidentRecord.incident_id)))
    if found:
        named = "; ".join(f"{row.incident_id} {row.kind} {row.subject}" for row in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise Halted(
            f"nothing new is signed while incidents are open: {named}{more}. Look at them with "
            "./leverageguard incidents, mend the cause, then "
            "./leverageguard incidents resolve ID --why TEXT"
        )


def lines(rows: list[IncidentRecord]) -> list[str]:
    """The printed list of incidents, each with its detail on a line of its own."""
    if not rows:
        return ["no incident is open"]
    printed = [f"{'id':>4}  {'chain':>10}  {'opened (UTC)':<19}  {'kind':<24}  subject"]
    for row in rows:
        opened = datetime.fromtimestamp(row.opened_at_ms / 1000, UTC)
        chain = "every" if row.chain_id is None else str(row.chain_id)
        printed.append(
            f"{row.incident_id:>4}  {chain:>10}  {opened:%Y-%m-%d %H:%M:%S}  {row.kind:<24}  "
            f"{row.subject}"
        )
        printed.append(f"      {row.detail}")
        if row.resolved_at_ms is not None:
            printed.append(f"      resolved by {row.resolved_by}: {row.resolution}")
    return printed


def me() -> str:
    """Who opens or resolves: user and host, as the system knows them."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
