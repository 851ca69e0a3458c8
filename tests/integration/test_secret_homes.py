"""Where secrets may live, each a real server: files, Vault's API (OpenBao), AWS's (moto)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
from moto.server import ThreadedMotoServer

from leverageguard import airflow_secrets, envelope, secret_homes
from leverageguard.config import ConfigError, Settings
from leverageguard.security import doctor, keys, secrets_command
from leverageguard.settlement.signing import signers
from leverageguard.stack import airflow, secrets
from leverageguard.store import base
from tests.vault_server import Vault, vault

__all__ = ["vault"]
pytestmark = pytest.mark.slow
PREFIX = "pool-one"
SMTP = {"conn_type": "smtp", "host": "mail.example", "login": "pool", "password": "made-up word"}
# Airflow runs a task, and the task looks things up as the DAGs do; nothing else knows them.
DAG = """
from airflow.sdk import Variable, dag, task


@dag(schedule=None)
def look_up():
    @task
    def look():
        from airflow.configuration import conf
        from airflow.providers.smtp.hooks.smtp import SmtpHook

        found = SmtpHook.get_connection("leverageguard_smtp")
        key = conf.get("core", "fernet_key")
        text = "|".join([found.host, found.login, found.password, Variable.get("greeting"), key])
        print("FOUND " + text.encode().hex())

    look()


look_up()
"""


@pytest.fixture(scope="module")
def manager() -> Iterator[str]:
    """The address of an AWS that moto emulates."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(params=["files", "vault", "aws"])
def homed(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A stack's settings with each home in turn, empty, named as an operator names it."""
    secret_homes.forget()
    spec = "files"
    (settings.secrets_dir / envelope.FILE).unlink()
    if request.param == "vault":
        server: Vault = request.getfixturevalue("vault")
        spec = server.spec
        _empty_vault(server)
        (settings.secrets_dir / "vault_token").write_text(server.token)
    if request.param == "aws":
        address: str = request.getfixturevalue("manager")
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        requests.post(f"{address}/moto-api/reset", timeout=10).raise_for_status()
        spec = f"aws:{PREFIX}"
    monkeypatch.setenv("LEVERAGEGUARD_SECRETS", spec)
    return replace(settings, secrets_home=spec)


def _empty_vault(server: Vault) -> None:
    kv = server.admin.secrets.kv.v2
    for folder in ("leverageguard/connections", "leverageguard/variables", "leverageguard"):
        with contextlib.suppress(hvac.exceptions.InvalidPath):
            for key in kv.list_secrets(folder)["data"]["keys"]:
                kv.delete_metadata_and_all_versions(f"{folder}/{key}")


def told(settings: Settings, action: str, **options: object) -> list[str]:
    options = {"name": None, "file": None, **options}
    return list(secrets_command.lines(settings, {"action": action, **options}))


def put(settings: Settings, folder: Path, name: str, text: str) -> None:
    path = folder / "text"
    path.write_text(text + "\n")
    told(settings, "put", name=name, file=path)


def test_home__written_read_and_dropped__is_one_text_a_name(homed: Settings) -> None:
    home = homed.home_of("one")

    assert home.get("one") is None and home.names() == []
    assert home.create("one", "first") and not home.create("one", "second")
    assert home.get("one") == "first"
    home.put("one", "third")
    home.put("two", "2")
    assert (home.get("one"), home.names()) == ("third", ["one", "two"])
    assert home.drop("one") and not home.drop("one")
    assert home.get("one") is None and home.names() == ["two"]
    assert home.create("one", "again") and home.get("one") == "again"


def test_generate__any_home__once_and_only_what_others_open_by_path_is_a_file(
    homed: Settings,
) -> None:
    secrets.generate(homed)
    before = {name: homed.secret(name) for name in homed.secret_names()}
    secrets.generate(homed)
    secret_homes.forget()

    assert {name: homed.secret(name) for name in homed.secret_names()} == before
    assert len(signers.verifiers(replace(homed, data_dir=_simulated(homed)))) == 3
    assert secrets.airflow_password(homed, "admin")
    files = {path.name for path in homed.secrets_dir.iterdir()} - {"vault_token"}
    if not homed.are_secrets_files:
        assert files == {secrets.AIRFLOW_PASSWORDS, *secrets.SUPERSET_PASSWORDS} | {
            "superset_secret_key", "superset_guest_key", "redis_password"
        }  # fmt: skip
        assert files.isdisjoint(before)


def _simulated(settings: Settings) -> Path:
    settings.world_dir.mkdir(exist_ok=True)
    (settings.world_dir / "clock.json").write_text("{}")
    return settings.data_dir


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of Airflow's, made once."""
    path = tmp_path_factory.mktemp("metadata") / "airflow.db"
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(path.parent),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{path}",
    }
    words = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(words, env=environment, capture_output=True, check=True)
    return path


def test_airflow__task__finds_connection_variable_and_its_own_key(
    homed: Settings, tmp_path: Path, metadata: Path
) -> None:
    secrets.generate(homed)
    put(homed, tmp_path, "connections/leverageguard_smtp", json.dumps(SMTP))
    put(homed, tmp_path, "variables/greeting", "good day")
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "look_up.py").write_text(DAG)
    homed.airflow_home.mkdir()
    shutil.copy(metadata, homed.airflow_home / metadata.name)
    environment = {
        **airflow.environment(homed),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "test", "look_up"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    words = re.search(r"FOUND ([0-9a-f]+)", printed)[1]
    assert [word.strip() for word in bytes.fromhex(words).decode().split("|")] == [
        "mail.example", "pool", "made-up word", "good day", homed.secret("airflow_fernet"),
    ]  # fmt: skip
    assert "made-up word" not in printed
    with sqlite3.connect(homed.airflow_home / metadata.name) as database:
        assert database.execute("SELECT count(*) FROM connection").fetchone() == (0,)


def test_rotation__any_home__new_key_first_and_what_was_sealed_opens(
    homed: Settings, tmp_path: Path
) -> None:
    secrets.generate(homed)
    base.Base.metadata.create_all(base.engine(homed))
    put(homed, tmp_path, "variables/greeting", "good day")
    before, sealed = envelope.present(homed), envelope.seal(homed, b"a trader's key")
    list(keys.lines(homed, {"action": "rotate"}))

    assert envelope.present(homed) != before
    assert envelope.unseal(homed, sealed) == b"a trader's key"
    assert told(homed, "list")[-1].strip().startswith(("variables/", "webhook_key"))
    if homed.are_secrets_files:
        wrapped = (homed.secrets_dir / airflow_secrets.SEALED).read_bytes()
        assert envelope.wrapped_by(wrapped) == envelope.present(homed)


def test_unseal__another_process_rotated__asks_the_home_again(homed: Settings) -> None:
    secrets.generate(homed)
    envelope.present(homed)  # this process keeps the key it read
    here = dict(secret_homes._found)
    envelope.add_key(homed)
    sealed = envelope.seal(homed, b"sealed under the new one")
    secret_homes._found.update(here)

    assert envelope.unseal(homed, sealed) == b"sealed under the new one"


def test_sealed_file__holds_nothing_in_clear_and_is_private(
    settings: Settings, tmp_path: Path
) -> None:
    put(settings, tmp_path, "connections/leverageguard_smtp", json.dumps(SMTP))
    path = settings.secrets_dir / airflow_secrets.SEALED

    assert b"made-up" not in path.read_bytes() and b"mail.example" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "    connections/leverageguard_smtp (sealed)" in told(settings, "list")
    assert told(settings, "drop", name="connections/leverageguard_smtp")
    with pytest.raises(ConfigError, match="there is no"):
        told(settings, "drop", name="connections/leverageguard_smtp")


@pytest.mark.parametrize("homed", ["vault", "aws"], indirect=True)
def test_import__files__move_and_doctor_names_those_left_behind(
    homed: Settings, tmp_path: Path
) -> None:
    files = replace(homed, secrets_home="files")
    secrets.generate(files)
    put(files, tmp_path, "connections/leverageguard_smtp", json.dumps(SMTP))
    put(files, tmp_path, "variables/greeting", "good day")
    printed = told(homed, "import")

    assert "credentials_key: written" in printed and "variables/greeting: written" in printed
    assert homed.secret("credentials_key") == files.secret("credentials_key")
    assert json.loads(homed.secret("connections/leverageguard_smtp")) == SMTP
    assert "credentials_key: was there already" in told(homed, "import")
    left = [one.what for one in doctor.findings(homed) if "lies in clear" in one.what]
    assert len(left) == len(secrets_command.leftovers(homed)) > 10
    assert "vault_token" not in printed[-1] and "superset" not in printed[-1]
    for name in secrets_command.leftovers(homed):
        (homed.secrets_dir / name).unlink()
    assert secrets_command.leftovers(homed) == []


@pytest.mark.parametrize("homed", ["vault", "aws"], indirect=True)
def test_import__other_text_at_home__stops_and_changes_nothing(homed: Settings) -> None:
    secrets.generate(replace(homed, secrets_home="files"))
    homed.home_of("credentials_key").put("credentials_key", "another")

    with pytest.raises(ConfigError, match=r"credentials_key is in .* with another text"):
        told(homed, "import")
    assert homed.home_of("credentials_key").get("credentials_key") == "another"


def test_vault__token_that_may_not__is_told_without_the_token(
    vault: Vault, settings: Settings
) -> None:
    elsewhere = replace(settings, secrets_home=vault.spec.replace("/leverageguard", "/others"))
    settings.vault_token_file.write_text(vault.token)

    with pytest.raises(ConfigError, match="Forbidden") as refused:
        elsewhere.secret("credentials_key")
    assert vault.token not in str(refused.value)


def test_vault__nobody_there__is_told(settings: Settings) -> None:
    settings.vault_token_file.write_text("made-up")
    away = replace(settings, secrets_home="vault:http://127.0.0.1:1/secret/pool")

    with pytest.raises(ConfigError, match=r"Vault at http://127\.0\.0\.1:1: "):
        away.secret("credentials_key")


def test_vault__is_what_airflows_client_sees(vault: Vault, settings: Settings) -> None:
    """The layout is the providers', not one that only this package reads."""
    settings.vault_token_file.write_text(vault.token)
    home = replace(settings, secrets_home=vault.spec).home_of("connections/x")
    home.put("connections/x", "smtp://mail.example")
    home.put("variables/y", "1")

    def read(path: str) -> dict[str, Any]:
        return vault.admin.secrets.kv.v2.read_secret_version(path, raise_on_deleted_version=True)

    assert read("leverageguard/connections/x")["data"]["data"] == {
        "conn_uri": "smtp://mail.example"
    }
    assert read("leverageguard/variables/y")["data"]["data"] == {"value": "1"}
