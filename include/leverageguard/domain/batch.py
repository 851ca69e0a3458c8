"""A payout batch as a value: sorted, content-addressed, refusing what must never be paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

from leverageguard.domain.evidence import canonical_json

MAX_AMOUNT = 2**64 - 1
MAX_CLAIM_INDEX = 2**32 - 1


class BatchRefused(ValueError):
    """The batch would pay nothing, a negative amount, a bad address or something twice."""


@dataclass(frozen=True, order=True)
class Payout:
    """One payment: the claim's dense index on the chain, its id, an EIP-55 address, micro-USDC."""

    claim_index: int
    claim_id: str
    recipient: str
    amount_micro_usdc: int

    def __post_init__(self) -> None:
        if not 0 <= self.claim_index <= MAX_CLAIM_INDEX:
            raise BatchRefused(f"claim index {self.claim_index} does not fit 32 bits")
        if not 0 < self.amount_micro_usdc <= MAX_AMOUNT:
            raise BatchRefused(f"{self.claim_id} would be paid {self.amount_micro_usdc} micro-USDC")
        digits = self.recipient.removeprefix("0x")
        if len(digits) != 40 or len(self.recipient) != 42 or not int(digits, 16):
            raise BatchRefused(f"{self.claim_id} has no payable address: {self.recipient!r}")


@dataclass(frozen=True)
class Batch:
    """Payouts in ascending claim index; equal content gives an equal `batch_id`."""

    payouts: tuple[Payout, ...]

    def __post_init__(self) -> None:
        if not self.payouts:
            raise BatchRefused("a batch without payouts")
        object.__setattr__(self, "payouts", tuple(sorted(self.payouts)))
        for name in ("claim_index", "claim_id"):
            counts = Counter(getattr(payout, name) for payout in self.payouts)
            twice = sorted(str(value) for value, count in counts.items() if count > 1)
            if twice:
                raise BatchRefused(f"{name} {', '.join(twice)} stands twice in one batch")

    @property
    def total_micro_usdc(self) -> int:
        """The sum the batch pays."""
        return sum(payout.amount_micro_usdc for payout in self.payouts)

    @property
    def batch_id(self) -> str:
        """SHA-256 (hex) of the canonical JSON (RFC 8785) of the payouts."""
        content = [
            [p.claim_index, p.claim_id, p.recipient.lower(), str(p.amount_micro_usdc)]
            for p in self.payouts
        ]
        return sha256(canonical_json(content)).hexdigest()
