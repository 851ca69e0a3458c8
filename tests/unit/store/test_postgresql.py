"""The store on a real PostgreSQL: the schema, the refusals and the turns that SQLite has."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from leverageguard import config
from leverageguard.audit import verifying
from leverageguard.stack.up import migrate_store
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.audit_tables import AuditEvent
from leverageguard.store.intake_tables import Account

TRIGGERS = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
CHECKS = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
WAITS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
WRITES = """
import sys
from leverageguard import config
from leverageguard.store import base, every_table
from leverageguard.store.intake_tables import Account
for number in range(25):
    name = f"{sys.argv[1]}-{number}"
    with base.session(config.load()) as session:
        session.add(Account(
            account_id=name, exchange="okx", uid=name, root_uid=name, wallet="0x1",
            encrypted_credentials=b"sealed", created_at_ms=1_767_571_200_000,
        ))
"""

READS = """
from sqlalchemy import func, select
from leverageguard import config
from leverageguard.store import base, every_table
from leverageguard.store.settlement_tables import Lease
settings = config.load()
with base.writing(settings) as session:
    print(session.scalar(select(func.count()).select_from(Lease)))
"""


@pytest.fixture
def store(postgresql, monkeypatch, settings):
    with postgresql.database() as url:
        monkeypatch.setenv("LEVERAGEGUARD_STORE_URL", url)
        yield config.load()
        base.engine_of(url).dispose()


def account(number):
    return Account(
        account_id=f"acc-{number}", exchange="okx", uid=f"u{number}", root_uid=f"u{number}",
        wallet="0x1", encrypted_credentials=b"sealed", created_at_ms=1_767_571_200_000,
    )  # fmt: skip


def said(settings, query):
    with base.engine(settings).connect() as connection:
        return {tuple(row) for row in connection.execute(text(query))}


def test_migrations__from_nothing__give_tables_triggers_and_checks_of_the_models(store, postgresql):
    migrate_store(store)
    with base.engine(store).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), base.Base.metadata) == []

    with postgresql.database() as url:
        of_models = base.engine_of(url)
        base.Base.metadata.create_all(of_models)
        for query in (TRIGGERS, CHECKS):
            with of_models.connect() as connection:
                expected = {tuple(row) for row in connection.execute(text(query))}
            assert said(store, query) == expected != set()
        of_models.dispose()


def test_migrations__second_time__leave_the_same(store):
    migrate_store(store)
    before = said(store, TRIGGERS)
    migrate_store(store)
    assert said(store, TRIGGERS) == before


CHANGES = (
    "UPDATE audit_events SET actor = 'nobody'",
    "DELETE FROM audit_events",
    "TRUNCATE audit_events",
)


@pytest.mark.parametrize("what", CHANGES)
def test_audit_log__to_change_or_empty_it__is_refused(store, what):
    migrate_store(store)
    with base.session(store) as session:
        session.add(account(1))

    with pytest.raises(IntegrityError, match="append-only"), base.session(store) as session:
        session.execute(text(what))

    assert verifying.verify(store).breaks == () and verifying.verify(store).rows == 1


def test_columns__that_hold_times_and_money__are_64_bits_wide(store):
    migrate_store(store)
    narrow = [
        f"{table}.{column['name']}"
        for table in inspect(base.engine(store)).get_table_names()
        for column in inspect(base.engine(store)).get_columns(table)
        if column["name"].endswith(("_ms", "_s", "_micro_usdc", "chain_id", "claim_index"))
        and str(column["type"]) != "BIGINT"
    ]
    assert narrow == []


def test_writers__three_processes_at_once__make_one_chain(store):
    migrate_store(store)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITES, name], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    errors = [writer.communicate(timeout=120)[1] for writer in writers]

    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    found = verifying.verify(store)
    assert (found.rows, found.breaks) == (75, ())


def test_writing__while_another_writes__sees_what_the_other_committed(store):
    migrate_store(store)
    first = base.engine(store).connect()
    first.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": base.TURN})
    reader = subprocess.Popen([sys.executable, "-c", READS], stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not said(store, WAITS) and reader.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert reader.poll() is None, "it did not wait"
    first.execute(text("INSERT INTO leases VALUES (1, 'pool', 'me', 1)"))
    first.commit()
    first.close()

    assert reader.communicate(timeout=60)[0] == "1\n"


def test_settings__url_with_a_password__is_not_printed(store, monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_STORE_URL", "postgresql+psycopg://db/store?password=hidden")
    assert "hidden" not in repr(config.load())


def test_settings__url_of_another_engine__is_refused_without_naming_it(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_STORE_URL", "mysql://db/store?password=hidden")
    with pytest.raises(config.ConfigError, match="must begin with postgresql") as caught:
        config.load()
    assert "hidden" not in str(caught.value)


def test_log__two_rows_with_one_number__cannot_be(store):
    migrate_store(store)
    with base.session(store) as session:
        session.add(account(1))
    with base.session(store) as session:
        kept = session.query(AuditEvent).one()
        row = {name: getattr(kept, name) for name in AuditEvent.__table__.columns.keys()}  # noqa: SIM118
    with pytest.raises(IntegrityError), base.session(store) as session:
        session.add(AuditEvent(**row | {"event_hash": "0xother"}))
