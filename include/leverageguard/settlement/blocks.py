"""From times to block ranges, by bisection over the confirmed blocks; each block asked once."""

from __future__ import annotations

from leverageguard.settlement.chain import Block, Chain
from leverageguard.settlement.errors import ChainUnreachable


class BlockTimes:
    """The confirmed part of a chain from `first_block` on, as it is when this is built."""

    def __init__(self, chain: Chain, first_block: int) -> None:
        self._chain = chain
        self._first = first_block
        self._known: dict[int, Block] = {}
        self.confirmed = chain.head().number - chain.settings.confirmations

    def at(self, number: int) -> Block:
        """The block of this number."""
        if number not in self._known:
            found = self._chain.block(number)
            if found is None:
                raise ChainUnreachable(f"the node does not know block {number}")
            self._known[number] = found
        return self._known[number]

    def reaches(self, time_s: int) -> bool:
        """Whether the newest confirmed block lies at or after this time (epoch seconds)."""
        return self.confirmed >= 0 and self.at(self.confirmed).timestamp >= time_s

    def blocks_between(self, start_s: int, end_s: int) -> tuple[int, int]:
        """First and last confirmed block with start ≤ time < end; last < first when none."""
        return self.first_at_or_after(start_s), self.first_at_or_after(end_s) - 1

    def first_at_or_after(self, time_s: int) -> int:
        """The first block not before the time; one past the confirmed ones when there is none."""
        low, high = self._first, self.confirmed + 1
        while low < high:
            middle = (low + high) // 2
            if self.at(middle).timestamp < time_s:
                low = middle + 1
            else:
                high = middle
        return low
