"""The step of build_claims: seal what was decided anew, and write down every new verdict."""

from __future__ import annotations

import time
from collections import Counter

import structlog
from sqlalchemy import select

from leverageguard import clock, config
from leverageguard.config import Settings
from leverageguard.evidence import claims as decided_claims
from leverageguard.evidence import gather, sealing, verdicts
from leverageguard.evidence.claims import Claim
from leverageguard.evidence.sealing import SealRefused
from leverageguard.evidence.verdicts import Decision
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import model_runner, packages

_log = structlog.get_logger(__name__)
Planned = dict[str, packages.Documents]
PROGRESS_SECONDS = 10.0
NAMED = 5


def seal() -> dict[str, int]:
    """Seal the claims whose decision changed since they were last sealed; counts.

    Every new verdict is recorded and landed, those of a planned or paid claim with whether the
    payment stands. A claim still undetermined is recorded without a package. Raises SealRefused,
    after everything else is recorded, when a package does not carry its claim's verdict.
    """
    settings = config.load()
    found = decided_claims.decided(settings, sealing.rules_version(settings))
    with base.session(settings) as session:
        known = verdicts.latest(session)
    planned = _planned(settings)
    changed = [claim for claim in found if not _is_sealed(settings, claim, known, planned)]
    decisions, refused = _decide(settings, changed, planned)
    now_ms = clock.now_ms()
    with base.session(settings) as session:
        decisions += verdicts.gone(session, {claim.claim_id for claim in found})
        added = verdicts.record(session, decisions, now_ms)
    verdicts.land(settings, now_ms)
    counts = _counts(found, changed, added)
    _log.info("evidence_sealed", **counts)
    if refused:
        raise SealRefused(
            f"{len(refused)} claims are not decided by their own evidence, the first: "
            + "\n".join(refused[:NAMED])
        )
    return counts


def _planned(settings: Settings) -> Planned:
    """The documents each planned claim was planned on; empty ones where they were lost."""
    with base.session(settings) as session:
        roots = session.execute(select(PayoutRecord.claim_id, PayoutRecord.evidence_root)).all()
    documents: Planned = {}
    for claim_id, root in roots:
        try:
            documents[claim_id] = packages.sealed(settings, root) if root else {}
        except packages.PackageError as error:
            _log.warning("package_lost", claim_id=claim_id, reason=str(error))
            documents[claim_id] = {}
    return documents


def _is_sealed(
    settings: Settings, claim: Claim, known: dict[str, VerdictRecord], planned: Planned
) -> bool:
    """Whether the claim's last recorded verdict, and its package, still say what is decided."""
    last = known.get(claim.claim_id)
    if last is None or last.rules_version != sealing.rules_version(settings):
        return False
    if not claim.is_decided:
        return (last.verdict, last.reasons) == (claim.verdict, claim.reasons)
    if last.evidence_root is None:
        return False
    try:
        documents = packages.sealed(settings, last.evidence_root)
    except packages.PackageError as error:
        _log.warning("package_lost", claim_id=claim.claim_id, reason=str(error))
        return False
    return sealing.is_unchanged(claim, documents, planned.get(claim.claim_id))


def _decide(
    settings: Settings, changed: list[Claim], planned: Planned
) -> tuple[list[Decision], list[str]]:
    """Seal the packages of what changed; the decisions, and why some could not be sealed."""
    rules = sealing.rules_version(settings)
    waiting = [claim for claim in changed if not claim.is_decided]
    decisions = [_decision(claim, rules, None, None) for claim in waiting]
    refused: list[str] = []
    to_seal = [claim for claim in changed if claim.is_decided]
    if not to_seal:
        return decisions, refused
    models = model_runner.compiled(settings)
    said = time.monotonic()
    with gather.gathering(settings, to_seal) as gatherer:
        for done, claim in enumerate(to_seal):
            try:
                documents, outcome = sealing.package(
                    settings, models, gatherer, claim, planned.get(claim.claim_id)
                )
            except SealRefused as error:
                _log.error("not_sealed", reason=str(error))
                refused.append(str(error))
                continue
            root = packages.seal(settings, documents)
            decisions.append(_decision(claim, rules, root, outcome.approved_micro_usdc))
            if time.monotonic() - said > PROGRESS_SECONDS:
                said = time.monotonic()
                _log.info("sealing", done=done + 1, of=len(to_seal))
    return decisions, refused


def _decision(claim: Claim, rules: str, root: str | None, amount: int | None) -> Decision:
    return Decision(
        claim.claim_id,
        claim.verdict,
        claim.reasons,
        claim.hold_reasons,
        amount,
        root,
        rules,
        claim.product_version,
    )


def _counts(
    found: list[Claim], changed: list[Claim], added: list[VerdictRecord]
) -> dict[str, int]:
    standings = Counter(row.standing for row in added)
    return {
        "claims": len(found),
        "unchanged": len(found) - len(changed),
        "verdicts": len(added),
        "recovery_open": standings["RECOVERY_OPEN"],
        "stands": standings["stands"],
    }
