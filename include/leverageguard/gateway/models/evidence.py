"""Evidence: what a check of a package found."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from leverageguard.gateway.models.common import ClaimId, Given, Hash32


class ClaimNamed(Given):
    """The claim whose sealed package is to be checked."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"claim_id": "clm_0f5a3c2b1d4e6f7a8b9c0d1e"}]}
    )
    claim_id: ClaimId


class Proof(BaseModel):
    """Where the claim's document stands in the tree whose root the chain keeps."""

    model_config = ConfigDict(extra="allow")
    batch_no: int
    evidence_root: Hash32
    chain_id: int
    pool: str | None = Field(examples=["0xCcF72A86131D8940Ea9645cE5C39aEc46A4701EF"])
    document: dict[str, Any] = Field(description="The claim's document, hashed as canonical JSON")
    proof: dict[str, Any] = Field(description="The siblings on the way to the root")


class LineShown(BaseModel):
    """One thing checked."""

    what: str = Field(examples=["check IN_COVER"])
    result: Literal["ok", "WRONG", "note"]
    seen: str = Field(
        description="What was seen; empty where only the result is public",
        examples=["pass: opened 02:10, closed 03:40"],
    )


class Verified(BaseModel):
    """Every line of the check; nothing a package says was believed."""

    name: str = Field(examples=["clm_0f5a3c2b1d4e6f7a8b9c0d1e"])
    is_right: bool
    wrong: int
    lines: list[LineShown]
