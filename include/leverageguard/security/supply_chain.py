"""`./leverageguard supply-chain`: what the stack is made of, under which licences, known flaws.

The tools come with the test command (requirements/dev.lock). The bill of materials names what
requirements/stack.lock pins and nothing that only tests use.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.stack.progress import StackError

LOCK = Path("requirements") / "stack.lock"
# Of packages whose own metadata names none, as their repositories do.
TOLD_ELSEWHERE = {"multidict": "Apache-2.0", "protobuf": "BSD-3-Clause"}
# Whoever runs a service with code under these must give that service's own code away.
NOT_TAKEN = re.compile(r"\b(AGPL|GPL|SSPL|BUSL)\b|GNU (Affero )?General Public")
# Offered under another licence as well, which is the one taken.
CHOSEN = {"text-unidecode": "Artistic-1.0-Perl"}


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """What the command prints; StackError says what stands against the result."""
    if options["action"] == "audit":
        yield from _audited(settings)
        return
    bill = bill_of_materials(settings)
    if options["action"] == "sbom":
        options["to"].write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")
        yield f"{options['to']}: {len(bill['components'])} components, CycloneDX 1.6"
        return
    found = licences(bill)
    for name, version, licence in found:
        yield f"{name:<48}{version:<16}{licence or 'UNKNOWN'}"
    against = objections(found)
    if against:
        raise StackError("not to be shipped: " + ", ".join(against))
    yield f"{len(found)} components, each with a licence that may be used here"


def bill_of_materials(settings: Settings) -> dict[str, Any]:
    """CycloneDX 1.6 of this environment, cut to what the lock pins; reproducible."""
    done = _run(settings, "cyclonedx_py", "environment", "--output-reproducible", sys.executable)
    bill: dict[str, Any] = json.loads(done.stdout)
    pinned = _pinned(settings)
    bill["components"] = [
        one for one in bill["components"] if pinned.get(_plain(one["name"])) == one.get("version")
    ]
    kept = {one["bom-ref"] for one in bill["components"]}
    bill["dependencies"] = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", ()) if ref in kept]}
        for one in bill.get("dependencies", ())
        if one["ref"] in kept
    ]
    missing = sorted(set(pinned) - {_plain(one["name"]) for one in bill["components"]})
    if missing:
        raise StackError(
            f"{', '.join(missing)} of {LOCK} are not installed as pinned: ./leverageguard install"
        )
    return bill


def licences(bill: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, version and licence (an SPDX expression where the package gives one) of each."""
    return sorted((one["name"], one["version"], _licence(one)) for one in bill["components"])


def objections(found: list[tuple[str, str, str]]) -> list[str]:
    """Components without a licence, or under one that is not taken here."""
    return [
        f"{name} ({licence or 'no licence'})"
        for name, _, licence in found
        if not licence or NOT_TAKEN.search(licence)
    ]


def _licence(component: Mapping[str, Any]) -> str:
    name = _plain(component["name"])
    if name in CHOSEN:
        return CHOSEN[name]
    told = []
    for one in component.get("licenses", ()):
        named = one.get("license", {})
        told.append(one.get("expression") or named.get("id") or named.get("name") or "")
    return " / ".join(dict.fromkeys(filter(None, told))) or TOLD_ELSEWHERE.get(name, "")


def _audited(settings: Settings) -> Iterator[str]:
    """Known vulnerabilities of what is pinned; what could not be asked for is an error."""
    done = _run(
        settings, "pip_audit", "--requirement", str(LOCK), "--require-hashes", "--disable-pip",
        "--format", "json", "--progress-spinner", "off", may_fail=True,
    )  # fmt: skip
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        raise StackError(f"the audit did not end: {done.stderr.strip()[-500:]}") from None
    flawed = [one for one in found if one.get("vulns")]
    skipped = [one["name"] for one in found if "skip_reason" in one]
    for one in flawed:
        for flaw in one["vulns"]:
            fixed = ", ".join(flaw["fix_versions"]) or "no release yet"
            yield f"{one['name']} {one['version']}: {flaw['id']}, fixed in {fixed}"
    if skipped:
        raise StackError(
            f"{len(skipped)} of {len(found)} could not be looked up: the advisory database "
            "(pypi.org) cannot be reached from here or does not know them; run it where it can"
        )
    if flawed:
        raise StackError(f"{len(flawed)} of {len(found)} have known vulnerabilities: see above")
    yield f"{len(found)} components, no known vulnerability"


def _run(
    settings: Settings, module: str, *words: str, may_fail: bool = False
) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec(module) is None:
        raise StackError(f"{module} is not installed: ./leverageguard test brings it")
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=settings.repo_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not may_fail:
        raise StackError(f"{module} failed: {done.stderr.strip()[-500:]}")
    return done


def _pinned(settings: Settings) -> dict[str, str]:
    text = (settings.repo_dir / LOCK).read_text()
    return {_plain(name): version for name, version in re.findall(r"^(\S+?)==(\S+)", text, re.M)}


def _plain(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
