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


class ReportFile(BaseModel):
    """One file of a report."""

    name: str = Field(examples=["report.pdf"])
    bytes: int
    sha256: str = Field(examples=["ab" * 32])
    url: str = Field(examples=["/leverageguard/api/v1/reports/files/daily-2026-01-05/report.pdf"])


class ReportWritten(BaseModel):
    """A report of whole UTC days, from its first day to before `until_day`."""

    report: str = Field(examples=["daily-2026-01-05"])
    title: str = Field(examples=["Daily report, 2026-01-05 (UTC)"])
    first_day: str = Field(examples=["2026-01-05"])
    until_day: str = Field(examples=["2026-01-06"])
    is_final: bool = Field(description="Whether its days were over when it was written")
    is_simulated: bool
    snapshot: str = Field(examples=["20260106T022302Z-0001"])
    files: list[ReportFile]
