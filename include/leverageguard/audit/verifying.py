"""Whether the audit log is whole, and whether the audited rows still say what it says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard.audit import anchors
from leverageguard.config import Settings
from leverageguard.domain import audit
from leverageguard.domain.audit import Break, Event
from leverageguard.store import auditing, base, every_table  # noqa: F401 - every_table: all are looked at
from leverageguard.store.audit_tables import AuditEvent

AT_ONCE = 1000


@dataclass(frozen=True)
class Checked:
    """How many rows the log has, its last hash, and every place where it does not hold."""

    rows: int
    head: str
    breaks: tuple[Break, ...]


def verify(settings: Settings, noted: Mapping[int, str] | None = None) -> Checked:
    """Check chain, notes and audited rows; `noted` are further notes kept elsewhere."""
    with base.session(settings) as session:
        known = {**anchors.read(settings), **(noted or {})}
        found = list(audit.breaks(_events(session), known))
        last = session.scalar(select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(1))
        found += _strayed(session)
    head = (last.seq, last.event_hash) if last else (0, audit.GENESIS)
    return Checked(*head, tuple(sorted(found, key=lambda one: one.seq)))


def log(settings: Settings, subject: str | None, limit: int) -> list[AuditEvent]:
    """The newest rows whose subject begins with `subject`, oldest first."""
    query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(limit)
    if subject:
        query = query.where(AuditEvent.subject.startswith(subject, autoescape=True))
    with base.session(settings) as session:
        return list(session.scalars(query))[::-1]


def _events(session: Session) -> Iterator[Event]:
    query = select(AuditEvent).order_by(AuditEvent.seq).execution_options(yield_per=AT_ONCE)
    for row in session.scalars(query):
        yield Event(
            row.seq, row.at_ms, row.actor, row.action, row.subject, row.payload, row.prev_hash,
            row.event_hash,
        )  # fmt: skip


def _strayed(session: Session) -> Iterator[Break]:
    """Audited rows that say something else than the log, or of which it says nothing."""
    said: dict[str, tuple[int, str]] = {}
    for event in _events(session):
        said[event.subject] = event.seq, event.payload
    for name, row in _audited(session):
        subject = auditing.subject(name, row)
        seq, payload = said.pop(subject, (0, ""))
        if not seq:
            yield Break(0, f"{subject} was written past the log")
        elif auditing.content(name, row) != payload:
            yield Break(seq, f"{subject} was changed past the log")
    for subject, (seq, _) in said.items():
        yield Break(seq, f"{subject} is gone")


def _audited(session: Session) -> Iterable[tuple[str, base.Base]]:
    for mapper in base.Base.registry.mappers:
        model: type[base.Base] = mapper.class_
        if model.__tablename__ in auditing.TABLES:
            query = select(model).execution_options(yield_per=AT_ONCE)
            for row in session.scalars(query):
                yield model.__tablename__, row
