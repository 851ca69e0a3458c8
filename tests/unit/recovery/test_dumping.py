"""A stack whose store is a PostgreSQL database, to a shelf and back, on a real server."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from leverageguard import config
from leverageguard.audit import verifying
from leverageguard.intake import accounts
from leverageguard.recovery import cutting, dumping
from leverageguard.recovery.errors import RecoveryError
from leverageguard.stack import secrets
from leverageguard.stack.up import migrate_store
from leverageguard.store import base
from tests.unit.recovery.test_recovery import PHRASE, account, backup, restore

TRIGGERS = """
    SELECT tgname, tgrelid::regclass::text, tgtype, tgargs, tgenabled FROM pg_trigger
    WHERE NOT tgisinternal ORDER BY 1
"""
HIDDEN = "hidden/1"
ASIDE = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before%'"
REVISION = "SELECT version_num FROM alembic_version"


@pytest.fixture
def stack(postgresql, monkeypatch, settings):
    """A data folder and a migrated store with one account."""
    with postgresql.database() as url:
        monkeypatch.setenv("LEVERAGEGUARD_STORE_URL", url)
        loaded = config.load()
        secrets.generate(loaded)
        migrate_store(loaded)
        account(loaded, "acc-1")
        path = loaded.raw_dir / "chain" / "h=1" / "a.parquet"
        path.parent.mkdir(parents=True)
        path.write_text("raw")
        yield loaded
        for (schema,) in said(loaded, ASIDE):  # the database is used again
            dumping._do(loaded, f"DROP SCHEMA {schema} CASCADE")
        base.engine_of(url).dispose()


@pytest.fixture
def other(postgresql, stack, tmp_path):
    """An empty folder and an empty database."""
    with postgresql.database() as url:
        yield replace(stack, data_dir=tmp_path / "elsewhere" / "data", store_database=url)
        base.engine_of(url).dispose()


@pytest.fixture
def phrase(tmp_path):
    path = tmp_path / "phrase"
    path.write_text(PHRASE)
    return path


def said(settings, query: str) -> list[tuple]:
    with base.engine(settings).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def held(settings) -> list[str]:
    with base.session(settings) as session:
        return sorted(one.account_id for one in accounts.bound(session))


def test_restore__into_another_database__is_the_store_it_was(stack, other, tmp_path, phrase):
    backup(stack, tmp_path / "shelf", "--secrets-passphrase", phrase)
    account(stack, "acc-2")
    restore(other, tmp_path / "shelf", "--secrets-passphrase", phrase)

    assert held(other) == ["acc-1"]
    with base.session(other) as session, base.session(stack) as kept:
        assert accounts.credentials(session, "acc-1") == accounts.credentials(kept, "acc-1")
    assert said(other, TRIGGERS) == said(stack, TRIGGERS) != []
    assert said(other, REVISION) == said(stack, REVISION)
    assert verifying.verify(other).breaks == ()
    assert not (other.data_dir / "store").exists() or not any((other.data_dir / "store").iterdir())
    account(other, "acc-3")  # numbers go on where they were
    migrate_store(other)
    assert held(other) == ["acc-1", "acc-3"]


def test_cut__store_stands_still__and_what_is_written_before_the_dump_is_not_in_it(
    stack, other, tmp_path, phrase, monkeypatch
):
    seen, dumped = [], dumping.dump

    def asked(_settings, _folder):
        """The chain is asked now."""
        seen.append(said(stack, f"SELECT pg_try_advisory_lock({base.TURN})"))

    def late(settings, snapshot, target):
        account(settings, "acc-2")
        dumped(settings, snapshot, target)

    monkeypatch.setattr(cutting, "_hold_chain", asked)
    monkeypatch.setattr(dumping, "dump", late)
    backup(stack, tmp_path / "shelf", "--secrets-passphrase", phrase)
    restore(other, tmp_path / "shelf", "--secrets-passphrase", phrase)

    assert seen == [[(False,)]]
    assert held(stack) == ["acc-1", "acc-2"] and held(other) == ["acc-1"]


def test_restore__over_a_store__asks_first_and_keeps_it_in_a_schema(stack, tmp_path, phrase):
    at = tmp_path / "shelf"
    backup(stack, at, "--secrets-passphrase", phrase)
    account(stack, "acc-2")
    before = stack.data_dir.with_name("moved")
    stack.data_dir.rename(before)
    with pytest.raises(RecoveryError, match="database is not empty: --replace"):
        restore(stack, at, "--secrets-passphrase", phrase)
    assert held(replace(stack, data_dir=before)) == ["acc-1", "acc-2"]

    printed = restore(stack, at, "--secrets-passphrase", phrase, "--replace")

    assert held(stack) == ["acc-1"]
    [schema] = [line.split()[-1] for line in printed if "in its database's schema" in line]
    assert len(said(stack, f"SELECT account_id FROM {schema}.accounts")) == 2
    # The next backup is of the store alone, and comes back in its turn.
    backup(stack, at, "--secrets-passphrase", phrase)
    restore(stack, at, "--secrets-passphrase", phrase, "--replace")
    assert held(stack) == ["acc-1"]
    assert len(said(stack, ASIDE)) == 2 and (schema,) in said(stack, ASIDE)


def test_fill__dump_that_is_none__leaves_the_store_in_its_place(stack, tmp_path):
    (tmp_path / "dump").write_bytes(b"PGDMP half")

    with pytest.raises(RecoveryError, match="pg_restore failed"):
        dumping.fill(stack, tmp_path / "dump")
    assert held(stack) == ["acc-1"]
    account(stack, "acc-2")


def test_restore__somebody_is_connected__is_refused(stack, other, tmp_path, phrase):
    backup(stack, tmp_path / "shelf", "--secrets-passphrase", phrase)
    somebody = create_engine(str(other.store_database), poolclass=NullPool)
    with somebody.connect(), pytest.raises(RecoveryError, match="1 others"):
        restore(other, tmp_path / "shelf", "--secrets-passphrase", phrase)
    assert not other.data_dir.exists()


def test_restore__other_kind_of_store__is_refused(stack, other, tmp_path, phrase):
    backup(stack, tmp_path / "shelf", "--secrets-passphrase", phrase)
    with pytest.raises(RecoveryError, match="was a PostgreSQL database"):
        restore(
            replace(other, store_database=None),
            tmp_path / "shelf", "--secrets-passphrase", phrase,
        )  # fmt: skip
    in_a_file = replace(stack, data_dir=tmp_path / "file", store_database=None)
    in_a_file.data_dir.mkdir()
    base.Base.metadata.create_all(base.engine(in_a_file))
    backup(in_a_file, tmp_path / "other-shelf")
    with pytest.raises(RecoveryError, match="was a file"):
        restore(other, tmp_path / "other-shelf", "--without-secrets")


def test_run__password_of_the_store__is_on_no_command_line(stack, tmp_path, monkeypatch):
    calls = []

    def run(argv, **options):
        calls.append((argv, options["env"]))
        return subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    url = make_url("postgresql+psycopg://me@db:5/s?a=b").set(password=HIDDEN)
    secretive = replace(stack, store_database=url.render_as_string(hide_password=False))
    dumping._run(secretive, "pg_dump")

    [(argv, environment)] = calls
    assert HIDDEN.split("/")[0] not in " ".join(argv)
    assert argv[-1] == "--dbname=postgresql://me@db:5/s?a=b"
    assert environment["PGPASSWORD"] == HIDDEN


def test_backup__database_does_not_answer__says_so_and_leaves_nothing(stack, tmp_path):
    nobody = "postgresql+psycopg://me@/store?host=/nowhere"
    with pytest.raises(RecoveryError, match="does not answer"):
        backup(replace(stack, store_database=nobody), tmp_path / "shelf")
    assert not (tmp_path / "shelf").exists()
