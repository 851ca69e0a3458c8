"""Who may change what, and what a pool may be built with."""

from __future__ import annotations

import pytest

from tests.contracts.pool_world import USDC, account, artifact, recipient

ADMIN = account("admin").address


def test_constructor__valid__keeps_its_limits_and_starts_at_batch_one(world):
    views = world.pool.functions
    assert views.batchLimit().call() == 5_000 * USDC
    assert views.dailyLimit().call() == 8_000 * USDC
    assert (views.threshold().call(), views.nextBatch().call()) == (2, 1)
    assert views.TOKEN().call() == world.token.address
    assert views.reserved().call() == 0


def test_constructor__token_without_code__is_refused(deploy, refused):
    with refused("NotAContract", recipient(1)):
        deploy("LeverageGuardPool", recipient(1), ADMIN, 1, 1, 1)


def test_constructor__token_of_eighteen_decimals__is_refused(deploy, refused):
    token = deploy("EighteenDecimalsToken").address
    with refused("NotSixDecimals", 18):
        deploy("LeverageGuardPool", token, ADMIN, 1, 1, 1)


def test_constructor__without_an_admin__is_refused(world, deploy, refused):
    with refused("ZeroAddress"):
        deploy("LeverageGuardPool", world.token.address, "0x" + "00" * 20, 1, 1, 1)


def test_constructor__threshold_zero__is_refused(world, deploy, refused):
    with refused("ZeroThreshold"):
        deploy("LeverageGuardPool", world.token.address, ADMIN, 1, 1, 0)


def test_set_threshold__to_zero__is_refused(world, refused):
    with refused("ZeroThreshold"):
        world.send(world.pool.functions.setThreshold(0))


@pytest.mark.parametrize("module", [0, 3, 4])
def test_set_paused__a_module_that_does_not_exist__is_refused(world, refused, module):
    with refused("UnknownModule", module):
        world.send(world.pool.functions.setPaused(module, True), "pauser")


def test_set_paused__one_module__leaves_the_other_running(world):
    for module, other in ((1, 2), (2, 1)):
        world.send(world.pool.functions.setPaused(module, True), "pauser")
        assert world.pool.functions.isPaused(module).call()
        assert not world.pool.functions.isPaused(other).call()
        world.send(world.pool.functions.setPaused(module, False), "pauser")
        assert not world.pool.functions.isPaused(module).call()


def test_set_denied__a_batch_of_accounts__lists_and_unlists_all(world):
    accounts = [recipient(n) for n in range(3)]
    for denied in (True, False):
        world.send(world.pool.functions.setDenied(accounts, denied), "lister")
        listed = [world.pool.functions.isDenied(a).call() for a in accounts]
        assert listed == [denied] * 3


def test_free_balance__more_reserved_than_held__is_zero(world):
    world.send(world.pool.functions.setReserved(2**128 - 1), "treasurer")
    assert world.pool.functions.freeBalance().call() == 0


@pytest.mark.parametrize(
    ("function", "arguments", "holder"),
    [
        ("setLimits", (1, 2), "admin"),
        ("setThreshold", (1,), "admin"),
        ("setReserved", (1,), "treasurer"),
        ("setPaused", (1, True), "pauser"),
        ("setDenied", ([recipient(1)], True), "lister"),
    ],
)
def test_setting__by_anyone_but_its_role__is_refused(world, refused, function, arguments, holder):
    call = world.pool.functions[function](*arguments)
    roles = {"admin", "proposer", "verifier 1", "quoter", "pauser", "lister", "treasurer"}
    for label in sorted(roles - {holder}):
        with refused("AccessControlUnauthorizedAccount"):
            world.send(call, label)
    world.send(call, holder)


@pytest.mark.parametrize(
    ("function", "arguments", "holder", "event", "expected"),
    [
        ("setLimits", (1, 2), "admin", "LimitsSet", {"batchLimit": 1, "dailyLimit": 2}),
        ("setThreshold", (3,), "admin", "ThresholdSet", {"threshold": 3}),
        ("setReserved", (4,), "treasurer", "ReservedSet", {"reserved": 4}),
        ("setPaused", (2, True), "pauser", "PausedSet", {"module": 2, "paused": True}),
        (
            "setDenied",
            ([recipient(1)], True),
            "lister",
            "DeniedSet",
            {"account": recipient(1), "denied": True},
        ),
    ],
)
def test_setting__changed__is_an_event(world, function, arguments, holder, event, expected):
    receipt = world.send(world.pool.functions[function](*arguments), holder)
    assert world.events(receipt, event) == [expected]


def test_pool__money_leaves_by_settle_batch_alone(world):
    changing = {
        entry["name"]
        for entry in artifact("LeverageGuardPool")["abi"]
        if entry["type"] == "function" and entry["stateMutability"] != "view"
    }
    settings = {"setLimits", "setThreshold", "setReserved", "setPaused", "setDenied"}
    roles = {"grantRole", "revokeRole", "renounceRole"}
    assert changing == settings | roles | {"settleBatch", "buyPolicy", "deposit"}


def test_pool__sent_ether__refuses_it(world):
    transaction = {"from": ADMIN, "to": world.pool.address, "value": 0, "gasPrice": 0}
    with pytest.raises(Exception, match="revert"):
        world.w3.eth.call(transaction)
