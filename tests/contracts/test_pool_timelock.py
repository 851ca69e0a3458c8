"""The pool owned by a timelock: what its owner changes waits in the open, and nobody else can."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from tests.contracts.pool_world import DAY, recipient

ADMIN_ROLE = bytes(32)
NOTHING = bytes(32)
DELAY = 2 * DAY
LIMITS = (1_000, 2_000)


@pytest.fixture
def owned(world, deploy):
    """The pool after its deployer gave the admin's role to a timelock; with the timelock."""
    people = [[world.who(label).address] for label in ("owner", "executor")]
    timelock = deploy("PoolTimelock", DELAY, *people)
    world.send(world.pool.functions.grantRole(ADMIN_ROLE, timelock.address))
    deployer = world.who("admin").address
    world.send(world.pool.functions.renounceRole(ADMIN_ROLE, deployer))
    return world, timelock


def test_timelock__a_delay_under_a_day__is_refused(world, deploy, refused):
    people = [[world.who("owner").address]] * 2
    with refused("DelayTooShort", DAY - 1, DAY):
        deploy("PoolTimelock", DAY - 1, *people)


def operation(world, function="setLimits", arguments=LIMITS, salt=NOTHING):
    """Target, value, data, predecessor and salt of a call of the pool."""
    data = world.pool.functions[function](*arguments)._encode_transaction_data()
    return (world.pool.address, 0, data, NOTHING, salt)


def schedule(world, timelock, what, sender="owner", delay=DELAY):
    world.send(timelock.functions.schedule(*what, delay), sender)
    return timelock.functions.hashOperation(*what).call()


def test_timelock__set_limits__happens_only_after_its_delay(owned, refused):
    world, timelock = owned
    what = operation(world)
    schedule(world, timelock, what)
    ready = world.now + DELAY
    execute = timelock.functions.execute(*what)
    world.at(ready - 5)
    with refused("TimelockUnexpectedOperationState"):
        world.send(execute, "executor")
    assert world.view("batchLimit") != LIMITS[0]
    world.at(ready)
    receipt = world.send(execute, "executor")
    assert world.events(receipt, "LimitsSet") == [
        {"batchLimit": LIMITS[0], "dailyLimit": LIMITS[1]}
    ]
    assert (world.view("batchLimit"), world.view("dailyLimit")) == LIMITS


def test_timelock__a_shorter_delay__is_refused(owned, refused):
    world, timelock = owned
    with refused("TimelockInsufficientDelay", DELAY - 1, DELAY):
        schedule(world, timelock, operation(world), delay=DELAY - 1)


def test_timelock__the_same_operation_again__is_refused(owned, refused):
    world, timelock = owned
    what = operation(world)
    schedule(world, timelock, what)
    world.at(world.now + DELAY)
    world.send(timelock.functions.execute(*what), "executor")
    with refused("TimelockUnexpectedOperationState"):
        world.send(timelock.functions.execute(*what), "executor")


def test_timelock__cancelled_by_its_proposer__never_happens(owned, refused):
    world, timelock = owned
    what = operation(world)
    number = schedule(world, timelock, what)
    with refused("AccessControlUnauthorizedAccount"):
        world.send(timelock.functions.cancel(number), "executor")
    world.send(timelock.functions.cancel(number), "owner")
    world.at(world.now + DELAY)
    with refused("TimelockUnexpectedOperationState"):
        world.send(timelock.functions.execute(*what), "executor")


def test_timelock__strangers__neither_propose_nor_execute(owned, refused):
    world, timelock = owned
    what = operation(world)
    for label in ("executor", "admin", "stranger"):
        with refused("AccessControlUnauthorizedAccount"):
            schedule(world, timelock, what, sender=label)
    schedule(world, timelock, what)
    world.at(world.now + DELAY)
    for label in ("owner", "admin", "stranger"):
        with refused("AccessControlUnauthorizedAccount"):
            world.send(timelock.functions.execute(*what), label)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("setLimits", LIMITS),
        ("setThreshold", (1,)),
        ("setWithdrawalTerms", (1, DAY)),
        ("grantRole", (keccak(text="VERIFIER_ROLE"), recipient(1))),
        ("revokeRole", (keccak(text="VERIFIER_ROLE"), recipient(1))),
    ],
)
def test_pool__owned_by_a_timelock__obeys_nobody_else(owned, refused, function, arguments):
    world, timelock = owned
    for label in ("admin", "owner", "executor", "stranger", "proposer", "pauser", "treasurer"):
        with refused("AccessControlUnauthorizedAccount"):
            world.send(world.pool.functions[function](*arguments), label)
    what = operation(world, function, arguments)
    schedule(world, timelock, what)
    world.at(world.now + DELAY)
    world.send(timelock.functions.execute(*what), "executor")


def test_timelock__its_own_delay__changes_only_by_itself(owned, refused):
    world, timelock = owned
    with refused("TimelockUnauthorizedCaller", world.who("owner").address):
        world.send(timelock.functions.updateDelay(0), "owner")
    for label in ("owner", "executor", "admin"):
        assert not timelock.functions.hasRole(ADMIN_ROLE, world.who(label).address).call()
    assert timelock.functions.hasRole(ADMIN_ROLE, timelock.address).call()
    assert timelock.functions.getMinDelay().call() == DELAY


def test_timelock__emergency__the_pauser_does_not_wait(owned):
    world, _ = owned
    world.pause(2)
    assert world.view("isPaused", 2)
