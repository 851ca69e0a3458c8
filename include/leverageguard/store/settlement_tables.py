"""The money's record: batches, payouts, the outbox of signed transactions, leases and events.

Uniqueness is what makes a second payment impossible here: one row per claim and per liquidation
event over all chains, and one per claim index on each chain, for ever.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import Refusal, append_only, guarded
from leverageguard.store.base import Base, one_of

BATCH_STATES = ("PLANNED", "SIGNED", "SENT", "PAY_UNKNOWN", "REVERTED", "MINED", "FINAL")
PAYOUT_STATES = (*BATCH_STATES[:-1], "PAID", "FAILED")
TRANSACTION_STATES = ("SIGNED", "SENT", "MINED", "FINAL", "REPLACED", "REVERTED")


def _on_the_batchs_chain() -> ForeignKeyConstraint:
    """What belongs to a batch can be on no other chain than the batch."""
    return ForeignKeyConstraint(["batch_id", "chain_id"], ["batches.batch_id", "batches.chain_id"])


class BatchRecord(Base):
    """One batch; `batch_no` is its place in the sequence of its chain's contract, `tx_hash` what
    settled it."""

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("chain_id", "batch_no"),
        UniqueConstraint("batch_id", "chain_id"),  # what payouts and transactions refer to
        CheckConstraint("total_micro_usdc > 0", name="total_positive"),
        CheckConstraint("claim_count > 0", name="claim_count_positive"),
        CheckConstraint("batch_no > 0", name="batch_no_positive"),
        one_of("state", BATCH_STATES),
    )
    batch_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    batch_no: Mapped[int] = mapped_column(BigInteger)
    claim_count: Mapped[int]
    total_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    evidence_root: Mapped[str] = mapped_column(String(66))
    state: Mapped[str] = mapped_column(String(16))
    tx_hash: Mapped[str | None] = mapped_column(String(66))
    gas_used: Mapped[int | None] = mapped_column(BigInteger)
    planned_at_ms: Mapped[int] = mapped_column(BigInteger)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger)
    is_landed: Mapped[bool] = mapped_column(default=False)


class PayoutRecord(Base):
    """One payout of one claim; `recipient` is an EIP-55 address, `party` the policy's wallet.

    `evidence_root` is the sealed package it rests on, null only for what an older release planned.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount_micro_usdc > 0", name="amount_positive"),
        CheckConstraint("claim_index > 0", name="claim_index_positive"),
        one_of("state", PAYOUT_STATES),
        _on_the_batchs_chain(),
    )
    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    claim_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    claim_id: Mapped[str] = mapped_column(String(64), unique=True)
    liquidation_event_id: Mapped[str] = mapped_column(String(160), unique=True)
    policy_id: Mapped[str] = mapped_column(String(66))
    party: Mapped[str] = mapped_column(String(42))
    batch_id: Mapped[str] = mapped_column(String(64), index=True)
    recipient: Mapped[str] = mapped_column(String(42))
    amount_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    tx_hash: Mapped[str | None] = mapped_column(String(66))
    log_index: Mapped[int | None] = mapped_column(Integer)
    planned_at_ms: Mapped[int] = mapped_column(BigInteger)
    evidence_root: Mapped[str | None] = mapped_column(String(66))


class TransactionRecord(Base):
    """The outbox: the signed bytes are stored before they are broadcast; fees in wei.

    `position` counts a batch's transactions from 0 in the order they were signed.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        Index("ix_transactions_chain_sender_nonce", "chain_id", "sender", "nonce"),
        CheckConstraint("nonce >= 0", name="nonce_not_negative"),
        one_of("state", TRANSACTION_STATES),
        _on_the_batchs_chain(),
    )
    tx_hash: Mapped[str] = mapped_column(String(66), primary_key=True)
    batch_id: Mapped[str] = mapped_column(String(64), index=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[str] = mapped_column(String(42))
    nonce: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    payouts_hash: Mapped[str] = mapped_column(String(66))
    deadline_s: Mapped[int] = mapped_column(BigInteger)
    gas_limit: Mapped[int] = mapped_column(BigInteger)
    max_fee_per_gas_wei: Mapped[str] = mapped_column(String(32))
    priority_fee_per_gas_wei: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None] = mapped_column(String(66))
    gas_used: Mapped[int | None] = mapped_column(BigInteger)
    effective_gas_price_wei: Mapped[str | None] = mapped_column(String(32))
    created_at_ms: Mapped[int] = mapped_column(BigInteger)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger)


class Lease(Base):
    """Who may settle on one contract until when; real time, since a simulated clock jumps."""

    __tablename__ = "leases"
    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contract: Mapped[str] = mapped_column(String(42), primary_key=True)
    owner: Mapped[str] = mapped_column(String(128))
    expires_at_ms: Mapped[int] = mapped_column(BigInteger)


class SettlementEvent(Base):
    """One state change: what moved, from where to where, when, by whom and by which rule."""

    __tablename__ = "settlement_events"
    event_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batches.batch_id"), index=True)
    claim_id: Mapped[str | None] = mapped_column(String(64))
    tx_hash: Mapped[str | None] = mapped_column(String(66))
    from_state: Mapped[str | None] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(128))
    rule: Mapped[str] = mapped_column(String(200))


# A migration that creates the tables must execute these too; create_all does so by itself.
TRIGGERS = (
    *append_only(SettlementEvent),
    *guarded(
        PayoutRecord,
        Refusal(
            "payouts_no_delete",
            "DELETE",
            "payouts",
            "a planned payout is never deleted",
        ),
        Refusal(
            "payouts_fixed",
            "UPDATE OF chain_id, claim_index, claim_id, liquidation_event_id, policy_id, "
            "batch_id, recipient, amount_micro_usdc",
            "payouts",
            "a planned payout is never changed",
        ),
    ),
)
