"""The linters hold the house style; each is one test so that a failure names its tool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PYTHON = ["include", "dags", "plugins", "tests", "leverageguard"]


@pytest.mark.parametrize(
    "words",
    [
        ["ruff", "check", *PYTHON],
        ["ruff", "format", "--check", *PYTHON],
        ["lint-imports"],
        pytest.param(["mypy"], marks=pytest.mark.slow),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_linter__whole_tree__is_clean(words):
    done = subprocess.run(
        [BIN / words[0], *words[1:]], cwd=REPO, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_modules__every__stay_readable_in_one_sitting():
    long = {
        path.relative_to(REPO).as_posix(): lines
        for path in (REPO / "include" / "leverageguard").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }

    assert long == {}
