"""Signing in, and who one is."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from leverageguard.gateway.callers import Role
from leverageguard.gateway.signing_in import LONGEST_MESSAGE

WALLET = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"


class Nonce(BaseModel):
    """A nonce for one sign-in."""

    nonce: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015006927b5a09f4e1c2b7d8a63"])
    expires_at: datetime = Field(examples=["2026-03-02T12:05:00Z"])


class SignIn(BaseModel):
    """A sign-in message (EIP-4361) and the wallet's signature over it (personal_sign)."""

    model_config = ConfigDict(extra="forbid")
    message: str = Field(
        min_length=1,
        max_length=LONGEST_MESSAGE,
        examples=["127.0.0.1:18080 wants you to sign in with your Ethereum account:\n0x7099..."],
    )
    signature: str = Field(
        pattern=r"^0x[0-9a-fA-F]{130}$", description="65 bytes", examples=["0x" + "5c" * 65]
    )


class Token(BaseModel):
    """A trader's token: send it as `Authorization: Bearer <token>`."""

    token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJsZXYifQ.c2ln"])
    token_type: str = Field(default="Bearer", examples=["Bearer"])
    wallet: str = Field(description="Lower case", examples=[WALLET])
    chain_id: int = Field(examples=[31337])
    expires_at: datetime = Field(examples=["2026-03-02T12:15:00Z"])


class GuestToken(BaseModel):
    """A guest's token for the dashboards: send it to Superset's API as `X-GuestToken: <token>`."""

    token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0eXBlIjoiZyJ9.c2ln"])
    header: str = Field(default="X-GuestToken", examples=["X-GuestToken"])
    dataset: str = Field(description="Whose rows it shows", examples=["rpt_wallet_claims"])
    wallet: str = Field(description="The only wallet it shows, lower case", examples=[WALLET])
    expires_at: datetime = Field(examples=["2026-03-02T12:10:00Z"])


class Me(BaseModel):
    """Who the gateway takes the caller for."""

    actor: str = Field(
        description="A wallet, a user of Airflow, or service:NAME", examples=[WALLET]
    )
    roles: list[Role] = Field(examples=[["user"]])
    wallet: str | None = Field(description="A trader's wallet", examples=[WALLET])
    chain_id: int | None = Field(description="The chain the trader signed in for", examples=[31337])
    scopes: list[str] = Field(description="A service account's", examples=[[]])
