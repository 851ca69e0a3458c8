"""How much of a premium is earned at an instant: whole micro-USDC, what is unearned rounded up.

Nothing is earned before the cover begins and all of it once the cover is over. Pro rata it is
earned by time, hazard-weighted by the chance that a liquidation has come by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from leverageguard.domain.money import PPM


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
        """Earned as chance(elapsed) is of chance(cover), rounded down.

        `chance_ppm` takes seconds of cover, at least one.
        """
        elapsed_s = self.elapsed_ms(at_ms) // 1000
        length_s = (self.end_ms - self.start_ms) // 1000
        if elapsed_s == 0 or elapsed_s >= length_s:
            return self.written_micro_usdc if elapsed_s else 0
        so_far, whole = chance_ppm(elapsed_s), chance_ppm(length_s)
        # A chance that cannot tell the hours apart must not earn the whole premium at once.
        if so_far >= PPM:
            return self.pro_rata(at_ms)
        return min(self.written_micro_usdc, self.written_micro_usdc * so_far // whole)
