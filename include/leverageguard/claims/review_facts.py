"""What a review is about: the facts people are shown, and that their answer rests on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.store.claim_tables import BatchProposal, ClaimAction, ClaimTxn
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.fund_tables import FundRequest
from leverageguard.warehouse import connect, snapshot

Facts = dict[str, Any]
WAITING_STATES = ("MANUAL_REVIEW", "FRAUD_HOLD")
CLAIM_COLUMNS = (
    "claim_id",
    "account_id",
    "inst_id",
    "position_side",
    "forced_kind",
    "origin",
    "notified_at",
    "liquidated_at",
    "verdict",
    "reasons",
    "hold_reasons",
    "approved_micro_usdc",
)
POLICY_COLUMNS = (
    "policy_id",
    "wallet",
    "product_version",
    "inst_id",
    "leverage",
    "principal_micro_usdc",
    "premium_micro_usdc",
    "max_payout_micro_usdc",
    "remaining_micro_usdc",
    "cover_start_at",
    "cover_end_at",
)
CHECK_COLUMNS = ("check_code", "result", "is_hold", "is_applicable", "observed", "expected")


def waiting_claims(session: Session) -> list[ClaimTxn]:
    """The last move of every claim that waits for people, oldest first."""
    last: dict[str, ClaimTxn] = {}
    for move in session.scalars(select(ClaimTxn).order_by(ClaimTxn.claim_id, ClaimTxn.txn_no)):
        last[move.claim_id] = move
    found = [move for move in last.values() if move.to_state in WAITING_STATES]
    return sorted(found, key=lambda move: (move.at_ms, move.claim_id))


def last_move(session: Session, claim_id: str) -> ClaimTxn | None:
    """A claim's last move, None while it has none."""
    query = select(ClaimTxn).where(ClaimTxn.claim_id == claim_id)
    return session.scalar(query.order_by(ClaimTxn.txn_no.desc()).limit(1))


def of_claim(settings: Settings, session: Session, claim_id: str) -> Facts | None:
    """The facts of a claim that waits for people.

    None when it waits no longer, or is not in the published snapshot (yet).
    """
    move = last_move(session, claim_id)
    if move is None or move.to_state not in WAITING_STATES:
        return None
    claim, checks, policy = _published(settings, claim_id)
    if claim is None:
        return None
    _, _, uid_and_order = str(claim.get("liquidation_event_id") or "").partition(":")
    uid = uid_and_order.partition(":")[0]
    return {
        "claim": {name: claim.get(name) for name in CLAIM_COLUMNS},
        "state": move.to_state,
        "rule_id": move.rule_id,
        "reserve_micro_usdc": move.reserve_micro_usdc,
        "policy": {name: policy.get(name) for name in POLICY_COLUMNS},
        "verdict": _verdict(session, claim_id),
        "checks": [{name: _masked(check[name], uid) for name in CHECK_COLUMNS} for check in checks],
        "actions": _actions(session, claim_id),
    }


def of_proposal(session: Session, proposal_id: str) -> Facts | None:
    """The facts of a batch that is proposed; None when it is so no longer."""
    proposal = session.get(BatchProposal, proposal_id)
    if proposal is None or proposal.state != "OPEN":
        return None
    items = json.loads(proposal.items)
    moves = {item["claim_id"]: last_move(session, item["claim_id"]) for item in items}
    return {
        "proposal_id": proposal_id,
        "chain_id": proposal.chain_id,
        "total_micro_usdc": proposal.total_micro_usdc,
        "items": items,
        "states": {key: move.to_state if move else None for key, move in moves.items()},
    }


def of_withdrawal(session: Session, request_id: str) -> Facts | None:
    """The facts of a withdrawal that is requested; None when it is so no longer."""
    request = session.get(FundRequest, request_id)
    if request is None or request.state != "REQUESTED":
        return None
    return {
        "request_id": request_id,
        "chain_id": request.chain_id,
        "recipient": request.recipient,
        "amount_micro_usdc": request.amount_micro_usdc,
        "why": request.why,
        "requested_by": request.requested_by,
    }


def may_be_approved(facts: Facts) -> bool:
    """False where a check failed that nobody can release, or is open."""
    failed = [one for one in facts.get("checks", ()) if one["result"] == "fail"]
    is_payable = "claim" not in facts or facts["claim"]["verdict"] == "verified"
    return is_payable and all(one["is_hold"] for one in failed)


def holds(facts: Facts) -> tuple[str, ...]:
    """The codes of the checks that ask for people, in check order."""
    codes = (facts.get("claim", {}).get("hold_reasons") or "").split(",")
    return tuple(code for code in codes if code)


def _published(
    settings: Settings, claim_id: str
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], dict[str, Any]]:
    path = snapshot.current(settings)
    found = connect.rows(path, "select * from fct_claims where claim_id = ?", [claim_id])
    if not found:
        return None, [], {}
    checks = connect.rows(
        path, "select * from fct_claim_checks where claim_id = ? order by check_order", [claim_id]
    )
    policies = connect.rows(
        path, "select * from fct_policies where policy_id = ?", [found[0]["policy_id"]]
    )
    plain = [[_plain_row(row) for row in rows] for rows in (found, checks, policies)]
    return plain[0][0], plain[1], plain[2][0] if plain[2] else {}


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """What canonical JSON can hold: times as text, no fractions."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _masked(value: Any, uid: str) -> Any:
    """Text without the account's uid at the venue; its last four characters stay."""
    return value.replace(uid, f"…{uid[-4:]}") if uid and isinstance(value, str) else value


def _verdict(session: Session, claim_id: str) -> Facts:
    query = select(VerdictRecord).where(VerdictRecord.claim_id == claim_id)
    found = session.scalar(query.order_by(VerdictRecord.verdict_no.desc()).limit(1))
    return {
        "evidence_root": found.evidence_root if found else None,
        "rules_version": found.rules_version if found else None,
    }


def _actions(session: Session, claim_id: str) -> list[Facts]:
    query = select(ClaimAction).where(ClaimAction.claim_id == claim_id)
    return [
        {
            "action": row.action,
            "actor": row.actor,
            "reason": row.reason,
            "at": _plain(datetime.fromtimestamp(row.acted_at_ms / 1000, UTC)),
        }
        for row in session.scalars(query.order_by(ClaimAction.created_at_ms, ClaimAction.action_id))
    ]
