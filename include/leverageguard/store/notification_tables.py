"""What traders are told: where to, and the outbox of what is told once."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.base import Base, one_of

CHANNELS = ("email", "webhook")
KINDS = ("received", "decided", "paid", "appeal")
NOTIFICATION_STATES = ("PENDING", "SENT", "FAILED")


class Contact(Base):
    """Where a wallet's holder wants to be told; addresses are encrypted at rest."""

    __tablename__ = "contacts"
    __table_args__ = (one_of("channel", CHANNELS),)
    wallet: Mapped[str] = mapped_column(String(42), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    encrypted_address: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger)


class Notification(Base):
    """One message about one move of one claim on one channel; sent at least once."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("claim_id", "txn_no", "channel"),
        one_of("channel", CHANNELS),
        one_of("kind", KINDS),
        one_of("state", NOTIFICATION_STATES),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
    )
    notification_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    wallet: Mapped[str] = mapped_column(String(42))
    channel: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    claim_id: Mapped[str] = mapped_column(String(64))
    txn_no: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at_ms: Mapped[int] = mapped_column(BigInteger)
    sent_at_ms: Mapped[int | None] = mapped_column(BigInteger)
