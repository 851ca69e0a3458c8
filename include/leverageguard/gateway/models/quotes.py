"""Quotes: what is asked, what it costs and why, and what to send to buy it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from leverageguard.gateway.models.common import (
    AccountId,
    Address,
    Given,
    Hash32,
    Instant,
    InstId,
    MicroUsdc,
)


class QuoteAsked(Given):
    """What shall be insured."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_id": "acc_0f5a3c2b1d4e6f7a8b9c0d1e",
                    "inst_id": "BTC-USDT-SWAP",
                    "leverage": 20,
                    "principal_micro_usdc": "100000000",
                    "cover_hours": 24,
                    "side": "long",
                }
            ]
        }
    )
    account_id: AccountId
    inst_id: InstId
    leverage: int = Field(ge=1, le=1000, description="The highest leverage that is covered")
    principal_micro_usdc: str = Field(
        pattern=r"^[1-9][0-9]{0,15}$",
        description="The insured margin in micro-USDC, whole cents",
        examples=["100000000"],
    )
    cover_hours: int = Field(ge=1, le=8760, description="How long it covers: 8 or 24")
    side: Literal["long", "short", "either"] = Field(
        "either", description="Where the exposure is counted; a cover pays on both sides"
    )
    product_version: str | None = Field(
        None, pattern=r"^[a-z0-9-]{1,64}$", description="The default product where none is named"
    )
    referrer: Address | None = Field(None, description="The wallet that is credited")
    wallet: Address | None = Field(
        None, description="Who buys: a service names it, a trader may leave it out"
    )


class PriceExplained(BaseModel):
    """premium = ceil(p x max payout x (1 + load) + expense); a tariff has no p."""

    p_ppm: int | None = Field(description="Chance of a payout in a million")
    expected_loss_micro_usdc: MicroUsdc | None
    load_ppm: int | None = Field(description="What is added to the expected loss, in a million")
    expense_micro_usdc: MicroUsdc | None
    surcharge_micro_usdc: MicroUsdc = Field(description="Loyalty surcharge, part of the premium")
    referral_micro_usdc: MicroUsdc = Field(description="Credited to the referrer out of it")
    model_version: str | None = Field(examples=["barrier-v1"])


class QuoteGiven(BaseModel):
    """A signed quote: the pool sells exactly this until it expires."""

    quote_id: Hash32
    state: str = Field(
        description="QUOTED, PAID, WAITING, IN_FORCE, ..., as last recorded", examples=["QUOTED"]
    )
    is_expired: bool
    wallet: Address
    account_id: AccountId
    inst_id: InstId
    side: str | None = Field(examples=["either"])
    leverage: int
    product_version: str = Field(examples=["actuarial-v2"])
    principal_micro_usdc: MicroUsdc
    premium_micro_usdc: MicroUsdc
    max_payout_micro_usdc: MicroUsdc
    payout_rate_ppm: int
    cover_seconds: int
    wait_seconds: int = Field(description="The cover begins so long after the payment")
    filing_grace_seconds: int
    price: PriceExplained
    terms_hash: Hash32
    inputs_hash: Hash32 | None
    chain_id: int | None
    created_at: Instant
    expires_at: Instant | None


class Transaction(BaseModel):
    """Ready for eth_sendTransaction once `from` is the buyer."""

    kind: Literal["approve", "buy_policy"]
    to: str = Field(examples=["0xCcF72A86131D8940Ea9645cE5C39aEc46A4701EF"])
    data: str = Field(examples=["0x095ea7b3"])
    value: str = Field(examples=["0x0"])
    gas: str = Field(description="The gas limit in 0x-hex", examples=["0x61a80"])
    chain_id: int


class PurchaseGiven(BaseModel):
    """Send these two in order, each after the one before was mined."""

    quote_id: Hash32
    premium_micro_usdc: MicroUsdc
    balance_micro_usdc: MicroUsdc = Field(description="What the buyer holds now")
    expires_at: Instant | None
    transactions: list[Transaction]
