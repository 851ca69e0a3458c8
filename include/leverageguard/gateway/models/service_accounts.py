"""Programs that call with a key."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from leverageguard.gateway.service_accounts import NAME, SCOPES

ID = "svc_5b1f0c9a7e3d2468"


class NewServiceAccount(BaseModel):
    """What a new one is called and may do."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=NAME, examples=["partner-desk"])
    scopes: list[str] = Field(
        min_length=1,
        max_length=len(SCOPES),
        description=f"One or more of {', '.join(SCOPES)}",
        examples=[["claims:write", "claims:read"]],
    )


class ServiceAccountOut(BaseModel):
    """One of them; its key is not in it."""

    id: str = Field(examples=[ID])
    name: str = Field(examples=["partner-desk"])
    scopes: list[str] = Field(examples=[["claims:read", "claims:write"]])
    created_by: str = Field(examples=["admin"])
    created_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    revoked_by: str | None = Field(examples=[None])
    revoked_at: datetime | None = Field(examples=[None])


class CreatedServiceAccount(ServiceAccountOut):
    """A new one with its key, which is told this once."""

    key: str = Field(examples=["lgk_9vJxq5f0yJm2Hh6m0m3o5xk1S2d8Qe7a4c1b0"])


class ServiceAccounts(BaseModel):
    """All of them, by name."""

    items: list[ServiceAccountOut]
    next_cursor: str | None = Field(
        default=None, description="Always null: all are listed", examples=[None]
    )
