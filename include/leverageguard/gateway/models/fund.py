"""The fund's public figures."""

from __future__ import annotations

from pydantic import BaseModel, Field

from leverageguard.gateway.models.common import Instant, MicroUsdc


class FundShown(BaseModel):
    """The newest valuation: what the fund holds, owes and must be able to bear."""

    is_simulated: bool
    valued_at: Instant
    block_number: int
    cash_micro_usdc: MicroUsdc
    free_micro_usdc: MicroUsdc
    reserved_micro_usdc: MicroUsdc
    written_micro_usdc: MicroUsdc
    earned_micro_usdc: MicroUsdc
    unearned_micro_usdc: MicroUsdc
    case_reserve_micro_usdc: MicroUsdc
    ibnr_micro_usdc: MicroUsdc
    payable_micro_usdc: MicroUsdc
    own_funds_micro_usdc: MicroUsdc
    scr_1d_micro_usdc: MicroUsdc = Field(description="Net loss of one day at 99.5 %")
    scr_10d_micro_usdc: MicroUsdc
    solvency_ratio_ppm: int | None = Field(
        description="Own funds over the one-day loss, in a million; null with nothing at risk"
    )
    policies_at_risk: int
    sum_at_risk_micro_usdc: MicroUsdc
    ladder_micro_usdc: dict[str, MicroUsdc] = Field(
        description="Payouts if every price moved at once by so much"
    )
    paths: int = Field(description="SIMULATED price paths the capital is asked of")
    model_version: str = Field(examples=["paths-v1"])
