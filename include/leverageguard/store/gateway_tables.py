"""What the gateway remembers of who came in: nonces that were used, and service accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.base import Base


class UsedNonce(Base):
    """A nonce a wallet signed in with: the key lets no second sign-in take it.

    Times are the system's, in a simulated world too: wallets know no other.
    """

    __tablename__ = "used_nonces"
    nonce: Mapped[str] = mapped_column(String(96), primary_key=True)
    wallet: Mapped[str] = mapped_column(String(42))
    expires_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)


class ServiceAccount(Base):
    """A program that calls with a key; of the key only the sha256 is kept (0x-hex)."""

    __tablename__ = "service_accounts"
    __table_args__ = (
        CheckConstraint(
            "(revoked_at_ms IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"
        ),
    )
    account_id: Mapped[str] = mapped_column(String(24), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    key_hash: Mapped[str] = mapped_column(String(66), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(JSON)
    created_by: Mapped[str] = mapped_column(String(128))
    created_at_ms: Mapped[int] = mapped_column(BigInteger)
    revoked_by: Mapped[str | None] = mapped_column(String(128))
    revoked_at_ms: Mapped[int | None] = mapped_column(BigInteger)
