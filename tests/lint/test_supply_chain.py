"""What the project is made of, and that no secret lies in its files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection

from leverageguard import config
from leverageguard.security import supply_chain
from leverageguard.stack.progress import StackError

REPO = Path(__file__).parents[2]
BASELINE = REPO / ".secrets.baseline"
FOLDERS = ("dags", "dbt_project", "docker", "docs", "expectations", "include", "plugins", "tests")


def listed() -> dict[str, Any]:
    """What was looked at by a person and is a name or made up; it sets the detectors too."""
    return dict(baseline.load(json.loads(BASELINE.read_text()), str(BASELINE)).json())


def found_in(root: Path, names: list[str]) -> SecretsCollection:
    secrets = SecretsCollection(root=str(root))
    for name in names:
        secrets.scan_file(name)
    return secrets


@pytest.mark.slow
def test_files__of_the_project__hold_no_secret_that_nobody_looked_at():
    known = {(name, one["hashed_secret"]) for name, rows in listed().items() for one in rows}
    skipped = re.compile("|".join(json.loads(BASELINE.read_text())["filters_used"][-1]["pattern"]))
    paths = [path for folder in FOLDERS for path in (REPO / folder).rglob("*") if path.is_file()]
    paths += [path for path in REPO.iterdir() if path.is_file()]
    names = [path.relative_to(REPO).as_posix() for path in paths if path.suffix != ".pyc"]
    names = [name for name in names if not skipped.search(name) and "/target/" not in name]

    rows = found_in(REPO, names).json()
    new = {
        f"{name}:{one['line_number']} {one['type']}"
        for name, found in rows.items()
        for one in found
        if (name, one["hashed_secret"]) not in known and name != BASELINE.name
    }
    assert len(names) > 500 and new == set()


def test_files__planted_key__is_found(tmp_path):
    listed()
    (tmp_path / "notes.py").write_text('aws_secret = "AKIA' + "ABCDEFGHIJKLMNOP" + '"\n')

    assert found_in(tmp_path, ["notes.py"]).json() != {}


def test_locks__every_package__is_pinned_with_hashes():
    for lock in (REPO / "requirements").glob("*.lock"):
        blocks = re.split(r"\n(?=\S)", "\n" + lock.read_text())
        pinned = [one.strip() for one in blocks if "==" in one.partition("\n")[0]]
        assert pinned and all("--hash=sha256:" in one for one in pinned), lock.name


@pytest.mark.slow
def test_bill_of_materials__of_the_stack__is_what_is_pinned_under_licences_that_may_be_used():
    settings = config.load()
    bill = supply_chain.bill_of_materials(settings)
    pinned = re.findall(r"^(\S+?)==", (REPO / supply_chain.LOCK).read_text(), re.MULTILINE)

    assert bill["bomFormat"] == "CycloneDX" and len(bill["components"]) == len(pinned) > 100
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"])
    assert "slither-analyzer" not in {one["name"] for one in bill["components"]}
    assert supply_chain.objections(supply_chain.licences(bill)) == []


@pytest.mark.parametrize(
    "licence", ["", "AGPL-3.0-only", "GPL-2.0-or-later", "GNU General Public License v3 (GPLv3)"]
)
def test_objections__licence_that_is_not_taken__names_the_component(licence):
    [told] = supply_chain.objections([("one", "1", licence), ("two", "1", "MIT")])

    assert told.startswith("one (")


@pytest.mark.parametrize("licence", ["MIT", "LGPL-3.0-only", "Apache-2.0 OR BSD-3-Clause"])
def test_objections__licence_that_is_taken__is_fine(licence):
    assert supply_chain.objections([("one", "1", licence)]) == []


def answered(monkeypatch, dependencies):
    class Done:
        returncode, stdout, stderr = 1, json.dumps({"dependencies": dependencies}), ""

    monkeypatch.setattr(supply_chain, "_run", lambda *_, **__: Done)


def test_audit__known_flaw__is_named_and_an_error(settings, monkeypatch):
    flaw = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
    rows = [{"name": "one", "version": "1.0", "vulns": [flaw]}, {"name": "two", "vulns": []}]
    answered(monkeypatch, rows)
    printed: list[str] = []

    with pytest.raises(StackError, match="1 of 2 have known vulnerabilities"):
        printed.extend(supply_chain.lines(settings, {"action": "audit"}))
    assert printed == ["one 1.0: PYSEC-1, fixed in 2.0"]


def test_audit__database_out_of_reach__is_never_taken_for_well(settings, monkeypatch):
    answered(monkeypatch, [{"name": "one", "skip_reason": "not found"}, {"name": "two"}])

    with pytest.raises(StackError, match="1 of 2 could not be looked up"):
        list(supply_chain.lines(settings, {"action": "audit"}))


def test_audit__all_looked_up__says_so(settings, monkeypatch):
    answered(monkeypatch, [{"name": "one", "version": "1", "vulns": []}])

    assert list(supply_chain.lines(settings, {"action": "audit"})) == [
        "1 components, no known vulnerability"
    ]
