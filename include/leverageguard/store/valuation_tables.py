"""What the fund was worth, owed and needed: one row a valuation, never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import append_only
from leverageguard.store.base import Base


class FundValuation(Base):
    """The fund at one instant; `valuation_id` is the sha256 (0x-hex) of all it rests on.

    `block_number` is the last block of the first chain that was read, `reserved_micro_usdc` what
    the pools hold back. Unearned premium is by time and weighted by hazard, incurred but not
    reported claims by chain-ladder and by Bornhuetter-Ferguson; own funds take the larger of both.
    The ratio is null while nothing is at risk. `details` is canonical JSON.
    """

    __tablename__ = "fund_valuations"
    __table_args__ = (
        CheckConstraint("unearned_micro_usdc >= 0", name="unearned_not_negative"),
        CheckConstraint("case_reserve_micro_usdc >= 0", name="case_reserve_not_negative"),
        CheckConstraint("payable_micro_usdc >= 0", name="payable_not_negative"),
        CheckConstraint(
            "ibnr_cl_micro_usdc >= 0 AND ibnr_bf_micro_usdc >= 0", name="ibnr_not_negative"
        ),
        CheckConstraint(
            "scr_1d_micro_usdc >= 0 AND scr_10d_micro_usdc >= 0", name="scr_is_no_gain"
        ),
        CheckConstraint(
            "earned_micro_usdc + unearned_micro_usdc = written_micro_usdc", name="written_is_both"
        ),
        CheckConstraint(
            "(solvency_ratio_ppm IS NULL) = (scr_1d_micro_usdc = 0)", name="ratio_of_something"
        ),
    )
    valuation_id: Mapped[str] = mapped_column(String(66), primary_key=True)
    valued_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)
    block_number: Mapped[int] = mapped_column(BigInteger)
    cash_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    free_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    reserved_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    written_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    earned_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    unearned_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    unearned_hazard_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    case_reserve_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    ibnr_cl_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    ibnr_bf_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    payable_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    own_funds_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    scr_1d_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    scr_10d_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    independent_1d_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    solvency_ratio_ppm: Mapped[int | None] = mapped_column(BigInteger)
    model_version: Mapped[str] = mapped_column(String(64))
    paths: Mapped[int] = mapped_column(Integer)
    seed: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[str] = mapped_column(String)
    inputs_hash: Mapped[str] = mapped_column(String(66))


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = append_only(FundValuation)
