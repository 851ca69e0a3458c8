"""Buying with an ERC-2612 permit: one transaction, and nobody can stop it by submitting first."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from tests.contracts.pool_world import QUOTE_NAMES, SALES, USDC

PREMIUM = 12_500_000
QUOTE_ID = keccak(text="quote 1")
PERMIT = [
    {"name": "owner", "type": "address"},
    {"name": "spender", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint256"},
]


@pytest.fixture
def quote(world):
    """A quote for a buyer who holds 100 USDC and allowed nobody anything."""
    buyer = world.who("buyer").address
    world.send(world.token.functions.mint(buyer, 100 * USDC))
    values = (QUOTE_ID, buyer, PREMIUM, 50 * USDC, 86_400, 1800, world.now + 600, keccak(text="t"))
    return dict(zip(QUOTE_NAMES, values, strict=True))


def permit(world, signer="buyer", **changes):
    """Deadline, v, r and s of a permit of the premium; `changes` to its message."""
    owner = world.who(signer).address
    message = {
        "owner": owner,
        "spender": world.pool.address,
        "value": PREMIUM,
        "nonce": world.token.functions.nonces(owner).call(),
        "deadline": world.now + 600,
    } | changes
    domain = {
        "name": "Test USD Coin",
        "version": "1",
        "chainId": world.w3.eth.chain_id,
        "verifyingContract": world.token.address,
    }
    signable = encode_typed_data(domain, {"Permit": PERMIT}, message)
    signed = world.who(signer).sign_message(signable)
    r, s = (number.to_bytes(32, "big") for number in (signed.r, signed.s))
    return message["deadline"], signed.v, r, s


def buying(world, quote, signed, signer="quoter"):
    signature = world.sign(world.who(signer), "Quote", quote)
    return world.pool.functions.buyPolicyWithPermit(tuple(quote.values()), signature, *signed)


def allowance(world, quote):
    return world.token.functions.allowance(quote["buyer"], world.pool.address).call()


def test_buy_with_permit__without_any_allowance__buys_in_one_transaction(world, quote):
    receipt = world.send(buying(world, quote, permit(world)), "buyer")
    assert world.balance(quote["buyer"]) == 100 * USDC - PREMIUM
    assert world.balance(world.pool.address) == 10_000 * USDC + PREMIUM
    assert len(world.events(receipt, "PolicyPurchased")) == 1
    bought = [quote["buyer"], world.now, 0, PREMIUM, 1800, 86_400]
    assert world.view("policyOf", QUOTE_ID) == bought
    assert allowance(world, quote) == 0


def test_buy_with_permit__permit_submitted_by_somebody_else_first__buys_all_the_same(world, quote):
    signed = permit(world)
    terms = (quote["buyer"], world.pool.address, PREMIUM, *signed)
    world.send(world.token.functions.permit(*terms), "stranger")
    world.send(buying(world, quote, signed), "buyer")
    assert world.balance(quote["buyer"]) == 100 * USDC - PREMIUM


def test_buy_with_permit__the_same_again__is_refused(world, quote, refused):
    call = buying(world, quote, permit(world))
    world.send(call, "buyer")
    with refused("AlreadyBought", QUOTE_ID):
        world.send(call, "buyer")
    with refused("AlreadyBought", QUOTE_ID):
        world.send(buying(world, quote, permit(world)), "buyer")
    assert world.balance(quote["buyer"]) == 100 * USDC - PREMIUM


@pytest.mark.parametrize(
    "wrong",
    [{"value": PREMIUM - 1}, {"value": PREMIUM + 1}, {"nonce": 1}, {"deadline": 1}],
    ids=["too little", "too much", "another nonce", "run out"],
)
def test_buy_with_permit__a_wrong_permit_and_no_allowance__sells_nothing(
    world, quote, refused, wrong
):
    with refused("ERC20InsufficientAllowance"):
        world.send(buying(world, quote, permit(world, **wrong)), "buyer")
    assert world.view("policyOf", QUOTE_ID)[1] == 0


def test_buy_with_permit__signed_by_somebody_else__moves_nobodys_money(world, quote, refused):
    other = world.who("other").address
    world.send(world.token.functions.mint(other, 100 * USDC))
    with refused("ERC20InsufficientAllowance"):
        world.send(buying(world, quote, permit(world, "other")), "buyer")
    assert world.balance(other) == 100 * USDC


def test_buy_with_permit__a_wrong_permit_but_an_allowance__buys(world, quote):
    world.send(world.token.functions.approve(world.pool.address, PREMIUM), "buyer")
    world.send(buying(world, quote, permit(world, nonce=7)), "buyer")
    assert world.balance(quote["buyer"]) == 100 * USDC - PREMIUM


def test_buy_with_permit__by_anyone_but_the_buyer__is_refused(world, quote, refused):
    call = buying(world, quote, permit(world))
    with refused("NotTheBuyer", quote["buyer"]):
        world.send(call, "stranger")
    assert allowance(world, quote) == 0


def test_buy_with_permit__refused_for_another_reason__leaves_no_allowance(world, quote, refused):
    world.pause(SALES)
    with refused("ModulePaused", SALES):
        world.send(buying(world, quote, permit(world)), "buyer")
    world.pause(SALES, False)
    with refused("NotAQuoter"):
        world.send(buying(world, quote, permit(world), signer="stranger"), "buyer")
    assert allowance(world, quote) == 0
    assert world.token.functions.nonces(quote["buyer"]).call() == 0


def test_buy_with_permit__of_a_cheaper_quote_than_signed__is_refused(world, quote, refused):
    """The quoter's signature binds buyer and amount; the permit's value is the quote's own."""
    signature = world.sign(world.who("quoter"), "Quote", quote)
    cheaper = tuple((quote | {"premium": 1}).values())
    signed = permit(world, value=1)
    with refused("NotAQuoter"):
        call = world.pool.functions.buyPolicyWithPermit(cheaper, signature, *signed)
        world.send(call, "buyer")
