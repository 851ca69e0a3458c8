"""The step of build_claims: seal what was decided anew, and write down every new verdict."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
Documents = packages.Documents
PlannedRoots = dict[str, str | None]
PROGRESS_SECONDS = 10.0
THREADS = 4
AT_ONCE = 16
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
    roots = _planned_roots(settings)
    changed = [claim for claim in found if not _is_sealed(settings, claim, known, roots)]
    decisions, refused = _decide(settings, changed, roots)
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
    return sealing.is_unchanged(claim, documents, _planned_on(settings, claim, roots))


def _documents(settings: Settings, claim: Claim, root: str) -> Documents:
    """The documents that tell whether a decision changed; empty when the package is damaged.

    Whether a package is whole is asked where money depends on it: when the claim is planned.
    """
    try:
        return {name: packages.document(settings, root, name) for name in sealing.COMPARED}
    except packages.PackageError as error:
        _log.warning("package_lost", claim_id=claim.claim_id, reason=str(error))
        return {}


def _decide(
    settings: Settings, changed: list[Claim], roots: PlannedRoots
) -> tuple[list[Decision], list[str]]:
    """Seal the packages of what changed; the decisions, and why some could not be sealed."""
    rules = sealing.rules_version(settings)
    waiting = [claim for claim in changed if not claim.is_decided]
    decisions = [_decision(claim, rules, None, None) for claim in waiting]
    refused: list[str] = []
    to_seal = [claim for claim in changed if claim.is_decided]
    if not to_seal:
        return decisions, refused
    progress = _Progress(len(to_seal))
    for claim, made in _sealed(settings, to_seal, roots):
        if isinstance(made, SealRefused):
            _log.error("not_sealed", reason=str(made))
            refused.append(str(made))
        else:
            root = packages.seal(settings, made)
            amount = packages.verdict_of(made)["approved_micro_usdc"]
            decisions.append(_decision(claim, rules, root, amount))
        progress.one_more()
    return decisions, refused


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


def _counts(found: list[Claim], changed: list[Claim], added: list[VerdictRecord]) -> dict[str, int]:
    standings = Counter(row.standing for row in added)
    return {
        "claims": len(found),
        "unchanged": len(found) - len(changed),
        "verdicts": len(added),
        "recovery_open": standings["RECOVERY_OPEN"],
        "stands": standings["stands"],
    }
