from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from leverageguard.settlement.blocks import BlockTimes
from leverageguard.settlement.chain import Block

CONFIRMATIONS = 2


class FakeChain:
    """Blocks with the given times (epoch seconds), and a count of what was asked."""

    def __init__(self, times: list[int]) -> None:
        self.times, self.asked = times, 0
        self.settings = SimpleNamespace(confirmations=CONFIRMATIONS)

    def head(self) -> Block:
        return Block(len(self.times) - 1, "0x", self.times[-1], 0)

    def block(self, number: int) -> Block:
        self.asked += 1
        return Block(number, "0x", self.times[number], 0)


times_of_blocks = st.lists(st.integers(0, 50), min_size=3, max_size=40).map(sorted)


@given(times_of_blocks, st.integers(0, 50), st.integers(0, 50))
def test_blocks_between__any_chain__are_exactly_the_confirmed_blocks_inside(
    times: list[int], start: int, length: int
) -> None:
    found = BlockTimes(cast("Any", FakeChain(times)), 0)
    first, last = found.blocks_between(start, start + length)
    expected = [
        number
        for number, time in enumerate(times[:-CONFIRMATIONS])
        if start <= time < start + length
    ]
    assert list(range(first, last + 1)) == expected


@given(times_of_blocks, st.integers(0, 60))
def test_reaches__any_chain__is_true_only_when_no_earlier_block_can_come(
    times: list[int], time: int
) -> None:
    found = BlockTimes(cast("Any", FakeChain(times)), 0)
    assert found.reaches(time) == (times[:-CONFIRMATIONS][-1] >= time)


def test_first_at_or_after__thousand_blocks__asks_a_dozen() -> None:
    chain = FakeChain(list(range(1000)))
    assert BlockTimes(cast("Any", chain), 0).first_at_or_after(700) == 700
    assert chain.asked <= 12
