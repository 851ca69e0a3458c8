"""A store in PostgreSQL, into a file and back, by PostgreSQL's own pg_dump and pg_restore.

What is dumped is a snapshot that was taken while the store stood still; the dump itself is made
afterwards, when writers go on. A store is filled from a dump in one transaction or not at all.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.recovery.errors import RecoveryError
from leverageguard.stack import postgresql
from leverageguard.store import base

# The roles of the place a dump comes from are not those of the place it goes to.
_PLAIN = ("--no-owner", "--no-privileges")
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""
_SCHEMA = "SELECT current_schema()"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


def is_needed(settings: Settings) -> bool:
    """True where the store is a database, False where it is a file."""
    return make_url(settings.store_url).get_backend_name() == "postgresql"


def require_answer(settings: Settings) -> None:
    """Raise RecoveryError when the store is a database that cannot be reached."""
    if is_needed(settings):
        try:
            base.engine(settings).connect().close()
        except OperationalError as error:
            raise RecoveryError(f"the store's database does not answer: {error.orig}") from None


@contextmanager
def held(settings: Settings) -> Iterator[str]:
    """The store as it is now, under a name that `dump` takes for as long as the block lasts."""
    with base.engine(settings).connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield str(connection.scalar(text("SELECT pg_export_snapshot()")))


def dump(settings: Settings, snapshot: str, target: Path) -> None:
    """Write a held snapshot of the whole store into a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with base.engine(settings).connect() as connection:
        schema = connection.scalar(text(_SCHEMA))  # others keep what was put aside once
    words = [f"--schema={schema}", f"--snapshot={snapshot}", f"--file={target}"]
    _run(settings, "pg_dump", *_PLAIN, "--format=custom", *words)


def require_room(settings: Settings, is_replacing: bool) -> None:
    """Raise RecoveryError when a dump cannot be filled in: somebody is there, or something."""
    require_answer(settings)
    base.engine(settings).dispose()  # our own spare connections are no others
    with base.engine(settings).connect() as connection:
        if others := connection.scalar(text(_OTHERS)):
            raise RecoveryError(
                f"{others} others are connected to the store's database: stop every service of "
                "the stack first, on other machines too"
            )
        if connection.scalar(text(_TABLES)) and not is_replacing:
            raise RecoveryError("the store's database is not empty: --replace puts it aside")


def fill(settings: Settings, source: Path) -> str | None:
    """Make the database what a dump holds; the schema that keeps what was there, if anything.

    Raises RecoveryError with the old store in its place when the dump cannot be read in.
    """
    with base.engine(settings).connect() as connection:
        schema = str(connection.scalar(text(_SCHEMA)))
        has_any = bool(connection.scalar(text(_TABLES)))
    aside = f"before_{datetime.now(UTC):%Y%m%dt%H%M%S_%f}" if has_any else None
    if aside is not None:
        _do(settings, f"ALTER SCHEMA {schema} RENAME TO {aside}", f"CREATE SCHEMA {schema}")
    try:
        words = ["--single-transaction", "--exit-on-error", f"--schema={schema}", str(source)]
        _run(settings, "pg_restore", *_PLAIN, *words)
    except RecoveryError:
        if aside is not None:
            _do(settings, f"DROP SCHEMA {schema}", f"ALTER SCHEMA {aside} RENAME TO {schema}")
        raise
    return aside


def _do(settings: Settings, *statements: str) -> None:
    """All of it or nothing."""
    with base.engine(settings).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _run(settings: Settings, program: str, *words: str) -> None:
    """One of PostgreSQL's programs at the store; its last words are in the RecoveryError."""
    url = make_url(settings.store_url).set(drivername="postgresql")
    # Everybody may read a command line, nobody else its environment.
    secret = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    where = url._replace(password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [postgresql.program(program), *words, f"--dbname={where}"],
        env={**config.child_environment(settings), **secret},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RecoveryError(f"{program} failed: {done.stderr.strip()[-500:]}")
