"""The life of a policy: its moves, its endorsements, and payments that belong to none."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import Refusal, append_only, follows_on, guarded
from leverageguard.store.base import Base


class PolicyTxn(Base):
    """One move of one policy; `txn_no` counts a policy's moves from 1 without a gap.

    `at_ms` is when it took effect, `recorded_at_ms` when it was written down; see ClaimTxn.
    """

    __tablename__ = "policy_txns"
    __table_args__ = (
        CheckConstraint("txn_no > 0", name="txn_no_positive"),
        CheckConstraint("(from_state IS NULL) = (txn_no = 1)", name="only_the_first_from_nothing"),
    )
    policy_id: Mapped[str] = mapped_column(String(66), primary_key=True)
    txn_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    from_state: Mapped[str | None] = mapped_column(String(24))
    to_state: Mapped[str] = mapped_column(String(24))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(128))
    rule_id: Mapped[str] = mapped_column(String(48))
    inputs_hash: Mapped[str] = mapped_column(String(66))
    detail: Mapped[str] = mapped_column(String)


class PolicyEndorsement(Base):
    """A change of a policy that its holder signed before the cover began; the premium stays."""

    __tablename__ = "policy_endorsements"
    __table_args__ = (
        UniqueConstraint("policy_id", "endorsement_no"),
        CheckConstraint("endorsement_no > 0", name="endorsement_no_positive"),
        CheckConstraint("leverage > 0", name="leverage_positive"),
    )
    endorsement_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    policy_id: Mapped[str] = mapped_column(ForeignKey("quotes.quote_id"))
    endorsement_no: Mapped[int]
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))
    inst_id: Mapped[str] = mapped_column(String(64))
    leverage: Mapped[int]
    signer: Mapped[str] = mapped_column(String(42))
    signature: Mapped[str] = mapped_column(String(140))
    effective_at_ms: Mapped[int] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)


class PaymentException(Base):
    """Money that reached a pool and bought no policy as quoted: why, and what became of it."""

    __tablename__ = "payment_exceptions"
    __table_args__ = (
        UniqueConstraint("chain_id", "tx_hash", "log_index"),
        CheckConstraint("amount_micro_usdc >= 0", name="amount_not_negative"),
        CheckConstraint(
            "(resolved_at_ms IS NULL) = (resolved_by IS NULL) "
            "AND (resolved_at_ms IS NULL) = (resolution IS NULL)",
            name="resolved_by_somebody_for_a_reason",
        ),
    )
    payment_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    tx_hash: Mapped[str] = mapped_column(String(66))
    log_index: Mapped[int]
    payer: Mapped[str] = mapped_column(String(42))
    amount_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    quote_id: Mapped[str | None] = mapped_column(String(66))
    reason_code: Mapped[str] = mapped_column(String(48))
    detail: Mapped[str] = mapped_column(String(2000))
    paid_at_ms: Mapped[int] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)
    resolved_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    resolved_by: Mapped[str | None] = mapped_column(String(128))
    resolution: Mapped[str | None] = mapped_column(String(2000))


# A migration that creates the tables must execute these too; create_all does so by itself.
TRIGGERS = (
    *append_only(PolicyTxn, follows_on(PolicyTxn, "policy_id")),
    *append_only(PolicyEndorsement),
    *guarded(
        PaymentException,
        Refusal(
            "payment_exceptions_no_delete",
            "DELETE",
            "payment_exceptions",
            "money that arrived is never forgotten",
        ),
        Refusal(
            "payment_exceptions_fixed",
            "UPDATE OF payment_id, chain_id, tx_hash, log_index, payer, amount_micro_usdc, "
            "quote_id, reason_code, detail, paid_at_ms, created_at_ms",
            "payment_exceptions",
            "what arrived stays as it arrived",
        ),
        Refusal(
            "payment_exceptions_resolved_once",
            "UPDATE",
            "payment_exceptions",
            "a resolved payment stays resolved",
            when="OLD.resolved_at_ms IS NOT NULL",
        ),
    ),
)
