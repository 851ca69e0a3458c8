"""What is sold, and where a purchase is sent."""

from __future__ import annotations

from pydantic import BaseModel, Field

from leverageguard.gateway.models.common import Hash32, Instant, InstId, MicroUsdc


class CoverSold(BaseModel):
    """One length of cover."""

    cover_hours: int
    wait_seconds: int = Field(description="The cover begins so long after the payment")


class ProductShown(BaseModel):
    """One version of the product."""

    product_version: str = Field(examples=["actuarial-v2"])
    is_default: bool
    is_for_scenarios: bool = Field(description="Sold in simulated worlds alone")
    terms_hash: Hash32
    pricing: str = Field(description="actuarial or tariff", examples=["actuarial"])
    min_principal_micro_usdc: MicroUsdc
    max_principal_micro_usdc: MicroUsdc
    leverages: list[int]
    covers: list[CoverSold]
    filing_grace_seconds: int
    appeal_seconds: int
    quote_seconds: int = Field(description="How long a quote holds")
    claim_cap_micro_usdc: MicroUsdc
    user_day_cap_micro_usdc: MicroUsdc
    load_ppm: int | None
    expense_micro_usdc: MicroUsdc | None
    max_premium_share_ppm: int | None
    sold_from_at: Instant
    sold_to_at: Instant | None


class InstrumentShown(BaseModel):
    """One instrument that is insured."""

    exchange: str = Field(examples=["okx"])
    inst_id: InstId
    base_asset: str = Field(examples=["BTC"])


class ExchangeShown(BaseModel):
    """One venue whose accounts can be bound."""

    exchange: str = Field(examples=["okx"])
    is_keyless: bool = Field(description="Whether an address is enough to read an account")
    has_passphrase: bool


class ChainShown(BaseModel):
    """Where premiums are paid and payouts are made; null before the pool is deployed."""

    chain_id: int
    pool: str = Field(examples=["0xCcF72A86131D8940Ea9645cE5C39aEc46A4701EF"])
    token: str = Field(examples=["0x5FbDB2315678afecb367f032d93F642f64180aa3"])


class ProductsShown(BaseModel):
    """All that is sold now."""

    is_simulated: bool
    products: list[ProductShown]
    never_covered: list[str] = Field(
        description="Ends of a position that no product pays for", examples=[["adl", "own_close"]]
    )
    instruments: list[InstrumentShown]
    exchanges: list[ExchangeShown]
    chain: ChainShown | None
