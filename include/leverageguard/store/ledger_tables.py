"""The fund's books: money in double entry, written once and never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import append_only
from leverageguard.store.base import Base


class LedgerEntry(Base):
    """One leg of one entry; the legs of an entry sum to nothing, debits are positive.

    `source` is the event that caused it: `chain id:transaction:log index@block time` of the chain,
    else the record of the store. `occurred_at_ms` is the event's time, `recorded_at_ms` when it was
    written down. `restates` is the entry that this one undoes (kind `reversal`) or takes the place
    of. `party` is whose money it is.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("leg_no > 0", name="leg_no_positive"),
        CheckConstraint("amount_micro_usdc <> 0", name="amount_moves"),
        CheckConstraint("kind <> 'reversal' OR restates IS NOT NULL", name="reversal_of_an_entry"),
    )
    entry_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    leg_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(24))
    account: Mapped[str] = mapped_column(String(48), index=True)
    amount_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    party: Mapped[str | None] = mapped_column(String(42), index=True)
    policy_id: Mapped[str | None] = mapped_column(String(66), index=True)
    claim_id: Mapped[str | None] = mapped_column(String(64))
    chain_id: Mapped[int | None] = mapped_column(BigInteger)
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    occurred_at_ms: Mapped[int] = mapped_column(BigInteger)
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(200), index=True)
    restates: Mapped[str | None] = mapped_column(String(64), index=True)


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = append_only(LedgerEntry)
