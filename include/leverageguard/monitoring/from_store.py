"""Metrics of the store: claims and payouts as they stand this second, whatever is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection, Executable, and_, func, select

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.filings import waiting
from leverageguard.monitoring.families import Family, age_s
from leverageguard.settlement import finality, rebuilding, reconciling, thresholds
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn, ReviewRecord
from leverageguard.store.fund_tables import FundAlert
from leverageguard.store.incident_tables import IncidentRecord
from leverageguard.store.intake_tables import FiledClaim, Quote
from leverageguard.store.notification_tables import Notification
from leverageguard.store.sales_tables import QuoteRefusal
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord, TransactionRecord
from leverageguard.store.valuation_tables import FundValuation

# Approved, and the money is not there.
OWED = ("APPROVED", "BATCHED", "SETTLING", "PAY_UNKNOWN")
UNDETERMINED = "EVIDENCE_PENDING"
UNDER_WAY = ("SIGNED", "SENT")
KNOWN_INCIDENTS = (reconciling.KIND, finality.KIND, rebuilding.KIND)

CLAIMS = Family("claims_in_state", "Claims by the state of their last move.", ("state",))
OLDEST_OWED = Family(
    "approved_unpaid_oldest_seconds", "Since when the oldest approved claim waits for its money."
)
OLDEST_UNDETERMINED = Family(
    "undetermined_oldest_seconds", "Since when the oldest claim waits for evidence."
)
FILINGS = Family("filings_waiting", "Filed claims that no snapshot decides yet.")
OLDEST_FILING = Family(
    "filings_waiting_oldest_seconds", "Since when the oldest filing without a decision waits."
)
FILED = Family("filed_claims_total", "Claims filed by their holders.")
REVIEWS = Family("reviews_open", "Questions that wait for people, by kind.", ("kind",))
OVERDUE = Family("reviews_overdue", "Questions that wait longer than people may take.")
PAYOUTS = Family("payouts_in_state", "Payouts by state.", ("chain_id", "state"))
PAYOUT_USDC = Family("payouts_usdc", "Money of the payouts by state, USDC.", ("chain_id", "state"))
BATCHES = Family("batches_in_state", "Batches by state.", ("chain_id", "state"))
OUTBOX = Family(
    "outbox_transactions", "Signed transactions without a receipt, by state.", ("chain_id", "state")
)
OLDEST_OUTBOX = Family(
    "outbox_oldest_seconds", "Age of the oldest signed transaction without a receipt."
)
NOTIFICATIONS = Family("notifications", "Messages to traders.", ("channel", "state"))
OLDEST_NOTIFICATION = Family(
    "notifications_oldest_seconds", "Age of the oldest message that was not sent."
)
INCIDENTS = Family(
    "incidents_open", "Open incidents; nothing is signed meanwhile.", ("kind", "chain_id")
)
ALERTS = Family(
    "fund_alerts_open", "Thresholds of the fund that are crossed.",
    ("threshold_id", "action", "severity"),
)  # fmt: skip
VALUED = Family("fund_valued_age_seconds", "Age of the newest valuation of the fund.")
QUOTES = Family("quotes_total", "Quotes given.")
REFUSALS = Family("quote_refusals_total", "Requests for a quote that were refused.", ("reason",))


def read(settings: Settings) -> Iterator[Metric]:
    """All of them, of one look at the store each."""
    now_ms = clock.now_ms()
    with base.engine(settings).connect() as connection:
        yield from _claims(connection, now_ms)
        yield from _money(connection, now_ms)
        yield from _messages(connection, now_ms)
        yield from _alarms(settings, connection, now_ms)
        yield QUOTES.one(_number(connection, select(func.count()).select_from(Quote)))
        refused = select(QuoteRefusal.reason_code, func.count()).group_by(QuoteRefusal.reason_code)
        yield REFUSALS.of(_counted(connection, refused))
    found = waiting.filings(settings)
    yield FILINGS.one(len(found))
    yield OLDEST_FILING.one(age_s(now_ms, min((row.created_at_ms for row in found), default=None)))


def _claims(connection: Connection, now_ms: int) -> Iterator[Metric]:
    newest = (
        select(ClaimTxn.claim_id, func.max(ClaimTxn.txn_no).label("txn_no"))
        .group_by(ClaimTxn.claim_id)
        .subquery()
    )
    last = select(ClaimTxn).join(
        newest, and_(ClaimTxn.claim_id == newest.c.claim_id, ClaimTxn.txn_no == newest.c.txn_no)
    )
    standing = last.subquery()
    states = select(standing.c.to_state, func.count()).group_by(standing.c.to_state)
    yield CLAIMS.of(_counted(connection, states))
    # A claim approved again after a refusal waits since then.
    approved = (
        select(ClaimTxn.claim_id, func.max(ClaimTxn.at_ms).label("at_ms"))
        .where(ClaimTxn.to_state == "APPROVED")
        .group_by(ClaimTxn.claim_id)
        .subquery()
    )
    owed = (
        select(func.min(approved.c.at_ms))
        .join(standing, standing.c.claim_id == approved.c.claim_id)
        .where(standing.c.to_state.in_(OWED))
    )
    yield OLDEST_OWED.one(_age(connection, now_ms, owed))
    pending = select(func.min(standing.c.at_ms)).where(standing.c.to_state == UNDETERMINED)
    yield OLDEST_UNDETERMINED.one(_age(connection, now_ms, pending))
    yield FILED.one(_number(connection, select(func.count()).select_from(FiledClaim)))
    is_open = ReviewRecord.state == "OPEN"
    kinds = select(ReviewRecord.kind, func.count()).where(is_open).group_by(ReviewRecord.kind)
    yield REVIEWS.of(_counted(connection, kinds))
    late = select(func.count()).where(is_open, ReviewRecord.due_at_ms < now_ms)
    yield OVERDUE.one(_number(connection, late))


def _money(connection: Connection, now_ms: int) -> Iterator[Metric]:
    columns = PayoutRecord.chain_id, PayoutRecord.state
    counted = list(
        connection.execute(
            select(*columns, func.count(), func.sum(PayoutRecord.amount_micro_usdc)).group_by(
                *columns
            )
        )
    )
    yield PAYOUTS.of(((chain, state), count) for chain, state, count, _ in counted)
    yield PAYOUT_USDC.of(((chain, state), int(money) / 1e6) for chain, state, _, money in counted)
    columns = BatchRecord.chain_id, BatchRecord.state
    yield BATCHES.of(_counted(connection, select(*columns, func.count()).group_by(*columns)))
    sent = TransactionRecord.state.in_(UNDER_WAY)
    columns = TransactionRecord.chain_id, TransactionRecord.state
    under_way = select(*columns, func.count()).where(sent).group_by(*columns)
    yield OUTBOX.of(_counted(connection, under_way))
    oldest = select(func.min(TransactionRecord.created_at_ms)).where(sent)
    yield OLDEST_OUTBOX.one(_age(connection, now_ms, oldest))


def _messages(connection: Connection, now_ms: int) -> Iterator[Metric]:
    columns = Notification.channel, Notification.state
    yield NOTIFICATIONS.of(_counted(connection, select(*columns, func.count()).group_by(*columns)))
    oldest = select(func.min(Notification.created_at_ms)).where(Notification.state == "PENDING")
    yield OLDEST_NOTIFICATION.one(_age(connection, now_ms, oldest))


def _alarms(settings: Settings, connection: Connection, now_ms: int) -> Iterator[Metric]:
    columns = IncidentRecord.kind, IncidentRecord.chain_id
    is_open = IncidentRecord.resolved_at_ms.is_(None)
    incidents = select(*columns, func.count()).where(is_open).group_by(*columns)
    found = dict(_counted(connection, incidents))
    # What is not there is told as 0, or nobody could tell "none" from "not looked".
    seen = {kind for kind, _ in found}
    nothing = {(kind, None): 0 for kind in KNOWN_INCIDENTS if kind not in seen}
    yield INCIDENTS.of((found | nothing).items())
    crossed = select(FundAlert.threshold_id, func.count()).where(FundAlert.closed_at_ms.is_(None))
    counts = {name: count for (name,), count in _counted(
        connection, crossed.group_by(FundAlert.threshold_id)
    )}  # fmt: skip
    yield ALERTS.of(
        ((one.threshold_id, one.action, one.severity), counts.get(one.threshold_id, 0))
        for one in thresholds.load(settings)
    )
    newest = select(func.max(FundValuation.recorded_at_ms))
    yield VALUED.one(_age(connection, now_ms, newest))


def _counted(connection: Connection, query: Executable) -> Iterable[tuple[tuple[Any, ...], int]]:
    """What a query counts last, by the columns before."""
    return [(tuple(row[:-1]), int(row[-1])) for row in connection.execute(query)]


def _number(connection: Connection, query: Executable) -> int:
    return int(connection.execute(query).scalar_one())


def _age(connection: Connection, now_ms: int, query: Executable) -> float:
    """Seconds since the instant the query finds; 0 where nothing waits."""
    return age_s(now_ms, connection.execute(query).scalar_one_or_none()) or 0
