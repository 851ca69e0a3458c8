"""Every write to an audited table is a row of the audit log, in the same transaction.

It hangs on the session itself, so that no writer can forget it. The log is read for its last row
only after the transaction's own writes: the store's one turn is held then, and the chain cannot
fork (`seq` is the key, so where it could, the second writer fails).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import event, insert, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from leverageguard import clock
from leverageguard.domain import audit
from leverageguard.store.audit_tables import AuditEvent
from leverageguard.store.base import take_turn


@dataclass(frozen=True)
class Audited:
    """Which columns say who did it (the first that is set), and which are never written down."""

    actors: tuple[str, ...]
    hidden: frozenset[str] = frozenset()


TABLES: dict[str, Audited] = {
    "accounts": Audited(("wallet",), frozenset({"encrypted_credentials"})),
    "batch_proposals": Audited(("proposed_by",)),
    "bindings": Audited(("signer",)),
    "claim_actions": Audited(("actor",)),
    "claim_txns": Audited(("actor",)),
    "contacts": Audited(("wallet",), frozenset({"encrypted_address"})),
    "erasures": Audited(("erased_by",)),
    "filed_claims": Audited(("claimed_by",)),
    "fund_alerts": Audited(("opened_by",)),
    "fund_requests": Audited(("changed_by",), frozenset({"tx_raw"})),
    "fund_valuations": Audited(("model_version",)),
    "incidents": Audited(("resolved_by", "opened_by")),
    "ledger_entries": Audited(("party",)),
    "payment_exceptions": Audited(("resolved_by", "payer")),
    "policy_endorsements": Audited(("signer",)),
    "policy_txns": Audited(("actor",)),
    "quote_refusals": Audited(("wallet",)),
    "quotes": Audited(("wallet",)),
    "review_answers": Audited(("actor",)),
    "reviews": Audited(("proposed_by",)),
    "risk_models": Audited(("kind",), frozenset({"parameters", "card"})),
    "risk_promotions": Audited(("promoted_by",)),
    "service_accounts": Audited(("revoked_by", "created_by"), frozenset({"key_hash"})),
    "settlement_events": Audited(("actor",)),
    "verdicts": Audited(("rules_version",)),
}
SYSTEM = "system"
DELETE = "delete"  # what ends the action of a row that was taken away
_acting: ContextVar[tuple[str | None, str | None]] = ContextVar("acting", default=(None, None))


@contextmanager
def acting(caller: str, request_id: str) -> Iterator[None]:
    """Whatever audited tables are written meanwhile, the log says whose request did it."""
    token = _acting.set((caller, request_id))
    try:
        yield
    finally:
        _acting.reset(token)


class AuditedSession(Session):
    """A session whose writes to audited tables are written down."""


def content(name: str, row: Any, of: frozenset[str] | None = None) -> str:
    """What the log says of a row of an audited table: its columns, but for hidden ones.

    With `of` only these columns.
    """
    columns = set(inspect(type(row)).columns.keys()) - TABLES[name].hidden
    wanted = columns if of is None else columns & of
    return audit.payload({key: getattr(row, key) for key in wanted})


def subject(name: str, row: Any) -> str:
    """What the log calls a row: its table and key."""
    key = inspect(type(row)).primary_key_from_instance(row)
    return f"{name}:{'/'.join(str(part) for part in key)}"


@event.listens_for(AuditedSession, "before_flush")
def _before_rows(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    if session.new or session.dirty or session.deleted:
        take_turn(session)


@event.listens_for(AuditedSession, "do_orm_execute")
def _before_statement(statement: ORMExecuteState) -> None:
    if statement.is_insert or statement.is_update or statement.is_delete:
        take_turn(statement.session)


@event.listens_for(AuditedSession, "after_flush")
def _write_down(session: Session, _context: UOWTransaction) -> None:
    rows = list(_changed(session))
    if not rows:
        return
    connection = session.connection()
    head = connection.execute(
        select(AuditEvent.seq, AuditEvent.event_hash).order_by(AuditEvent.seq.desc()).limit(1)
    ).first()
    seq, last_hash = (head.seq, head.event_hash) if head else (0, audit.GENESIS)
    now_ms = clock.now_ms()
    caller, request_id = _acting.get()
    made = []
    for action, actor, named, payload, before in rows:
        one = audit.chained(
            seq + 1, now_ms, actor, action, named, payload, last_hash,
            before=before, caller=caller, request_id=request_id,
        )  # fmt: skip
        seq, last_hash = one.seq, one.event_hash
        made.append(asdict(one))
    connection.execute(insert(AuditEvent), made)


def _changed(session: Session) -> Iterator[tuple[str, str, str, str, str | None]]:
    """Action, actor, subject, content and content before of each audited row just written.

    Of a row that is taken away the content is what it said last.
    """
    changed = [row for row in session.dirty if session.is_modified(row)]
    gone = list(session.deleted)
    for action, rows in (("insert", list(session.new)), ("update", changed), (DELETE, gone)):
        found = []
        for row in rows:
            name = type(row).__tablename__
            if name in TABLES:
                found.append((f"{name}.{action}", _actor(name, row), subject(name, row), row))
        # Sets have no order: by name and key, and what is numbered in the order of its numbers.
        for what, actor, named, row in sorted(found, key=lambda one: (one[0], len(one[2]), one[2])):
            before = _before(row.__tablename__, row) if action == "update" else None
            yield what, actor, named, content(row.__tablename__, row), before


def _before(name: str, row: Any) -> str:
    """What the changed columns held, but for hidden ones."""
    state = inspect(row)
    changed = {
        key: held[0]
        for key in set(state.mapper.columns.keys()) - TABLES[name].hidden
        if (held := state.attrs[key].history.deleted)
    }
    return audit.payload(changed)


def _actor(name: str, row: Any) -> str:
    values = (getattr(row, column) for column in TABLES[name].actors)
    return next((str(value) for value in values if value), SYSTEM)
