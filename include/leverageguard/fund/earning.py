"""How much of a premium is earned at an instant: whole micro-USDC, what is unearned rounded up.

Nothing is earned before the cover begins and all of it once the cover is over. Pro rata it is
earned by time, hazard-weighted by the chance that a liquidation has come by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Earning:
    """A premium after refunds and the cover it pays for; times in epoch ms."""

    written_micro_usdc: int
    start_ms: int
    end_ms: int

    def elapsed_ms(self, at_ms: int) -> int:
        """How much of the cover has passed."""
        return min(max(at_ms - self.start_ms, 0), self.end_ms - self.start_ms)

    def pro_rata(self, at_ms: int) -> int:
        """Earned by time, rounded down."""
        length = self.end_ms - self.start_ms
        return self.written_micro_usdc * self.elapsed_ms(at_ms) // length

    def hazard(self, at_ms: int, chance_ppm: Callable[[int], int]) -> int:
        """Earned as the chance of a touch by now is of one by the end, rounded down.

        `chance_ppm` takes seconds of cover, one at least. What a model gives for no time at all, or
        for what is too far to be in its table, is left out; where nothing else is, time earns.
        """
        if self.start_ms + self.elapsed_ms(at_ms) == self.end_ms:
            return self.written_micro_usdc
        elapsed_s = self.elapsed_ms(at_ms) // 1000
        length_s = (self.end_ms - self.start_ms) // 1000
        if elapsed_s == 0:
            return 0
        floor_ppm, whole_ppm = chance_ppm(1), chance_ppm(length_s)
        if whole_ppm <= floor_ppm:
            return self.pro_rata(at_ms)
        so_far_ppm = chance_ppm(elapsed_s) - floor_ppm
        return self.written_micro_usdc * so_far_ppm // (whole_ppm - floor_ppm)
