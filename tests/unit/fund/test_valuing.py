"""Store, landed chain and snapshot → one valuation."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from leverageguard.fund import valuing
from leverageguard.policies import advancing
from leverageguard.risk import extremes
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.valuation_tables import FundValuation
from leverageguard.warehouse import landing
from tests.policy_world import CHAIN, HOUR, PAYOUTS, START, USDC, PolicyWorld, wallet


@cache
def _simulated(assets, count: int, seed: int) -> extremes.Extremes:
    return extremes.simulate(assets, count, seed)


@pytest.fixture
def world(settings, monkeypatch) -> PolicyWorld:
    """A small world whose paths are made once for all tests."""
    monkeypatch.setattr(extremes, "kept", lambda _settings, *of: _simulated(*of))
    return PolicyWorld(replace(settings, capital_paths=200))


def at(hours: float) -> int:
    return START + int(hours * HOUR)


def bought(world: PolicyWorld, *references: str, hours: float = 0.5, **other) -> list:
    quotes = [world.quote(each, **other) for each in references]
    for quote in quotes:
        world.buy(quote, hours)
    return quotes


def read(world: PolicyWorld, hours: float) -> None:
    """The chain landed and policies moved at a time."""
    world.at(hours)
    world.read()
    advancing.advance()


def value(world: PolicyWorld, hours: float, reserved: int = 0) -> valuing.Valuation:
    return valuing.value(world.settings, at(hours), {CHAIN: reserved})


def reserve(world: PolicyWorld, quote, state: str, amount: int, hours: float) -> None:
    with base.session(world.settings) as session:
        session.add(
            ClaimTxn(
                claim_id=f"clm_{quote.reference}", txn_no=1, policy_id=quote.quote_id,
                from_state=None, to_state=state, at_ms=at(hours), recorded_at_ms=at(hours),
                actor="tester", rule_id="TEST", inputs_hash="0x", detail="{}",
                reserve_micro_usdc=amount,
            )
        )  # fmt: skip


def test_value__half_the_cover_over__splits_the_premium_and_asks_for_capital(world):
    bought(world, "P-1", "P-2", leverage=40, premium_micro_usdc=3 * USDC)
    deposit = world.event(
        "chain/deposits", 0.2, depositor=wallet("o"), amount_micro_usdc=1000 * USDC
    )
    landing.replace(world.settings, "chain/deposits", START, landing.of_chain(CHAIN), [deposit])
    read(world, 13)

    made = value(world, 13, reserved=7)

    assert made.cash_micro_usdc == 1006 * USDC
    assert made.free_micro_usdc == 1006 * USDC - 7
    assert made.written_micro_usdc == 6 * USDC
    assert made.earned_micro_usdc == made.unearned_micro_usdc == 3 * USDC
    # A near barrier is reached early rather than late: by hazard more is earned than by time.
    assert 0 < made.unearned_hazard_micro_usdc < made.unearned_micro_usdc
    owed = made.unearned_micro_usdc + made.ibnr_micro_usdc
    assert made.own_funds_micro_usdc == made.cash_micro_usdc - owed
    # Both are of one asset and one kind: a path that takes one takes both.
    assert made.scr_1d_micro_usdc == 20 * USDC - made.unearned_micro_usdc
    ratio = made.own_funds_micro_usdc * 1_000_000 // made.scr_1d_micro_usdc
    assert made.solvency_ratio_ppm == ratio


def test_value__a_far_barrier__is_unearned_longer_by_hazard_and_that_is_what_own_funds_take(world):
    bought(world, "P-1", leverage=15)
    read(world, 13)

    made = value(world, 13)

    assert made.unearned_micro_usdc < made.unearned_hazard_micro_usdc < 10 * USDC
    owed = made.unearned_hazard_micro_usdc + made.ibnr_micro_usdc
    assert made.own_funds_micro_usdc == 10 * USDC - owed


def test_value__same_facts_and_instant__is_the_same_row(world):
    bought(world, "P-1")
    read(world, 5)

    first, second = value(world, 5), value(world, 5)

    assert first == second
    with base.session(world.settings) as session:
        assert len(session.scalars(select(FundValuation)).all()) == 1
    assert valuing.newest(world.settings) == first


def test_value__another_instant_or_reserve__is_another_row(world):
    bought(world, "P-1")
    read(world, 5)

    made = [value(world, 5), value(world, 4), value(world, 5, reserved=1)]

    assert len({one.valuation_id for one in made}) == 3
    newest = valuing.newest(world.settings)
    assert newest is not None and newest.valued_at_ms == at(5)


def test_newest__nothing_valued__is_none(world):
    assert valuing.newest(world.settings) is None


def test_value__claims__are_reserved_and_from_approval_on_payable(world):
    one, two = bought(world, "P-1", "P-2")
    read(world, 5)
    before = value(world, 5)
    reserve(world, one, "VERIFYING", 10 * USDC, 4)
    reserve(world, two, "APPROVED", 8 * USDC, 4)

    made = value(world, 5)

    assert (made.case_reserve_micro_usdc, made.payable_micro_usdc) == (10 * USDC, 8 * USDC)
    assert made.own_funds_micro_usdc == before.own_funds_micro_usdc - 18 * USDC
    # What a claim has taken of the sum insured cannot be lost again.
    assert made.told["sum_at_risk_micro_usdc"] == 2 * USDC


def test_value__a_claim_notified_later__is_none_yet(world):
    (quote,) = bought(world, "P-1")
    read(world, 5)
    reserve(world, quote, "VERIFYING", 10 * USDC, 4.5)

    assert value(world, 4).case_reserve_micro_usdc == 0


def test_value__a_cancelled_policy__earned_what_it_kept_and_is_no_risk(world):
    (quote,) = bought(world, "P-1")
    world.cancel(quote, 0.7)
    read(world, 2)

    made = value(world, 2)

    assert made.cash_micro_usdc == 5 * USDC
    assert (made.written_micro_usdc, made.unearned_micro_usdc) == (5 * USDC, 0)
    assert (made.scr_1d_micro_usdc, made.solvency_ratio_ppm) == (0, None)


def test_value__money_that_bought_nothing__is_owed(world):
    world.transfer(3 * USDC, 0.5)
    read(world, 2)

    made = value(world, 2)

    assert made.cash_micro_usdc == 3 * USDC
    assert made.own_funds_micro_usdc == 0


def test_value__payouts__are_gone_from_the_cash_as_they_were_read_last(world):
    world.transfer(9 * USDC, 0.5)
    told = {"batch_no": 1, "recipient": wallet("holder"), "amount_micro_usdc": 2 * USDC}
    world.event(PAYOUTS, 1, claim_index=1, is_paid=True, **told)
    world.event(PAYOUTS, 1.1, claim_index=2, is_paid=False, **told)
    # Paid in a block that was lost, withheld in the one that took its place an hour later.
    lost = world.event(PAYOUTS, 1.2, claim_index=3, is_paid=True, **told)
    again = {"tx_hash": lost["tx_hash"], "log_index": lost["log_index"]}
    world.event(PAYOUTS, 2.2, claim_index=3, is_paid=False, **told, **again)
    read(world, 3)

    assert value(world, 3).cash_micro_usdc == 7 * USDC


def test_value__an_asset_without_a_model__is_taken_as_lost(world):
    bought(world, "P-1", inst_id="NEW-USDT-SWAP", premium_micro_usdc=2 * USDC)
    read(world, 5)

    made = value(world, 5)

    assert made.told["policies_unmodelled"] == 1
    assert made.scr_1d_micro_usdc == 10 * USDC - (made.unearned_micro_usdc)


def test_valuations__in_the_store__never_change(world):
    bought(world, "P-1")
    read(world, 5)
    value(world, 5)

    for change in ("UPDATE fund_valuations SET paths = 1", "DELETE FROM fund_valuations"):
        with pytest.raises(IntegrityError), base.session(world.settings) as session:
            session.execute(text(change))
