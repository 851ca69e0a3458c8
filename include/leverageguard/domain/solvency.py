"""What a pool may pay now and stay above its minimum: approved claims in the order of filing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """What one chain's pool may still promise; micro-USDC.

    `free` is its balance less what is reserved, `promised` what planned payouts have not taken out
    of it yet, `minimum` what must be left after them.
    """

    free_micro_usdc: int
    promised_micro_usdc: int
    minimum_micro_usdc: int

    @property
    def left_micro_usdc(self) -> int:
        """What further payouts may total; below 0 when the pool is under its minimum already."""
        return self.free_micro_usdc - self.promised_micro_usdc - self.minimum_micro_usdc


def payable(room: Room, amounts: Sequence[int]) -> int:
    """How many of the amounts (micro-USDC), first filed first, leave the pool at its minimum.

    The first that does not fit ends it: nobody overtakes, however small his claim.
    """
    total = 0
    for place, amount in enumerate(amounts):
        total += amount
        if total > room.left_micro_usdc:
            return place
    return len(amounts)


def missing_micro_usdc(room: Room, amounts: Sequence[int]) -> int:
    """What must come in before all the amounts can be paid; 0 when they can."""
    return max(sum(amounts) - room.left_micro_usdc, 0)
