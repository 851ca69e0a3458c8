"""A stack's folder to a shelf and back; nothing runs here but the store's writers."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from leverageguard import cli_options
from leverageguard.audit import verifying
from leverageguard.intake import accounts
from leverageguard.recovery import boxing, command, cutting, parts
from leverageguard.recovery.errors import RecoveryError
from leverageguard.recovery.shelf import shelf
from leverageguard.stack import processes, secrets
from leverageguard.store import base
from tests.object_store import address, url

__all__ = ["address"]
WALLET = "0x" + "11" * 20
PHRASE = "correct horse battery"


@pytest.fixture
def stack(settings):
    """A data folder with something in every part."""
    secrets.generate(settings)
    base.Base.metadata.create_all(base.engine(settings))
    account(settings, "acc-1")
    for name in ("raw/chain/h=1/a.parquet", "evidence/01/verdict.json", "chain/state.json",
                 "deployments/31337.json", "audit/heads.jsonl", "world/clock.json",
                 "logs/chain.log", "airflow/logs/x.log", "serve/v1/leverageguard.duckdb",
                 "warehouse/leverageguard.duckdb", "reports/daily/.delivered",
                 "reports/.draft.tmp/half.pdf", "raw/chain/h=1/.a.parquet.1.tmp"):  # fmt: skip
        path = settings.data_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (settings.data_dir / "world" / "clock.json").write_text(
        json.dumps({"world_at_ms": 1, "real_at_ms": 1})
    )
    (settings.data_dir / "serve" / "current").symlink_to("v1")
    (settings.data_dir / "port").write_text("21000")
    with sqlite3.connect(settings.data_dir / "airflow" / "airflow.db") as airflow:
        airflow.execute("create table runs as select 7 as run")
    return settings


def account(settings, name: str) -> None:
    with base.session(settings) as session:
        made = accounts.BoundAccount(name, "okx", f"uid-{name}")
        key = accounts.Credentials("a key", "its secret", "its phrase")
        accounts.register(session, made, made.uid, WALLET, key, 1)


@pytest.fixture
def phrase(tmp_path) -> Path:
    path = tmp_path / "phrase"
    path.write_text(PHRASE)
    return path


def options(*words) -> dict:
    made = argparse.ArgumentParser()
    cli_options.add_commands(made)
    return vars(made.parse_args([str(word) for word in words]))


def backup(settings, at: Path, *words) -> list[str]:
    return list(command.lines(settings, options("backup", "--to", at, *words)))


def restore(settings, at: Path, *words) -> list[str]:
    return list(command.lines(settings, options("restore", "--from", at, *words)))


def content(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def elsewhere(settings, tmp_path):
    return replace(settings, data_dir=tmp_path / "elsewhere" / "data")


def test_backup_and_restore__into_another_folder__bring_back_what_is_kept(stack, tmp_path, phrase):
    at = tmp_path / "shelf"
    printed = backup(stack, at, "--secrets-passphrase", phrase)
    other = elsewhere(stack, tmp_path)
    restore(other, at, "--secrets-passphrase", phrase)
    before, after = content(stack.data_dir), content(other.data_dir)

    gone = {name for name in before if name not in after}
    assert gone == {
        "logs/chain.log", "airflow/logs/x.log", "warehouse/leverageguard.duckdb", ".backup.lock",
        "reports/.draft.tmp/half.pdf", "raw/chain/h=1/.a.parquet.1.tmp",
        "reports/daily/.delivered", "store/store.db-shm", "store/store.db-wal",
    }  # fmt: skip
    plain = {name for name in after if not name.endswith(".db")}
    assert {name: after[name] for name in plain} == {name: before[name] for name in plain}
    assert (other.serve_dir / "current").resolve() == other.serve_dir / "v1"
    with base.session(other) as session:
        assert [one.account_id for one in accounts.bound(session)] == ["acc-1"]
        assert accounts.credentials(session, "acc-1").api_secret == "its secret"
    assert verifying.verify(other).breaks == ()
    assert "left out, for nobody" not in "".join(printed)


def test_restore__secrets__are_private(stack, tmp_path, phrase):
    backup(stack, tmp_path / "shelf", "--secrets-passphrase", phrase)
    other = elsewhere(stack, tmp_path)
    restore(other, tmp_path / "shelf", "--secrets-passphrase", phrase)

    assert stat.S_IMODE(other.secrets_dir.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in other.secrets_dir.iterdir()}
    assert modes == {0o600}


def test_backup__on_the_shelf__no_secret_is_in_clear(stack, tmp_path, phrase):
    at = tmp_path / "shelf"
    backup(stack, at, "--secrets-passphrase", phrase)
    written = b"".join(content(at).values())

    for path in stack.secrets_dir.iterdir():
        assert path.read_bytes().strip() not in written, path.name
    assert b"its secret" not in written and PHRASE.encode() not in written


def test_backup__nothing_told_of_secrets__leaves_them_and_says_so(stack, tmp_path):
    printed = backup(stack, tmp_path / "shelf")

    assert "without the secrets: keep" in "".join(printed)
    with pytest.raises(RecoveryError, match="holds no secrets"):
        restore(elsewhere(stack, tmp_path), tmp_path / "shelf")
    told = restore(elsewhere(stack, tmp_path), tmp_path / "shelf", "--without-secrets")
    assert "put its secrets into" in "".join(told)


def test_backup__writers_go_on__holds_one_instant(stack, tmp_path, phrase):
    """Rows of the copy are those up to some account, its audit log is whole and as long."""
    stop = threading.Event()
    names = (f"acc-{number}" for number in range(2, 10_000))

    def write() -> None:
        while not stop.is_set():
            account(stack, next(names))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backup(stack, tmp_path / f"shelf-{number}", "--secrets-passphrase", phrase)
    finally:
        stop.set()
        writer.join()
    counts = []
    for number in range(3):
        other = replace(stack, data_dir=tmp_path / f"other-{number}")
        restore(other, tmp_path / f"shelf-{number}", "--secrets-passphrase", phrase)
        with base.session(other) as session:
            found = {one.account_id for one in accounts.bound(session)}
        assert found == {f"acc-{one}" for one in range(1, len(found) + 1)}
        assert verifying.verify(other).breaks == ()
        counts.append(len(found))
    assert counts == sorted(counts) and counts[-1] > 1


def test_cut__store__cannot_be_written_meanwhile(stack, monkeypatch):
    """The chain is asked while the store stands still."""
    seen = []

    def asked(_settings, _folder) -> None:
        with sqlite3.connect(stack.store_path, timeout=0) as other:
            try:
                other.execute("begin immediate")
            except sqlite3.OperationalError as error:
                seen.append(str(error))

    monkeypatch.setattr(cutting, "_hold_chain", asked)
    with cutting.cut(stack, None):
        pass

    assert seen == ["database is locked"]


def test_cut__file_that_is_replaced_afterwards__keeps_what_it_was(stack):
    path = stack.raw_dir / "chain" / "h=1" / "a.parquet"
    with cutting.cut(stack, None) as folder:
        new = path.with_suffix(".new")
        new.write_text("of the next pull")
        new.replace(path)

        assert (folder / path.relative_to(stack.data_dir)).read_text() == "raw/chain/h=1/a.parquet"
    assert not folder.exists()


def test_backup__second_one__stores_what_changed_and_drops_what_is_not_needed(stack, tmp_path):
    at = tmp_path / "shelf"
    backup(stack, at)
    first = {path for path in (at / "objects").rglob("*") if path.is_file()}
    (stack.raw_dir / "chain" / "h=1" / "b.parquet").write_text("another hour")
    account(stack, "acc-2")
    printed = backup(stack, at, "--keep", "1")
    second = {path for path in (at / "objects").rglob("*") if path.is_file()}

    kept = {path.name for path in first & second}
    assert len(kept) >= 6 and len(second - first) == 2  # the hour and the store
    assert "1 older backups dropped" in printed[-1]
    assert len(list((at / "backups").iterdir())) == 1
    restore(elsewhere(stack, tmp_path), at, "--without-secrets")
    assert len(list(command.lines(stack, options("backup", "--to", at, "--list")))) == 1


def object_of(at: Path, name: str) -> Path:
    [manifest] = (at / "backups").iterdir()
    digest = json.loads(manifest.read_text())["files"][name]["sha256"]
    return at / "objects" / digest[:2] / digest


@pytest.mark.parametrize("is_missing", [True, False])
def test_shelf__content_changed_or_missing__is_named_and_nothing_is_restored(
    stack, tmp_path, is_missing
):
    at = tmp_path / "shelf"
    backup(stack, at)
    path = object_of(at, "raw/chain/h=1/a.parquet")
    path.unlink() if is_missing else path.write_bytes(path.read_bytes()[:-1] + b"x")
    printed: list[str] = []

    with pytest.raises(RecoveryError, match="1 files are not what was put there"):
        printed.extend(command.lines(stack, options("backup", "--to", at, "--verify")))
    assert printed == ["damaged: raw/chain/h=1/a.parquet"]
    other = elsewhere(stack, tmp_path)
    with pytest.raises(RecoveryError, match=r"a\.parquet"):
        restore(other, at, "--without-secrets")
    assert not other.data_dir.exists()
    backup(stack, at)  # the next one puts it there again where it is missing
    if is_missing:
        assert "as they were put there" in backup(stack, at, "--verify")[-1]


def test_restore__over_a_stack__asks_first_and_puts_it_aside(stack, tmp_path, phrase):
    at = tmp_path / "shelf"
    backup(stack, at, "--secrets-passphrase", phrase)
    before = content(stack.data_dir / "raw")
    (stack.raw_dir / "chain" / "h=1" / "a.parquet").write_text("spoilt")
    with pytest.raises(RecoveryError, match="--replace"):
        restore(stack, at, "--secrets-passphrase", phrase)
    base.engine(stack).dispose()

    restore(stack, at, "--secrets-passphrase", phrase, "--replace")

    after = content(stack.raw_dir)
    assert after.items() <= before.items()
    [aside] = stack.data_dir.parent.glob(f"{stack.data_dir.name}.before-*")
    assert (aside / "raw" / "chain" / "h=1" / "a.parquet").read_text() == "spoilt"


def test_restore__while_the_stack_runs__is_refused(stack, tmp_path, monkeypatch):
    backup(stack, tmp_path / "shelf")
    monkeypatch.setattr(processes, "running", lambda _settings: {"chain": object()})

    with pytest.raises(RecoveryError, match="down first"):
        restore(stack, tmp_path / "shelf", "--without-secrets", "--replace")


def test_restore__wrong_passphrase__changes_nothing(stack, tmp_path, phrase):
    at = tmp_path / "shelf"
    backup(stack, at, "--secrets-passphrase", phrase)
    phrase.write_text("another passphrase")
    other = elsewhere(stack, tmp_path)

    with pytest.raises(RecoveryError, match="does not open"):
        restore(other, at, "--secrets-passphrase", phrase)
    assert not other.data_dir.exists()


@pytest.mark.parametrize("text", ["", "short", None])
def test_backup__passphrase_that_is_none__is_refused(stack, tmp_path, text):
    path = tmp_path / "none"
    if text is not None:
        path.write_text(text)

    with pytest.raises(RecoveryError, match="passphrase"):
        backup(stack, tmp_path / "shelf", "--secrets-passphrase", path)


def test_restore__nothing_there_or_no_such_name__says_what_there_is(stack, tmp_path):
    with pytest.raises(RecoveryError, match="no backup in"):
        restore(stack, tmp_path / "shelf", "--replace")
    backup(stack, tmp_path / "shelf")
    with pytest.raises(RecoveryError, match="there are: 20"):
        restore(stack, tmp_path / "shelf", "--replace", "--name", "yesterday")


def test_backup__of_no_stack__says_so(settings, tmp_path):
    with pytest.raises(RecoveryError, match="there is no stack"):
        backup(elsewhere(settings, tmp_path), tmp_path / "shelf")


def test_backup__beside_another__is_refused(stack, tmp_path):
    going = command.lines(stack, options("backup", "--to", tmp_path / "shelf"))
    next(going)

    with pytest.raises(RecoveryError, match="another backup"):
        backup(stack, tmp_path / "shelf")
    list(going)
    backup(stack, tmp_path / "shelf")


def test_backup__name_that_nobody_knows__is_told(stack, tmp_path):
    (stack.data_dir / "notes.txt").write_text("x")

    assert backup(stack, tmp_path / "shelf")[0].endswith("how it is kept: notes.txt")


KILLED = """
import os, sys
from leverageguard import config
from leverageguard.recovery import command
from leverageguard.recovery.shelf import Shelf
before, calls = Shelf.{method}, []
def dying(self, *given):
    calls.append(1)
    if len(calls) == 5:
        os.kill(os.getpid(), 9)
    return before(self, *given)
Shelf.{method} = dying
list(command.lines(config.load(), {options!r}))
"""


def killed(settings, method: str, asked: dict) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(method=method, options=asked)],
        env={**os.environ, "LEVERAGEGUARD_DATA": str(settings.data_dir)}, check=False,
    )  # fmt: skip
    assert done.returncode == -9


def test_backup__killed_in_the_middle__leaves_no_backup_and_the_next_is_whole(stack, tmp_path):
    at = tmp_path / "shelf"
    killed(stack, "put", {**options("backup", "--to", at)})

    assert shelf(str(at)).names() == []
    assert list(stack.data_dir.glob(".cut-*"))
    backup(stack, at, "--keep", "3")
    assert list(stack.data_dir.glob(".cut-*")) == []
    assert "as they were put there" in backup(stack, at, "--verify")[-1]


def test_shelf__content_that_a_killed_backup_left_half__is_put_again(stack, tmp_path):
    at = tmp_path / "shelf"
    backup(stack, at)
    path = object_of(at, "chain/state.json")
    path.write_bytes(path.read_bytes()[:3])

    backup(stack, at)
    assert "as they were put there" in backup(stack, at, "--verify")[-1]


def test_restore__killed_in_the_middle__leaves_the_old_stack_and_goes_again(stack, tmp_path):
    at = tmp_path / "shelf"
    backup(stack, at)
    before = content(stack.data_dir)
    asked = options("restore", "--from", at, "--replace", "--without-secrets")
    killed(stack, "get", asked)

    assert content(stack.data_dir) == before
    restore(stack, at, "--replace", "--without-secrets")
    assert (stack.data_dir / "evidence" / "01" / "verdict.json").exists()


def test_box__changed__does_not_open(tmp_path):
    (tmp_path / "key").write_text("x")
    box = boxing.boxed(tmp_path, lambda: PHRASE)

    assert boxing.unboxed(box, lambda: PHRASE) == {"key": "x"}
    with pytest.raises(RecoveryError):
        boxing.unboxed(box[:-1] + b"x", lambda: PHRASE)


def test_backup__object_store__is_as_good_as_a_folder(stack, tmp_path, address, phrase):
    place = url(address, "backups")
    assert list(command.lines(stack, options("backup", "--to", place, "--list"))) == []
    backup(stack, place, "--secrets-passphrase", phrase)
    backup(stack, place, "--secrets-passphrase", phrase, "--keep", "1")
    assert "as they were put there" in backup(stack, place, "--verify")[-1]
    other = elsewhere(stack, tmp_path)

    restore(other, place, "--secrets-passphrase", phrase)
    assert content(other.raw_dir).items() <= content(stack.raw_dir).items()
    assert content(other.secrets_dir) == content(stack.secrets_dir)
    assert len(shelf(place).names()) == 1


def test_parts__rows__name_each_thing_once():
    every = [*parts.LINKED, *parts.COPIED_BEFORE, *parts.COPIED, *parts.LEFT_OUT]

    assert len(every) == len(set(every))
