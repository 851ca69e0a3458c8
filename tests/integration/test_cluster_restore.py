"""A cluster's store to a shelf and back: a real server over TLS, started for the restore alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leverageguard import config
from leverageguard.audit import verifying
from leverageguard.intake import accounts
from leverageguard.stack import processes, secrets
from leverageguard.stack.cluster import profile
from leverageguard.stack.up import migrate_store
from leverageguard.store import base
from tests.e2e.stacks import free_port_base
from tests.unit.recovery.test_recovery import PHRASE, account, backup, restore

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's: only root may enter that one, and the server is not root."""
    made = Path(tempfile.mkdtemp(prefix="lg-cluster-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def held(settings: config.Settings) -> list[str]:
    with base.session(settings) as session:
        return sorted(one.account_id for one in accounts.bound(session))


def test_restore__cluster_is_gone__its_database_has_the_rows_again_and_is_down(
    folder, tmp_path, monkeypatch
):
    (tmp_path / "phrase").write_text(PHRASE)
    words = (tmp_path / "shelf", "--secrets-passphrase", tmp_path / "phrase")
    port = free_port_base(26_000)
    stack = config.Settings(data_dir=folder / "data", port_base=port, profile="cluster")
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(stack.data_dir))
    stack.data_dir.mkdir()
    secrets.generate(stack)
    (stack.data_dir / "profile").write_text("cluster\n")
    with profile.database(stack):
        migrate_store(stack)
        account(stack, "acc-1")
        told = backup(stack, *words)
        account(stack, "acc-2")
    assert "left out" not in "".join(told)

    fresh = replace(stack, data_dir=folder / "other", profile="embedded")  # as in an empty folder
    restore(fresh, *words)

    assert processes.running(fresh) == {}
    assert (fresh.data_dir / "profile").read_text() == "cluster\n"
    assert list((fresh.data_dir / "store").iterdir()) == []
    again = replace(fresh, profile="cluster")
    with profile.database(again):
        assert held(again) == ["acc-1"]
        assert verifying.verify(again).breaks == ()
        account(again, "acc-3")
