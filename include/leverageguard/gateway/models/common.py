"""Kinds of values that several resources share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

T = TypeVar("T")

MicroUsdc = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]{1,38}$",
        description="Whole micro-USDC (1e-6 USDC) as text",
        examples=["45910200"],
    ),
]
Instant = Annotated[str, Field(description="ISO 8601, UTC", examples=["2026-01-06T02:00:00.000Z"])]
_lower = AfterValidator(str.lower)
Address = Annotated[
    str,
    Field(
        pattern=r"^0x[0-9a-fA-F]{40}$",
        description="An address of 20 bytes in 0x-hex",
        examples=["0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"],
    ),
    _lower,
]
Hash32 = Annotated[
    str,
    Field(
        pattern=r"^0x[0-9a-fA-F]{64}$",
        description="32 bytes in 0x-hex",
        examples=["0x2b9ff1b4d0c7f2f6c7a7c9c1a7a1cf1d0f8a4f8e6b1b9d5d1c3f5e7a9b1c3d5e"],
    ),
    _lower,
]
Signature = Annotated[
    str,
    Field(
        pattern=r"^0x[0-9a-fA-F]{130}$",
        description="The 65 bytes that eth_signTypedData_v4 gives, in 0x-hex",
        examples=["0x" + "5a" * 64 + "1b"],
    ),
    _lower,
]
AccountId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Our name of a bound exchange account",
        examples=["acc_0f5a3c2b1d4e6f7a8b9c0d1e"],
    ),
]
InstId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_:.-]{1,64}$",
        description="The instrument as its venue names it",
        examples=["BTC-USDT-SWAP"],
    ),
]
OrderId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_:.-]{1,64}$",
        description="The venue's id of the order that closed the position",
        examples=["2940071038556348417"],
    ),
]
ClaimId = Annotated[
    str,
    Field(
        pattern=r"^(clm|fil)_[0-9a-f]{1,60}$",
        description="A claim's id, or that of its filing",
        examples=["fil_0f5a3c2b1d4e6f7a8b9c0d1e"],
    ),
]


def micro(value: int | None) -> Any:
    """An amount as the API writes it; None stays None."""
    return None if value is None else str(value)


def instant(at_ms: int | None) -> Any:
    """Epoch milliseconds as the API writes a time; None stays None."""
    if at_ms is None:
        return None
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Given(BaseModel):
    """A request's body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Page(BaseModel, Generic[T]):
    """Some of the items, newest first."""

    items: list[T]
    next_cursor: str | None = Field(
        description="Ask again with this `cursor` for what follows; null at the end",
        examples=["MTc2NzU3ODQwMDAwMHxjbG1fMGE"],
    )
