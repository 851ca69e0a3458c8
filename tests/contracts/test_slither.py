"""Every finding of Slither on our contracts has an answer in SLITHER.md, and no answer is stale."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts import npm_tools
from tests.contracts.npm_tools import CONTRACTS

ANSWERS = CONTRACTS / "SLITHER.md"
SETTINGS = {
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 10_000},
    "evmVersion": "cancun",
}


def findings(folder: Path) -> set[tuple[str, str]]:
    """(detector, place) of what Slither says about the sources; `folder` is for its files."""
    sources = {
        f"src/{path.name}": {"content": path.read_text()} for path in CONTRACTS.glob("src/*.sol")
    }
    whole = {"language": "Solidity", "sources": sources, "settings": SETTINGS}
    (folder / "input.json").write_text(json.dumps(whole))
    (folder / "src").symlink_to(CONTRACTS / "src")
    (folder / "@openzeppelin").symlink_to(npm_tools.MODULES / "@openzeppelin")
    command = [Path(sys.executable).parent / "slither", "input.json", "--json", "found.json"]
    command += ["--compile-force-framework", "solc-json", "--solc", CONTRACTS / "forge" / "solc"]
    command += ["--filter-paths", "@openzeppelin"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=npm_tools.environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (folder / "found.json").exists(), done.stdout + done.stderr
    found = json.loads((folder / "found.json").read_text())
    assert found["success"], found["error"]
    assert re.search(r"analyzed \(\d\d+ contracts", done.stderr), done.stderr
    return {(each["check"], place(each["elements"][0])) for each in found["results"]["detectors"]}


def place(element: dict) -> str:
    """`Contract.function` or `Contract.variable`; a local variable is its function's."""
    parent = element["type_specific_fields"].get("parent", {})
    if parent.get("type") == "function":
        return place(parent)
    return f"{parent['name']}.{element['name']}" if parent.get("name") else element["name"]


@pytest.mark.slow
def test_slither__every_finding__has_an_answer_and_every_answer_a_finding(tmp_path):
    found = findings(tmp_path)
    answered = set(re.findall(r"^\| (\S+) \| `(\S+)` \| \S", ANSWERS.read_text(), re.M))

    assert found - answered == set(), "answer these in SLITHER.md, or mend them"
    assert answered - found == set(), "these are answered and no longer found"
