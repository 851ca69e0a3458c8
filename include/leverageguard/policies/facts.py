"""What each policy's moves rest on: store, landed chains, published claims and the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.domain.policy import Cancellation, Facts, Purchase, Quoted
from leverageguard.policies import payments
from leverageguard.policies.chain_view import ChainView
from leverageguard.policies.register import Recorded
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PaymentException
from leverageguard.store.settlement_tables import PayoutRecord, SettlementEvent
from leverageguard.warehouse import connect, snapshot

_Seen = TypeVar("_Seen", Purchase, Cancellation)


@dataclass
class ClaimsSeen:
    """The claims of one policy, as their moves and payouts tell."""

    count: int = 0
    open_count: int = 0
    last_closed_at_ms: int = 0


@dataclass(frozen=True)
class StoreView:
    """What the store and the published snapshot say of every policy, by its id."""

    quotes: dict[str, Quote]
    claims: dict[str, ClaimsSeen]
    payouts: dict[str, list[tuple[int, int]]]
    answered: dict[str, int]
    decided: dict[str, int]


def read(settings: Settings, session: Session) -> StoreView:
    """Everything at once: policies are many, and each has little."""
    return StoreView(
        {row.quote_id: row for row in session.scalars(select(Quote))},
        _claims(session),
        _payouts(session),
        _answered(session),
        _decided(settings),
    )


def quoted(row: Quote) -> Quoted:
    """A stored quote as the value its purchase is held against."""
    return Quoted(
        policy_id=row.quote_id,
        wallet=row.wallet,
        premium_micro_usdc=row.premium_micro_usdc,
        max_payout_micro_usdc=row.max_payout_micro_usdc,
        terms_hash=row.terms_hash,
        wait_seconds=row.wait_seconds,
        cover_seconds=row.cover_seconds,
        filing_grace_seconds=row.filing_grace_seconds,
        created_at_ms=row.created_at_ms,
        expires_at_ms=row.expires_at_ms,
    )


def of_policy(
    store: StoreView, chains: ChainView, policy_id: str, recorded: Recorded, now_ms: int
) -> Facts:
    """The facts of one policy, given where it was recorded to stand."""
    quote = store.quotes[policy_id]
    life = recorded.life
    bought = counted(chains.purchases_of.get(policy_id, []), life.purchase)
    claims = store.claims.get(policy_id, ClaimsSeen())
    return Facts(
        quoted=quoted(quote),
        now_ms=now_ms,
        read_until_ms=chains.read_until_ms(quote.created_at_ms, quote.chain_id),
        purchase=bought,
        cancellation=next(iter(chains.cancellations_of.get(policy_id, [])), None),
        lost_purchase=_lost(chains, life.purchase, recorded.bought_recorded_at_ms),
        lost_cancellation=_lost(chains, life.cancellation, recorded.cancelled_recorded_at_ms),
        exhausted_at_ms=_exhausted_at(quote, store.payouts.get(policy_id, [])),
        decided_at_ms=store.decided.get(policy_id),
        has_claims=claims.count > 0,
        has_open_claims=claims.open_count > 0,
        last_claim_closed_at_ms=claims.last_closed_at_ms,
        answered_at_ms=_answered_at(store, life.purchase),
    )


def counted(shown: list[Purchase], recorded: Purchase | None) -> Purchase | None:
    """The purchase of a quote that counts: the recorded one while it stands, else the first."""
    same = [one for one in shown if recorded is not None and one.key == recorded.key]
    return next(iter(same or shown), None)


def _answered_at(store: StoreView, paid: Purchase | None) -> int | None:
    return store.answered.get(payments.of_purchase(paid).payment_id) if paid else None


def _lost(chains: ChainView, seen: _Seen | None, recorded_at_ms: int) -> _Seen | None:
    return seen if seen is not None and chains.is_lost(seen, recorded_at_ms) else None


def _exhausted_at(quote: Quote, payouts: Iterable[tuple[int, int]]) -> int | None:
    """When the payouts reached the sum insured, None while they have not."""
    paid = 0
    for at_ms, amount in sorted(payouts):
        paid += amount
        if paid >= quote.max_payout_micro_usdc:
            return at_ms
    return None


def _claims(session: Session) -> dict[str, ClaimsSeen]:
    """Claims by policy; a payout whose claim has no moves yet is an open claim."""
    last = select(ClaimTxn.claim_id, func.max(ClaimTxn.txn_no).label("txn_no"))
    newest = last.group_by(ClaimTxn.claim_id).subquery()
    query = select(ClaimTxn.claim_id, ClaimTxn.policy_id, ClaimTxn.to_state, ClaimTxn.at_ms).join(
        newest, (ClaimTxn.claim_id == newest.c.claim_id) & (ClaimTxn.txn_no == newest.c.txn_no)
    )
    found: dict[str, ClaimsSeen] = {}
    known = set()
    for claim_id, policy_id, state, at_ms in session.execute(query):
        known.add(claim_id)
        seen = found.setdefault(policy_id, ClaimsSeen())
        seen.count += 1
        if state == "CLOSED":
            seen.last_closed_at_ms = max(seen.last_closed_at_ms, at_ms)
        else:
            seen.open_count += 1
    for claim_id, policy_id in session.execute(
        select(PayoutRecord.claim_id, PayoutRecord.policy_id)
    ):
        if claim_id not in known:
            seen = found.setdefault(policy_id, ClaimsSeen())
            seen.count += 1
            seen.open_count += 1
    return found


def _payouts(session: Session) -> dict[str, list[tuple[int, int]]]:
    """(when, how much) of every payout that is final, by policy."""
    paid = select(SettlementEvent.claim_id, func.max(SettlementEvent.at_ms).label("at_ms"))
    paid_at = (
        paid.where(SettlementEvent.to_state == "PAID").group_by(SettlementEvent.claim_id).subquery()
    )
    query = (
        select(PayoutRecord.policy_id, paid_at.c.at_ms, PayoutRecord.amount_micro_usdc)
        .join(paid_at, PayoutRecord.claim_id == paid_at.c.claim_id)
        .where(PayoutRecord.state == "PAID")
    )
    found: dict[str, list[tuple[int, int]]] = {}
    rows: list[Any] = list(session.execute(query))
    for policy_id, at_ms, amount in rows:
        found.setdefault(policy_id, []).append((at_ms, amount))
    return found


def _answered(session: Session) -> dict[str, int]:
    """When each payment without a policy was resolved."""
    query = select(PaymentException.payment_id, PaymentException.resolved_at_ms)
    rows = session.execute(query.where(PaymentException.resolved_at_ms.is_not(None)))
    return {payment: at_ms for payment, at_ms in rows if at_ms is not None}


def _decided(settings: Settings) -> dict[str, int]:
    """When the claims of each insured policy were last decided and published."""
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        return {}
    columns = "policy_id, epoch_ms(published_at) as at_ms"
    query = f"select {columns} from fct_policies, {snapshot.INFO_TABLE}"
    rows: list[dict[str, Any]] = connect.rows(path, query)
    return {row["policy_id"]: row["at_ms"] for row in rows}
