"""What traders bring: accounts, bindings, quotes and filed claims (append-only)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.base import Base


class Account(Base):
    """One read-only exchange account; credentials are encrypted, never in clear."""

    __tablename__ = "accounts"
    account_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    exchange: Mapped[str] = mapped_column(String(32))
    uid: Mapped[str] = mapped_column(String(64))
    root_uid: Mapped[str] = mapped_column(String(64))
    wallet: Mapped[str] = mapped_column(String(42))
    encrypted_credentials: Mapped[bytes] = mapped_column(LargeBinary)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)


class Binding(Base):
    """A signed statement that binds an account's uid to a wallet; `signer` was recovered."""

    __tablename__ = "bindings"
    __table_args__ = (UniqueConstraint("account_id", "nonce"),)
    binding_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))
    exchange: Mapped[str] = mapped_column(String(32))
    uid: Mapped[str] = mapped_column(String(64))
    wallet: Mapped[str] = mapped_column(String(42))
    nonce: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[str] = mapped_column(String(140))
    signer: Mapped[str] = mapped_column(String(42))
    signed_at_ms: Mapped[int] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)


class Quote(Base):
    """The frozen terms a policy is bought under; `quote_id` binds them all.

    `reference` is the client's idempotency key, `body_hash` what it asked for under it. Below
    `created_at_ms` stands what the quote rests on: empty where no quote service made it.
    """

    __tablename__ = "quotes"
    __table_args__ = (
        CheckConstraint("principal_micro_usdc > 0", name="principal_positive"),
        CheckConstraint("premium_micro_usdc > 0", name="premium_positive"),
        CheckConstraint("max_payout_micro_usdc > 0", name="max_payout_positive"),
        CheckConstraint("payout_rate_ppm > 0", name="payout_rate_positive"),
    )
    quote_id: Mapped[str] = mapped_column(String(66), primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    wallet: Mapped[str] = mapped_column(String(42))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))
    product_version: Mapped[str] = mapped_column(String(64))
    terms_hash: Mapped[str] = mapped_column(String(66))
    inst_id: Mapped[str] = mapped_column(String(64))
    leverage: Mapped[int]
    principal_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    premium_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    payout_rate_ppm: Mapped[int] = mapped_column(BigInteger)
    max_payout_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    cover_seconds: Mapped[int] = mapped_column(BigInteger)
    wait_seconds: Mapped[int] = mapped_column(BigInteger)
    filing_grace_seconds: Mapped[int] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)
    expires_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    body_hash: Mapped[str | None] = mapped_column(String(66))
    base_asset: Mapped[str | None] = mapped_column(String(16))
    side: Mapped[str | None] = mapped_column(String(8))
    model_version: Mapped[str | None] = mapped_column(String(64))
    p_ppm: Mapped[int | None] = mapped_column(BigInteger)
    expected_loss_micro_usdc: Mapped[int | None] = mapped_column(BigInteger)
    surcharge_micro_usdc: Mapped[int | None] = mapped_column(BigInteger)
    referrer: Mapped[str | None] = mapped_column(String(42))
    referral_micro_usdc: Mapped[int | None] = mapped_column(BigInteger)
    inputs: Mapped[str | None] = mapped_column(String(4000))
    inputs_hash: Mapped[str | None] = mapped_column(String(66))
    chain_id: Mapped[int | None] = mapped_column(BigInteger)
    signature: Mapped[str | None] = mapped_column(String(140))


class FiledClaim(Base):
    """A claim as filed: which order under which policy, and the wallet that signed it."""

    __tablename__ = "filed_claims"
    filing_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    policy_id: Mapped[str] = mapped_column(ForeignKey("quotes.quote_id"))
    claimed_by: Mapped[str] = mapped_column(String(42))
    inst_id: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(140))
    filed_at_ms: Mapped[int] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)
