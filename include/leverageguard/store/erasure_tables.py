"""Whose personal data was erased, by whom and why."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import append_only
from leverageguard.store.base import Base


class Erasure(Base):
    """One erasure: how many contacts, exchange keys and messages lost what they held of a person.

    A store that is restored from before it holds them again: whoever restores erases once more.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint(
            "contact_count >= 0 AND key_count >= 0 AND message_count >= 0",
            name="counts_not_negative",
        ),
    )
    erasure_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    wallet: Mapped[str] = mapped_column(String(42), index=True)
    why: Mapped[str] = mapped_column(String(500))
    erased_by: Mapped[str] = mapped_column(String(128))
    erased_at_ms: Mapped[int] = mapped_column(BigInteger)
    contact_count: Mapped[int]
    key_count: Mapped[int]
    message_count: Mapped[int]


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = append_only(Erasure)
