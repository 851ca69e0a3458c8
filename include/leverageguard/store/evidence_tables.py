"""What was decided about each claim, and every time it was decided anew (append-only)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import Refusal, append_only, guarded
from leverageguard.store.base import Base, one_of
from leverageguard.store.settlement_tables import PayoutRecord

VERDICTS = ("verified", "rejected", "undetermined")
CAUSES = ("first", "evidence_changed", "rules_changed", "verdict_changed")
STANDINGS = ("open", "stands", "RECOVERY_OPEN")


class VerdictRecord(Base):
    """One verdict on one claim; `verdict_no` counts a claim's verdicts from 1.

    `evidence_root` is the package it rests on, null while a claim is undetermined. `cause` says
    what brought it: of several changes the deepest, so a rule before the evidence. `standing` is
    null until the claim is planned or paid; from then on it says whether the payment stands.
    """

    __tablename__ = "verdicts"
    __table_args__ = (
        UniqueConstraint("claim_id", "verdict_no"),
        CheckConstraint("verdict_no > 0", name="verdict_no_positive"),
        CheckConstraint("approved_micro_usdc >= 0", name="approved_not_negative"),
        CheckConstraint(
            "verdict = 'undetermined' OR evidence_root IS NOT NULL", name="decided_on_evidence"
        ),
        one_of("verdict", VERDICTS),
        one_of("cause", CAUSES),
        one_of("standing", STANDINGS),
    )
    verdict_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    claim_id: Mapped[str] = mapped_column(String(64))
    verdict_no: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[str] = mapped_column(String(400))
    hold_reasons: Mapped[str] = mapped_column(String(400))
    approved_micro_usdc: Mapped[int | None] = mapped_column(BigInteger)
    evidence_root: Mapped[str | None] = mapped_column(String(66))
    rules_version: Mapped[str] = mapped_column(String(64))
    product_version: Mapped[str] = mapped_column(String(64))
    decided_at_ms: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(24))
    standing: Mapped[str | None] = mapped_column(String(16))


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = (
    *append_only(VerdictRecord),
    *guarded(
        PayoutRecord,
        Refusal(
            "payouts_evidence_fixed",
            "UPDATE OF evidence_root",
            "payouts",
            "a planned payout is never changed",
        ),
    ),
)
