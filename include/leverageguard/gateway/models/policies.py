"""Policies: bought quotes with where they stand, now or at an instant."""

from __future__ import annotations

from pydantic import BaseModel, Field

from leverageguard.gateway.models.common import (
    AccountId,
    Address,
    Given,
    Hash32,
    Instant,
    InstId,
    MicroUsdc,
    Signature,
)


class PolicyShort(BaseModel):
    """A quote and what became of it."""

    policy_id: Hash32
    wallet: Address
    state: str = Field(
        description="As last recorded from the chain and the clock", examples=["IN_FORCE"]
    )
    since_at: Instant
    account_id: AccountId
    inst_id: InstId
    leverage: int
    product_version: str = Field(examples=["actuarial-v2"])
    premium_micro_usdc: MicroUsdc
    max_payout_micro_usdc: MicroUsdc
    created_at: Instant
    expires_at: Instant | None
    cover_start_at: Instant | None
    cover_end_at: Instant | None = Field(description="Excluded from the cover")
    file_until_at: Instant | None


class PolicyMove(BaseModel):
    """One move of a policy."""

    state: str = Field(examples=["PAID"])
    meaning: str = Field(examples=["The purchase is confirmed on the chain as quoted."])
    by: str = Field(examples=["chain"])
    at: Instant
    recorded_at: Instant


class EndorsementShown(BaseModel):
    """A signed change."""

    number: int
    account_id: AccountId
    inst_id: InstId
    leverage: int
    effective_at: Instant


class PolicyShown(PolicyShort):
    """A policy as it stood at an instant, with all its moves."""

    at: Instant
    principal_micro_usdc: MicroUsdc
    planned_micro_usdc: MicroUsdc = Field(description="What payouts were planned of it so far")
    is_bought: bool | None = Field(
        description="Whether the chain sold it; null while the chain cannot say"
    )
    moves: list[PolicyMove]
    endorsements: list[EndorsementShown]


class EndorsementGiven(Given):
    """A change of the policy, signed by its holder before the cover begins."""

    account_id: AccountId
    inst_id: InstId
    leverage: int = Field(ge=1, le=1000)
    number: int = Field(ge=1, le=1_000_000, description="As in the signed message")
    signature: Signature


class Endorsed(BaseModel):
    """The change is on record."""

    endorsement_id: str = Field(examples=["end_0f5a3c2b1d4e6f7a8b9c0d1e"])
    policy_id: Hash32
