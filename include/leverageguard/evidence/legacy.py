"""Recognise an evidence package of the system this one replaces, and say what its root is worth."""

from __future__ import annotations

import json
from pathlib import Path

from leverageguard.domain import legacy_evidence
from leverageguard.domain.evidence import EvidenceError
from leverageguard.domain.legacy_evidence import MERKLE_FILE, LegacyTree
from leverageguard.evidence.report import Line, judged, note, wrong


def is_legacy(folder: Path) -> bool:
    """Whether the folder holds a package of the replaced system."""
    return (folder / MERKLE_FILE).is_file()


def lines(folder: Path) -> list[Line]:
    """Parts, root, and the malleability that makes such a root no proof."""
    try:
        tree = legacy_evidence.tree(json.loads((folder / MERKLE_FILE).read_bytes()))
    except (EvidenceError, ValueError) as error:
        return [wrong("legacy package", str(error))]
    parts = {
        path.stem: path.read_bytes() for path in folder.glob("*.json") if path.name != MERKLE_FILE
    }
    leaves = legacy_evidence.leaves(parts)
    found = legacy_evidence.root(tree.leaves).hex()
    return [
        note("legacy package", f"of the replaced system, {len(parts)} parts"),
        judged(
            "legacy parts",
            leaves == tree.leaves,
            f"{len(leaves)} parts have the listed hashes",
            "the parts are not the listed ones, in the order of their names",
        ),
        judged(
            "legacy root",
            tree.is_root_of_leaves,
            found,
            f"the leaves give {found}, the package says {tree.root.hex()}",
        ),
        _malleable(tree),
    ]


def _malleable(tree: LegacyTree) -> Line:
    what = "legacy root, malleable"
    if tree.has_repeated_end:
        return wrong(what, "the list ends in a repetition: a shorter one has the same root")
    twin = legacy_evidence.longer(tree.leaves)
    if twin is None:
        return note(what, "names are in no hash: parts may be renamed without changing the root")
    return note(
        what, f"{len(tree.leaves)} and {len(twin)} leaves have this root; it proves neither"
    )
