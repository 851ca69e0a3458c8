"""A real chain for the contract tests: one anvil a session, the state put back after each test.

anvil is looked for in the repository's tools folder, then in LEVERAGEGUARD_ANVIL, then on PATH.
Senders need no key and no ether there (`--auto-impersonate`, gas is free); signers have keys.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from eth_utils import keccak
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError

from tests.contracts.pool_world import (
    ARTIFACTS,
    REPO,
    ROLE_HOLDERS,
    USDC,
    PoolWorld,
    account,
    artifact,
)


def _find_anvil() -> str:
    bundled = REPO / ".tools/npm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    found = str(bundled) if bundled.exists() else os.environ.get("LEVERAGEGUARD_ANVIL", "anvil")
    path = shutil.which(found)
    assert path, "no anvil: install the npm tools or set LEVERAGEGUARD_ANVIL"
    return path


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="session")
def w3() -> Iterator[Web3]:
    """A connection to this session's own anvil, with the gas cap of a real transaction."""
    port = _free_port()
    flags = "--chain-id 31337 --enable-tx-gas-limit --auto-impersonate --base-fee 0 --gas-price 0"
    command = [_find_anvil(), "--port", str(port), "--silent", *flags.split(" ")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    connection = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
    try:
        deadline = time.monotonic() + 20
        while not connection.is_connected():
            assert process.poll() is None and time.monotonic() < deadline, "anvil did not answer"
            time.sleep(0.02)
        yield connection
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def deploy(w3: Web3) -> Callable[..., Contract]:
    """Deploy a committed artefact by name; the admin is the deployer."""

    def run(name: str, *arguments: Any) -> Contract:
        found = artifact(name)
        factory = w3.eth.contract(abi=found["abi"], bytecode=found["bytecode"])
        options = {"from": account("admin").address, "gasPrice": 0}
        receipt = w3.eth.wait_for_transaction_receipt(
            factory.constructor(*arguments).transact(options)
        )
        return w3.eth.contract(address=receipt["contractAddress"], abi=found["abi"])

    return run


@pytest.fixture(scope="session")
def make_world(w3: Web3, deploy: Callable[..., Contract]) -> Callable[..., PoolWorld]:
    """A pool over any token: limits 5,000 a batch and 8,000 a day, threshold 2, funded 10,000."""

    def run(token_name: str = "TestUSDC") -> PoolWorld:
        token = deploy(token_name)
        admin = account("admin").address
        pool = deploy("LeverageGuardPool", token.address, admin, 5_000 * USDC, 8_000 * USDC, 2)
        world = PoolWorld(w3, token, pool)
        holders = {role: [label] for role, label in ROLE_HOLDERS.items()}
        holders["VERIFIER"] = [f"verifier {n}" for n in (1, 2, 3)]
        for role, labels in holders.items():
            for label in labels:
                world.grant(role, world.who(label).address)
        world.send(token.functions.mint(pool.address, 10_000 * USDC))
        return world

    return run


@pytest.fixture(scope="session")
def funded_world(make_world: Callable[..., PoolWorld]) -> PoolWorld:
    return make_world()


@pytest.fixture
def world(funded_world: PoolWorld) -> Iterator[PoolWorld]:
    """The funded pool; whatever the test does to the chain is undone after it.

    A block is mined first: the chain takes its time from the machine's clock, and going back to
    the snapshot leaves the latest block as old as the fixture, so that the next one would pass
    any deadline a test counts from `now`.
    """
    snapshot = funded_world.w3.provider.make_request("evm_snapshot", [])["result"]
    funded_world.w3.provider.make_request("evm_mine", [])
    yield funded_world
    funded_world.w3.provider.make_request("evm_revert", [snapshot])


def _errors() -> dict[str, tuple[str, list[str]]]:
    entries = [
        entry
        for path in ARTIFACTS.rglob("*.json")
        for entry in json.loads(path.read_text())["abi"]
        if entry["type"] == "error"
    ]
    found = {}
    for entry in entries:
        types = [item["type"] for item in entry["inputs"]]
        selector = keccak(text=f"{entry['name']}({','.join(types)})")[:4].hex()
        found[selector] = (entry["name"], types)
    return found


@pytest.fixture(scope="session")
def refused(w3: Web3) -> Callable[..., AbstractContextManager[None]]:
    """`with refused("WrongBatch", 1, 2):` passes only on exactly that revert."""
    known = _errors()

    @contextmanager
    def expect(name: str, *arguments: Any) -> Iterator[None]:
        with pytest.raises(ContractCustomError) as caught:
            yield
        data = bytes.fromhex(str(caught.value.data).removeprefix("0x"))
        actual, types = known[data[:4].hex()]
        assert actual == name
        if arguments:
            values = w3.codec.decode(types, data[4:])
            expected = [a.lower() if isinstance(a, str) else a for a in arguments]
            assert list(values) == expected, name

    return expect
