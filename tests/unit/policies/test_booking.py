"""The books follow the policies: each purchase and refund once, and what the chain lost undone."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from leverageguard.intake import ledger
from leverageguard.store import base
from leverageguard.store.ledger_tables import LedgerEntry
from tests.policy_world import PolicyWorld


@pytest.fixture
def world(settings):
    return PolicyWorld(settings)


def cash(world) -> int:
    query = select(func.sum(LedgerEntry.amount_micro_usdc)).where(
        LedgerEntry.account == ledger.CASH
    )
    with base.session(world.settings) as session:
        return int(session.scalar(query) or 0)


def step(world, hours):
    world.at(hours)
    world.read_and_advance()
    world.advance()
    return cash(world)


def test_advance__bought__books_the_premium_once(world):
    quote = world.quote()
    world.buy(quote)

    assert step(world, 2) == quote.premium_micro_usdc


def test_advance__cancelled_and_the_chain_loses_it_all__books_are_as_before(world):
    quote = world.quote()
    bought = world.buy(quote)
    cancelled = world.cancel(quote, 0.75)
    assert step(world, 2) == quote.premium_micro_usdc - cancelled["refund_micro_usdc"]
    world.lose(cancelled)
    assert step(world, 3) == quote.premium_micro_usdc
    world.lose(bought)
    assert step(world, 4) == 0
    world.buy(quote, 1.5, tx_hash=bought["tx_hash"])
    assert step(world, 5) == quote.premium_micro_usdc


def test_advance__bought_otherwise_than_quoted__is_no_premium(world):
    paid = world.buy(world.quote(), premium_micro_usdc=1)
    assert step(world, 2) == 0
    world.lose(paid)
    assert step(world, 3) == 0


def test_purchases_before__refund_that_the_chain_lost__is_a_purchase_again(world):
    quote = world.quote()
    world.buy(quote)
    cancelled = world.cancel(quote, 0.75)

    def count():
        with base.session(world.settings) as session:
            return ledger.purchases_before(session, quote.wallet)

    step(world, 2)
    assert count() == 0
    world.lose(cancelled)
    step(world, 3)
    assert count() == 1
