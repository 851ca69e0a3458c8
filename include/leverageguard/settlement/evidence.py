"""The evidence behind payouts: each rests on a sealed package, a batch on one root over all.

A batch's root is taken over one document a claim, and each document names the root of the claim's
package. What a batch was taken over is written beside the packages, so that anybody can prove that
a claim belongs to the root on the chain.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard.config import ConfigError, Settings
from leverageguard.domain.evidence import canonical_json, merkle_root, prove
from leverageguard.settlement.errors import PlanRefused
from leverageguard.settlement.moves import payouts_of
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from leverageguard.warehouse import packages
from leverageguard.warehouse.packages import PackageError

BATCHES, PROOFS = "batches", "proofs"
FIX = "run build_claims, which decides and seals it, then settle_payouts"


def root(payouts: Iterable[PayoutRecord]) -> bytes:
    """Merkle root over one canonical JSON document a claim, named by its claim id."""
    return merkle_root(documents(payouts))


def documents(payouts: Iterable[PayoutRecord]) -> dict[str, bytes]:
    """The leaves of a batch by claim id.

    A document holds claim, event and policy id, the recipient in lower case, the amount in
    micro-USDC and the claim index as text, and the root of the claim's evidence package. One
    planned before packages were sealed holds neither index nor root.
    """
    return {payout.claim_id: canonical_json(_document(payout)) for payout in payouts}


def unsealed(session: Session, claim_ids: Collection[str]) -> set[str]:
    """Those of the claims whose newest verdict rests on no package.

    A claim without any verdict is none of them: build_claims has not come to it.
    """
    query = select(VerdictRecord.claim_id, VerdictRecord.evidence_root)
    found = session.execute(
        query.where(VerdictRecord.claim_id.in_(claim_ids)).order_by(VerdictRecord.verdict_no)
    )
    newest = {row.claim_id: row.evidence_root for row in found}
    return {claim_id for claim_id, root in newest.items() if root is None}


def sealed_root(settings: Settings, session: Session, claim_id: str, amount_micro_usdc: int) -> str:
    """The root of the package that a payout of this amount rests on.

    Raises PlanRefused unless the claim's newest verdict is verified, unheld and of this amount, and
    its package is on disk, unchanged, and says the same.
    """
    query = select(VerdictRecord).where(VerdictRecord.claim_id == claim_id)
    verdict = session.scalar(query.order_by(VerdictRecord.verdict_no.desc()).limit(1))
    if verdict is None or verdict.evidence_root is None:
        raise PlanRefused(f"{claim_id} has no sealed evidence: {FIX}")
    stated = (verdict.verdict, verdict.hold_reasons, verdict.approved_micro_usdc)
    _expect(claim_id, "its newest verdict", stated, amount_micro_usdc)
    try:
        found = packages.verdict_of(packages.sealed(settings, verdict.evidence_root))
    except PackageError as error:
        raise PlanRefused(f"the evidence of {claim_id} cannot be read: {error}") from None
    if found.get("claim_id") != claim_id:
        raise PlanRefused(f"{verdict.evidence_root} is evidence of another claim: {FIX}")
    _expect(
        claim_id,
        "its sealed package",
        (found.get("verdict"), found.get("hold_reasons"), found.get("approved_micro_usdc")),
        amount_micro_usdc,
    )
    return verdict.evidence_root


def write_batches(settings: Settings) -> int:
    """Write the documents and proofs of every batch that has none yet; how many were written.

    A batch that was numbered anew is written anew, and what its old number said is taken away. What
    was written of a batch that the store does not know stays: the ledger may have been lost.
    """
    folder = packages.evidence_dir(settings) / BATCHES
    written = 0
    with base.session(settings) as session:
        batches = list(session.scalars(select(BatchRecord).order_by(BatchRecord.batch_no)))
        for batch in batches:
            path = folder / packages.batch_file(batch.chain_id, batch.batch_no)
            if _batch_id_in(path) != batch.batch_id:
                content = batch_document(settings, batch, payouts_of(session, batch))
                _write_proofs(settings, content)
                # Last, for it says that the proofs are there.
                packages.write(path, canonical_json(content))
                written += 1
    known = {packages.batch_file(batch.chain_id, batch.batch_no) for batch in batches}
    ids = {batch.batch_id for batch in batches}
    for path in folder.glob("**/*.json"):
        if path.relative_to(folder).as_posix() not in known and _batch_id_in(path) in ids:
            path.unlink()
    return written


def batch_document(
    settings: Settings, batch: BatchRecord, payouts: Iterable[PayoutRecord]
) -> dict[str, Any]:
    """What an outsider needs to take a batch's root: every claim's document as it is hashed."""
    hashed = documents(payouts)
    return {
        "batch_no": batch.batch_no,
        "batch_id": batch.batch_id,
        "evidence_root": batch.evidence_root,
        **_place(settings, batch.chain_id),
        "documents": {claim_id: json.loads(content) for claim_id, content in hashed.items()},
    }


def _write_proofs(settings: Settings, batch: dict[str, Any]) -> None:
    """Each claim's path to the batch's root, beside the packages and in its own package's folder.

    There it is no document: the package's root stays what it was.
    """
    hashed = {
        claim_id: canonical_json(document) for claim_id, document in batch["documents"].items()
    }
    shared = {name: value for name, value in batch.items() if name != "documents"}
    for claim_id, document in batch["documents"].items():
        content = canonical_json(
            {
                **shared,
                "claim_id": claim_id,
                "document": document,
                "proof": prove(hashed, claim_id).as_json(),
            }
        )
        packages.write(packages.evidence_dir(settings) / PROOFS / f"{claim_id}.json", content)
        package = packages.folder_of(settings, document.get("evidence_root", "unsealed"))
        if package.exists():
            packages.write(package / packages.INCLUSION, content)


def _batch_id_in(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_bytes())["batch_id"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _place(settings: Settings, chain_id: int) -> dict[str, Any]:
    """Chain and pool that settle the batch; the pool is null while none is known there."""
    try:
        pool = settings.on_chain(chain_id).deployment().pool
    except ConfigError:
        pool = None
    return {"chain_id": chain_id, "pool": pool}


def _document(payout: PayoutRecord) -> dict[str, str]:
    document = {
        "claim_id": payout.claim_id,
        "liquidation_event_id": payout.liquidation_event_id,
        "policy_id": payout.policy_id,
        "recipient": payout.recipient.lower(),
        "amount_micro_usdc": str(payout.amount_micro_usdc),
    }
    if payout.evidence_root is not None:
        document["claim_index"] = str(payout.claim_index)
        document["evidence_root"] = payout.evidence_root
    return document


def _expect(claim_id: str, source: str, stated: tuple[Any, ...], amount_micro_usdc: int) -> None:
    verdict, holds, amount = stated
    if (verdict, holds, amount) != ("verified", "", amount_micro_usdc):
        held = f" (held: {holds})" if holds else ""
        raise PlanRefused(
            f"{claim_id} would be paid {amount_micro_usdc} micro-USDC, but {source} says {verdict}"
            f"{held} with {amount}: {FIX}"
        )
