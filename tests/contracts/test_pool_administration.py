"""Who may change what, and what a pool may be built with."""

from __future__ import annotations

import pytest
from web3.exceptions import ContractLogicError

from tests.contracts.pool_world import DAY, ROLE_HOLDERS, USDC, account, artifact, recipient

ADMIN = account("admin").address
SETTINGS = [
    ("setLimits", (1, 2), "admin", "LimitsSet", {"batchLimit": 1, "dailyLimit": 2}),
    ("setThreshold", (3,), "admin", "ThresholdSet", {"threshold": 3}),
    (
        "setWithdrawalTerms",
        (5, DAY),
        "admin",
        "WithdrawalTermsSet",
        {"dailyLimit": 5, "delay": DAY},
    ),
    ("setReserved", (4,), "reserver", "ReservedSet", {"reserved": 4}),
    ("setPaused", (2, True), "pauser", "PausedSet", {"module": 2, "paused": True}),
    (
        "setDenied",
        ([recipient(1)], [6]),
        "lister",
        "DeniedSet",
        {"account": recipient(1), "until": 6},
    ),
    (
        "setAllowed",
        ([recipient(1)], [6]),
        "lister",
        "AllowedSet",
        {"account": recipient(1), "until": 6},
    ),
]


def test_constructor__valid__keeps_its_limits_and_starts_at_the_first_claim(world):
    assert world.view("batchLimit") == 5_000 * USDC
    assert world.view("dailyLimit") == 8_000 * USDC
    assert [world.view(n) for n in ("threshold", "nextBatch", "nextClaim")] == [2, 1, 1]
    assert world.view("TOKEN") == world.token.address
    assert [world.view(n) for n in ("reserved", "owed", "listVersion")] == [0, 0, 0]
    assert world.view("withdrawalTerms") == [0, 2 * DAY]


def test_constructor__valid__says_what_it_was_built_with(world, deploy):
    pool = deploy("LeverageGuardPool", world.token.address, ADMIN, 3, 4, 2)
    logs = world.w3.eth.get_logs({"address": pool.address, "fromBlock": "latest"})
    events = [pool.events[name]() for name in ("LimitsSet", "ThresholdSet", "WithdrawalTermsSet")]
    said = [
        dict(event.process_log(log)["args"]) for event, log in zip(events, logs[1:], strict=True)
    ]
    assert said == [
        {"batchLimit": 3, "dailyLimit": 4},
        {"threshold": 2},
        {"dailyLimit": 0, "delay": 2 * DAY},
    ]


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


def test_set_withdrawal_terms__a_delay_below_a_day__is_refused(world, refused):
    with refused("DelayTooShort", DAY - 1, DAY):
        world.send(world.pool.functions.setWithdrawalTerms(1, DAY - 1))
    assert world.view("withdrawalTerms") == [0, 2 * DAY]


@pytest.mark.parametrize("module", [0, 3, 5, 6, 7, 8, 255])
def test_set_paused__a_module_that_does_not_exist__is_refused(world, refused, module):
    with refused("UnknownModule", module):
        world.send(world.pool.functions.setPaused(module, True), "pauser")


@pytest.mark.parametrize("module", [1, 2, 4])
def test_set_paused__one_module__leaves_the_others_running(world, module):
    others = {1, 2, 4} - {module}
    world.pause(module)
    assert world.view("isPaused", module)
    assert not any(world.view("isPaused", other) for other in others)
    for other in others:
        world.pause(other)
    world.pause(module, False)
    assert not world.view("isPaused", module)
    assert all(world.view("isPaused", other) for other in others)


def test_free_balance__more_reserved_than_held__is_zero(world):
    world.send(world.pool.functions.setReserved(2**64 - 1), "reserver")
    assert world.view("freeBalance") == 0


@pytest.mark.parametrize(("function", "arguments", "holder", "event", "expected"), SETTINGS)
def test_setting__by_anyone_but_its_role__is_refused(
    world, refused, function, arguments, holder, event, expected
):
    call = world.pool.functions[function](*arguments)
    for label in sorted({"admin", "verifier 1", "stranger", *ROLE_HOLDERS.values()} - {holder}):
        with refused("AccessControlUnauthorizedAccount"):
            world.send(call, label)
    world.send(call, holder)


@pytest.mark.parametrize(("function", "arguments", "holder", "event", "expected"), SETTINGS)
def test_setting__changed__is_an_event(world, function, arguments, holder, event, expected):
    receipt = world.send(world.pool.functions[function](*arguments), holder)
    assert world.events(receipt, event) == [expected]
    assert len(receipt["logs"]) == 1


def test_pool__money_leaves_by_four_functions_alone(world):
    """Whoever adds a function that changes anything has to come here and say what it moves."""
    changing = {
        entry["name"]
        for entry in artifact("LeverageGuardPool")["abi"]
        if entry["type"] == "function" and entry["stateMutability"] != "view"
    }
    money_out = {"settleBatch", "rescuePayout", "cancelPolicy", "executeWithdrawal"}
    money_in = {"buyPolicy", "buyPolicyWithPermit", "deposit"}
    roles = {"grantRole", "revokeRole", "renounceRole"}
    settings = {setting[0] for setting in SETTINGS}
    withdrawals = {"requestWithdrawal", "cancelWithdrawal"}
    assert changing == money_out | money_in | roles | settings | withdrawals


def test_pool__takes_no_ether_anywhere(world):
    abi = artifact("LeverageGuardPool")["abi"]
    assert "payable" not in {entry.get("stateMutability") for entry in abi}
    assert {"receive", "fallback"}.isdisjoint(entry["type"] for entry in abi)
    world.w3.provider.make_request("anvil_setBalance", [ADMIN, hex(10)])
    transaction = {"from": ADMIN, "to": world.pool.address, "value": 1, "gasPrice": 0}
    with pytest.raises(ContractLogicError):
        world.w3.eth.call(transaction)
