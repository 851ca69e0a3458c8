"""One small world, ingested, decided, sealed and planned once for the whole folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leverageguard.domain.evidence import canonical_json
from leverageguard.evidence import steps, verdicts
from leverageguard.store import base
from leverageguard.warehouse import packages
from tests.evidence import evidence_world
from tests.evidence.evidence_world import EvidenceWorld


@dataclass(frozen=True)
class Sealed:
    """The world after seal_evidence and plan: roots by claim, and what the seal counted.

    `built` is a copy of its data folder from before: decided, and nothing sealed.
    """

    world: EvidenceWorld
    built: Path
    counts: dict[str, int]
    batches: list[str]

    def roots(self) -> dict[str, str]:
        """The newest package of each decided claim."""
        with base.session(self.world.settings) as session:
            rows = verdicts.latest(session).values()
            return {row.claim_id: row.evidence_root for row in rows if row.evidence_root}

    def folder(self, claim_id: str) -> Path:
        """The folder of a claim's newest package."""
        return packages.folder_of(self.world.settings, self.roots()[claim_id])

    def paid(self) -> list[str]:
        """The claims that were planned."""
        return sorted(row["claim_id"] for row in self.world.claims("approved_micro_usdc > 0"))


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    folder = tmp_path_factory.mktemp("evidence")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(folder / "data"))
        with evidence_world.served(evidence_world.write(folder / "world"), patch) as world:
            world.build()
            shutil.copytree(folder / "data", folder / "built")
            counts = steps.seal()
            batches = world.plan()
        yield Sealed(world, folder / "built", counts, batches)


@pytest.fixture
def own_data_folder(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's entry points find the sealed world."""
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(sealed.world.settings.data_dir))
    return sealed.world.settings.data_dir


@pytest.fixture
def reseal(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a package with documents changed by somebody who makes everything fit again.

    `change` gets the decoded documents by name; root, manifest and folder name follow.
    """

    def made(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
        documents = {
            name: json.loads(content) for name, content in packages.documents_in(folder).items()
        }
        change(documents)
        written = {name: canonical_json(value) for name, value in documents.items()}
        target = tmp_path / packages.root_of(written)[2:]
        for name, content in written.items():
            packages.write(target / name, content)
        packages.write(target / packages.MANIFEST, canonical_json(packages.manifest(written)))
        if (folder / packages.INCLUSION).exists():
            shutil.copy(folder / packages.INCLUSION, target / packages.INCLUSION)
        return target

    return made
