"""The committed artefacts are what the committed sources compile to."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess

import pytest

from tests.contracts import npm_tools
from tests.contracts.npm_tools import CONTRACTS
from tests.contracts.pool_world import ARTIFACTS, REPO

OWN = ("src/", "test/", "bench/")


@pytest.mark.parametrize("path", sorted(ARTIFACTS.rglob("*.json")), ids=lambda path: path.stem)
def test_artifact__its_own_sources__are_the_ones_committed(path):
    for name, expected in json.loads(path.read_text())["sources"].items():
        if name.startswith(OWN):
            assert hashlib.sha256((CONTRACTS / name).read_bytes()).hexdigest() == expected, name


def test_every_contract__has_an_artifact():
    sources = [p for folder in OWN for p in (CONTRACTS / folder).glob("*.sol")]
    declared = {
        name for path in sources for name in re.findall(r"^contract (\w+)", path.read_text(), re.M)
    }
    assert declared == {path.stem for path in ARTIFACTS.rglob("*.json")}


def test_every_custom_error_of_ours__has_a_test_that_reaches_it():
    source = (CONTRACTS / "src" / "PoolTypes.sol").read_text()
    errors = set(re.findall(r"error (\w+)\(", source))
    here = REPO / "tests" / "contracts"
    tested = {
        name
        for path in here.glob("test_*.py")
        for name in re.findall(r'refused\("(\w+)"', path.read_text())
    }
    assert errors and errors <= tested


def test_every_event_of_ours__is_looked_at_by_a_test():
    source = (CONTRACTS / "src" / "PoolTypes.sol").read_text()
    events = set(re.findall(r"event (\w+)\(", source))
    here = REPO / "tests" / "contracts"
    text = "".join(path.read_text() for path in here.glob("test_pool_*.py"))
    assert events and {name for name in events if f'"{name}"' not in text} == set()


def test_lock_file__names_no_registry_and_pins_every_hash():
    text = (CONTRACTS / "package-lock.json").read_text()
    assert "resolved" not in text
    assert text.count('"integrity"') == text.count('"node_modules/')


def test_lock_file__names_every_package_another_one_asks_for():
    """`npm ci` refuses a lock without the optional packages of other platforms."""
    packages = json.loads((CONTRACTS / "package-lock.json").read_text())["packages"]
    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    asked = {name for entry in packages.values() for kind in kinds for name in entry.get(kind, {})}
    assert asked == {path.removeprefix("node_modules/") for path in packages if path}


@pytest.mark.slow
def test_artifacts__compiled_again__are_byte_for_byte_the_same():
    command = [npm_tools.node(), CONTRACTS / "compile.mjs", "--check"]
    command += ["--node-modules", npm_tools.MODULES]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
