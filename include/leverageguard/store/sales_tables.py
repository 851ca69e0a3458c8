"""What selling leaves behind besides quotes: refusals, and money in double entry."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, String
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


class LedgerEntry(Base):
    """One leg of one entry; the legs of an entry sum to nothing, debits are positive.

    `source` is the event on the chain that caused it, `party` whose money it is.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("leg_no > 0", name="leg_no_positive"),
        CheckConstraint("amount_micro_usdc <> 0", name="amount_moves"),
    )
    entry_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    leg_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(24))
    account: Mapped[str] = mapped_column(String(48))
    amount_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    party: Mapped[str] = mapped_column(String(42), index=True)
    policy_id: Mapped[str] = mapped_column(ForeignKey("quotes.quote_id"), index=True)
    occurred_at_ms: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(200))


# A migration that creates the tables must execute these too; create_all does so by itself.
TRIGGERS = (*append_only(QuoteRefusal), *append_only(LedgerEntry))
