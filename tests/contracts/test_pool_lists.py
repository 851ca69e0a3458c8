"""The rules of the two lists: who is denied, who may receive withdrawals, and until when."""

from __future__ import annotations

import pytest

from tests.contracts.pool_world import FOREVER, QUOTE_NAMES, recipient

ACCOUNTS = [recipient(n) for n in range(3)]
LISTS = [("setDenied", "isDenied", "DeniedSet"), ("setAllowed", "isAllowed", "AllowedSet")]


@pytest.mark.parametrize(("setter", "view", "event"), LISTS)
def test_list__several_accounts__are_listed_and_unlisted_in_one_call(world, setter, view, event):
    for until in ([FOREVER, world.now + 5_000, FOREVER], [0, 0, 0]):
        receipt = world.send(world.pool.functions[setter](ACCOUNTS, until), "lister")
        assert [world.view(view, each) for each in ACCOUNTS] == [bool(each) for each in until]
        assert world.events(receipt, event) == [
            {"account": account, "until": time}
            for account, time in zip(ACCOUNTS, until, strict=True)
        ]


@pytest.mark.parametrize(("setter", "view", "event"), LISTS)
def test_list__an_entry__holds_until_its_second_and_no_longer(world, setter, view, event):
    until = world.now + 10_000
    world.send(world.pool.functions[setter](ACCOUNTS[:1], [until]), "lister")
    world.at(until - 1)
    assert world.view(view, ACCOUNTS[0])
    world.at(until)
    assert not world.view(view, ACCOUNTS[0])


@pytest.mark.parametrize(("setter", "view", "event"), LISTS)
def test_list__accounts_and_times_of_different_number__is_refused(
    world, refused, setter, view, event
):
    for times in ([], [FOREVER], [FOREVER] * 4):
        with refused("WrongLength", 3, len(times)):
            world.send(world.pool.functions[setter](ACCOUNTS, times), "lister")


@pytest.mark.parametrize(("setter", "view", "event"), LISTS)
def test_list__one_of_the_two__leaves_the_other_alone(world, setter, view, event):
    other = ({"isDenied", "isAllowed"} - {view}).pop()
    world.send(world.pool.functions[setter](ACCOUNTS, [FOREVER] * 3), "lister")
    assert not any(world.view(other, each) for each in ACCOUNTS)


def test_views__until_when__tell_the_time(world):
    world.deny(ACCOUNTS[0], until=5)
    world.allow(ACCOUNTS[1], until=6)
    assert world.view("deniedUntil", ACCOUNTS[0]) == 5
    assert world.view("allowedUntil", ACCOUNTS[1]) == 6


# --- a batch and the list it was signed at


@pytest.mark.parametrize("until", [FOREVER, 0, 1])
def test_settle_batch__signed_before_the_deny_list_changed__is_stale(world, refused, until):
    batch = world.batch((7, recipient(1)))
    call = world.settling(batch)
    world.deny(recipient(1), until=until)
    with refused("StaleList", 1, 0):
        world.send(call, "proposer")
    assert world.balance(recipient(1)) == 0


def test_settle_batch__of_a_list_version_to_come__is_refused(world, refused):
    for version in (1, 2**40, 2**64 - 1):
        with refused("StaleList", 0, version):
            world.settle((7, recipient(1)), list_version=version)


def test_settle_batch__signed_anew_at_the_lists_version__is_paid(world):
    world.deny(recipient(1))
    world.deny(recipient(2))
    assert world.view("listVersion") == 2
    world.settle((7, recipient(3)))
    assert world.balance(recipient(3)) == 7


def test_settle_batch__signed_before_the_allow_list_changed__is_paid(world):
    call = world.settling(world.batch((7, recipient(1))))
    world.allow(recipient(5))
    world.send(call, "proposer")
    assert world.view("listVersion") == 0


def test_settle_batch__a_denial_that_ran_out__makes_no_batch_stale(world):
    """Time only takes accounts off the list: what the verifiers vouched for still holds."""
    world.deny(recipient(2), until=world.now + 1_000)
    call = world.settling(world.batch((7, recipient(1))))
    world.at(world.now + 2_000)
    world.send(call, "proposer")
    assert world.balance(recipient(1)) == 7


def test_buy_policy__once_a_denial_ran_out__sells_again(world, refused):
    """`test_pool_sales` has the refusal; here the same buyer is served at the second it ends."""
    buyer = world.who("buyer").address
    until = world.now + 10_000
    world.deny(buyer, until=until)
    world.send(world.token.functions.mint(buyer, 50))
    world.send(world.token.functions.approve(world.pool.address, 50), "buyer")
    values = (b"\1" * 32, buyer, 50, 60, 3600, 900, until + 600, b"\2" * 32)
    buying = world.buying(dict(zip(QUOTE_NAMES, values, strict=True)))
    with refused("DeniedAccount", buyer):
        world.send(buying, "buyer")
    world.at(until)
    world.send(buying, "buyer")
