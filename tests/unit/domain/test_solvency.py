from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain.solvency import Room, missing_micro_usdc, payable

AMOUNTS = st.lists(st.integers(1, 10**9), max_size=30)
MONEY = st.integers(0, 10**10)


@given(free=MONEY, promised=MONEY, minimum=MONEY, amounts=AMOUNTS)
def test_payable__any_pool__pays_the_first_filed_and_stays_at_its_minimum(
    free: int, promised: int, minimum: int, amounts: list[int]
) -> None:
    room = Room(free, promised, minimum)
    count = payable(room, amounts)
    paid = sum(amounts[:count])
    assert paid == 0 or free - promised - paid >= minimum
    # As many as fit: one more would not.
    assert count == len(amounts) or free - promised - paid - amounts[count] < minimum


@given(free=MONEY, promised=MONEY, minimum=MONEY, amounts=AMOUNTS)
def test_missing__deposited__pays_all_and_one_unit_less_does_not(
    free: int, promised: int, minimum: int, amounts: list[int]
) -> None:
    room = Room(free, promised, minimum)
    missing = missing_micro_usdc(room, amounts)
    assert payable(Room(free + missing, promised, minimum), amounts) == len(amounts)
    if missing and amounts:
        assert payable(Room(free + missing - 1, promised, minimum), amounts) < len(amounts)


def test_payable__small_claim_behind_a_large_one__does_not_overtake() -> None:
    room = Room(100, 0, 40)
    assert payable(room, [50, 20, 5]) == 1
    assert missing_micro_usdc(room, [50, 20, 5]) == 15


def test_room__under_its_minimum_already__has_less_than_nothing_left() -> None:
    room = Room(30, 0, 40)
    assert room.left_micro_usdc == -10
    assert payable(room, [1]) == 0 and payable(room, []) == 0
    assert missing_micro_usdc(room, [1]) == 11
