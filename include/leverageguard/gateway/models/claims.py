"""Claims: filed, watched, withdrawn, appealed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from leverageguard.gateway.models.common import (
    Address,
    ClaimId,
    Given,
    Hash32,
    Instant,
    InstId,
    MicroUsdc,
    OrderId,
    Signature,
)
from leverageguard.gateway.models.signables import LONGEST_STATEMENT


class ClaimFiled(Given):
    """A wallet-signed statement that an order was a covered liquidation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "policy_id": "0x" + "2b" * 32,
                    "inst_id": "BTC-USDT-SWAP",
                    "order_id": "2940071038556348417",
                    "signature": "0x" + "5a" * 64 + "1b",
                }
            ]
        }
    )
    policy_id: Hash32
    inst_id: InstId
    order_id: OrderId
    signature: Signature


class FilingAccepted(BaseModel):
    """The filing is on record for good; what follows is seen under `status_url`."""

    filing_id: ClaimId
    stage: str = Field(examples=["RECEIVED"])
    filed_at: Instant
    status_url: str = Field(examples=["/leverageguard/api/v1/claims/fil_0f5a3c2b"])


class Withdrawn(Given):
    """The holder's signature of the withdrawal."""

    signature: Signature


class Appealed(Given):
    """The holder's reason and signature."""

    statement: str = Field(
        min_length=1, max_length=LONGEST_STATEMENT, examples=["The mark price did touch it."]
    )
    signature: Signature


class ClaimMove(BaseModel):
    """One move of the claim."""

    stage: str = Field(examples=["VERIFYING"])
    meaning: str = Field(
        description="What the move means, in plain words",
        examples=["Nothing that a check needs is missing any more."],
    )
    by: str = Field(
        description="rules, person, claimant, planner, chain, clock or operator", examples=["rules"]
    )
    at: Instant


class Reason(BaseModel):
    """A check that decided, in plain words."""

    code: str = Field(examples=["IN_COVER"])
    meaning: str = Field(examples=["Opened and closed inside the cover and filed in time."])


class ClaimCheck(BaseModel):
    """One check: what it asks, what was seen and what had to be seen."""

    code: str = Field(examples=["IN_COVER"])
    meaning: str = Field(examples=["Opened and closed inside the cover and filed in time."])
    result: str = Field(description="pass, fail or unknown", examples=["pass"])
    is_hold: bool = Field(description="Whether it holds the claim for people")
    observed: str | None = Field(examples=["opened 02:10, closed 03:40, filed 03:41"])
    expected: str | None = Field(
        examples=["within 02:00..10:00, filed until 10:00 of the next day"]
    )


class PayoutShown(BaseModel):
    """What is paid, where and by which transaction."""

    amount_micro_usdc: MicroUsdc
    state: str = Field(examples=["PAID"])
    recipient: Address
    chain_id: int
    batch_no: int
    tx_hash: Hash32 | None


class ClaimShort(BaseModel):
    """Where a claim stands."""

    claim_id: str | None = Field(
        description="None until the claim was opened from its filing",
        examples=["clm_0f5a3c2b1d4e6f7a8b9c0d1e"],
    )
    filing_id: str | None = Field(
        description="None for a liquidation that nobody filed",
        examples=["fil_0f5a3c2b1d4e6f7a8b9c0d1e"],
    )
    policy_id: Hash32
    wallet: Address
    stage: str = Field(description="RECEIVED, then the claim's state", examples=["PAID"])
    meaning: str = Field(examples=["The payout is final on the chain."])
    notified_at: Instant
    since_at: Instant


class ClaimShown(ClaimShort):
    """All that is known of a claim."""

    inst_id: str | None = Field(examples=["BTC-USDT-SWAP"])
    order_id: str | None = Field(examples=["2940071038556348417"])
    verdict: str | None = Field(
        description="verified, rejected or undetermined", examples=["verified"]
    )
    reasons: list[Reason]
    holds: list[Reason]
    approved_micro_usdc: MicroUsdc | None
    paid_micro_usdc: MicroUsdc
    payout: PayoutShown | None
    moves: list[ClaimMove]
    checks: list[ClaimCheck]
    evidence_root: Hash32 | None
    may_withdraw: bool
    may_appeal: bool
    appeal_until_at: Instant | None
