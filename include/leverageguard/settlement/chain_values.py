"""What a chain answers, as plain values: blocks, receipts and fees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Block:
    """A block's number, hash, time (epoch seconds) and base fee (wei)."""

    number: int
    hash: str
    timestamp: int
    base_fee_wei: int


@dataclass(frozen=True)
class Receipt:
    """How a transaction ended: `succeeded` False means it reverted."""

    tx_hash: str
    succeeded: bool
    block_number: int
    block_hash: str
    gas_used: int
    effective_gas_price_wei: int
    contract_address: str | None
    logs: list[dict[str, Any]]


@dataclass(frozen=True)
class Fees:
    """EIP-1559 fees in wei."""

    max_fee_wei: int
    priority_wei: int

    def bumped(self) -> Fees:
        """An eighth more on both: what nodes ask of a replacement."""
        return Fees(self.max_fee_wei * 9 // 8 + 1, self.priority_wei * 9 // 8 + 1)

    def at_least(self, other: Fees) -> Fees:
        """The higher of both, field by field."""
        return Fees(
            max(self.max_fee_wei, other.max_fee_wei), max(self.priority_wei, other.priority_wei)
        )
