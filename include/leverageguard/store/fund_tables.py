"""The fund's own record: thresholds that were crossed and what that halted, and withdrawals."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import Refusal, guarded
from leverageguard.store.base import Base, one_of

REQUEST_STATES = (
    "REQUESTED",
    "APPROVED",
    "ASKING",
    "TIMELOCKED",
    "TAKING",
    "PAID",
    "REJECTED",
    "CANCELLED",
    "EXPIRED",
)
CLOSED_REQUESTS = ("PAID", "REJECTED", "CANCELLED", "EXPIRED")
ALERT_ACTIONS = ("halt_payouts", "halt_sales", "pause_leverage", "tell")


class FundAlert(Base):
    """One threshold that was crossed, on one chain or (`chain_id` null) for the fund as a whole.

    While it is open its action holds. `figure` and `detail` are as they were last seen, `value` is
    the threshold's; both are in the figure's own unit. `open_key` is chain and threshold while it
    is open and null afterwards, so that the same one is open once.
    """

    __tablename__ = "fund_alerts"
    __table_args__ = (
        one_of("action", ALERT_ACTIONS),
        CheckConstraint(
            "(open_key IS NULL) = (closed_at_ms IS NOT NULL)", name="open_until_closed"
        ),
    )
    alert_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    threshold_id: Mapped[str] = mapped_column(String(48))
    chain_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(16))
    severity: Mapped[str] = mapped_column(String(16))
    from_leverage: Mapped[int | None] = mapped_column(Integer)
    figure: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[str] = mapped_column(String(500))
    open_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    opened_at_ms: Mapped[int] = mapped_column(BigInteger)
    opened_by: Mapped[str] = mapped_column(String(128))
    seen_at_ms: Mapped[int] = mapped_column(BigInteger)
    told_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    closed_at_ms: Mapped[int | None] = mapped_column(BigInteger)


class FundRequest(Base):
    """One withdrawal from one pool: asked for by a person, approved by two others, then on chain.

    ASKING and TAKING have a signed transaction under way (`tx_*`, the bytes stored before they are
    sent): the pool's own request, and the withdrawal once `ready_at_s` (epoch seconds) has come.
    `note` says what happened last.
    """

    __tablename__ = "fund_requests"
    __table_args__ = (
        one_of("state", REQUEST_STATES),
        CheckConstraint("amount_micro_usdc > 0", name="amount_positive"),
        CheckConstraint(
            "(withdrawal_no IS NULL) = (ready_at_s IS NULL)", name="timelocked_until_a_time"
        ),
    )
    request_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    recipient: Mapped[str] = mapped_column(String(42))
    amount_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(500))
    requested_by: Mapped[str] = mapped_column(String(128))
    changed_by: Mapped[str] = mapped_column(String(128))
    requested_at_ms: Mapped[int] = mapped_column(BigInteger)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger)
    tx_hash: Mapped[str | None] = mapped_column(String(66))
    tx_raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    tx_nonce: Mapped[int | None] = mapped_column(BigInteger)
    withdrawal_no: Mapped[int | None] = mapped_column(BigInteger)
    ready_at_s: Mapped[int | None] = mapped_column(BigInteger)


# A migration that creates the tables must execute these too; create_all does so by itself.
TRIGGERS = guarded(
    FundAlert,
    Refusal(
        "fund_alerts_no_delete",
        "DELETE",
        "fund_alerts",
        "an alert is never deleted",
    ),
    Refusal(
        "fund_alerts_fixed",
        "UPDATE OF threshold_id, chain_id, action, severity, from_leverage, value, "
        "opened_at_ms, opened_by",
        "fund_alerts",
        "what was crossed stays as it was crossed",
    ),
    Refusal(
        "fund_alerts_closed_once",
        "UPDATE OF figure, detail, open_key, seen_at_ms, closed_at_ms",
        "fund_alerts",
        "a closed alert stays closed",
        when="OLD.closed_at_ms IS NOT NULL",
    ),
)
REQUEST_TRIGGERS = guarded(
    FundRequest,
    Refusal(
        "fund_requests_no_delete",
        "DELETE",
        "fund_requests",
        "a request is never deleted",
    ),
    Refusal(
        "fund_requests_fixed",
        "UPDATE OF request_id, chain_id, recipient, amount_micro_usdc, why, requested_by, "
        "requested_at_ms",
        "fund_requests",
        "what was requested stays as it was requested",
    ),
    Refusal(
        "fund_requests_closed",
        "UPDATE",
        "fund_requests",
        "a closed request stays closed",
        when="OLD.state IN ('PAID', 'REJECTED', 'CANCELLED', 'EXPIRED')",
    ),
)
