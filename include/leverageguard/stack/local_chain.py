"""The embedded chain: anvil, started at the world's time, its state kept between runs."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests

from leverageguard.config import Settings
from leverageguard.stack import processes
from leverageguard.stack.progress import StackError

NAME = "chain"
GAS_MONEY_WEI = 10**20
BLOCK_GAS_LIMIT = 60_000_000
# Where anvil puts what it has no room for in memory, tenths of a megabyte a block. It leaves it
# there when it ends: in the home folder, which is its default, that added up to gigabytes.
OLDER_STATES = "chain-states"


def anvil_binary(settings: Settings) -> Path:
    """anvil's path: the one npm installed, else the one on PATH; StackError when there is none."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    modules = settings.repo_dir / ".tools" / "npm" / "node_modules"
    installed = modules / "@foundry-rs" / f"anvil-linux-{machine}" / "bin" / "anvil"
    if installed.exists():
        return installed
    found = shutil.which("anvil")
    if found is None:
        raise StackError(f"anvil is not installed for {machine}: run ./leverageguard install")
    return Path(found)


def start(settings: Settings, at_ms: int) -> None:
    """Start the chain unless it runs; its clock begins at `at_ms`, its state is what was saved."""
    if NAME in processes.running(settings):
        return
    folder, older_states = settings.data_dir / "chain", settings.run_dir / OLDER_STATES
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(older_states, ignore_errors=True)  # of the process before; nothing reads them
    options = {
        "--host": settings.host,
        "--port": settings.chain_port,
        "--chain-id": settings.chain_id,
        "--timestamp": at_ms // 1000,
        "--state": folder / "state.json",
        "--state-interval": 5,
        "--cache-path": older_states,
        "--gas-limit": BLOCK_GAS_LIMIT,
    }
    argv = [str(anvil_binary(settings)), "--silent", "--enable-tx-gas-limit"]
    argv += [str(word) for pair in options.items() for word in pair]
    process = processes.start(settings, NAME, argv, {})
    processes.wait_until(lambda: _answers(settings), process, settings, 20.0)


def rpc(settings: Settings, method: str, *params: Any) -> Any:
    """One call of anvil's own methods; StackError with the node's words when it refuses."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = _connection().post(settings.chain_rpc_url, json=body, timeout=30).json()
    if "error" in answer:
        raise StackError(f"the local chain refused {method}: {answer['error'].get('message')}")
    return answer["result"]


def give_gas(settings: Settings, address: str) -> None:
    """Set an account's balance to enough for thousands of transactions."""
    rpc(settings, "anvil_setBalance", address, hex(GAS_MONEY_WEI))


@contextmanager
def blocks_on_demand(settings: Settings) -> Iterator[None]:
    """Inside, transactions wait for `mine`; after it each one has a block of its own again."""
    rpc(settings, "evm_setAutomine", False)
    try:
        yield
    finally:
        rpc(settings, "evm_setAutomine", True)


def mine(settings: Settings, timestamp_s: int | None = None) -> None:
    """Put what waits into one block, stamped with `timestamp_s` if given."""
    if timestamp_s is not None:
        rpc(settings, "evm_setNextBlockTimestamp", timestamp_s)
    rpc(settings, "evm_mine")


@lru_cache(maxsize=1)
def _connection() -> requests.Session:
    """One kept-alive connection a process: a world has thousands of small calls."""
    return requests.Session()


def _answers(settings: Settings) -> bool:
    try:
        return int(rpc(settings, "eth_chainId"), 16) == settings.chain_id
    except requests.ConnectionError:
        return False
