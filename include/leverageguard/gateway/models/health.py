"""Whether the gateway lives, can work, and what it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = Field(default="ok", examples=["ok"])


class Ready(BaseModel):
    """What the gateway needs is there."""

    status: Literal["ready"] = Field(default="ready", examples=["ready"])
    checks: dict[str, str] = Field(examples=[{"store": "ok", "snapshot": "ok"}])


class Version(BaseModel):
    """What answers, for which chains, and whether its world is simulated."""

    version: str = Field(examples=["0.1.0"])
    api_version: str = Field(examples=["v1"])
    is_simulated: bool = Field(
        description="True while prices, venues and money are a SIMULATED world's", examples=[True]
    )
    chain_ids: list[int] = Field(examples=[[31337]])
