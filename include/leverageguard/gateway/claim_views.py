"""Claims as the API shows them: the store's moves, the sealed verdict, the filing it began with."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock, lifecycle, seeds
from leverageguard.claims import actions, register
from leverageguard.config import Settings
from leverageguard.domain.lifecycle import IllegalMove
from leverageguard.evidence import verdicts
from leverageguard.gateway.callers import Caller, own
from leverageguard.gateway.models.claims import (
    ClaimCheck,
    ClaimMove,
    ClaimShort,
    ClaimShown,
    PayoutShown,
    Reason,
)
from leverageguard.gateway.models.common import instant, micro
from leverageguard.gateway.problems import Problem
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.intake_tables import FiledClaim, Quote
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from leverageguard.warehouse import connect, packages, snapshot

RECEIVED = "RECEIVED"
_RECEIVED_MEANS = "The filing is on record; the venue and the chain are read next."
_OTHER_REASONS = {
    "NOT_SEALED": "The evidence is sealed again before the claim is decided.",
    "CLAIM_GONE": "Nothing of the claim is left in the evidence.",
}


@dataclass(frozen=True)
class Found:
    """A claim by whichever of its names is known; the filing alone, before it was opened."""

    claim_id: str | None
    filing: FiledClaim | None
    policy: Quote


def find(settings: Settings, session: Session, caller: Caller, either_id: str) -> Found:
    """The claim of a claim id or a filing id; Problem 404 unless the caller may see it."""
    claim_id: str | None = either_id
    filing = None
    if either_id.startswith("fil_"):
        filing = session.get(FiledClaim, either_id)
        policy_id = filing.policy_id if filing else None
        claim_id = claims_of(settings, [either_id]).get(either_id) if filing else None
    else:
        last = register.last_of(session, [either_id]).get(either_id)
        policy_id = last.policy_id if last else None
        filing_id = filings_of(settings, [either_id]).get(either_id) if last else None
        filing = session.get(FiledClaim, filing_id) if filing_id else None
    policy = session.get(Quote, policy_id) if policy_id else None
    if policy is None:
        raise Problem(404, "NOT_FOUND", "there is no such resource")
    own(caller, policy.wallet)
    return Found(claim_id, filing, policy)


def opened(settings: Settings, caller: Caller, either_id: str) -> tuple[str, str]:
    """Policy and claim id of a claim that has been opened; Problem 409 before that."""
    with base.session(settings) as session:
        found = find(settings, session, caller, either_id)
        if found.claim_id is None or not register.last_of(session, [found.claim_id]):
            raise Problem(409, "CLAIM_NOT_OPENED", "the filing is being read: try again soon")
        return found.policy.quote_id, found.claim_id


def claims_of(settings: Settings, filing_ids: Collection[str]) -> dict[str, str]:
    """The claim that was opened from each filing, as published last."""
    rows = _published(settings, "filing_id", filing_ids)
    return {row["filing_id"]: row["claim_id"] for row in rows}


def filings_of(settings: Settings, claim_ids: Collection[str]) -> dict[str, str]:
    """The filing of each claim that has one, as published last."""
    rows = _published(settings, "claim_id", claim_ids)
    return {row["claim_id"]: row["filing_id"] for row in rows if row["filing_id"]}


def root_of(settings: Settings, session: Session, claim_id: str) -> str | None:
    """The package a claim was planned on, else its newest verdict's, in 0x-hex."""
    planned = select(PayoutRecord.evidence_root).where(PayoutRecord.claim_id == claim_id)
    root = session.scalar(planned)
    if root is not None:
        return root
    verdict = _verdict(session, claim_id)
    return verdict.evidence_root if verdict else None


def short(settings: Settings, found: Found, last: ClaimTxn | None, since_ms: int) -> ClaimShort:
    """Where a claim stands; `since_ms` is when it was notified."""
    return ClaimShort(
        claim_id=found.claim_id,
        filing_id=found.filing.filing_id if found.filing else None,
        policy_id=found.policy.quote_id,
        wallet=found.policy.wallet,
        stage=last.to_state if last else RECEIVED,
        meaning=_meaning(settings, last)[0] if last else _RECEIVED_MEANS,
        notified_at=instant(since_ms),
        since_at=instant(last.at_ms if last else since_ms),
    )


def shown(settings: Settings, session: Session, found: Found) -> ClaimShown:
    """All that is known of a claim."""
    claim_id, filing = found.claim_id, found.filing
    moves = register.history(session, [claim_id])[claim_id] if claim_id else []
    last = moves[-1] if moves else None
    first_ms = moves[0].at_ms if moves else filing.filed_at_ms if filing else 0
    verdict = _verdict(session, claim_id)
    payout = _payout(session, claim_id)
    until_ms = _appeal_until_ms(settings, session, last)
    is_paid = payout is not None and "PAID" in (payout.state, last.to_state if last else None)
    return ClaimShown(
        **short(settings, found, last, first_ms).model_dump(),
        inst_id=filing.inst_id if filing else found.policy.inst_id,
        order_id=filing.order_id if filing else None,
        verdict=verdict.verdict if verdict else None,
        reasons=_reasons(settings, verdict.reasons if verdict else ""),
        holds=_reasons(settings, verdict.hold_reasons if verdict else ""),
        approved_micro_usdc=micro(verdict.approved_micro_usdc if verdict else None),
        paid_micro_usdc=payout.amount_micro_usdc if payout and is_paid else "0",
        payout=payout,
        moves=[_move(settings, row) for row in moves],
        checks=_checks(settings, claim_id, verdict),
        evidence_root=verdict.evidence_root if verdict else None,
        may_withdraw=bool(last and last.to_state in actions.MAY_BE_WITHDRAWN),
        may_appeal=until_ms is not None and clock.now_ms() < until_ms,
        appeal_until_at=instant(until_ms),
    )


def _published(settings: Settings, column: str, ids: Collection[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        return []
    query = f"select claim_id, filing_id from fct_claims where list_contains(?, {column})"
    return connect.rows(path, query, [list(ids)])


def _verdict(session: Session, claim_id: str | None) -> VerdictRecord | None:
    return verdicts.latest(session, [claim_id]).get(claim_id) if claim_id else None


def _payout(session: Session, claim_id: str | None) -> PayoutShown | None:
    query = (
        select(PayoutRecord, BatchRecord)
        .join(BatchRecord, BatchRecord.batch_id == PayoutRecord.batch_id)
        .where(PayoutRecord.claim_id == claim_id)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    payout, batch = row
    return PayoutShown(
        amount_micro_usdc=micro(payout.amount_micro_usdc),
        state=payout.state,
        recipient=payout.recipient.lower(),
        chain_id=payout.chain_id,
        batch_no=batch.batch_no,
        tx_hash=payout.tx_hash or batch.tx_hash,
    )


def _appeal_until_ms(settings: Settings, session: Session, last: ClaimTxn | None) -> int | None:
    """Until when it may be appealed; None where it is not refused or was appealed before."""
    if last is None or last.to_state not in actions.MAY_BE_APPEALED:
        return None
    if actions.was_appealed(session, last.claim_id):
        return None
    return actions.appeal_until_ms(settings, session, last)


def _move(settings: Settings, row: ClaimTxn) -> ClaimMove:
    meaning, mover = _meaning(settings, row)
    return ClaimMove(stage=row.to_state, meaning=meaning, by=mover, at=instant(row.at_ms))


def _meaning(settings: Settings, row: ClaimTxn) -> tuple[str, str]:
    """What a move means and who makes such moves; people's names are not told."""
    try:
        edge = lifecycle.machine(settings, "claim").edge(row.from_state, row.to_state, row.rule_id)
    except IllegalMove:
        return row.rule_id, "operator"
    return edge.description, edge.mover


def _meanings(settings: Settings) -> dict[str, str]:
    return {row["check_code"]: row["description"] for row in seeds.rows(settings, "claim_checks")}


def _reasons(settings: Settings, text: str) -> list[Reason]:
    meanings = _meanings(settings) | _OTHER_REASONS
    head = text.split(":")[0]
    codes = [head] if head in _OTHER_REASONS else [code for code in text.split(",") if code]
    return [Reason(code=code, meaning=meanings.get(code, code)) for code in codes]


def _checks(
    settings: Settings, claim_id: str | None, verdict: VerdictRecord | None
) -> list[ClaimCheck]:
    """As the verdict's package says; as published last while there is none."""
    if claim_id is None:
        return []
    meanings = _meanings(settings)
    return [
        ClaimCheck(
            code=row["check_code"],
            meaning=meanings.get(row["check_code"], row["check_code"]),
            result=row["result"],
            is_hold=bool(row.get("is_hold")),
            observed=row.get("observed"),
            expected=row.get("expected"),
        )
        for row in _sealed_checks(settings, verdict) or _published_checks(settings, claim_id)
    ]


def _sealed_checks(settings: Settings, verdict: VerdictRecord | None) -> list[dict[str, Any]]:
    if verdict is None or verdict.evidence_root is None:
        return []
    try:
        found = packages.document(settings, verdict.evidence_root, packages.VERDICT)
    except packages.PackageError:
        return []
    return list(json.loads(found)["checks"])


def _published_checks(settings: Settings, claim_id: str) -> list[dict[str, Any]]:
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        return []
    query = (
        "select check_code, result, is_hold, observed, expected from fct_claim_checks "
        "where claim_id = ? order by check_order"
    )
    return connect.rows(path, query, [claim_id])
