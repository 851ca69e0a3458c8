"""The rules of withdrawals: asked for in the open, to known accounts, and only free money."""

from __future__ import annotations

import pytest

from tests.contracts.pool_world import (
    DAY,
    PAYOUTS,
    SALES,
    USDC,
    WITHDRAWALS,
    WITHHELD,
    recipient,
    word,
)

SAFE = recipient(70)
OTHER = recipient(71)
LIMIT = 4_000 * USDC
DELAY = 2 * DAY
WEEK = 7 * DAY


@pytest.fixture
def treasury(world):
    """A pool that may send 4,000 USDC a day, two days after it was asked, to one account."""
    world.send(world.pool.functions.setWithdrawalTerms(LIMIT, DELAY))
    world.allow(SAFE)
    return world


def asking(world, amount=100, to=SAFE):
    return world.pool.functions.requestWithdrawal(to, amount)


def taking(world, number=1):
    return world.pool.functions.executeWithdrawal(number)


def test_withdrawal__asked_for_and_waited__is_paid_and_says_so(treasury):
    receipt = treasury.send(asking(treasury), "treasurer")
    ready = treasury.now + DELAY
    asked = {"withdrawalId": 1, "to": SAFE, "amount": 100}
    assert treasury.events(receipt, "WithdrawalRequested") == [asked | {"readyAt": ready}]
    assert treasury.view("withdrawalOf", 1) == [SAFE, 100, ready]
    assert treasury.balance(SAFE) == 0
    treasury.at(ready)
    receipt = treasury.send(taking(treasury), "treasurer")
    assert treasury.events(receipt, "Withdrawn") == [asked]
    assert treasury.balance(SAFE) == 100
    assert treasury.view("withdrawnToday") == 100
    assert treasury.balance(treasury.pool.address) == 10_000 * USDC - 100


def test_withdrawal__receiver_on_the_deny_list_meanwhile__is_refused(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    treasury.deny(SAFE)
    with refused("DeniedAccount", SAFE):
        treasury.send(taking(treasury, number), "treasurer")


def test_withdrawal__taken_twice__is_refused(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    treasury.send(taking(treasury, number), "treasurer")
    with refused("NoSuchWithdrawal", number):
        treasury.send(taking(treasury, number), "treasurer")
    assert treasury.balance(SAFE) == 100


@pytest.mark.parametrize("number", [0, 1, 2**32 + 1])
def test_withdrawal__that_nobody_asked_for__is_refused(treasury, refused, number):
    with refused("NoSuchWithdrawal", number):
        treasury.send(taking(treasury, number), "treasurer")
    with refused("NoSuchWithdrawal", number):
        treasury.send(treasury.pool.functions.cancelWithdrawal(number), "canceller")


def test_withdrawal__before_its_time__is_refused(treasury, refused):
    treasury.send(asking(treasury), "treasurer")
    ready = treasury.now + DELAY
    treasury.at(ready - 2)
    with refused("TooEarly", ready):
        taking(treasury).call({"from": treasury.who("treasurer").address})
    treasury.at(ready)
    treasury.send(taking(treasury), "treasurer")


def test_withdrawal__a_week_after_its_time__is_refused(treasury, refused):
    for number in (1, 2):
        treasury.send(asking(treasury), "treasurer")
        last = treasury.view("withdrawalOf", number)[2] + WEEK
    treasury.at(last)
    taking(treasury, 2).call({"from": treasury.who("treasurer").address})
    treasury.at(last + 1)
    with refused("Expired", last):
        treasury.send(taking(treasury, 2), "treasurer")


def test_withdrawal__of_nothing__is_refused(treasury, refused):
    with refused("ZeroAmount"):
        treasury.send(asking(treasury, 0), "treasurer")


def test_withdrawal__terms_changed_after_it_was_asked__keeps_its_delay(treasury, refused):
    treasury.send(asking(treasury), "treasurer")
    ready = treasury.view("withdrawalOf", 1)[2]
    treasury.send(treasury.pool.functions.setWithdrawalTerms(LIMIT, DAY))
    with refused("TooEarly", ready):
        treasury.send(taking(treasury), "treasurer")
    treasury.send(asking(treasury), "treasurer")
    assert treasury.view("withdrawalOf", 2)[2] == treasury.now + DAY


# --- to whom


def test_withdrawal__to_somebody_not_on_the_list__is_refused(treasury, refused):
    with refused("NotAllowed", OTHER):
        treasury.send(asking(treasury, to=OTHER), "treasurer")


def test_withdrawal__recipient_taken_off_the_list_meanwhile__is_refused(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    treasury.allow(SAFE, until=0)
    with refused("NotAllowed", SAFE):
        treasury.send(taking(treasury, number), "treasurer")


def test_withdrawal__entry_ran_out_before_it_is_taken__is_refused(treasury, refused):
    treasury.allow(SAFE, until=treasury.now + DELAY)
    number = treasury.withdrawal(SAFE, 100)
    assert not treasury.view("isAllowed", SAFE)
    with refused("NotAllowed", SAFE):
        treasury.send(taking(treasury, number), "treasurer")
    treasury.allow(SAFE, until=treasury.now + 60)
    treasury.send(taking(treasury, number), "treasurer")


def test_withdrawal__to_the_pool_itself__is_refused(treasury, refused):
    treasury.allow(treasury.pool.address)
    number = treasury.withdrawal(treasury.pool.address, 100)
    with refused("BalanceMismatch"):
        treasury.send(taking(treasury, number), "treasurer")


def test_withdrawal__refused_by_the_token__can_be_taken_later(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    treasury.issuer_denies(SAFE)
    with refused("DeniedAccount", SAFE):
        treasury.send(taking(treasury, number), "treasurer")
    treasury.issuer_denies(SAFE, False)
    treasury.send(taking(treasury, number), "treasurer")
    assert treasury.balance(SAFE) == 100


# --- how much


def test_withdrawal__without_terms__takes_nothing(world, refused):
    """A new pool allows none: the admin has to say how much a day may see."""
    world.allow(SAFE)
    number = world.withdrawal(SAFE, 1)
    with refused("OverWithdrawalLimit", 1, 0):
        world.send(taking(world, number), "treasurer")


def test_withdrawal__over_the_days_limit__waits_for_the_next_utc_day(treasury, refused):
    for amount in (LIMIT, 1):
        treasury.send(asking(treasury, amount), "treasurer")
    treasury.at((treasury.now // DAY + 4) * DAY)
    treasury.send(taking(treasury, 1), "treasurer")
    with refused("OverWithdrawalLimit", LIMIT + 1, LIMIT):
        treasury.send(taking(treasury, 2), "treasurer")
    treasury.at((treasury.now // DAY + 1) * DAY)
    assert treasury.view("withdrawnToday") == 0
    treasury.send(taking(treasury, 2), "treasurer")
    assert treasury.view("withdrawnToday") == 1


def test_withdrawal__does_not_use_up_the_payouts_day(treasury):
    number = treasury.withdrawal(SAFE, LIMIT)
    treasury.send(taking(treasury, number), "treasurer")
    assert treasury.view("spentToday") == 0


def test_withdrawal__of_reserved_money__is_refused(treasury, refused):
    treasury.send(treasury.pool.functions.setReserved(9_000 * USDC), "reserver")
    for amount in (1_000 * USDC + 1, 1_000 * USDC):
        number = treasury.withdrawal(SAFE, amount)
    with refused("NotEnoughFree", 1_000 * USDC + 1, 1_000 * USDC):
        treasury.send(taking(treasury, 1), "treasurer")
    treasury.send(taking(treasury, number), "treasurer")


def test_withdrawal__of_money_owed_to_the_insured__is_refused(treasury, refused):
    for claim in (1, 2):
        words = [WITHHELD | word(4_000 * USDC, recipient(claim))]
        treasury.settle((4_000 * USDC, recipient(claim)), words=words)
    number = treasury.withdrawal(SAFE, 2_000 * USDC + 1)
    with refused("NotEnoughFree", 2_000 * USDC + 1, 2_000 * USDC):
        treasury.send(taking(treasury, number), "treasurer")


# --- who


def test_withdrawal__asked_for_or_taken_by_anyone_but_a_treasurer__is_refused(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    for label in ("admin", "lister", "canceller", "proposer", "stranger"):
        for call in (asking(treasury), taking(treasury, number)):
            with refused("AccessControlUnauthorizedAccount"):
                treasury.send(call, label)


def test_withdrawal__cancelled__is_never_taken(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    cancelling = treasury.pool.functions.cancelWithdrawal(number)
    for label in ("admin", "treasurer", "stranger"):
        with refused("AccessControlUnauthorizedAccount"):
            treasury.send(cancelling, label)
    treasury.pause(WITHDRAWALS)
    receipt = treasury.send(cancelling, "canceller")
    assert treasury.events(receipt, "WithdrawalCancelled") == [
        {"withdrawalId": number, "to": SAFE, "amount": 100}
    ]
    treasury.pause(WITHDRAWALS, False)
    with refused("NoSuchWithdrawal", number):
        treasury.send(taking(treasury, number), "treasurer")


def test_withdrawal__withdrawals_paused__waits_until_they_run_again(treasury, refused):
    number = treasury.withdrawal(SAFE, 100)
    treasury.pause(WITHDRAWALS)
    for call in (asking(treasury), taking(treasury, number)):
        with refused("ModulePaused", WITHDRAWALS):
            treasury.send(call, "treasurer")
    treasury.pause(WITHDRAWALS, False)
    treasury.pause(SALES)
    treasury.pause(PAYOUTS)
    treasury.send(asking(treasury), "treasurer")
    treasury.send(taking(treasury, number), "treasurer")
