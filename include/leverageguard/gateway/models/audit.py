"""The audit log's rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

HASH = "0x" + "3f" * 32


class AuditEventOut(BaseModel):
    """One write: who did it, what was written, and over what."""

    seq: int = Field(examples=[412])
    written_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    actor: str = Field(
        description="Who did it, as the row says",
        examples=["0x70997970c51812dc3a010c7d01b50e0d17dc79c8"],
    )
    action: str = Field(examples=["filed_claims.insert"])
    subject: str = Field(
        description="Table and key", examples=["filed_claims:fil_0f3a9c1b7e2d4a6c8b5e1f90"]
    )
    after: dict[str, Any] = Field(
        description="The row as it was written, but for its secrets",
        examples=[{"policy_id": "0xab", "order_id": "712345"}],
    )
    before: dict[str, Any] | None = Field(
        description="What the changed columns held; null for a new row", examples=[None]
    )
    caller: str | None = Field(
        description="Who called the gateway; null for what a run wrote",
        examples=["service:partner-desk"],
    )
    request_id: str | None = Field(
        description="X-Request-ID of that call", examples=["7f0f1c5e-3c53-4c1b-9d6c-6f7c0d6b2f10"]
    )
    prev_hash: str = Field(examples=[HASH])
    event_hash: str = Field(examples=[HASH])


class AuditEvents(BaseModel):
    """A page of them, newest first."""

    items: list[AuditEventOut]
    next_cursor: str | None = Field(
        description="For `cursor` of the next page; null on the last", examples=["411"]
    )
