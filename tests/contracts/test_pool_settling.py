"""The rules of `settleBatch`: who is paid, once, and when nobody is."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from tests.contracts.pool_world import GAS_CAP, ROOT, USDC, recipient

DAY = 86_400
EVERYONE = ("verifier 1", "verifier 2", "verifier 3")


def test_settle_batch__two_verifiers_signed__pays_everyone_to_the_unit(world):
    payouts = [(n, 1_000_000 + n, recipient(n)) for n in range(3)]
    world.settle(*payouts)
    assert [world.balance(to) for _, _, to in payouts] == [1_000_000, 1_000_001, 1_000_002]
    assert world.balance(world.pool.address) == 10_000 * USDC - 3_000_003
    assert all(world.pool.functions.isSettled(n).call() for n in range(3))
    assert world.pool.functions.nextBatch().call() == 2
    assert world.pool.functions.spentToday().call() == 3_000_003


def test_settle_batch__paid__says_what_was_paid_and_on_what_evidence(world):
    batch = world.batch((5, 10, recipient(5)), (6, 20, recipient(6)))
    receipt = world.send(world.settling(batch), "proposer")
    assert world.events(receipt, "ClaimPaid") == [
        {"batchNo": 1, "claimIndex": 5, "recipient": recipient(5), "amount": 10},
        {"batchNo": 1, "claimIndex": 6, "recipient": recipient(6), "amount": 20},
    ]
    assert world.events(receipt, "BatchSettled") == [
        {
            "batchNo": 1,
            "payoutsHash": batch.payouts_hash,
            "evidenceRoot": ROOT,
            "total": 30,
            "paid": 30,
            "failedCount": 0,
        }
    ]


def test_settle_batch__largest_claim_index__is_paid_and_marked(world):
    world.settle((2**32 - 1, 7, recipient(1)))
    assert world.pool.functions.isSettled(2**32 - 1).call()
    assert not world.pool.functions.isSettled(0).call()


def test_settle_batch__one_recipient_with_two_claims__gets_both(world):
    world.settle((1, 7, recipient(1)), (2, 8, recipient(1)))
    assert world.balance(recipient(1)) == 15


# --- once


def test_settle_batch__the_same_batch_again__is_refused(world, refused):
    call = world.settling(world.batch((1, 7, recipient(1))))
    world.send(call, "proposer")
    with refused("WrongBatch", 2, 1):
        world.send(call, "proposer")


def test_settle_batch__a_batch_number_ahead__is_refused(world, refused):
    with refused("WrongBatch", 1, 2):
        world.settle((1, 7, recipient(1)), number=2)


def test_settle_batch__a_claim_paid_before__is_refused_with_the_whole_batch(world, refused):
    world.settle((300, 7, recipient(1)))
    with refused("AlreadySettled", 300):
        world.settle((299, 7, recipient(2)), (300, 7, recipient(1)))
    assert world.balance(recipient(2)) == 0


def test_settle_batch__a_claim_twice_in_one_batch__is_refused(world, refused):
    with refused("ClaimsNotAscending", 4):
        world.settle((4, 7, recipient(1)), (4, 8, recipient(2)))


def test_settle_batch__claims_out_of_order__is_refused(world, refused):
    with refused("ClaimsNotAscending", 3):
        world.settle((4, 7, recipient(1)), (3, 7, recipient(2)))


# --- whose word counts


def test_settle_batch__from_anyone_but_a_proposer__is_refused(world, refused):
    call = world.settling(world.batch((1, 7, recipient(1))))
    with refused("AccessControlUnauthorizedAccount"):
        world.send(call, "admin")


def test_settle_batch__one_signature_of_two__is_refused(world, refused):
    batch = world.batch((1, 7, recipient(1)))
    with refused("TooFewSignatures", 1, 2):
        world.send(world.settling(batch, world.signatures(batch, "verifier 1")), "proposer")


def test_settle_batch__no_signature__is_refused(world, refused):
    with refused("TooFewSignatures", 0, 2):
        world.send(world.settling(world.batch((1, 7, recipient(1))), []), "proposer")


def test_settle_batch__one_verifier_signing_twice__is_refused(world, refused):
    batch = world.batch((1, 7, recipient(1)))
    twice = world.signatures(batch, "verifier 1") * 2
    with refused("SignersNotAscending", world.who("verifier 1").address):
        world.send(world.settling(batch, twice), "proposer")


def test_settle_batch__signatures_out_of_order__is_refused(world, refused):
    batch = world.batch((1, 7, recipient(1)))
    with refused("SignersNotAscending"):
        world.send(world.settling(batch, world.signatures(batch)[::-1]), "proposer")


def test_settle_batch__a_stranger_among_the_signers__is_refused(world, refused):
    batch = world.batch((1, 7, recipient(1)))
    with refused("NotAVerifier", world.who("stranger").address):
        signed = world.signatures(batch, "verifier 1", "verifier 2", "stranger")
        world.send(world.settling(batch, signed), "proposer")


def test_settle_batch__a_verifier_since_revoked__no_longer_counts(world, refused):
    batch = world.batch((1, 7, recipient(1)))
    call = world.settling(batch)
    gone = world.who("verifier 2").address
    world.send(world.pool.functions.revokeRole(keccak(text="VERIFIER_ROLE"), gone))
    with refused("NotAVerifier", gone):
        world.send(call, "proposer")


def test_settle_batch__the_submitters_own_signature__does_not_count(world, refused):
    submitter = world.who("verifier 1").address
    world.send(world.pool.functions.grantRole(keccak(text="PROPOSER_ROLE"), submitter))
    batch = world.batch((1, 7, recipient(1)))
    with refused("TooFewSignatures", 1, 2):
        world.send(world.settling(batch), "verifier 1")
    world.send(world.settling(batch, world.signatures(batch, *EVERYONE)), "verifier 1")
    assert world.balance(recipient(1)) == 7


def test_settle_batch__threshold_raised__needs_the_third_signature(world, refused):
    world.send(world.pool.functions.setThreshold(3))
    batch = world.batch((1, 7, recipient(1)))
    with refused("TooFewSignatures", 2, 3):
        world.send(world.settling(batch), "proposer")
    world.send(world.settling(batch, world.signatures(batch, *EVERYONE)), "proposer")


@pytest.mark.parametrize(
    "other", [{"chainId": 1}, {"verifyingContract": recipient(9)}, {"version": "2"}]
)
def test_settle_batch__signed_for_another_chain_or_pool__is_refused(world, refused, other):
    batch = world.batch((1, 7, recipient(1)))
    keys = [world.who("verifier 1"), world.who("verifier 2")]
    signed = [world.sign(key, "Batch", batch.message(), **other) for key in keys]
    with refused("NotAVerifier"):
        world.send(world.settling(batch, signed), "proposer")


# --- how much, and when


def test_settle_batch__after_its_deadline__is_refused(world, refused):
    batch = world.batch((1, 7, recipient(1)))
    call = world.settling(batch)
    world.at(batch.deadline + 1)
    with refused("Expired", batch.deadline):
        world.send(call, "proposer")


def test_settle_batch__payouts_paused__waits_until_they_run_again(world, refused):
    world.send(world.pool.functions.setPaused(2, True), "pauser")
    with refused("ModulePaused", 2):
        world.settle((1, 7, recipient(1)))
    world.send(world.pool.functions.setPaused(2, False), "pauser")
    world.settle((1, 7, recipient(1)))


def test_settle_batch__only_sales_paused__pays(world):
    world.send(world.pool.functions.setPaused(1, True), "pauser")
    world.settle((1, 7, recipient(1)))


def test_settle_batch__without_payouts__is_refused(world, refused):
    with refused("WrongBatchSize", 0):
        world.settle()


def test_settle_batch__more_than_400_payouts__is_refused(world, refused):
    with refused("WrongBatchSize", 401):
        world.settle(*[(n, 1, recipient(n)) for n in range(401)])


def test_settle_batch__signed_total_is_not_the_sum__is_refused(world, refused):
    for wrong in (6, 8):
        with refused("WrongTotal", 7, wrong):
            world.settle((1, 7, recipient(1)), total=wrong)


@pytest.mark.parametrize("payout", [(1, 0, recipient(1)), (1, 7, "0x" + "00" * 20)])
def test_settle_batch__nothing_to_pay_or_nobody__is_refused(world, refused, payout):
    with refused("BadPayout", 1):
        world.settle(payout)


def test_settle_batch__paying_the_pool_itself__is_refused(world, refused):
    with refused("BadPayout", 1):
        world.settle((1, 7, world.pool.address))


def test_settle_batch__over_the_batch_limit__is_refused(world, refused):
    world.settle((1, 5_000 * USDC, recipient(1)))
    with refused("OverBatchLimit", 5_000 * USDC + 1, 5_000 * USDC):
        world.settle((2, 5_000 * USDC + 1, recipient(2)))


def test_settle_batch__over_the_daily_limit__waits_for_the_next_utc_day(world, refused):
    world.at((world.now // DAY + 1) * DAY)
    world.settle((1, 5_000 * USDC, recipient(1)))
    with refused("OverDailyLimit", 8_000 * USDC + 1, 8_000 * USDC):
        world.settle((2, 3_000 * USDC + 1, recipient(2)))
    world.at((world.now // DAY + 1) * DAY - 2)
    with refused("OverDailyLimit"):
        world.settle((2, 3_000 * USDC + 1, recipient(2)))
    world.at((world.now // DAY + 1) * DAY)
    assert world.pool.functions.spentToday().call() == 0
    world.settle((2, 3_000 * USDC + 1, recipient(2)))
    assert world.pool.functions.spentToday().call() == 3_000 * USDC + 1


def test_settle_batch__over_the_free_balance__is_refused(world, refused):
    world.send(world.pool.functions.setReserved(9_000 * USDC), "treasurer")
    with refused("NotEnoughFree", 1_000 * USDC + 1, 1_000 * USDC):
        world.settle((1, 1_000 * USDC + 1, recipient(1)))
    world.settle((1, 1_000 * USDC, recipient(1)))
    assert world.pool.functions.freeBalance().call() == 0


# --- a payout that is refused


def test_settle_batch__token_refuses_one_recipient__the_others_are_paid(world):
    world.send(world.token.functions.setDenied(recipient(2), True))
    receipt = world.settle(*[(n, 10, recipient(n)) for n in (1, 2, 3)])
    assert [world.balance(recipient(n)) for n in (1, 2, 3)] == [10, 0, 10]
    assert [world.pool.functions.isSettled(n).call() for n in (1, 2, 3)] == [True, False, True]
    assert world.events(receipt, "PayoutFailed") == [
        {"batchNo": 1, "claimIndex": 2, "recipient": recipient(2), "amount": 10}
    ]
    assert [event["claimIndex"] for event in world.events(receipt, "ClaimPaid")] == [1, 3]
    settled = world.events(receipt, "BatchSettled")[0]
    assert (settled["total"], settled["paid"], settled["failedCount"]) == (30, 20, 1)


def test_settle_batch__recipient_allowed_again__is_paid_once_in_a_later_batch(world, refused):
    world.send(world.token.functions.setDenied(recipient(2), True))
    world.settle((2, 10, recipient(2)))
    world.send(world.token.functions.setDenied(recipient(2), False))
    world.settle((2, 10, recipient(2)))
    assert world.balance(recipient(2)) == 10
    with refused("AlreadySettled", 2):
        world.settle((2, 10, recipient(2)))


def test_settle_batch__recipient_on_the_pools_own_list__is_not_paid(world):
    world.send(world.pool.functions.setDenied([recipient(2)], True), "lister")
    receipt = world.settle((1, 10, recipient(1)), (2, 10, recipient(2)))
    assert [world.balance(recipient(n)) for n in (1, 2)] == [10, 0]
    assert [event["claimIndex"] for event in world.events(receipt, "PayoutFailed")] == [2]
    assert not world.pool.functions.isSettled(2).call()


def test_settle_batch__refused_payouts__do_not_use_up_the_day(world):
    world.send(world.token.functions.setDenied(recipient(2), True))
    world.settle((1, 1_000 * USDC, recipient(1)), (2, 4_000 * USDC, recipient(2)))
    assert world.pool.functions.spentToday().call() == 1_000 * USDC
    world.settle((3, 5_000 * USDC, recipient(3)))
    world.settle((4, 2_000 * USDC, recipient(4)))
    assert world.pool.functions.spentToday().call() == 8_000 * USDC


# --- size


def test_settle_batch__400_new_recipients__fit_one_transaction(world):
    receipt = world.settle(*[(n, 10, recipient(n)) for n in range(400)], gas=GAS_CAP)
    assert world.events(receipt, "BatchSettled")[0]["paid"] == 4_000
    assert receipt["gasUsed"] < 15_000_000
