"""The pool over tokens that misbehave: no money is lost, paid twice or booked wrongly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils import keccak
from web3.exceptions import Web3Exception

from tests.contracts.pool_world import (
    DAY,
    GAS_CAP,
    QUOTE_NAMES,
    ROOT,
    USDC,
    WITHHELD,
    recipient,
    word,
)

RE_ENTERED = keccak(text="ReentrancyGuardReentrantCall()")[:4]
HELD = 10_000 * USDC
PAYS_SILENTLY, SHORT_NO_PAY, PAYS_TWO, PAYS_LONG, BOMB, BURNS_ALL = range(6)


# --- calling back


@dataclass
class Trap:
    """A pool of a token that calls back, ready for every way money can move."""

    world: Any

    def __post_init__(self) -> None:
        world, token = self.world, self.world.token
        world.allow(recipient(8))
        world.send(world.pool.functions.setWithdrawalTerms(HELD, DAY))
        for role in ("PROPOSER", "RESCUER", "TREASURER"):
            world.grant(role, token.address)
        world.settle((7, recipient(7)), words=[WITHHELD | word(7, recipient(7))])
        self.withdrawal = world.withdrawal(recipient(8), 8)
        world.send(token.functions.mint(token.address, 200))
        world.send(token.functions.approvePool(world.pool.address))
        world.send(token.functions.mint(world.who("donor").address, 200))
        world.send(token.functions.approve(world.pool.address, 200), "donor")
        for buyer in (token.address, world.who("donor").address):
            world.send(self.buying(buyer, f"sold to {buyer}"), buyer)
        world.at(world.now + 1)
        self.held = world.balance(world.pool.address)

    def call(self, name: str, by: str) -> Any:
        """One of the functions that move money, as a valid call of that account."""
        functions = self.world.pool.functions
        return {
            "settle": lambda: self.world.settling(self.world.batch((5, recipient(5)))),
            "rescue": lambda: self.world.rescuing(1, recipient(7), 7),
            "withdraw": lambda: functions.executeWithdrawal(self.withdrawal),
            "deposit": lambda: functions.deposit(50),
            "cancel": lambda: functions.cancelPolicy(keccak(text=f"sold to {by}")),
            "buy": lambda: self.buying(by, "q"),
            "buy with permit": lambda: functions.buyPolicyWithPermit(
                *self.buying(by, "q").args, 0, 27, bytes(32), bytes(32)
            ),
        }[name]()

    def buying(self, buyer: str, name: str) -> Any:
        """The call by which an account buys a policy that can be cancelled for a day."""
        times = (3600, DAY, self.world.now + 600, keccak(text="t"))
        terms = (keccak(text=name), buyer, 50, 60, *times)
        return self.world.buying(dict(zip(QUOTE_NAMES, terms, strict=True)))


INNER = ("settle", "rescue", "withdraw", "deposit", "cancel", "buy", "buy with permit")
OUTER = {
    "settle": "proposer",
    "rescue": "rescuer",
    "withdraw": "treasurer",
    "cancel": "donor",
    "deposit": "donor",
}


@pytest.fixture(scope="module")
def trap(make_world):
    """One trap for all the tests of this module; each puts the chain back."""
    return Trap(make_world("ReentrantToken"))


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_pool__token_calls_back_while_money_moves__is_locked_out(trap, outer, inner):
    world, token = trap.world, trap.world.token
    snapshot = world.w3.provider.make_request("evm_snapshot", [])["result"]
    try:
        donor = world.who("donor").address
        payload = trap.call(inner, token.address)._encode_transaction_data()
        world.send(token.functions.arm(world.pool.address, payload))
        world.send(trap.call(outer, donor), OUTER[outer])
        assert token.functions.answer().call() == RE_ENTERED
        assert not token.functions.entered().call()
        moved = {"settle": -5, "rescue": -7, "withdraw": -8, "cancel": -49, "deposit": 50}[outer]
        assert world.balance(world.pool.address) == trap.held + moved
    finally:
        world.w3.provider.make_request("evm_revert", [snapshot])


@pytest.mark.parametrize("inner", INNER)
def test_pool__the_calls_of_these_tests__would_go_through_alone(trap, inner):
    """Else the lock would not be what refused them."""
    call = trap.call(inner, trap.world.token.address)
    call.call({"from": trap.world.token.address, "gasPrice": 0})


# --- answering wrongly


def test_settle_batch__token_returns_false__the_payout_is_owed(make_world):
    world = make_world("FalseToken")
    receipt = world.settle((10, recipient(1)))
    assert [event["claimIndex"] for event in world.events(receipt, "PayoutFailed")] == [1]
    assert (world.view("owed"), world.view("isSettled", 1)) == (10, False)
    world.send(world.token.functions.setSilent(False))
    world.send(world.rescuing(1, recipient(1), 10), "rescuer")
    assert world.balance(recipient(1)) == 10


def test_rescue_and_withdrawal__token_returns_false__are_undone(make_world, refused):
    world = make_world("FalseToken")
    world.settle((10, recipient(1)))
    with refused("SafeERC20FailedOperation", world.token.address):
        world.send(world.rescuing(1, recipient(1), 10), "rescuer")
    world.allow(recipient(8))
    world.send(world.pool.functions.setWithdrawalTerms(HELD, DAY))
    number = world.withdrawal(recipient(8), 8)
    with refused("SafeERC20FailedOperation", world.token.address):
        world.send(world.pool.functions.executeWithdrawal(number), "treasurer")
    assert world.view("owed") == 10


def test_cancel_policy__token_returns_false__the_policy_stands(make_world, refused):
    world = make_world("FalseToken")
    buyer = world.who("buyer").address
    world.send(world.token.functions.mint(buyer, 50))
    world.send(world.token.functions.approve(world.pool.address, 50), "buyer")
    terms = (ROOT, buyer, 50, 60, 3600, DAY, world.now + 600, ROOT)
    world.send(world.buying(dict(zip(QUOTE_NAMES, terms, strict=True))), "buyer")
    with refused("SafeERC20FailedOperation", world.token.address):
        world.send(world.pool.functions.cancelPolicy(ROOT), "buyer")
    world.send(world.token.functions.setSilent(False))
    world.send(world.pool.functions.cancelPolicy(ROOT), "buyer")
    assert world.balance(buyer) in (49, 50)


def test_settle_batch__token_pays_but_says_no__is_undone(make_world, refused):
    world = make_world("LyingToken")
    with refused("BalanceMismatch", HELD, HELD - 10):
        world.settle((10, recipient(1)))
    assert world.balance(recipient(1)) == 0


@pytest.fixture(scope="module")
def odd_world(make_world):
    """A pool of a token that answers recipients 1 to 5 in five odd ways, the others not at all."""
    world = make_world("OddToken")
    for answer in (SHORT_NO_PAY, PAYS_TWO, PAYS_LONG, BOMB, BURNS_ALL):
        world.send(world.token.functions.setAnswer(recipient(answer), answer))
    return world


@pytest.fixture
def odd(odd_world):
    """The same, put back after the test."""
    snapshot = odd_world.w3.provider.make_request("evm_snapshot", [])["result"]
    yield odd_world
    odd_world.w3.provider.make_request("evm_revert", [snapshot])


def test_settle_batch__token_answers_nothing__is_paid(odd):
    payouts = [(10 + n, recipient(20 + n)) for n in range(3)]
    receipt = odd.settle(*payouts)
    assert [odd.balance(to) for _, to in payouts] == [10, 11, 12]
    assert odd.events(receipt, "BatchSettled")[0]["paid"] == 33


def test_settle_batch__token_answers_true_and_more__is_paid(odd):
    odd.settle((10, recipient(PAYS_LONG)), (11, recipient(20)))
    assert [odd.balance(recipient(n)) for n in (PAYS_LONG, 20)] == [10, 11]


def test_settle_batch__short_answer_without_payment__is_undone(odd, refused):
    """Fewer than 32 bytes leave the word of the answer before in memory: the balance tells."""
    with refused("BalanceMismatch", HELD - 21, HELD - 10):
        odd.settle((10, recipient(20)), (11, recipient(SHORT_NO_PAY)))


def test_settle_batch__answer_that_is_neither_true_nor_false__is_undone(odd, refused):
    with refused("BalanceMismatch", HELD, HELD - 10):
        odd.settle((10, recipient(PAYS_TWO)))


def test_settle_batch__a_bomb_of_revert_data__stops_nobody_else(odd):
    payouts = [(10, recipient(20)), (11, recipient(BOMB)), (12, recipient(21))]
    receipt = odd.settle(*payouts, gas=2_000_000)
    assert [odd.balance(to) for _, to in payouts] == [10, 0, 12]
    assert odd.events(receipt, "BatchSettled")[0]["refused"] == [0b10, 0]


def test_settle_batch__a_transfer_that_burns_all_its_gas__stops_nobody_else(odd, refused):
    payouts = [(10, recipient(20)), (11, recipient(BURNS_ALL)), (12, recipient(21))]
    call = odd.settling(odd.batch(*payouts))
    with refused("TooLittleGas", 2):
        call.call({"from": odd.who("proposer").address, "gasPrice": 0, "gas": 3_000_000})
    receipt = odd.send(call, "proposer", gas=GAS_CAP)
    assert [odd.balance(to) for _, to in payouts] == [10, 0, 12]
    assert odd.events(receipt, "BatchSettled")[0]["refused"] == [0b10, 0]
    assert odd.view("owed") == 11


# --- keeping a fee


def test_deposit__token_keeps_a_fee__is_refused(make_world, refused):
    world = make_world("FeeToken")
    world.send(world.token.functions.mint(world.who("buyer").address, 1_000))
    world.send(world.token.functions.approve(world.pool.address, 1_000), "buyer")
    with refused("BalanceMismatch", HELD + 1_000, HELD + 990):
        world.send(world.pool.functions.deposit(1_000), "buyer")


def test_money_out__token_takes_a_fee_on_top__is_undone(make_world, refused):
    world = make_world("FeeToken")
    with refused("BalanceMismatch", HELD - 1_000, HELD - 1_010):
        world.settle((1_000, recipient(1)))
    world.settle((1_000, recipient(1)), words=[WITHHELD | word(1_000, recipient(1))])
    with refused("BalanceMismatch", HELD - 1_000, HELD - 1_010):
        world.send(world.rescuing(1, recipient(1), 1_000), "rescuer")
    world.allow(recipient(8))
    world.send(world.pool.functions.setWithdrawalTerms(HELD, DAY))
    number = world.withdrawal(recipient(8), 1_000)
    with refused("BalanceMismatch", HELD - 1_000, HELD - 1_010):
        world.send(world.pool.functions.executeWithdrawal(number), "treasurer")


# --- too little gas


@pytest.mark.slow
def test_settle_batch__too_little_gas_for_the_token__never_looks_like_a_refusal(
    make_world, refused
):
    """Any gas limit either pays or undoes the batch: nobody can starve a payout into failing."""
    world = make_world("HungryToken")
    batch = world.batch((10, recipient(1)))
    call = world.settling(batch)
    options = {"from": world.who("proposer").address, "gasPrice": 0}
    outcomes = set()
    for gas in range(150_000, 1_400_000, 10_000):
        try:
            request = call.build_transaction(options | {"gas": gas})
            reply = world.w3.provider.make_request(
                "eth_call",
                [{**{k: request[k] for k in ("from", "to", "data")}, "gas": hex(gas)}, "latest"],
            )
        except Web3Exception as error:
            raise AssertionError(str(error)) from error
        outcomes.add("refused" if "error" in reply else "settled")
        if "error" not in reply:
            break
    assert outcomes == {"refused", "settled"}
    with refused("TooLittleGas", 1):
        call.call(options | {"gas": gas - 30_000})
    receipt = world.send(call, "proposer", gas=GAS_CAP)
    assert world.balance(recipient(1)) == 10
    assert world.events(receipt, "PayoutFailed") == []
