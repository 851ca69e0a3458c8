"""The rules of `rescuePayout`: a refused payout is paid once, to whom the verifiers name."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from tests.contracts.pool_world import PAYOUTS, USDC, WITHHELD, recipient, word

OWED = 3_000 * USDC
ZERO = "0x" + "00" * 20


@pytest.fixture
def owing(world):
    """Claim 1 was paid; claim 2, of 3,000 USDC, was refused by the token."""
    world.issuer_denies(recipient(2))
    world.settle((10, recipient(1)), (OWED, recipient(2)))
    return world


@pytest.mark.parametrize("to", [2, 3])
def test_rescue__signed_by_two_verifiers__pays_the_whole_amount_and_says_so(owing, to):
    owing.issuer_denies(recipient(2), False)
    receipt = owing.send(owing.rescuing(2, recipient(to), OWED), "rescuer")
    assert owing.balance(recipient(to)) == OWED
    assert owing.events(receipt, "PayoutRescued") == [
        {"claimIndex": 2, "recipient": recipient(to), "amount": OWED}
    ]
    assert owing.view("isSettled", 2)
    assert (owing.view("owed"), owing.view("refusedOf", 2)) == (0, 0)
    assert owing.balance(owing.pool.address) == 10_000 * USDC - OWED - 10


def test_rescue__the_same_again__is_refused(owing, refused):
    call = owing.rescuing(2, recipient(3), OWED)
    owing.send(call, "rescuer")
    with refused("NotRefused", 2):
        owing.send(call, "rescuer")
    with refused("NotRefused", 2):
        owing.send(owing.rescuing(2, recipient(4), OWED), "rescuer")
    assert owing.balance(recipient(3)) == OWED
    assert owing.balance(recipient(4)) == 0


@pytest.mark.parametrize("claim", [0, 1, 3, 2**40 + 2, 2**255])
def test_rescue__a_claim_that_was_paid_or_never_came__is_refused(owing, refused, claim):
    with refused("NotRefused", claim):
        owing.send(owing.rescuing(claim, recipient(3), 10), "rescuer")


def test_rescue__a_withheld_payout__is_paid_once_its_denial_ran_out(world, refused):
    until = world.now + 86_400
    world.deny(recipient(2), until=until)
    world.settle((12, recipient(2)), words=[WITHHELD | word(12, recipient(2))])
    with refused("DeniedAccount", recipient(2)):
        world.send(world.rescuing(1, recipient(2), 12), "rescuer")
    world.at(until)
    world.send(world.rescuing(1, recipient(2), 12), "rescuer")
    assert world.balance(recipient(2)) == 12


def test_rescue__to_somebody_on_the_deny_list__is_refused(owing, refused):
    owing.deny(recipient(3))
    with refused("DeniedAccount", recipient(3)):
        owing.send(owing.rescuing(2, recipient(3), OWED), "rescuer")


def test_rescue__to_nobody_or_the_pool__is_refused(owing, refused):
    for to in (ZERO, owing.pool.address):
        with refused("BadRecipient", to):
            owing.send(owing.rescuing(2, to, OWED), "rescuer")


def test_rescue__still_refused_by_the_token__stays_owed(owing, refused):
    with refused("DeniedAccount", recipient(2)):
        owing.send(owing.rescuing(2, recipient(2), OWED), "rescuer")
    assert owing.view("owed") == OWED


# --- whose word counts


def test_rescue__by_anyone_but_a_rescuer__is_refused(owing, refused):
    call = owing.rescuing(2, recipient(3), OWED)
    for label in ("admin", "proposer", "verifier 1", "treasurer", "stranger"):
        with refused("AccessControlUnauthorizedAccount"):
            owing.send(call, label)


def test_rescue__one_signature_of_two__is_refused(owing, refused):
    with refused("TooFewSignatures", 1, 2):
        owing.send(owing.rescuing(2, recipient(3), OWED, "verifier 1"), "rescuer")


def test_rescue__the_rescuers_own_signature__does_not_count(owing, refused):
    owing.grant("RESCUER", owing.who("verifier 1").address)
    with refused("TooFewSignatures", 1, 2):
        owing.send(owing.rescuing(2, recipient(3), OWED), "verifier 1")


def test_rescue__signed_by_a_stranger__is_refused(owing, refused):
    with refused("NotAVerifier", owing.who("stranger").address):
        owing.send(owing.rescuing(2, recipient(3), OWED, "stranger"), "rescuer")


@pytest.mark.parametrize("change", ["claim", "recipient", "amount", "deadline"])
def test_rescue__one_term_changed_after_signing__is_refused(owing, refused, change):
    owing.issuer_denies(recipient(5))
    owing.settle((OWED, recipient(5)))
    deadline = owing.now + 3600
    message = {"claimIndex": 2, "recipient": recipient(3), "amount": OWED, "deadline": deadline}
    if change == "amount":
        message["amount"] += 1
    signed = owing.signed_by("Rescue", message)
    arguments = {"claim": 2, "recipient": recipient(3), "deadline": deadline}
    arguments |= {"claim": {"claim": 3}, "recipient": {"recipient": recipient(4)}}.get(change, {})
    arguments |= {"deadline": deadline + 1} if change == "deadline" else {}
    call = owing.pool.functions.rescuePayout(*arguments.values(), signed)
    with refused("NotAVerifier"):
        owing.send(call, "rescuer")


# --- how much, and when


def test_rescue__after_its_deadline__is_refused(owing, refused):
    deadline = owing.now + 3600
    call = owing.rescuing(2, recipient(3), OWED, deadline=deadline)
    owing.at(deadline + 1)
    with refused("Expired", deadline):
        owing.send(call, "rescuer")


def test_rescue__payouts_paused__waits_until_they_run_again(owing, refused):
    call = owing.rescuing(2, recipient(3), OWED)
    owing.pause(PAYOUTS)
    with refused("ModulePaused", PAYOUTS):
        owing.send(call, "rescuer")
    owing.pause(PAYOUTS, False)
    owing.send(call, "rescuer")


def test_rescue__counts_against_the_day(owing, refused):
    owing.settle((5_000 * USDC - 9, recipient(5)))
    assert owing.view("spentToday") == 5_000 * USDC + 1
    with refused("OverDailyLimit", 8_000 * USDC + 1, 8_000 * USDC):
        owing.send(owing.rescuing(2, recipient(3), OWED), "rescuer")
    owing.at((owing.now // 86_400 + 1) * 86_400)
    owing.send(owing.rescuing(2, recipient(3), OWED), "rescuer")
    assert owing.view("spentToday") == OWED


def test_rescue__of_money_that_is_reserved__is_refused(owing, refused):
    held = owing.balance(owing.pool.address)
    owing.send(owing.pool.functions.setReserved(held - OWED + 1), "reserver")
    with refused("NotEnoughFree", OWED, OWED - 1):
        owing.send(owing.rescuing(2, recipient(3), OWED), "rescuer")


def test_rescue__uses_no_money_owed_to_others(owing, refused):
    """Two are owed and the reserve rises: the first rescue leaves the second one's part alone."""
    owing.issuer_denies(recipient(5))
    owing.settle((OWED, recipient(5)))
    held = owing.balance(owing.pool.address)
    owing.send(owing.pool.functions.setReserved(held - 2 * OWED), "reserver")
    assert owing.view("freeBalance") == 0
    owing.send(owing.rescuing(2, recipient(3), OWED), "rescuer")
    assert (owing.view("owed"), owing.view("freeBalance")) == (OWED, 0)
    owing.send(owing.rescuing(3, recipient(4), OWED), "rescuer")
    assert owing.view("owed") == 0


def test_rescue__a_verifier_since_revoked__no_longer_counts(owing, refused):
    call = owing.rescuing(2, recipient(3), OWED)
    gone = owing.who("verifier 2").address
    owing.send(owing.pool.functions.revokeRole(keccak(text="VERIFIER_ROLE"), gone))
    with refused("NotAVerifier", gone):
        owing.send(call, "rescuer")
