"""A Merkle tree as OpenZeppelin's MerkleProof reads it: sorted pairs, an odd node goes up as is."""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils import keccak


def leaf(index: int, recipient: str, amount: int) -> bytes:
    """What the claims contract hashes for one payout."""
    return keccak(encode(["uint256", "address", "uint256"], [index, recipient, amount]))


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
    return [keccak(b"".join(sorted(pair))) if len(pair) == 2 else pair[0] for pair in pairs]


def root_and_proofs(leaves: list[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """The root and each leaf's proof."""
    proofs: list[list[bytes]] = [[] for _ in leaves]
    level = leaves
    depth = 0
    while len(level) > 1:
        for number, proof in enumerate(proofs):
            sibling = (number >> depth) ^ 1
            if sibling < len(level):
                proof.append(level[sibling])
        level = _above(level)
        depth += 1
    return level[0], proofs
