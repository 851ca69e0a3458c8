"""Reports of the published snapshot."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from leverageguard.gateway.models.common import Instant


class ReportNamed(BaseModel):
    """One report there is."""

    name: str = Field(examples=["claims_funnel"])
    rows: int
    columns: list[str] = Field(examples=[["stage_order", "stage"]])
    url: str = Field(examples=["/leverageguard/api/v1/reports/claims_funnel"])


class ReportsListed(BaseModel):
    """The reports of one published snapshot."""

    version: str = Field(examples=["20260106T022302Z-0001"])
    published_at: Instant
    is_simulated: bool
    items: list[ReportNamed]


class ReportShown(BaseModel):
    """A report's rows; money is whole micro-USDC as text."""

    name: str = Field(examples=["claims_funnel"])
    version: str = Field(examples=["20260106T022302Z-0001"])
    is_simulated: bool
    rows: list[dict[str, Any]]
