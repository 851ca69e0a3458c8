"""Engine and sessions of the transactional store: SQLite in WAL mode, or a PostgreSQL database.

On both, writers take turns: in SQLite by the file's write lock, in PostgreSQL by one lock that a
transaction takes before its first write and holds to its end. So nothing changes under a writer's
feet on the one that does not on the other, and the audit log's chain cannot fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from threading import RLock
from typing import Any

from sqlalchemy import CheckConstraint, Engine, MetaData, create_engine, event, func, select, text
from sqlalchemy.orm import DeclarativeBase, Session

from leverageguard.config import Settings

BUSY_TIMEOUT_MS = 30_000
# What PostgreSQL calls the store's one turn: any number that no other user of the database takes.
TURN = 0x4C47_5354_4F52_45
_turn = RLock()


class Base(DeclarativeBase):
    """All tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """The constraint that a column holds one of these texts."""
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


@lru_cache(maxsize=8)
def engine_of(url: str) -> Engine:
    """The engine of one URL, one a process."""
    if not url.startswith("sqlite"):
        # A server that was started again left dead connections in the pool: each is tried first.
        waits = {"options": f"-c lock_timeout={BUSY_TIMEOUT_MS}"}
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=waits)
    made = create_engine(url, hide_parameters=True)  # errors quote them, and keys are among them
    event.listen(made, "connect", _set_pragmas)
    return made


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")
    # What is deleted or replaced is overwritten with zeros, so that no sealed key outlives its row.
    connection.execute("PRAGMA secure_delete=ON")


def engine(settings: Settings) -> Engine:
    """The store's engine, one a process and URL."""
    if settings.store_url.startswith("sqlite"):
        settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    return engine_of(settings.store_url)


@contextmanager
def session(settings: Settings) -> Iterator[Session]:
    """One transaction: committed at the end, rolled back on any error.

    What it writes to audited tables is written down in the audit log.
    """
    from leverageguard.store.auditing import AuditedSession  # it knows the log's table, built here

    with AuditedSession(engine(settings), expire_on_commit=False) as opened, opened.begin():
        yield opened


def is_journal_emptied(settings: Settings) -> bool:
    """Write SQLite's journal into the store and empty it, so that old pages are nowhere any more.

    False when a reader kept the journal for longer than the busy timeout. PostgreSQL has its own
    way: VACUUM, and the age of its archived logs.
    """
    if engine(settings).dialect.name != "sqlite":
        return True
    with engine(settings).connect() as connection:
        busy, _, _ = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
    return not busy


@contextmanager
def writing(settings: Settings) -> Iterator[Session]:
    """A session that nobody else writes beside: what it reads stays so until it commits."""
    is_sqlite = engine(settings).dialect.name == "sqlite"
    # Writers of one process wait for each other here; in SQLite they would look again after sleeps
    # that grow, and the unlucky one among sixteen waits for seconds.
    turn = _turn if is_sqlite else nullcontext()
    with turn, session(settings) as opened:
        if is_sqlite:  # writes nothing, but takes the write lock before the first read
            opened.execute(text("UPDATE quotes SET reference = reference WHERE 1 = 0"))
        take_turn(opened)
        yield opened


def take_turn(opened: Session) -> None:
    """Wait until no other transaction of a PostgreSQL store writes, and keep others out to the end.

    Before the first write, not after it: who held rows while waiting here could wait for ever for
    one who waits for those rows. SQLite does the same by itself.
    """
    connection = opened.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(TURN)))
