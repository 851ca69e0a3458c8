"""The rules of giving a policy up: `cancelPolicy`, before cover, for a part of the premium."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contracts.pool_world import DAY, PAYOUTS, QUOTE_NAMES, SALES, USDC, WITHDRAWALS

QUOTE_ID = keccak(text="quote 1")
PREMIUM, WAIT, COVER = 12_500_000, 1800, DAY
FUNDED = 10_000 * USDC


def quote_of(world, **changes):
    """A quote for the buyer, who holds just its premium and lets the pool take it."""
    buyer = world.who("buyer").address
    terms = (QUOTE_ID, buyer, PREMIUM, 50 * USDC, COVER, WAIT, world.now + DAY, keccak(text="t"))
    quote = dict(zip(QUOTE_NAMES, terms, strict=True)) | changes
    world.send(world.token.functions.mint(buyer, quote["premium"]))
    world.send(world.token.functions.approve(world.pool.address, quote["premium"]), "buyer")
    return quote


def bought(world, **changes):
    """When the buyer bought a policy on these terms, in seconds."""
    world.send(world.buying(quote_of(world, **changes)), "buyer")
    return world.now


@pytest.fixture
def bought_at(world):
    """When the buyer bought a policy of 12.50 USDC with 30 minutes to wait and a day of cover."""
    return bought(world)


def cancelling(world, quote_id=QUOTE_ID):
    return world.pool.functions.cancelPolicy(quote_id)


def cancel_at(world, second):
    """Cancel in a block of that second; its receipt."""
    world.w3.provider.make_request("evm_setNextBlockTimestamp", [second])
    return world.send(cancelling(world), "buyer", gas=200_000)  # an estimate has its own second


def has(world):
    return world.balance(world.who("buyer").address)


def test_cancel_policy__before_cover__gives_the_part_of_the_time_that_is_left(world, bought_at):
    receipt = cancel_at(world, bought_at + 882)
    refund = 12_375_000  # 87,318 of 88,200 seconds are left: 99 %
    assert has(world) == refund
    assert world.balance(world.pool.address) == FUNDED + PREMIUM - refund
    buyer = world.who("buyer").address
    assert world.events(receipt, "PolicyCancelled") == [
        {"quoteId": QUOTE_ID, "buyer": buyer, "refund": refund}
    ]
    terms = [PREMIUM, WAIT, COVER]
    assert world.view("policyOf", QUOTE_ID) == [buyer, bought_at, bought_at + 882, *terms]


@pytest.mark.parametrize("waited", [1, 2, 7, 900, WAIT - 1])
def test_cancel_policy__any_second_before_cover__rounds_the_refund_down(world, bought_at, waited):
    cancel_at(world, bought_at + waited)
    whole = WAIT + COVER
    assert has(world) * whole <= PREMIUM * (whole - waited) < (has(world) + 1) * whole


@pytest.mark.parametrize("waited", [WAIT, WAIT + 1, WAIT + COVER, WAIT + COVER + 1])
def test_cancel_policy__from_the_start_of_cover_on__is_refused(world, bought_at, refused, waited):
    world.at(bought_at + waited)
    with refused("CoverStarted", bought_at + WAIT):
        cancelling(world).call({"from": world.who("buyer").address, "gasPrice": 0})


def test_cancel_policy__without_a_wait__is_refused_at_once(world, refused):
    bought_at = bought(world, waitSeconds=0)
    with refused("CoverStarted", bought_at):
        cancelling(world).call({"from": world.who("buyer").address, "gasPrice": 0})


def test_cancel_policy__by_anyone_but_its_buyer__is_refused(world, bought_at, refused):
    for label in ("stranger", "admin", "quoter", "treasurer"):
        with refused("NotTheBuyer", world.who("buyer").address):
            world.send(cancelling(world), label)


def test_cancel_policy__that_nobody_bought__is_refused(world, bought_at, refused):
    with refused("NoSuchPolicy", keccak(text="quote 2")):
        world.send(cancelling(world, keccak(text="quote 2")), "buyer")


def test_cancel_policy__a_second_time__is_refused(world, bought_at, refused):
    world.send(cancelling(world), "buyer")
    before = has(world)
    with refused("AlreadyCancelled", QUOTE_ID):
        world.send(cancelling(world), "buyer")
    assert has(world) == before


def test_cancel_policy__by_a_denied_buyer__waits_until_the_denial_ends(world, bought_at, refused):
    buyer = world.who("buyer").address
    world.deny(buyer, until=bought_at + 900)
    with refused("DeniedAccount", buyer):
        world.send(cancelling(world), "buyer")
    cancel_at(world, bought_at + 900)
    assert has(world) == PREMIUM * (WAIT + COVER - 900) // (WAIT + COVER)


def test_cancel_policy__payouts_paused__is_refused_until_they_run_again(world, bought_at, refused):
    world.pause(PAYOUTS)
    with refused("ModulePaused", PAYOUTS):
        world.send(cancelling(world), "buyer")
    world.pause(PAYOUTS, False)
    world.send(cancelling(world), "buyer")


def test_cancel_policy__only_the_other_modules_paused__is_refunded(world, bought_at):
    world.pause(SALES)
    world.pause(WITHDRAWALS)
    world.send(cancelling(world), "buyer")
    assert has(world) > 0


def test_cancel_policy__money_set_aside__is_not_touched(world, bought_at, refused):
    refund = PREMIUM * (WAIT + COVER - 900) // (WAIT + COVER)
    held = world.balance(world.pool.address)
    world.send(world.pool.functions.setReserved(held - refund + 1), "reserver")
    world.at(bought_at + 900)
    with refused("NotEnoughFree", refund, refund - 1):
        cancelling(world).call({"from": world.who("buyer").address, "gasPrice": 0})
    world.w3.provider.make_request("evm_setNextBlockTimestamp", [bought_at + 901])
    later = PREMIUM * (WAIT + COVER - 902) // (WAIT + COVER)
    world.send(world.pool.functions.setReserved(held - later), "reserver")
    cancel_at(world, bought_at + 902)
    assert world.view("freeBalance") == 0


def test_cancel_policy__no_room_under_the_payouts_limits__is_refunded(world, bought_at):
    """The limits bound what signatures can take; nobody gets more back than he paid."""
    world.send(world.pool.functions.setLimits(0, 0))
    world.send(cancelling(world), "buyer")
    assert has(world) > 0
    assert world.view("spentToday") == 0


def test_cancel_policy__the_token_refuses_its_buyer__the_policy_stands(world, bought_at, refused):
    buyer = world.who("buyer").address
    world.issuer_denies(buyer)
    with refused("DeniedAccount", buyer):
        world.send(cancelling(world), "buyer")
    assert world.view("policyOf", QUOTE_ID)[2] == 0


def test_buy_policy__cancelled_before__is_never_sold_again(world, bought_at, refused):
    world.send(cancelling(world), "buyer")
    for changes in ({}, {"premium": 1, "waitSeconds": 10 * DAY}):
        with refused("AlreadyBought", QUOTE_ID):
            world.send(world.buying(quote_of(world, **changes)), "buyer")


def test_cancel_policy__a_dearer_quote_signed_under_the_same_id__refunds_what_was_bought(
    world, bought_at, refused
):
    """The refund rests on the sale: whoever has the quoter's key cannot make it larger."""
    dearer = {"premium": 100 * USDC, "waitSeconds": 100 * DAY, "coverSeconds": 100 * DAY}
    with refused("AlreadyBought", QUOTE_ID):
        world.send(world.buying(quote_of(world, **dearer)), "buyer")
    before = has(world)
    cancel_at(world, bought_at + 900)
    assert has(world) - before == PREMIUM * (WAIT + COVER - 900) // (WAIT + COVER)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    premium=st.one_of(st.integers(1, 10), st.integers(1, 100 * USDC), st.just(2**128 - 1)),
    wait=st.one_of(st.integers(2, 4000), st.just(2**64 - 1)),
    cover=st.one_of(st.integers(0, 3 * DAY), st.just(2**64 - 1)),
    part=st.floats(0, 1),
)
@example(premium=1, wait=2, cover=0, part=0.0)
@example(premium=2**128 - 1, wait=2**64 - 1, cover=2**64 - 1, part=0.0)
def test_cancel_policy__any_terms_and_time__refunds_the_share_and_never_more_than_the_premium(
    world, premium, wait, cover, part
):
    snapshot = world.w3.provider.make_request("evm_snapshot", [])["result"]
    try:
        bought_at = bought(world, premium=premium, waitSeconds=wait, coverSeconds=cover)
        waited = 1 + int(part * (min(wait, DAY) - 2))
        cancel_at(world, bought_at + waited)
        assert has(world) == premium * (wait + cover - waited) // (wait + cover) <= premium
        assert world.balance(world.pool.address) == FUNDED + premium - has(world)
    finally:
        world.w3.provider.make_request("evm_revert", [snapshot])
