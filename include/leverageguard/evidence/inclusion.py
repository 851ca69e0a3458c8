"""Whether a package belongs to a batch: its claim's document leads to the batch's root."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard.domain.evidence import (
    EvidenceError,
    canonical_json,
    is_included,
    merkle_root,
    proof_from_json,
)
from leverageguard.evidence.report import Line, judged, note, wrong
from leverageguard.warehouse import packages

WHAT, WHOLE_BATCH = "inclusion in the batch", "the batch's root over all its claims"
_SAME = ("claim_id", "liquidation_event_id", "policy_id")


@dataclass(frozen=True)
class Included:
    """What a proof states: the batch, its root, and the claim's document as it was hashed."""

    batch_no: int
    root: str
    chain_id: int
    pool: str | None
    document: Mapping[str, str]
    proof: Any

    @staticmethod
    def read(path: Path) -> Included:
        """The proof in a file; EvidenceError when it is not shaped like one."""
        try:
            value = json.loads(path.read_bytes())
            batch_no = int(value["batch_no"])
            if batch_no < 0:
                raise ValueError(f"there is no batch {batch_no}")
            return Included(
                batch_no, str(value["evidence_root"]), int(value["chain_id"]),
                value["pool"], dict(value["document"]), value["proof"],
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise EvidenceError(f"{path.name} is no proof: {error!r}") from None


def proof_beside(folder: Path, claim_id: str) -> Path | None:
    """Where the proof of a package lies: in its folder, or beside it as sealed."""
    for path in (folder / packages.INCLUSION, folder.parent / "proofs" / f"{claim_id}.json"):
        if path.is_file():
            return path
    return None


def lines(
    folder: Path, root: str, claim: Mapping[str, Any], recipient: str, amount: int | None
) -> tuple[list[Line], Included | None]:
    """Check the proof that lies with a package; also what it states, for the chain to confirm."""
    path = proof_beside(folder, str(claim.get("claim_id")))
    if path is None:
        return [note(WHAT, "the claim is in no batch yet, or its inclusion.json is missing")], None
    try:
        stated = Included.read(path)
        is_proved = _is_proved(stated)
    except EvidenceError as error:
        return [wrong(WHAT, str(error))], None
    paid_on = str(stated.document.get("evidence_root"))
    if path.parent != folder and paid_on != root and _lies_beside(folder, paid_on):
        return [note(WHAT, f"sealed again since; the payout rests on {paid_on}")], None
    found = [
        *(f"{name} {stated.document.get(name)}" for name in _SAME if _differs(stated, claim, name)),
        *_other(stated.document, "evidence_root", root),
        *_other(stated.document, "recipient", recipient),
        *_other(stated.document, "amount_micro_usdc", str(amount)),
    ]
    seen = f"batch {stated.batch_no}, root {stated.root}"
    if not is_proved:
        made = wrong(WHAT, f"the path does not lead to the root of batch {stated.batch_no}")
    else:
        made = judged(WHAT, not found, seen, f"{seen} pays {', '.join(found)}")
    return [made, *_batch_lines(folder, stated)], stated


def _is_proved(stated: Included) -> bool:
    root = _bytes(stated.root)
    proof = proof_from_json(stated.proof)
    is_named = proof.name == stated.document.get("claim_id")
    return is_named and is_included(canonical_json(dict(stated.document)), proof, root)


def _batch_lines(folder: Path, stated: Included) -> list[Line]:
    """The batch's own document, where the folder lies among the others."""
    path = folder.parent / "batches" / packages.batch_file(stated.chain_id, stated.batch_no)
    if not path.is_file():
        return []
    try:
        batch = json.loads(path.read_bytes())
        hashed = {claim: canonical_json(each) for claim, each in batch["documents"].items()}
        root = "0x" + merkle_root(hashed).hex()
    except (ValueError, KeyError, AttributeError) as error:
        return [wrong(WHOLE_BATCH, f"{path.name} cannot be read: {error!r}")]
    is_right = root == batch.get("evidence_root") == stated.root
    seen = f"{len(hashed)} claims give {root}"
    return [judged(WHOLE_BATCH, is_right, seen, f"{seen}, the proof says {stated.root}")]


def _lies_beside(folder: Path, root: str) -> bool:
    """Whether the package of this root is there to be checked by itself."""
    return bool(re.fullmatch("0x[0-9a-f]{64}", root)) and (folder.parent / root[2:]).is_dir()


def _differs(stated: Included, claim: Mapping[str, Any], name: str) -> bool:
    return str(stated.document.get(name)).lower() != str(claim.get(name)).lower()


def _other(document: Mapping[str, str], name: str, expected: str) -> list[str]:
    found = document.get(name)
    return [] if found == expected else [f"{name} {found} instead of {expected}"]


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise EvidenceError(f"{text!r} is no root") from None
