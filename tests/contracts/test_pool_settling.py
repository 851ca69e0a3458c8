"""The rules of `settleBatch`: who is paid, once, and when nobody is."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from tests.contracts.pool_world import DAY, PAYOUTS, ROOT, SALES, USDC, WITHDRAWALS, recipient

EVERYONE = ("verifier 1", "verifier 2", "verifier 3")
PAYOUT = (7, recipient(1))


def test_settle_batch__two_verifiers_signed__pays_everyone_to_the_unit(world):
    payouts = [(1_000_000 + n, recipient(n)) for n in range(3)]
    world.settle(*payouts)
    assert [world.balance(to) for _, to in payouts] == [1_000_000, 1_000_001, 1_000_002]
    assert world.balance(world.pool.address) == 10_000 * USDC - 3_000_003
    assert [world.view("isSettled", n) for n in range(5)] == [False, True, True, True, False]
    assert (world.view("nextBatch"), world.view("nextClaim")) == (2, 4)
    assert (world.view("spentToday"), world.view("owed")) == (3_000_003, 0)


def test_settle_batch__paid__says_what_was_paid_and_on_what_evidence(world):
    world.settle(PAYOUT)
    batch = world.batch((10, recipient(5)), (20, recipient(6)))
    receipt = world.send(world.settling(batch), "proposer")
    assert world.events(receipt, "BatchSettled") == [
        {
            "batchNo": 2,
            "firstClaim": 2,
            "payoutsHash": batch.payouts_hash,
            "evidenceRoot": ROOT,
            "count": 2,
            "total": 30,
            "paid": 30,
            "refused": [0, 0],
        }
    ]
    assert world.events(receipt, "PayoutFailed") == []


def test_settle_batch__paid__the_tokens_own_logs_are_the_payments_in_the_order_of_claims(world):
    payouts = [(10, recipient(5)), (20, recipient(6)), (30, recipient(5))]
    transfer = world.token.events.Transfer()
    paid = [transfer.process_log(log)["args"] for log in world.settle(*payouts)["logs"][:-1]]
    assert [(each["value"], each["to"]) for each in paid] == payouts
    assert {each["from"] for each in paid} == {world.pool.address}


# --- once


def test_settle_batch__the_same_batch_again__is_refused(world, refused):
    call = world.settling(world.batch(PAYOUT))
    world.send(call, "proposer")
    with refused("WrongBatch", 2, 1):
        world.send(call, "proposer")


def test_settle_batch__a_batch_number_ahead__is_refused(world, refused):
    with refused("WrongBatch", 1, 2):
        world.settle(PAYOUT, number=2)


@pytest.mark.parametrize("first", [0, 1, 2, 4, 2**40 + 3, 2**64 - 1])
def test_settle_batch__first_claim_behind_or_ahead__is_refused(world, refused, first):
    world.settle(PAYOUT, (8, recipient(2)))
    with refused("WrongClaim", 3, first):
        world.settle(PAYOUT, first_claim=first)
    world.settle(PAYOUT, first_claim=3)


def test_settle_batch__a_number_far_ahead_with_the_same_low_bits__is_refused(world, refused):
    with refused("WrongBatch", 1, 2**40 + 1):
        world.settle(PAYOUT, number=2**40 + 1)


# --- whose word counts


def test_settle_batch__from_anyone_but_a_proposer__is_refused(world, refused):
    call = world.settling(world.batch(PAYOUT))
    for label in ("admin", "verifier 1", "rescuer", "treasurer", "stranger"):
        with refused("AccessControlUnauthorizedAccount"):
            world.send(call, label)


def test_settle_batch__one_signature_of_two__is_refused(world, refused):
    batch = world.batch(PAYOUT)
    with refused("TooFewSignatures", 1, 2):
        world.send(world.settling(batch, world.signatures(batch, "verifier 1")), "proposer")


def test_settle_batch__no_signature__is_refused(world, refused):
    with refused("TooFewSignatures", 0, 2):
        world.send(world.settling(world.batch(PAYOUT), []), "proposer")


def test_settle_batch__one_verifier_signing_twice__is_refused(world, refused):
    batch = world.batch(PAYOUT)
    twice = world.signatures(batch, "verifier 1") * 2
    with refused("SignersNotAscending", world.who("verifier 1").address):
        world.send(world.settling(batch, twice), "proposer")


def test_settle_batch__signatures_out_of_order__is_refused(world, refused):
    batch = world.batch(PAYOUT)
    with refused("SignersNotAscending"):
        world.send(world.settling(batch, world.signatures(batch)[::-1]), "proposer")


def test_settle_batch__a_stranger_among_the_signers__is_refused(world, refused):
    batch = world.batch(PAYOUT)
    with refused("NotAVerifier", world.who("stranger").address):
        signed = world.signatures(batch, "verifier 1", "verifier 2", "stranger")
        world.send(world.settling(batch, signed), "proposer")


def test_settle_batch__a_verifier_since_revoked__no_longer_counts(world, refused):
    batch = world.batch(PAYOUT)
    call = world.settling(batch)
    gone = world.who("verifier 2").address
    world.send(world.pool.functions.revokeRole(keccak(text="VERIFIER_ROLE"), gone))
    with refused("NotAVerifier", gone):
        world.send(call, "proposer")


def test_settle_batch__the_submitters_own_signature__does_not_count(world, refused):
    world.grant("PROPOSER", world.who("verifier 1").address)
    batch = world.batch(PAYOUT)
    with refused("TooFewSignatures", 1, 2):
        world.send(world.settling(batch), "verifier 1")
    world.send(world.settling(batch, world.signatures(batch, *EVERYONE)), "verifier 1")
    assert world.balance(recipient(1)) == 7


def test_settle_batch__threshold_raised__needs_the_third_signature(world, refused):
    world.send(world.pool.functions.setThreshold(3))
    batch = world.batch(PAYOUT)
    with refused("TooFewSignatures", 2, 3):
        world.send(world.settling(batch), "proposer")
    world.send(world.settling(batch, world.signatures(batch, *EVERYONE)), "proposer")


# --- how much, and when


def test_settle_batch__after_its_deadline__is_refused(world, refused):
    batch = world.batch(PAYOUT)
    call = world.settling(batch)
    world.at(batch.deadline)
    call.call({"from": world.who("proposer").address, "gasPrice": 0})
    world.at(batch.deadline + 1)
    with refused("Expired", batch.deadline):
        world.send(call, "proposer")


def test_settle_batch__payouts_paused__waits_until_they_run_again(world, refused):
    world.pause(PAYOUTS)
    with refused("ModulePaused", PAYOUTS):
        world.settle(PAYOUT)
    world.pause(PAYOUTS, False)
    world.settle(PAYOUT)


def test_settle_batch__only_the_other_modules_paused__pays(world):
    world.pause(SALES)
    world.pause(WITHDRAWALS)
    world.settle(PAYOUT)
    assert world.view("isPaused", SALES) and world.view("isPaused", WITHDRAWALS)


def test_settle_batch__without_payouts__is_refused(world, refused):
    with refused("WrongBatchSize", 0):
        world.settle()


def test_settle_batch__more_than_400_payouts__is_refused(world, refused):
    with refused("WrongBatchSize", 401):
        world.settle(*[(1, recipient(n)) for n in range(401)])


@pytest.mark.parametrize("wrong", [13, 16])
def test_settle_batch__signed_total_is_not_the_sum__is_refused(world, refused, wrong):
    held = 10_000 * USDC
    with refused("BalanceMismatch", held - wrong, held - 15):
        world.settle(PAYOUT, (8, recipient(2)), total=wrong)


def test_settle_batch__over_the_batch_limit__is_refused(world, refused):
    world.settle((5_000 * USDC, recipient(1)))
    with refused("OverBatchLimit", 5_000 * USDC + 1, 5_000 * USDC):
        world.settle((5_000 * USDC + 1, recipient(2)))


@pytest.mark.parametrize("total", [2**64, 2**64 + 7, 2**256 - 1])
def test_settle_batch__a_total_beyond_64_bits__is_refused(world, refused, total):
    world.send(world.pool.functions.setLimits(2**64 - 1, 2**64 - 1))
    with refused("OverBatchLimit", total, 2**64 - 1):
        world.settle(PAYOUT, total=total)


def test_settle_batch__over_the_daily_limit__waits_for_the_next_utc_day(world, refused):
    world.at((world.now // DAY + 1) * DAY)
    world.settle((5_000 * USDC, recipient(1)))
    with refused("OverDailyLimit", 8_000 * USDC + 1, 8_000 * USDC):
        world.settle((3_000 * USDC + 1, recipient(2)))
    world.at((world.now // DAY + 1) * DAY - 2)
    with refused("OverDailyLimit"):
        world.settle((3_000 * USDC + 1, recipient(2)))
    world.at((world.now // DAY + 1) * DAY)
    assert world.view("spentToday") == 0
    world.settle((3_000 * USDC + 1, recipient(2)))
    assert world.view("spentToday") == 3_000 * USDC + 1


def test_settle_batch__exactly_the_daily_limit__is_paid(world):
    world.settle((5_000 * USDC, recipient(1)))
    world.settle((3_000 * USDC, recipient(2)))
    assert world.view("spentToday") == 8_000 * USDC


def test_settle_batch__over_the_free_balance__is_refused(world, refused):
    world.send(world.pool.functions.setReserved(9_000 * USDC), "reserver")
    with refused("NotEnoughFree", 1_000 * USDC + 1, 1_000 * USDC):
        world.settle((1_000 * USDC + 1, recipient(1)))
    world.settle((1_000 * USDC, recipient(1)))
    assert world.view("freeBalance") == 0


def test_settle_batch__one_slot_of_counters__keeps_every_other_setting(world):
    """The counters are written by hand in one word: nothing else in it may change."""
    world.deny(recipient(9))
    world.pause(SALES)
    world.send(world.pool.functions.setThreshold(1))
    for expected in (2, 3):
        world.settle(PAYOUT)
        names = ("nextBatch", "nextClaim", "listVersion", "threshold")
        assert [world.view(name) for name in names] == [expected, expected, 1, 1]
        assert [world.view("isPaused", module) for module in (1, 2, 4)] == [True, False, False]
    assert world.view("spentToday") == 14
