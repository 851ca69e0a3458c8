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
    status_url: str


class Withdrawn(Given):
    """The holder's signature of the withdrawal."""

    signature: Signature


class Appealed(Given):
    """The holder's reason and signature."""

    statement: str = Field(min_length=1, max_length=LONGEST_STATEMENT)
    signature: Signature


class ClaimMove(BaseModel):
    """One move of the claim."""

    stage: str
    meaning: str = Field(description="What the move means, in plain words")
    by: str = Field(description="rules, person, claimant, planner, chain, clock or operator")
    at: Instant


class Reason(BaseModel):
    """A check that decided, in plain words."""

    code: str
    meaning: str


class ClaimCheck(BaseModel):
    """One check: what it asks, what was seen and what had to be seen."""

    code: str
    meaning: str
    result: str = Field(description="pass, fail or unknown")
    is_hold: bool = Field(description="Whether it holds the claim for people")
    observed: str | None
    expected: str | None


class PayoutShown(BaseModel):
    """What is paid, where and by which transaction."""

    amount_micro_usdc: MicroUsdc
    state: str
    recipient: Address
    chain_id: int
    batch_no: int
    tx_hash: str | None


class ClaimShort(BaseModel):
    """Where a claim stands."""

    claim_id: str | None = Field(description="None until the claim was opened from its filing")
    filing_id: str | None = Field(description="None for a liquidation that nobody filed")
    policy_id: Hash32
    wallet: Address
    stage: str = Field(description="RECEIVED, then the claim's state")
    meaning: str
    notified_at: Instant
    since_at: Instant


class ClaimShown(ClaimShort):
    """All that is known of a claim."""

    inst_id: str | None
    order_id: str | None
    verdict: str | None = Field(description="verified, rejected or undetermined")
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
