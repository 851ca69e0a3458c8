"""The evidence tree of the system this one replaces: read and judged, never written.

Its leaves are the SHA-256 of the JSON parts in the order of their names, a node is the SHA-256 of
its two children, and a level with an odd number of hashes repeats its last one. Names are no part
of a leaf, leaves and nodes are hashed alike, and the repetition makes the root malleable: a list
whose last part is repeated has the root of the list without the repetition. A root of that system
therefore does not say which parts it stands for, nor what they were called.

A package of that system is a folder with `merkle.json`, an object of exactly
`{"root": <64 hex digits>, "leaves": [<64 hex digits>, …]}`, and the parts beside it as
`<name>.json`; the leaves stand in the order of the parts' names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from leverageguard.domain.evidence import EvidenceError

MERKLE_FILE = "merkle.json"
_DIGEST = re.compile(r"(0x)?[0-9a-f]{64}", re.IGNORECASE)


@dataclass(frozen=True)
class LegacyTree:
    """What `merkle.json` states: the root and the leaves, 32 bytes each."""

    root: bytes
    leaves: tuple[bytes, ...]

    @property
    def is_root_of_leaves(self) -> bool:
        """Whether the leaves give the root."""
        return root(self.leaves) == self.root

    @property
    def has_repeated_end(self) -> bool:
        """Whether the list ends in a repetition, so that a shorter list has the same root."""
        return shorter(self.leaves) is not None


def tree(value: Any) -> LegacyTree:
    """The tree a decoded `merkle.json` states; EvidenceError for any other shape."""
    if not isinstance(value, Mapping) or set(value) != {"root", "leaves"}:
        raise EvidenceError(f"{MERKLE_FILE} must hold exactly root and leaves")
    leaves = value["leaves"]
    if not isinstance(leaves, list) or not leaves:
        raise EvidenceError(f"{MERKLE_FILE}: leaves must be a list of hashes")
    return LegacyTree(_digest(value["root"]), tuple(_digest(each) for each in leaves))


def leaf(part: bytes) -> bytes:
    """The leaf of one part; its name is not in it."""
    return sha256(part).digest()


def leaves(parts: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """The leaves of named parts in the order of their names."""
    return tuple(leaf(parts[name]) for name in sorted(parts))


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves; EvidenceError when there are none."""
    if not leaves:
        raise EvidenceError("no leaves to take a root of")
    level = list(leaves)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [
            sha256(left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


def longer(leaves: Sequence[bytes]) -> tuple[bytes, ...] | None:
    """Another, longer list of leaves with the same root; None for a power of two of leaves.

    The last subtree of the lowest odd level is repeated, as the tree itself repeats its hash.
    """
    width, count = 1, len(leaves)
    while count > 1:
        if count % 2:
            return (*leaves, *leaves[-width:])
        width, count = 2 * width, count // 2
    return None


def shorter(leaves: Sequence[bytes]) -> tuple[bytes, ...] | None:
    """The list without a repetition at its end that does not change the root, if it has one."""
    width = 1
    while 2 * width < len(leaves):
        rest = tuple(leaves[:-width])
        is_repeated = leaves[-width:] == leaves[-2 * width : -width]
        if is_repeated and root(rest) == root(leaves):
            return rest
        width *= 2
    return None


def _digest(text: Any) -> bytes:
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        raise EvidenceError(f"{MERKLE_FILE}: {text!r} is no SHA-256 in hex")
    return bytes.fromhex(text[-64:])
