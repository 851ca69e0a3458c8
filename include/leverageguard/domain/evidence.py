"""Evidence bytes: canonical JSON, and the Merkle root an outsider recomputes.

leaf = keccak256(0x00 ‖ name ‖ 0x00 ‖ bytes), node = keccak256(0x01 ‖ left ‖ right); leaves in
the order of their names, an odd node is promoted unchanged (never duplicated, which would let
two different lists share a root).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from eth_utils.crypto import keccak


class EvidenceError(ValueError):
    """The evidence cannot be made into bytes without doubt."""


@dataclass(frozen=True)
class Step:
    """One level of an audit path: the other child's hash, and whether it stands on the left."""

    sibling: bytes
    is_left: bool


@dataclass(frozen=True)
class InclusionProof:
    """What leads from one named document to the root; a promoted level has no step."""

    name: str
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """The proof for a file: hashes in 0x-hex, from the leaf upwards."""
        steps = [
            {"side": "left" if step.is_left else "right", "hash": "0x" + step.sibling.hex()}
            for step in self.steps
        ]
        return {"name": self.name, "steps": steps}


def proof_from_json(value: Any) -> InclusionProof:
    """The proof a file holds; EvidenceError when it is not shaped like one."""
    try:
        steps = tuple(_step(step["side"], step["hash"]) for step in value["steps"])
        name = value["name"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"this is no inclusion proof: {error!r}") from None
    if not isinstance(name, str):
        raise EvidenceError("an inclusion proof names its document")
    return InclusionProof(name, steps)


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes; floats are refused, so that every number is text or a whole number."""
    _refuse_floats(value, "$")
    return bytes(rfc8785.dumps(value))


def leaf(name: str, content: bytes) -> bytes:
    """The 32-byte leaf of one named document."""
    if not name or "\x00" in name:
        raise EvidenceError("a leaf needs a name without a zero byte")
    return keccak(b"\x00" + name.encode() + b"\x00" + content)


def merkle_root(documents: Mapping[str, bytes]) -> bytes:
    """The 32-byte root over named documents; raises EvidenceError when there are none."""
    return _levels(documents)[-1][0]


def prove(documents: Mapping[str, bytes], name: str) -> InclusionProof:
    """The audit path of one document; raises EvidenceError when it is not among them."""
    if name not in documents:
        raise EvidenceError(f"there is no document {name!r} to prove")
    place = sorted(documents).index(name)
    steps = []
    for level in _levels(documents)[:-1]:
        if place ^ 1 < len(level):
            steps.append(Step(level[place ^ 1], is_left=bool(place % 2)))
        place //= 2
    return InclusionProof(name, tuple(steps))


def is_included(content: bytes, proof: InclusionProof, root: bytes) -> bool:
    """Whether this content under the proof's name leads to the root."""
    found = leaf(proof.name, content)
    for step in proof.steps:
        found = node(step.sibling, found) if step.is_left else node(found, step.sibling)
    return found == root


def node(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of two children."""
    return keccak(b"\x01" + left + right)


def _levels(documents: Mapping[str, bytes]) -> list[list[bytes]]:
    """The tree from the leaves, in the order of their names, up to the root alone."""
    levels = [[leaf(name, documents[name]) for name in sorted(documents)]]
    if not levels[0]:
        raise EvidenceError("no documents to take a root of")
    while len(levels[-1]) > 1:
        level = levels[-1]
        pairs = [node(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        levels.append(pairs + _promoted(level))
    return levels


def _promoted(level: list[bytes]) -> list[bytes]:
    return level[-1:] if len(level) % 2 else []


def _step(side: str, text: str) -> Step:
    sibling = bytes.fromhex(text.removeprefix("0x"))
    if side not in ("left", "right") or len(sibling) != 32:
        raise ValueError(f"{side!r} {text!r} is no step")
    return Step(sibling, side == "left")


def _refuse_floats(value: Any, path: str) -> None:
    if isinstance(value, float):
        raise EvidenceError(f"{path} is a float; carry it as the text the venue sent")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_floats(item, f"{path}[{index}]")
