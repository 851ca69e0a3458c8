"""`./leverageguard keys`: which keys wrap the sealed columns, and changing them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import airflow_secrets, envelope
from leverageguard.config import Settings
from leverageguard.intake.accounts import ERASED
from leverageguard.settlement import incidents
from leverageguard.store import auditing, base
from leverageguard.store.intake_tables import Account
from leverageguard.store.notification_tables import Contact

SEALED = (
    ("exchange keys", Account, Account.encrypted_credentials),
    ("contacts", Contact, Contact.encrypted_address),
)


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """What the command prints, a line at a time."""
    if options["action"] == "rotate":
        yield from _rotated(settings)
    yield f"wrapped from now on by {envelope.present(settings)}"
    for what, named, count in counted(settings):
        old = "" if named == envelope.present(settings) else "; ./leverageguard keys rotate"
        yield f"{count:>8}  {what} wrapped by {named}{old}"


def counted(settings: Settings) -> list[tuple[str, str, int]]:
    """What is sealed, by which key its data keys are wrapped, and how many rows."""
    found: list[tuple[str, str, int]] = []
    with base.session(settings) as session:
        for what, _, column in SEALED:
            held = session.scalars(select(column).where(column != ERASED))
            names = Counter(envelope.wrapped_by(one) for one in held)
            found += [(what, named, count) for named, count in sorted(names.items())]
    return found


def _rotated(settings: Settings) -> Iterator[str]:
    """Add a key, wrap every data key by it, and forget the ones that wrap nothing any more.

    Killed in between, the next rotation ends it: every key that still wraps something is kept.
    """
    with envelope.rotating(settings), auditing.acting(incidents.me(), "keys rotate"):
        envelope.add_key(settings)
        # Nobody writes meanwhile: a key that its trader replaces now must not come back.
        with base.writing(settings) as session:
            for what, table, column in SEALED:
                yield f"{_rewrapped(settings, session, table, column.key)} {what} wrapped anew"
        if airflow_secrets.rewrap(settings):
            yield "Airflow's sealed connections and variables wrapped anew"
        gone = envelope.retire(settings)
    yield f"{gone} old keys forgotten; a backup made under them needs the file of its time"


def _rewrapped(settings: Settings, session: Session, table: Any, column: str) -> int:
    held = select(table).where(getattr(table, column) != ERASED)
    rows: Sequence[Any] = session.scalars(held).all()
    for row in rows:
        setattr(row, column, envelope.rewrap(settings, getattr(row, column)))
    session.flush()
    return len(rows)
