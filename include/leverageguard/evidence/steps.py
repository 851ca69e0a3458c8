"""The steps of build_claims: seal what was decided anew, write down every new verdict, and say
which claims could not be sealed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog
from sqlalchemy import select

from leverageguard import clock, config
from leverageguard.config import Settings
from leverageguard.evidence import claims as decided_claims
from leverageguard.evidence import gather, sealing, shape, verdicts
from leverageguard.evidence.claims import Claim
from leverageguard.evidence.sealing import SealRefused
from leverageguard.evidence.verdicts import Decision
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import model_runner, packages

_log = structlog.get_logger(__name__)
Documents = packages.Documents
PlannedRoots = dict[str, str | None]
PROGRESS_SECONDS = 10.0
THREADS = 4
AT_ONCE = 16
NAMED = 5


class ClaimsUnsealed(Exception):
    """Decided claims rest on no package and are not paid; the message names them and the way."""


def seal() -> dict[str, int]:
    """Seal the claims whose decision changed since they were last sealed; counts.

    Every new verdict is recorded and landed, those of a planned or paid claim with whether the
    payment stands. A claim still undetermined is recorded without a package. So is one whose
    package does not carry its verdict (`refused`): it is not paid, holds up no other, and is tried
    again by every run.
    """
    settings = config.load()
    found = decided_claims.decided(settings, sealing.rules_version(settings))
    with base.session(settings) as session:
        known = verdicts.latest(session)
    roots = _planned_roots(settings)
    changed = [claim for claim in found if not _is_sealed(settings, claim, known, roots)]
    decisions = _decide(settings, changed, roots)
    now_ms = clock.now_ms()
    with base.session(settings) as session:
        decisions += verdicts.gone(session, {claim.claim_id for claim in found})
        added = verdicts.record(session, decisions, now_ms)
    verdicts.land(settings, now_ms)
    counts = _counts(found, changed, decisions, added)
    _log.info("evidence_sealed", **counts)
    return counts


def report_unsealed() -> dict[str, int]:
    """Raise ClaimsUnsealed when the last seal left claims unsealed; counts otherwise.

    A step of its own, after the others' claims are published: nobody waits for an odd claim, and
    yet the run does not pass as good.
    """
    with base.session(config.load()) as session:
        left = verdicts.unsealed(session)
    if left:
        named = [f"{claim_id}: {why}" for claim_id, why in list(left.items())[:NAMED]]
        more = [f"and {len(left) - NAMED} more"] if len(left) > NAMED else []
        raise ClaimsUnsealed(
            "\n".join(
                [
                    f"{len(left)} claim(s) left unsealed and not paid, the others are published. "
                    "Their own evidence does not decide what the warehouse decided:",
                    *named,
                    *more,
                    'Run build_claims again; if they stay, README, "A claim is left unsealed"',
                ]
            )
        )
    return {"unsealed": 0}


def _planned_roots(settings: Settings) -> PlannedRoots:
    """The root each planned claim was planned on; null for what an older release planned."""
    with base.session(settings) as session:
        found = session.execute(select(PayoutRecord.claim_id, PayoutRecord.evidence_root))
        return {row.claim_id: row.evidence_root for row in found}


def _planned_on(settings: Settings, claim: Claim, roots: PlannedRoots) -> Documents | None:
    """What a planned claim was planned on: empty where it is lost, None for an unplanned claim."""
    if claim.claim_id not in roots:
        return None
    root = roots[claim.claim_id]
    return _documents(settings, claim, root) if root else {}


def _is_sealed(
    settings: Settings, claim: Claim, known: dict[str, VerdictRecord], roots: PlannedRoots
) -> bool:
    """Whether the claim's last recorded verdict, and its package, still say what is decided."""
    last = known.get(claim.claim_id)
    if last is None or last.rules_version != sealing.rules_version(settings):
        return False
    if not claim.is_decided:
        return (last.verdict, last.reasons) == (claim.verdict, claim.reasons)
    if last.evidence_root is None:
        return False
    documents = _documents(settings, claim, last.evidence_root)
    if not documents:
        return False
    try:
        return sealing.is_unchanged(claim, documents, _planned_on(settings, claim, roots))
    except packages.PackageError as error:
        _log.warning("package_lost", claim_id=claim.claim_id, reason=str(error))
        return False


def _documents(settings: Settings, claim: Claim, root: str) -> Documents:
    """The documents that tell whether a decision changed; empty when the package is damaged.

    Whether a package is whole is asked where money depends on it: when the claim is planned.
    """
    try:
        found = {name: packages.document(settings, root, name) for name in sealing.COMPARED}
        shape.rows_in(found, shape.CONTEXT)
        return found
    except (packages.PackageError, shape.MisshapenError) as error:
        _log.warning("package_lost", claim_id=claim.claim_id, reason=str(error))
        return {}


def _decide(settings: Settings, changed: list[Claim], roots: PlannedRoots) -> list[Decision]:
    """Seal the packages of what changed; the decisions, also of what could not be sealed."""
    rules = sealing.rules_version(settings)
    waiting = [claim for claim in changed if not claim.is_decided]
    decisions = [_decision(claim, rules, None, None) for claim in waiting]
    to_seal = [claim for claim in changed if claim.is_decided]
    if not to_seal:
        return decisions
    progress = _Progress(len(to_seal))
    for claim, made in _sealed(settings, to_seal, roots):
        if isinstance(made, SealRefused):
            _log.error("not_sealed", claim_id=claim.claim_id, reason=str(made))
            decisions.append(_unsealed(claim, rules, str(made)))
        else:
            root = packages.seal(settings, made)
            amount = packages.verdict_of(made)["approved_micro_usdc"]
            decisions.append(_decision(claim, rules, root, amount))
        progress.one_more()
    return decisions


def _sealed(
    settings: Settings, claims: list[Claim], roots: PlannedRoots
) -> Iterator[tuple[Claim, Documents | SealRefused]]:
    """Each claim with its package, or with why there is none.

    The models run in threads: DuckDB works outside the interpreter's lock.
    """
    models = model_runner.compiled(settings)

    def decide(claim: Claim, documents: Documents) -> Documents | SealRefused:
        try:
            return sealing.package(models, claim, documents, claim.claim_id in roots)
        except SealRefused as error:
            return error

    with gather.gathering(settings, claims) as gatherer, ThreadPoolExecutor(THREADS) as pool:
        for at in range(0, len(claims), AT_ONCE):
            chunk = claims[at : at + AT_ONCE]
            running = []
            for claim in chunk:
                planned_on = _planned_on(settings, claim, roots)
                documents = sealing.gathered(settings, gatherer, claim, planned_on)
                running.append(pool.submit(decide, claim, documents))
            yield from zip(chunk, (each.result() for each in running), strict=True)


class _Progress:
    """Says now and then how far the sealing is."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._said = total, 0, time.monotonic()

    def one_more(self) -> None:
        """Count one claim."""
        self._done += 1
        if time.monotonic() - self._said > PROGRESS_SECONDS:
            self._said = time.monotonic()
            _log.info("sealing", done=self._done, of=self._total)


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


def _unsealed(claim: Claim, rules: str, why: str) -> Decision:
    """In place of the warehouse's verdict, so that no package sealed earlier is paid on either."""
    return replace(
        _decision(claim, rules, None, None),
        verdict="undetermined",
        reasons=verdicts.not_sealed(why),
        hold_reasons="",
    )


def _counts(
    found: list[Claim],
    changed: list[Claim],
    decisions: list[Decision],
    added: list[VerdictRecord],
) -> dict[str, int]:
    standings = Counter(row.standing for row in added)
    return {
        "claims": len(found),
        "unchanged": len(found) - len(changed),
        "sealed": sum(1 for each in decisions if each.evidence_root is not None),
        "refused": sum(1 for each in decisions if each.reasons.startswith(verdicts.NOT_SEALED)),
        "verdicts": len(added),
        "recovery_open": standings["RECOVERY_OPEN"],
        "stands": standings["stands"],
    }
