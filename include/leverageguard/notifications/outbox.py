"""The outbox: each move a holder is told of is one message a channel, sent at least once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.notifications import contacts
from leverageguard.notifications.messages import Told
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.intake_tables import Quote
from leverageguard.store.notification_tables import Notification
from leverageguard.store.settlement_tables import PayoutRecord

KINDS = {
    "NOTIFIED": "received",
    "APPROVED": "decided",
    "NOT_ELIGIBLE": "decided",
    "REJECTED": "decided",
    "PAID": "paid",
    "APPEALED": "appeal",
}
REFUSALS = ("NOT_ELIGIBLE", "REJECTED")
MAX_ERROR = 500
_log = structlog.get_logger(__name__)


def fill(settings: Settings) -> int:
    """Put every move in the outbox that a holder with a contact is to be told of; how many.

    Told are moves recorded since the contact was given. A claim that comes back to what was told
    last (approved again after new evidence, paid again after a reorg) is not told twice.
    """
    with base.session(settings) as session:
        since = contacts.since(session)
        if not since:
            return 0
        wallets = _wallets(session)
        known = set(session.execute(select(Notification.claim_id, Notification.txn_no)
                                    .add_columns(Notification.channel)).tuples())  # fmt: skip
        made = 0
        for move in _told_moves(session):
            wallet = wallets.get(move.policy_id, "")
            for channel in ("email", "webhook"):
                from_ms = since.get((wallet, channel))
                is_new = (move.claim_id, move.txn_no, channel) not in known
                if from_ms is not None and move.recorded_at_ms >= from_ms and is_new:
                    session.add(_notification(move, wallet, channel))
                    made += 1
        return made


def pending(settings: Settings, channel: str) -> list[str]:
    """Ids of the messages that are to be sent, oldest first."""
    with base.session(settings) as session:
        query = select(Notification.notification_id).where(
            Notification.state == "PENDING", Notification.channel == channel
        )
        order = (Notification.created_at_ms, Notification.claim_id, Notification.txn_no)
        return list(session.scalars(query.order_by(*order)))


def told(settings: Settings, notification_id: str) -> tuple[Told, str | None, str]:
    """A message's facts, its address (None when the contact is gone) and its wallet."""
    with base.session(settings) as session:
        row = session.get_one(Notification, notification_id)
        move = session.get_one(ClaimTxn, (row.claim_id, row.txn_no))
        address = contacts.address_of(settings, session, row.wallet, row.channel)
        amount, tx_hash = _payment(session, row, move)
        facts = Told(
            notification_id=notification_id,
            kind=row.kind,
            claim_id=row.claim_id,
            state=move.to_state,
            at=datetime.fromtimestamp(move.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC"),
            wallet_end=row.wallet[-4:],
            reasons=_reasons(session, move),
            is_appeal=_was_appealed(session, move),
            amount=None if amount is None else text_from_micro(amount),
            amount_micro_usdc=amount,
            tx_hash=tx_hash,
            is_simulated=settings.is_simulated,
        )
        return facts, address, row.wallet


def sent(settings: Settings, notification_id: str) -> None:
    """Keep that a message arrived."""
    with base.session(settings) as session:
        row = session.get_one(Notification, notification_id)
        row.tries += 1
        row.state, row.sent_at_ms, row.last_error = "SENT", clock.now_ms(), None


def failed(settings: Settings, notification_id: str, reason: str, is_final: bool = False) -> None:
    """Keep why a message did not arrive; it is tried again by as many runs as are set."""
    with base.session(settings) as session:
        row = session.get_one(Notification, notification_id)
        row.tries += 1
        row.last_error = reason[:MAX_ERROR]
        if is_final or row.tries >= settings.notification_tries:
            row.state = "FAILED"
        _log.warning(
            "notification_not_sent",
            notification_id=notification_id,
            tries=row.tries,
            state=row.state,
            reason=row.last_error,
        )


def _told_moves(session: Session) -> Iterable[ClaimTxn]:
    """Moves that are told of, but for those that only repeat what was told of the claim last."""
    last: dict[str, str] = {}
    query = select(ClaimTxn).where(ClaimTxn.to_state.in_(KINDS))
    for move in session.scalars(query.order_by(ClaimTxn.claim_id, ClaimTxn.txn_no)):
        if last.get(move.claim_id) != move.to_state:
            yield move
        last[move.claim_id] = move.to_state


def _wallets(session: Session) -> dict[str, str]:
    rows = session.execute(select(Quote.quote_id, Quote.wallet)).tuples()
    return {quote_id: wallet.lower() for quote_id, wallet in rows}


def _notification(move: ClaimTxn, wallet: str, channel: str) -> Notification:
    seed = f"{move.claim_id}|{move.txn_no}|{channel}"
    return Notification(
        notification_id="ntf_" + sha256(seed.encode()).hexdigest()[:24],
        wallet=wallet,
        channel=channel,
        kind=KINDS[move.to_state],
        claim_id=move.claim_id,
        txn_no=move.txn_no,
        state="PENDING",
        tries=0,
        last_error=None,
        created_at_ms=clock.now_ms(),
        sent_at_ms=None,
    )


def _payment(session: Session, row: Notification, move: ClaimTxn) -> tuple[int | None, str | None]:
    """The amount, where one was decided, and the transaction, where it was paid."""
    if row.kind == "paid":
        query = select(PayoutRecord).where(PayoutRecord.claim_id == row.claim_id)
        payout = session.scalars(query).one_or_none()
        return (payout.amount_micro_usdc, payout.tx_hash) if payout else (None, None)
    return (move.reserve_micro_usdc if move.to_state == "APPROVED" else None), None


def _reasons(session: Session, move: ClaimTxn) -> tuple[str, ...]:
    """Codes of the checks that refused the claim, as decided by then."""
    if move.to_state not in REFUSALS:
        return ()
    query = select(VerdictRecord.reasons).where(
        VerdictRecord.claim_id == move.claim_id, VerdictRecord.decided_at_ms <= move.recorded_at_ms
    )
    found = session.scalar(query.order_by(VerdictRecord.verdict_no.desc()).limit(1)) or ""
    return tuple(code for code in found.split(",") if code and code != "REVIEW")


def _was_appealed(session: Session, move: ClaimTxn) -> bool:
    query = select(ClaimTxn.txn_no).where(
        ClaimTxn.claim_id == move.claim_id,
        ClaimTxn.to_state == "APPEALED",
        ClaimTxn.txn_no < move.txn_no,
    )
    return session.scalar(query.limit(1)) is not None
