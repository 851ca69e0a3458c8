"""What the store and the warehouse know of claims: the facts their moves rest on."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.claim_facts import Action, ChainEvent, Decision, Facts, Planned
from leverageguard.intake import products
from leverageguard.lake_settings import Warehouse
from leverageguard.store.claim_tables import ClaimAction
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.intake_tables import Quote
from leverageguard.store.settlement_tables import PayoutRecord, SettlementEvent
from leverageguard.warehouse import connect


@dataclass(frozen=True)
class Notice:
    """A claim as it came in; `paid_in` is the transaction that paid it by what the chain shows."""

    claim_id: str
    policy_id: str
    notified_at_ms: int
    paid_in: str | None


def notices(warehouse: Warehouse) -> dict[str, Notice]:
    """Every claim of a warehouse or a published snapshot."""
    rows = connect.rows(
        warehouse,
        "select claim_id, policy_id, epoch_ms(notified_at) as notified_at_ms, "
        "if(payout_state = 'PAID', tx_hash, null) as paid_in from fct_claims",
    )
    return {row["claim_id"]: Notice(**row) for row in rows}


def planned_ones(session: Session) -> dict[str, Notice]:
    """Every planned claim, as if it had come in when it was planned."""
    query = select(PayoutRecord.claim_id, PayoutRecord.policy_id, PayoutRecord.planned_at_ms)
    return {row.claim_id: Notice(*row, paid_in=None) for row in session.execute(query)}


def facts_of(
    settings: Settings, session: Session, noticed: Mapping[str, Notice], is_fresh: bool
) -> dict[str, Facts]:
    """The facts of each of the claims, by claim id."""
    ids = list(noticed)
    decisions, actions = _decisions(session, ids), _actions(session, ids)
    planned, events = _planned(session, ids), _events(session, ids)
    policies = _policies(settings, session, {one.policy_id for one in noticed.values()})
    fraud, now_ms = fraud_codes(settings), clock.now_ms()
    found = {}
    for claim_id, one in noticed.items():
        policy, place = policies.get(one.policy_id), planned.get(claim_id)
        own = place.amount_micro_usdc if place else 0
        is_refused = bool(events[claim_id]) and events[claim_id][-1].to_state == "FAILED"
        found[claim_id] = Facts(
            claim_id=claim_id,
            policy_id=one.policy_id,
            notified_at_ms=one.notified_at_ms,
            room_micro_usdc=policy.room_micro_usdc + own if policy else own,
            decision=decisions.get(claim_id),
            actions=actions[claim_id],
            events=events[claim_id],
            planned=place,
            rescued_in=one.paid_in if is_refused else None,
            fraud_codes=fraud,
            appeal_ms=policy.appeal_ms if policy else None,
            close_ms=policy.close_ms if policy else None,
            now_ms=now_ms,
            is_fresh=is_fresh,
        )
    return found


def appeal_ms(settings: Settings, session: Session, policy_id: str) -> int | None:
    """How long a refused claim of the policy may be appealed; None for a policy nobody quoted."""
    policy = _policies(settings, session, {policy_id}).get(policy_id)
    return policy.appeal_ms if policy else None


def fraud_codes(settings: Settings) -> frozenset[str]:
    """The checks whose hold is a sign of fraud."""
    return _fraud_codes(settings.dbt_dir / "seeds" / "claim_checks.csv")


@lru_cache(maxsize=4)
def _fraud_codes(path: Path) -> frozenset[str]:
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        return frozenset(row["check_code"] for row in rows if row["hold_kind"] == "fraud")


@dataclass(frozen=True)
class _Policy:
    """What no payout was planned of yet, and how long its product waits."""

    room_micro_usdc: int
    appeal_ms: int
    close_ms: int


def _policies(
    settings: Settings, session: Session, policy_ids: Collection[str]
) -> dict[str, _Policy]:
    planned = session.execute(
        select(PayoutRecord.policy_id, func.sum(PayoutRecord.amount_micro_usdc))
        .where(PayoutRecord.policy_id.in_(policy_ids))
        .group_by(PayoutRecord.policy_id)
    )
    used = {policy_id: int(amount) for policy_id, amount in planned}
    quotes = list(session.scalars(select(Quote).where(Quote.quote_id.in_(policy_ids))))
    versions = {quote.product_version for quote in quotes}
    sold = {version: products.product(settings, version) for version in versions}
    return {
        quote.quote_id: _Policy(
            max(quote.max_payout_micro_usdc - used.get(quote.quote_id, 0), 0),
            sold[quote.product_version].appeal_seconds * 1000,
            sold[quote.product_version].close_seconds * 1000,
        )
        for quote in quotes
    }


def _decisions(session: Session, ids: Collection[str]) -> dict[str, Decision]:
    query = select(VerdictRecord).where(VerdictRecord.claim_id.in_(ids))
    return {
        row.claim_id: Decision(
            verdict_no=row.verdict_no,
            verdict=row.verdict,
            reasons=_codes(row.reasons),
            holds=_codes(row.hold_reasons),
            approved_micro_usdc=row.approved_micro_usdc,
            evidence_root=row.evidence_root,
            decided_at_ms=row.decided_at_ms,
            standing=row.standing,
        )
        for row in session.scalars(query.order_by(VerdictRecord.verdict_no))
    }


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code for code in text.split(",") if code)


def _actions(session: Session, ids: Collection[str]) -> dict[str, list[Action]]:
    found: dict[str, list[Action]] = defaultdict(list)
    query = select(ClaimAction).where(ClaimAction.claim_id.in_(ids))
    for row in session.scalars(query.order_by(ClaimAction.acted_at_ms, ClaimAction.action_id)):
        covers = frozenset(code for code in row.covers.split("|") if code)
        found[row.claim_id].append(
            Action(row.action_id, row.action, row.actor, covers, row.acted_at_ms)
        )
    return found


def _planned(session: Session, ids: Collection[str]) -> dict[str, Planned]:
    query = select(PayoutRecord).where(PayoutRecord.claim_id.in_(ids))
    return {
        row.claim_id: Planned(row.batch_id, row.amount_micro_usdc, row.planned_at_ms)
        for row in session.scalars(query)
    }


def _events(session: Session, ids: Collection[str]) -> dict[str, list[ChainEvent]]:
    found: dict[str, list[ChainEvent]] = defaultdict(list)
    query = select(SettlementEvent).where(SettlementEvent.claim_id.in_(ids))
    for row in session.scalars(query.order_by(SettlementEvent.event_id)):
        found[row.claim_id or ""].append(
            ChainEvent(row.event_id, row.to_state, row.at_ms, row.actor)
        )
    return found
