"""Payouts that are not made: withheld ones, and ones the token refuses. Nobody else waits."""

from __future__ import annotations

import pytest

from tests.contracts.pool_world import GAS_CAP, USDC, WITHHELD, recipient, word

ZERO = "0x" + "00" * 20


def failed(world, receipt):
    """Claim and whether it was withheld, for each payout that was not made."""
    return [(e["claimIndex"], e["isWithheld"]) for e in world.events(receipt, "PayoutFailed")]


def withheld(*payouts):
    """Words of payouts that are not to be sent."""
    return [WITHHELD | word(*payout) for payout in payouts]


def test_settle_batch__token_refuses_one_recipient__the_others_are_paid(world):
    world.issuer_denies(recipient(2))
    receipt = world.settle(*[(10 + n, recipient(n)) for n in (1, 2, 3)])
    assert [world.balance(recipient(n)) for n in (1, 2, 3)] == [11, 0, 13]
    assert [world.view("isSettled", n) for n in (1, 2, 3)] == [True, False, True]
    assert world.events(receipt, "PayoutFailed") == [
        {
            "batchNo": 1,
            "claimIndex": 2,
            "recipient": recipient(2),
            "amount": 12,
            "isWithheld": False,
        }
    ]
    settled = world.events(receipt, "BatchSettled")[0]
    assert (settled["total"], settled["paid"], settled["refused"]) == (36, 24, [0b10, 0])


def test_settle_batch__a_refused_payout__is_owed_and_not_free(world):
    world.issuer_denies(recipient(2))
    world.settle((10, recipient(1)), (12, recipient(2)))
    assert world.view("owed") == 12
    assert world.view("refusedOf", 2) == word(12, recipient(2))
    assert world.view("refusedOf", 1) == 0
    assert world.view("freeBalance") == 10_000 * USDC - 10 - 12


def test_settle_batch__a_refused_claim__is_never_batched_again(world, refused):
    world.issuer_denies(recipient(1))
    world.settle((10, recipient(1)))
    world.issuer_denies(recipient(1), False)
    with refused("WrongClaim", 2, 1):
        world.settle((10, recipient(1)), first_claim=1)
    assert world.balance(recipient(1)) == 0


def test_settle_batch__a_withheld_payout__is_not_sent_but_owed(world):
    payouts = [(10, recipient(1)), (12, recipient(2)), (14, recipient(3))]
    words = [word(*payouts[0]), *withheld(payouts[1]), word(*payouts[2])]
    receipt = world.settle(*payouts, words=words)
    assert [world.balance(recipient(n)) for n in (1, 2, 3)] == [10, 0, 14]
    assert failed(world, receipt) == [(2, True)]
    assert (world.view("owed"), world.view("spentToday")) == (12, 24)
    assert world.view("refusedOf", 2) == WITHHELD | word(12, recipient(2))
    assert not world.view("isSettled", 2)


def test_settle_batch__first_and_last_and_word_borders__are_named_in_the_bits(world):
    count, missing = 300, (0, 1, 255, 256, 299)
    payouts = [(10, recipient(n)) for n in range(count)]
    words = [word(*p) | (WITHHELD if n in missing else 0) for n, p in enumerate(payouts)]
    receipt = world.settle(*payouts, words=words)
    bits = sum(1 << n for n in missing)
    settled = world.events(receipt, "BatchSettled")[0]
    assert settled["refused"] == [bits % 2**256, bits >> 256]
    assert settled["paid"] == 10 * (count - len(missing))
    assert failed(world, receipt) == [(n + 1, True) for n in missing]


def test_settle_batch__refused_payouts__do_not_use_up_the_day(world):
    world.issuer_denies(recipient(2))
    world.settle((1_000 * USDC, recipient(1)), (4_000 * USDC, recipient(2)))
    assert world.view("spentToday") == 1_000 * USDC
    world.settle((4_500 * USDC, recipient(3)))
    assert world.view("spentToday") == 5_500 * USDC


def test_settle_batch__refused_payouts__count_against_the_limits_while_it_settles(world, refused):
    for words in (None, withheld((5_000 * USDC, recipient(1)))):
        payouts = [(5_000 * USDC, recipient(1))]
        changes = {"words": words} if words else {}
        world.settle(*payouts, **changes)
        with refused("OverBatchLimit"):
            world.settle(*payouts, **changes | {"total": 5_000 * USDC + 1})
        world.at(world.now + 86_400)


def test_settle_batch__what_is_owed__pays_nobody_else(world, refused):
    for claim in (1, 2):
        world.settle((4_000 * USDC, recipient(claim)), words=withheld((4_000 * USDC, recipient(1))))
    with refused("NotEnoughFree", 2_000 * USDC + 1, 2_000 * USDC):
        world.settle((2_000 * USDC + 1, recipient(3)))
    world.settle((2_000 * USDC, recipient(3)))
    assert (world.view("freeBalance"), world.view("owed")) == (0, 8_000 * USDC)
    assert world.balance(world.pool.address) == 8_000 * USDC


def test_settle_batch__reserved_and_owed__add_up(world, refused):
    world.settle((3_000 * USDC, recipient(1)), words=withheld((3_000 * USDC, recipient(1))))
    world.send(world.pool.functions.setReserved(6_000 * USDC), "reserver")
    assert world.view("freeBalance") == 1_000 * USDC
    with refused("NotEnoughFree", 1_000 * USDC + 1, 1_000 * USDC):
        world.settle((1_000 * USDC + 1, recipient(2)))


def test_settle_batch__a_refused_sum_above_the_signed_total__is_refused(world, refused):
    with refused("WrongTotal", 12, 11):
        world.settle((12, recipient(1)), words=withheld((12, recipient(1))), total=11)


@pytest.mark.parametrize("total", [21, 23])
def test_settle_batch__signed_total_off_by_one_with_a_refused_payout__is_refused(
    world, refused, total
):
    words = [word(10, recipient(1)), *withheld((12, recipient(2)))]
    with refused("BalanceMismatch"):
        world.settle((10, recipient(1)), words=words, total=total)


@pytest.mark.parametrize("bit", range(224, 255))
def test_settle_batch__a_reserved_bit__is_refused_with_the_whole_batch(world, refused, bit):
    words = [word(10, recipient(1)), word(12, recipient(2)) | 1 << bit]
    with refused("BadPayout", 2):
        world.settle((22, recipient(1)), words=words)
    with refused("BadPayout", 2):
        world.settle((22, recipient(1)), words=[words[0], words[1] | WITHHELD])


def test_settle_batch__nothing_withheld_or_nothing_to_nobody__is_refused(world, refused):
    for odd in (WITHHELD | word(0, recipient(1)), WITHHELD, word(0, ZERO)):
        with refused("BadPayout", 1):
            world.settle(words=[odd], total=0)


def test_settle_batch__paying_nobody__is_kept_for_a_rescue(world):
    receipt = world.settle((10, ZERO))
    assert failed(world, receipt) == [(1, False)]
    assert world.view("owed") == 10


@pytest.mark.parametrize("total", [22, 15])
def test_settle_batch__paying_the_pool_itself__is_refused(world, refused, total):
    with refused("BadPayout", 1):
        world.settle((15, recipient(1)), (7, world.pool.address), total=total)


def test_settle_batch__a_payout_of_nothing__is_refused_with_the_whole_batch(world, refused):
    with refused("BadPayout", 1):
        world.settle((10, recipient(1)), (0, recipient(2)), (10, recipient(3)))


# --- size


@pytest.mark.parametrize("how", ["paid", "refused by the token", "withheld"])
def test_settle_batch__400_new_recipients__fit_one_transaction(world, how):
    payouts = [(10, recipient(n)) for n in range(400)]
    words = withheld(*payouts) if how == "withheld" else [word(*payout) for payout in payouts]
    if how == "refused by the token":
        world.issuer_denies(world.pool.address)
    receipt = world.settle(*payouts, words=words, gas=GAS_CAP)
    assert world.events(receipt, "BatchSettled")[0]["paid"] == (4_000 if how == "paid" else 0)
    assert len(world.events(receipt, "PayoutFailed")) == (0 if how == "paid" else 400)
    assert receipt["gasUsed"] < 13_500_000
