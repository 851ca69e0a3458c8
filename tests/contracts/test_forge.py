"""forge's fuzz and invariant tests of the committed bytecode, and how much of it they really tried.

The compiler behind forge is the one npm installed (`include/contracts/forge/solc`). The seed is
fixed: the counts below are the same on every machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.contracts import npm_tools

ENOUGH = 10_000
# Nothing of these may ever be accepted; of all others, enough was.
ATTACKS = {"replay", "settleWrong", "settleForged", "cancelForeign"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each forge test's result by its name; runs in a copy, as forge leaves files behind."""
    root = tmp_path_factory.mktemp("forge") / "contracts"
    ignored = shutil.ignore_patterns("node_modules")
    shutil.copytree(npm_tools.CONTRACTS, root, ignore=ignored)
    done = subprocess.run(
        [npm_tools.forge(), "test", "--json"],
        cwd=root,
        env=npm_tools.environment(),
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    suites = json.loads(done.stdout).values()
    return {
        name.split("(")[0]: result
        for suite in suites
        for name, result in suite["test_results"].items()
    }


@pytest.mark.slow
def test_forge__every_test_of_the_pool__passes(results):
    failed = {
        name: (result["reason"], result["counterexample"])
        for name, result in results.items()
        if result["status"] != "Success"
    }
    assert failed == {}
    assert len(results) >= 7


@pytest.mark.slow
def test_forge__fuzz_tests__ran_ten_thousand_times_each(results):
    runs = {
        name: result["kind"]["Fuzz"]["runs"]
        for name, result in results.items()
        if name.startswith("testFuzz_")
    }
    assert runs and all(count >= ENOUGH for count in runs.values()), runs


@pytest.mark.slow
def test_forge__invariants__saw_every_kind_of_call_succeed_and_no_attack(results):
    kind = results["invariant_the_pool_keeps_its_promises"]["kind"]["Invariant"]
    accepted = {
        name.rpartition(".")[2]: count["calls"] - count["reverts"]
        for name, count in kind["metrics"].items()
    }

    assert kind["calls"] >= ENOUGH
    assert set(accepted) > ATTACKS
    assert all(accepted[name] == 0 for name in ATTACKS), accepted
    assert all(count >= 50 for name, count in accepted.items() if name not in ATTACKS), accepted
    assert accepted["settle"] >= 500, accepted
