"""What anybody may know of the pool: figures, days, adequacy, batches with their proofs."""

from __future__ import annotations

from pydantic import BaseModel, Field

from leverageguard.gateway.models.common import Hash32, Instant, MicroUsdc


class ChainNamed(BaseModel):
    """One chain that pays."""

    chain_id: int = Field(examples=[31337])
    name: str = Field(examples=["local"])
    explorer_url: str | None = Field(
        description="Where people look transactions up, `/tx/` and the hash behind it",
        examples=["https://basescan.org"],
    )


class Kpis(BaseModel):
    """The pool since it began."""

    balance_micro_usdc: MicroUsdc = Field(description="What the pools hold, as last read")
    deposits_micro_usdc: MicroUsdc = Field(description="Capital that came in, less what left")
    premiums_micro_usdc: MicroUsdc = Field(description="Premiums less refunds")
    paid_micro_usdc: MicroUsdc = Field(description="Payouts")
    loss_ratio_ppm: int | None = Field(
        description="Payouts over premiums, in a million; null without premiums", examples=[432072]
    )
    policy_count: int = Field(description="Policies that were bought", examples=[200])
    in_force_count: int = Field(description="Policies whose cover runs", examples=[7])
    claim_count: int = Field(examples=[89])
    paid_claim_count: int = Field(examples=[52])


class DayOfMoney(BaseModel):
    """What moved on one UTC day."""

    day: str = Field(description="ISO 8601", examples=["2026-01-05"])
    premiums_micro_usdc: MicroUsdc = Field(description="Premiums less refunds")
    payouts_micro_usdc: MicroUsdc
    balance_micro_usdc: MicroUsdc = Field(description="At the day's end")


class Adequacy(BaseModel):
    """The newest valuation: own funds are cash less everything owed, and must bear a bad day."""

    valued_at: Instant
    cash_micro_usdc: MicroUsdc
    unearned_micro_usdc: MicroUsdc = Field(description="Premiums not earned yet")
    case_reserve_micro_usdc: MicroUsdc = Field(description="For claims that are not approved yet")
    ibnr_micro_usdc: MicroUsdc = Field(description="Happened and not notified")
    payable_micro_usdc: MicroUsdc = Field(description="Approved and not paid")
    other_owed_micro_usdc: MicroUsdc = Field(
        description="Referral credits, and payments that bought nothing"
    )
    own_funds_micro_usdc: MicroUsdc
    scr_1d_micro_usdc: MicroUsdc = Field(
        description="Net loss of one day that 99.5 % of the SIMULATED price paths stay within"
    )
    path_count: int = Field(description="SIMULATED price paths", examples=[10000])
    solvency_ratio_ppm: int | None = Field(
        description="Own funds over that loss, in a million; null with nothing at risk",
        examples=[255639112],
    )


class VerdictCount(BaseModel):
    """How many claims have a verdict."""

    verdict: str = Field(examples=["verified"])
    claim_count: int = Field(examples=[55])


class ReasonCount(BaseModel):
    """How many claims a check stands in the way of."""

    reason_code: str = Field(examples=["IN_COVER"])
    claim_count: int = Field(examples=[10])


class TransparencyShown(BaseModel):
    """The pool's public figures, of one published snapshot and the newest valuation."""

    is_simulated: bool = Field(description="True while the world is SIMULATED")
    snapshot_version: str = Field(examples=["20260106T022343Z-0001"])
    published_at: Instant
    chains: list[ChainNamed]
    kpis: Kpis
    days: list[DayOfMoney] = Field(description="Oldest first")
    adequacy: Adequacy | None = Field(description="Null before the fund was valued")
    verdicts: list[VerdictCount]
    rejection_reasons: list[ReasonCount] = Field(
        description="Of claims that are not verified; one claim may have several"
    )


class PayoutProved(BaseModel):
    """One payout of a batch; `POST /proofs/verify` decides its claim again from its package."""

    claim_id: str = Field(examples=["clm_cb19b0376abf154391adb56d"])
    claim_index: int | None = Field(description="Its place in the pool's order", examples=[5])
    amount_micro_usdc: MicroUsdc
    status: str = Field(description="paid, planned or failed", examples=["paid"])
    evidence_root: Hash32 | None = Field(description="The root its package is named by")


class BatchShown(BaseModel):
    """One payout transaction."""

    chain_id: int = Field(examples=[31337])
    batch_no: int = Field(examples=[1])
    status: str = Field(
        description="settled, or planned while it is on its way", examples=["settled"]
    )
    claim_count: int = Field(examples=[52])
    total_micro_usdc: MicroUsdc
    paid_micro_usdc: MicroUsdc
    failed_count: int = Field(description="Payouts that were refused and stay owed", examples=[0])
    tx_hash: Hash32 | None
    evidence_root: Hash32 | None = Field(description="What the chain holds of the evidence")
    gas_used: int | None = Field(examples=[1402835])
    planned_at: Instant
    settled_at: Instant | None
    payouts: list[PayoutProved]
