"""What a contract class hands out: calls to be sent, and decoded events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call of one contract, not yet sent; `to` is None for a deployment."""

    to: str | None
    data: str
    label: str


@dataclass(frozen=True)
class Event:
    """One decoded log: its name, its arguments by name and where it stands on the chain."""

    name: str
    args: dict[str, Any]
    tx_hash: str
    log_index: int
    block_number: int
    block_hash: str


def hex_of(value: bytes) -> str:
    """Bytes as 0x-hex, lower case."""
    return "0x" + bytes(value).hex()
