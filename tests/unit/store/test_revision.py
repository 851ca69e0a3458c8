"""A command on a store of another release says what to do; its own faults keep their traceback."""

from __future__ import annotations

import socket
import sys

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from leverageguard import cli, config
from leverageguard.stack.up import migrate_store
from leverageguard.store import base


@pytest.fixture
def store(either_store, settings):
    return config.load()


def run(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["leverageguard", *words])
    return cli.main()


def test_verify__store_of_an_older_release__says_to_run_up(store, monkeypatch, capsys):
    migrate_store(store, "0011")

    assert run(monkeypatch, "audit", "verify") == 1
    told = capsys.readouterr().err
    assert "older release (revision 0011): ./leverageguard up" in told and "Traceback" not in told
    migrate_store(store)
    assert run(monkeypatch, "audit", "verify") == 0


def test_verify__no_store_yet__says_to_run_up(store, monkeypatch, capsys):
    assert run(monkeypatch, "audit", "verify") == 1
    assert "no store yet: ./leverageguard up" in capsys.readouterr().err


def test_verify__store_of_a_newer_release__says_so(store, monkeypatch, capsys):
    migrate_store(store)
    with base.engine(store).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DROP TABLE erasures"))

    assert run(monkeypatch, "audit", "verify") == 1
    assert "newer release (revision 9999)" in capsys.readouterr().err


def test_verify__database_is_down__says_that_a_cluster_is_brought_up(settings, monkeypatch, capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and listens to none
        port = nobody.getsockname()[1]
        url = f"postgresql+psycopg://pool:hidden@127.0.0.1:{port}/store"
        monkeypatch.setenv("LEVERAGEGUARD_STORE_URL", url)

        assert run(monkeypatch, "audit", "verify") == 1
    told = capsys.readouterr().err
    assert "does not answer" in told and "./leverageguard up" in told and "hidden" not in told


def test_verify__table_is_gone_from_a_store_of_this_release__is_not_explained_away(
    store, monkeypatch
):
    migrate_store(store)
    with base.engine(store).begin() as connection:
        connection.execute(text("DROP TABLE erasures"))

    with pytest.raises(DBAPIError):
        run(monkeypatch, "audit", "verify")
