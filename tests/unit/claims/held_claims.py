"""Claims that wait for people: their moves and verdicts in the store, their rows published."""

from __future__ import annotations

import json

import duckdb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.store import audit_tables, base  # noqa: F401 - registers the log's table
from leverageguard.store.claim_tables import BatchProposal, ClaimTxn
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.warehouse import snapshot

ROOT = "0x" + "ab" * 32
UID = "595743600852317702"
WAY = ("NOTIFIED", "EVIDENCE_PENDING", "VERIFYING")
MARTS = """
create or replace table fct_claims (
    claim_id text, policy_id text, account_id text, order_id text, liquidation_event_id text,
    inst_id text, position_side text, forced_kind text, origin text, notified_at timestamptz,
    liquidated_at timestamptz, verdict text, reasons text, hold_reasons text,
    approved_micro_usdc bigint);
create or replace table fct_claim_checks (
    claim_id text, check_code text, check_order integer, result text, is_hold boolean,
    is_applicable boolean, observed text, expected text, evidence_ids text);
create or replace table fct_policies (
    policy_id text, wallet text, product_version text, inst_id text, leverage integer,
    principal_micro_usdc bigint, premium_micro_usdc bigint, max_payout_micro_usdc bigint,
    remaining_micro_usdc bigint, cover_start_at timestamptz, cover_end_at timestamptz);
"""


def publish(settings: Settings, claims: dict[str, dict[str, str]]) -> None:
    """Publish these claims; of each: `holds` (comma separated) and, if any, a hard check that
    `failed`, the THIN_MARKET check as it was `observed`."""
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    settings.warehouse_path.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(MARTS)
        for claim_id, told in claims.items():
            _publish_one(connection, claim_id, told)
    snapshot.publish(settings)


def _publish_one(
    connection: duckdb.DuckDBPyConnection, claim_id: str, told: dict[str, str]
) -> None:
    holds, failed = told.get("holds", "THIN_MARKET"), told.get("failed", "")
    verdict = "rejected" if failed else "verified"
    connection.execute(
        "insert into fct_claims values (?, '0xpolicy', 'acc-7', '319', ?, 'ETH_USDT', 'short', "
        "'full', 'both', '2026-01-05 04:09:26Z', '2026-01-05 04:09:26Z', ?, ?, ?, null)",
        [claim_id, f"gate:{UID}:319", verdict, failed, holds],
    )
    checks = [
        ("EVIDENCE_COMPLETE", "pass", False, "45 of 45 hours", "every hour"),
        ("FORCED_KIND", "pass", False, "full", "full, partial, takeover"),
        ("THIN_MARKET", "fail", True, told.get("observed", "closed 9.500000 beside 10.0"), "small"),
        ("ONCE", "pass", False, f"paid on {claim_id}", f"no other claim on gate:{UID}:319"),
    ]
    if failed:
        checks.append((failed, "fail", False, "outside", "inside"))
    for place, (code, result, is_hold, observed, expected) in enumerate(checks):
        connection.execute(
            "insert into fct_claim_checks values (?, ?, ?, ?, ?, true, ?, ?, 'reply:00')",
            [claim_id, code, place, result, is_hold and code in holds, observed, expected],
        )
    if not connection.execute("select 1 from fct_policies").fetchall():
        connection.execute(
            "insert into fct_policies values ('0xpolicy', '0x5afd174e1a2d1ef9349eaa1aa4f9e1e3e735"
            "2f90', 'seed-v1', 'ETH_USDT', 40, 357000000, 47937960, 45910200, 45910200, "
            "'2026-01-05 01:33:00Z', '2026-01-06 01:33:00Z')"
        )


def wait(settings: Settings, claim_id: str, state: str = "MANUAL_REVIEW") -> None:
    """Bring a new claim to a state in which it waits for people."""
    way = (*WAY, *(("ELIGIBLE",) if state == "FRAUD_HOLD" else ()), state)
    with base.session(settings) as session:
        for to_state in way:
            move(session, claim_id, to_state)
        decide(session, claim_id)


def move(session: Session, claim_id: str, to_state: str, rule_id: str = "TEST") -> None:
    """One more move of a claim."""
    query = select(ClaimTxn).where(ClaimTxn.claim_id == claim_id).order_by(ClaimTxn.txn_no.desc())
    last = session.scalars(query.limit(1)).one_or_none()
    number = (last.txn_no if last else 0) + 1
    session.add(
        ClaimTxn(
            claim_id=claim_id,
            txn_no=number,
            policy_id="0xpolicy",
            from_state=last.to_state if last else None,
            to_state=to_state,
            at_ms=1_767_600_000_000 + number,
            recorded_at_ms=1_767_600_000_000 + number,
            actor="rules",
            rule_id=rule_id,
            inputs_hash="0x" + "00" * 32,
            detail="{}",
            reserve_micro_usdc=45_910_200,
        )
    )
    session.flush()


def decide(session: Session, claim_id: str, root: str = ROOT) -> None:
    """One more verdict of a claim, on this evidence."""
    query = select(func.count()).where(VerdictRecord.claim_id == claim_id)
    session.add(
        VerdictRecord(
            claim_id=claim_id,
            verdict_no=1 + (session.scalar(query) or 0),
            verdict="verified",
            reasons="",
            hold_reasons="THIN_MARKET",
            approved_micro_usdc=None,
            evidence_root=root,
            rules_version="core-v4",
            product_version="seed-v1",
            decided_at_ms=1,
            cause="first",
            standing=None,
        )
    )


def propose(settings: Settings, claim_ids: list[str], proposed_by: str = "schedule") -> str:
    """An open proposal of these claims, 3,000 USDC each."""
    items = [
        {"claim_id": claim_id, "amount_micro_usdc": 3_000_000_000, "recipient": "0x" + "5a" * 20}
        for claim_id in claim_ids
    ]
    proposal_id = "0x" + "cd" * 32
    with base.session(settings) as session:
        session.add(
            BatchProposal(
                proposal_id=proposal_id,
                chain_id=31337,
                claim_count=len(items),
                total_micro_usdc=3_000_000_000 * len(items),
                items=json.dumps(items),
                state="OPEN",
                proposed_by=proposed_by,
                proposed_at_ms=1,
                closed_at_ms=None,
            )
        )
    return proposal_id
