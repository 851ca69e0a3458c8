"""The pool over tokens that misbehave: no money is lost, paid twice or booked wrongly."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from web3.exceptions import Web3Exception

from tests.contracts.pool_world import GAS_CAP, USDC, recipient

RE_ENTERED = keccak(text="ReentrancyGuardReentrantCall()")[:4]


def arm(world, call):
    """Make the token call the pool back during its next transfer."""
    payload = call._encode_transaction_data()
    world.send(world.token.functions.arm(world.pool.address, payload))


def test_settle_batch__token_settles_the_next_batch_meanwhile__is_locked_out(make_world):
    world = make_world("ReentrantToken")
    world.send(world.pool.functions.grantRole(keccak(text="PROPOSER_ROLE"), world.token.address))
    arm(world, world.settling(world.batch((2, 50, recipient(2)), number=2)))
    world.settle((1, 10, recipient(1)))
    assert world.token.functions.answer().call() == RE_ENTERED
    assert world.pool.functions.nextBatch().call() == 2
    assert world.balance(recipient(2)) == 0


def test_settle_batch__token_deposits_meanwhile__is_locked_out(make_world):
    world = make_world("ReentrantToken")
    world.send(world.token.functions.mint(world.token.address, 50))
    world.send(world.token.functions.approvePool(world.pool.address))
    arm(world, world.pool.functions.deposit(50))
    world.settle((1, 10, recipient(1)))
    assert world.token.functions.answer().call() == RE_ENTERED


def test_settle_batch__token_buys_a_policy_meanwhile__is_locked_out(make_world):
    world = make_world("ReentrantToken")
    world.send(world.token.functions.mint(world.token.address, 50))
    world.send(world.token.functions.approvePool(world.pool.address))
    names = ("quoteId", "buyer", "premium", "maxPayout", "coverSeconds", "deadline", "termsHash")
    terms = (keccak(text="q"), world.token.address, 50, 60, 3600, world.now + 600, keccak(text="t"))
    signature = world.sign(world.who("quoter"), "Quote", dict(zip(names, terms, strict=True)))
    arm(world, world.pool.functions.buyPolicy(terms, signature))
    world.settle((1, 10, recipient(1)))
    assert world.token.functions.answer().call() == RE_ENTERED


def test_settle_batch__token_returns_false__the_claim_stays_payable(make_world):
    world = make_world("FalseToken")
    receipt = world.settle((1, 10, recipient(1)))
    assert [event["claimIndex"] for event in world.events(receipt, "PayoutFailed")] == [1]
    assert not world.pool.functions.isSettled(1).call()
    world.send(world.token.functions.setSilent(False))
    world.settle((1, 10, recipient(1)))
    assert world.balance(recipient(1)) == 10


def test_settle_batch__token_pays_but_says_no__is_undone(make_world, refused):
    world = make_world("LyingToken")
    with refused("BalanceMismatch", 10_000 * USDC, 10_000 * USDC - 10):
        world.settle((1, 10, recipient(1)))
    assert world.balance(recipient(1)) == 0


def test_deposit__token_keeps_a_fee__is_refused(make_world, refused):
    world = make_world("FeeToken")
    world.send(world.token.functions.mint(world.who("buyer").address, 1_000))
    world.send(world.token.functions.approve(world.pool.address, 1_000), "buyer")
    with refused("BalanceMismatch", 10_000 * USDC + 1_000, 10_000 * USDC + 990):
        world.send(world.pool.functions.deposit(1_000), "buyer")


@pytest.mark.slow
def test_settle_batch__too_little_gas_for_the_token__never_looks_like_a_refusal(
    make_world, refused
):
    """Any gas limit either pays or undoes the batch: nobody can starve a payout into failing."""
    world = make_world("HungryToken")
    batch = world.batch((1, 10, recipient(1)))
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
