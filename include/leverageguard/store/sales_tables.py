"""What selling leaves behind besides quotes: refusals."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import append_only
from leverageguard.store.base import Base


class QuoteRefusal(Base):
    """A request that got no quote: its stable reason code, and what was asked as JSON."""

    __tablename__ = "quote_refusals"
    refusal_id: Mapped[str] = mapped_column(String(66), primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), index=True)
    wallet: Mapped[str] = mapped_column(String(42))
    product_version: Mapped[str] = mapped_column(String(64))
    reason_code: Mapped[str] = mapped_column(String(32), index=True)
    message: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(String(2000))
    body_hash: Mapped[str] = mapped_column(String(66))
    created_at_ms: Mapped[int] = mapped_column(BigInteger)


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = append_only(QuoteRefusal)
