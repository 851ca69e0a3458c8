"""The audit log: append-only, each row carrying the hash of the row before it."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import append_only
from leverageguard.store.base import Base


class AuditEvent(Base):
    """One thing that was done; `seq` counts from 1 without a gap.

    `event_hash` is the sha256 (0x-hex) of the canonical JSON of all other columns that are set,
    `prev_hash` the event_hash of the row before (64 zeros for the first). `payload` is the
    canonical JSON of the row that was written, `subject` its table and key; `before` what the
    columns held that were changed. `caller` and `request_id` are those of the gateway's request.
    """

    __tablename__ = "audit_events"
    __table_args__ = (CheckConstraint("seq > 0", name="seq_positive"),)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(250), index=True)
    payload: Mapped[str] = mapped_column(String)
    prev_hash: Mapped[str] = mapped_column(String(66))
    event_hash: Mapped[str] = mapped_column(String(66), unique=True)
    before: Mapped[str | None] = mapped_column(String)
    caller: Mapped[str | None] = mapped_column(String(128))
    request_id: Mapped[str | None] = mapped_column(String(64))


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = append_only(AuditEvent)
