"""Evidence bytes: canonical JSON, and the Merkle root an outsider recomputes.

leaf = keccak256(0x00 ‖ name ‖ 0x00 ‖ bytes), node = keccak256(0x01 ‖ left ‖ right); leaves in
the order of their names, an odd node is promoted unchanged (never duplicated, which would let
two different lists share a root).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rfc8785
from eth_utils.crypto import keccak


class EvidenceError(ValueError):
    """The evidence cannot be made into bytes without doubt."""


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
    level = [leaf(name, documents[name]) for name in sorted(documents)]
    if not level:
        raise EvidenceError("no documents to take a root of")
    while len(level) > 1:
        pairs = [keccak(b"\x01" + a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def _refuse_floats(value: Any, path: str) -> None:
    if isinstance(value, float):
        raise EvidenceError(f"{path} is a float; carry it as the text the venue sent")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_floats(item, f"{path}[{index}]")
