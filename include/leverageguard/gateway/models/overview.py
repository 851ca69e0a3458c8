"""Where everything is, and how fresh it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from leverageguard.gateway.models.common import Instant

Need = Literal["nothing", "airflow", "superset"]


class PlaceShown(BaseModel):
    """One page."""

    name: str = Field(description="What it is called in the pages' words", examples=["quality"])
    title: str = Field(description="For whom has no such words", examples=["data quality"])
    url: str = Field(examples=["/leverageguard/quality/"])
    needs: Need = Field(description="Whose login it asks for", examples=["airflow"])


class SourceShown(BaseModel):
    """How far one venue or chain was read, by its listing that is furthest behind."""

    source_name: str = Field(examples=["okx"])
    complete_to_at: Instant = Field(description="Everything before it was read")
    lag_seconds: int = Field(description="Behind the time of publication", examples=[3600])


class OverviewShown(BaseModel):
    """State of pipeline and fund, and the pages there are."""

    is_simulated: bool
    snapshot_version: str | None = Field(
        description="The published snapshot; null before the first", examples=["20260106T020000Z-1"]
    )
    published_at: Instant | None
    valued_at: Instant | None = Field(description="When the fund was valued last")
    solvency_ratio_ppm: int | None = Field(
        description="Own funds over the net loss of a bad day, in a million", examples=[2_000_000]
    )
    halts: list[str] = Field(
        description="What the fund's open alerts halt", examples=[["halt_sales"]]
    )
    open_incident_count: int = Field(description="Each stops payments", examples=[0])
    undetermined_count: int | None = Field(
        description="Claims that wait for evidence, as published", examples=[2]
    )
    open_claim_count: int | None = Field(
        description="Claims that are neither paid, refused nor closed, as published", examples=[7]
    )
    sources: list[SourceShown] = Field(
        description="What was read, as published; the one that lags most first"
    )
    places: list[PlaceShown]
