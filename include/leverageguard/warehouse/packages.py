"""Sealed evidence packages: folders named by the root of what is in them, never changed.

`<data>/evidence/<root>/` holds one file a document. Two files are no documents and no part of the
root: `manifest.json` lists names, sizes and SHA-256 for people, and `inclusion.json`, once the
claim is planned, leads from the root to that of its batch. A package is written beside its place,
synced and renamed, so it is there as a whole or not at all. A root only names what it was taken
over: whoever reads a package takes the root again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.evidence import EvidenceError, canonical_json, merkle_root

MANIFEST = "manifest.json"
INCLUSION = "inclusion.json"
VERDICT = "verdict.json"
Documents = dict[str, bytes]


class PackageError(Exception):
    """A package is missing or not what its name says; the message names folder and fix."""


def batch_file(chain_id: int, batch_no: int) -> str:
    """Where a batch's document lies among the others: numbers are a chain's own."""
    return f"{chain_id}/{batch_no}.json"


def evidence_dir(settings: Settings) -> Path:
    """Where packages, batch documents and proofs lie."""
    return settings.data_dir / "evidence"


def folder_of(settings: Settings, root: str) -> Path:
    """The folder of a root in 0x-hex."""
    return evidence_dir(settings) / root.removeprefix("0x")


def root_of(documents: Mapping[str, bytes]) -> str:
    """The root of documents in 0x-hex."""
    return "0x" + merkle_root(documents).hex()


def seal(settings: Settings, documents: Mapping[str, bytes]) -> str:
    """Store the documents under their root and return it; the same ones again change nothing."""
    root = root_of(documents)
    target = folder_of(settings, root)
    if target.exists() and _holds(target, documents):
        return root
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    for name, content in documents.items():
        write(draft / name, content)
    write(draft / MANIFEST, canonical_json(manifest(documents)))
    for parent in sorted({path.parent for path in draft.rglob("*")}):
        _sync(parent)
    if target.exists():
        # A package that lost bytes is replaced by the one its name promises.
        if (target / INCLUSION).exists():
            shutil.copyfile(target / INCLUSION, draft / INCLUSION)
        shutil.rmtree(target)
    draft.rename(target)
    _sync(target.parent)
    return root


def manifest(documents: Mapping[str, bytes]) -> dict[str, Any]:
    """Root, and name, size and SHA-256 of every document."""
    listed = [
        {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in sorted(documents.items())
    ]
    return {"root": root_of(documents), "documents": listed}


def documents_in(folder: Path) -> Documents:
    """Every document of a package folder by name; PackageError when it is none."""
    if not (folder / MANIFEST).is_file():
        raise PackageError(f"{folder} is no evidence package: it has no {MANIFEST}")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in (folder / MANIFEST, folder / INCLUSION)
    }


def sealed(settings: Settings, root: str) -> Documents:
    """The documents sealed under a root; PackageError when they are gone or changed."""
    folder = folder_of(settings, root)
    documents = documents_in(folder)
    try:
        found = root_of(documents)
    except EvidenceError as error:
        raise PackageError(f"{folder}: {error}") from None
    if found != root:
        raise PackageError(
            f"{folder} was changed: its documents have the root {found}. Run build_claims, which "
            "seals it again"
        )
    return documents


def document(settings: Settings, root: str, name: str) -> bytes:
    """One document of a sealed package as it lies there; PackageError when it is gone."""
    path = folder_of(settings, root) / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError(f"{path}: {error.strerror}. Run build_claims to seal it again") from None


def verdict_of(documents: Mapping[str, bytes]) -> dict[str, Any]:
    """What a package says was decided; PackageError when it says nothing readable."""
    try:
        found = json.loads(documents[VERDICT])
    except (KeyError, ValueError) as error:
        raise PackageError(f"the package has no readable {VERDICT}: {error}") from None
    if not isinstance(found, dict):
        raise PackageError(f"{VERDICT} holds no object")
    return found


def write(path: Path, content: bytes) -> None:
    """A synced file; its folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _holds(folder: Path, documents: Mapping[str, bytes]) -> bool:
    try:
        return documents_in(folder) == dict(documents)
    except PackageError:
        return False


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
