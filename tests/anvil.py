"""A real chain for tests: one anvil on a free port, its clock starting where the test says.

Import the fixture in a test module:  `from tests.anvil import anvil_fixture  # noqa: F401`
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

REPO = Path(__file__).resolve().parents[1]
STARTED_AT_S = 1_767_571_200  # 2026-01-05T00:00:00Z


def binary() -> str:
    """anvil's path: the repository's tools folder, then LEVERAGEGUARD_ANVIL, then PATH."""
    bundled = REPO / ".tools/npm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    found = str(bundled) if bundled.exists() else os.environ.get("LEVERAGEGUARD_ANVIL", "anvil")
    path = shutil.which(found)
    assert path, "no anvil: install the npm tools or set LEVERAGEGUARD_ANVIL"
    return path


class Anvil:
    """A running chain; `url` is its JSON-RPC endpoint."""

    def __init__(self, chain_id: int = 31337, timestamp_s: int = STARTED_AT_S) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
        self.chain_id = chain_id
        self.url = f"http://127.0.0.1:{port}"
        self._older_states = tempfile.TemporaryDirectory(prefix="lg-anvil-")
        options = ["--chain-id", str(chain_id), "--timestamp", str(timestamp_s)]
        options += ["--cache-path", self._older_states.name]
        command = [binary(), "--port", str(port), "--silent", "--enable-tx-gas-limit", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < until, "anvil is silent"
            time.sleep(0.02)

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call; fails the test on an error answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = requests.post(self.url, json=body, timeout=20).json()
        assert "error" not in answer, answer
        return answer["result"]

    def give_gas(self, address: str) -> None:
        """Enough native coin for any number of transactions."""
        self.rpc("anvil_setBalance", address, hex(10**21))

    def stop(self) -> None:
        """End the process."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        self._older_states.cleanup()

    def _answers(self) -> bool:
        try:
            return int(self.rpc("eth_chainId"), 16) == self.chain_id
        except requests.ConnectionError:
            return False


@pytest.fixture(name="anvil")
def anvil_fixture() -> Iterator[Anvil]:
    """A fresh chain for one test."""
    started = Anvil()
    yield started
    started.stop()
