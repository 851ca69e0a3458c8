"""Whether the audit log is whole, and whether the audited rows still say what it says of them."""

from __future__ import annotations

import json
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
        read = _Reading()
        found = list(audit.breaks(read.of(_events(session)), known))
        found += _strayed(session, read.said)
    return Checked(*read.head, tuple(sorted(found, key=lambda one: one.seq)))


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
            row.event_hash, row.before, row.caller, row.request_id,
        )  # fmt: skip


class _Reading:
    """What one reading of the log leaves: its last row, and the last word on each subject."""

    def __init__(self) -> None:
        self.head = 0, audit.GENESIS
        self.said: dict[str, tuple[int, str]] = {}

    def of(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, noted as they go by."""
        for event in events:
            self.head = event.seq, event.event_hash
            if event.action.endswith(f".{auditing.DELETE}"):
                self.said.pop(event.subject, None)
            else:
                self.said[event.subject] = event.seq, event.payload
            yield event


def _strayed(session: Session, said: dict[str, tuple[int, str]]) -> Iterator[Break]:
    """Audited rows that say something else than the log, or of which it says nothing.

    A column that a row got by a later release is not in what the log says of it.
    """
    for name, row in _audited(session):
        subject = auditing.subject(name, row)
        seq, payload = said.pop(subject, (0, ""))
        if not seq:
            yield Break(0, f"{subject} was written past the log")
        elif auditing.content(name, row, frozenset(json.loads(payload))) != payload:
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
