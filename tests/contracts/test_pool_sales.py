"""The rules of money coming in: `buyPolicy` and `deposit`."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from tests.contracts.pool_world import DAY, PAYOUTS, QUOTE_NAMES, SALES, USDC, WITHDRAWALS

QUOTE_ID = keccak(text="quote 1")
TERMS = keccak(text="terms 1")


@pytest.fixture
def quote(world):
    """A quote for a buyer who holds 100 USDC and allowed the pool to take them."""
    buyer = world.who("buyer").address
    world.send(world.token.functions.mint(buyer, 100 * USDC))
    world.send(world.token.functions.approve(world.pool.address, 100 * USDC), "buyer")
    values = (QUOTE_ID, buyer, 12_500_000, 50 * USDC, DAY, 1800, world.now + 600, TERMS)
    return dict(zip(QUOTE_NAMES, values, strict=True))


def test_buy_policy__a_signed_quote__takes_the_premium_and_says_so(world, quote):
    receipt = world.send(world.buying(quote), "buyer")
    assert world.balance(quote["buyer"]) == 87_500_000
    assert world.balance(world.pool.address) == 10_000 * USDC + 12_500_000
    bought = {"quoteId", "buyer", "premium", "maxPayout", "termsHash"}
    assert world.events(receipt, "PolicyPurchased") == [
        {name: value for name, value in quote.items() if name in bought}
    ]
    terms = [quote["premium"], quote["waitSeconds"], quote["coverSeconds"]]
    assert world.view("policyOf", QUOTE_ID) == [quote["buyer"], world.now, 0, *terms]


def test_buy_policy__the_same_quote_again__is_refused(world, quote, refused):
    world.send(world.buying(quote), "buyer")
    with refused("AlreadyBought", QUOTE_ID):
        world.send(world.buying(quote), "buyer")
    assert world.balance(quote["buyer"]) == 87_500_000


def test_buy_policy__by_anyone_but_the_buyer__is_refused(world, quote, refused):
    with refused("NotTheBuyer", quote["buyer"]):
        world.send(world.buying(quote), "stranger")


def test_buy_policy__a_buyer_on_the_deny_list__is_refused(world, quote, refused):
    world.deny(quote["buyer"])
    with refused("DeniedAccount", quote["buyer"]):
        world.send(world.buying(quote), "buyer")


def test_buy_policy__after_the_deadline__is_refused(world, quote, refused):
    world.at(quote["deadline"])
    world.buying(quote).call({"from": quote["buyer"], "gasPrice": 0})
    world.at(quote["deadline"] + 1)
    with refused("Expired", quote["deadline"]):
        world.send(world.buying(quote), "buyer")


def test_buy_policy__sales_paused__is_refused_until_they_run_again(world, quote, refused):
    world.pause(SALES)
    with refused("ModulePaused", SALES):
        world.send(world.buying(quote), "buyer")
    world.pause(SALES, False)
    world.send(world.buying(quote), "buyer")


def test_buy_policy__only_the_other_modules_paused__sells(world, quote):
    world.pause(PAYOUTS)
    world.pause(WITHDRAWALS)
    world.send(world.buying(quote), "buyer")


@pytest.mark.parametrize("name", ["premium", "maxPayout"])
def test_buy_policy__for_nothing__is_refused(world, quote, refused, name):
    with refused("ZeroAmount"):
        world.send(world.buying(quote | {name: 0}), "buyer")


def test_buy_policy__not_signed_by_a_quoter__is_refused(world, quote, refused):
    with refused("NotAQuoter", world.who("verifier 1").address):
        world.send(world.buying(quote, signer="verifier 1"), "buyer")


def test_buy_policy__quoted_for_another_chain__is_refused(world, quote, refused):
    with refused("NotAQuoter"):
        world.send(world.buying(quote, chainId=1), "buyer")


@pytest.mark.parametrize("name", sorted(set(QUOTE_NAMES) - {"quoteId", "buyer"}))
def test_buy_policy__one_term_changed_after_signing__is_refused(world, quote, refused, name):
    signature = world.sign(world.who("quoter"), "Quote", quote)
    changed = quote[name] + 1 if name != "termsHash" else keccak(text="better terms")
    terms = tuple((quote | {name: changed}).values())
    with refused("NotAQuoter"):
        world.send(world.pool.functions.buyPolicy(terms, signature), "buyer")


def test_buy_policy__buyer_cannot_pay__sells_nothing(world, quote, refused):
    with refused("ERC20InsufficientBalance"):
        world.send(world.token.functions.transfer(world.pool.address, 101 * USDC), "buyer")
    world.send(world.token.functions.approve(world.pool.address, 0), "buyer")
    with refused("ERC20InsufficientAllowance"):
        world.send(world.buying(quote), "buyer")
    assert world.view("policyOf", QUOTE_ID)[1] == 0


def test_buy_policy__a_premium_too_large_to_be_kept__is_refused(world, quote, refused):
    """Cut to what fits, its refund would rest on another premium than was paid."""
    world.send(world.token.functions.mint(quote["buyer"], 2**128))
    world.send(world.token.functions.approve(world.pool.address, 2**128), "buyer")
    with refused("SafeCastOverflowedUintDowncast", 128, 2**128):
        world.send(world.buying(quote | {"premium": 2**128}), "buyer")
    world.send(world.buying(quote | {"premium": 2**128 - 1}), "buyer")


def test_deposit__of_an_amount__adds_to_the_free_balance_and_says_so(world, quote):
    receipt = world.send(world.pool.functions.deposit(30 * USDC), "buyer")
    assert world.pool.functions.freeBalance().call() == 10_030 * USDC
    assert world.events(receipt, "Deposited") == [{"from": quote["buyer"], "amount": 30 * USDC}]


def test_deposit__everything_paused__still_adds_capital(world, quote):
    for module in (SALES, PAYOUTS, WITHDRAWALS):
        world.pause(module)
    world.send(world.pool.functions.deposit(1), "buyer")


def test_deposit__of_nothing__is_refused(world, refused):
    with refused("ZeroAmount"):
        world.send(world.pool.functions.deposit(0), "buyer")
