"""A hedged pair of which one side could not be read: people look before anything is paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leverageguard import clock, config
from leverageguard.warehouse import model_runner
from tests.dbt.dbt_world import HOUR, MINUTE, REFUSED, START, DbtWorld, wallet
from tests.dbt.decided_world import Outcome, judged

pytestmark = pytest.mark.slow
OPEN, CLOSE = START + 2 * HOUR, START + 4 * HOUR
ETH, BTC = "ETH-USDT-SWAP", "BTC-USDT-SWAP"
HELD = Outcome("verified", (), ("NOT_HEDGED",), 0)
REJECTED = Outcome("rejected", ("NOT_HEDGED",), (), 0)
PAID = Outcome("verified", (), (), 4_980_000)


@pytest.fixture(scope="module")
def models(dbt_data: Path) -> Iterator[model_runner.Models]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "twins"))
        yield model_runner.compiled(config.load())


@pytest.fixture
def world(models: model_runner.Models, dbt_data: Path, monkeypatch: pytest.MonkeyPatch) -> DbtWorld:
    """A long of one account that is liquidated; nobody else is there yet."""
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "twins"))
    world = DbtWorld(config.load(), hours=30)
    clock.set_world(START + 30 * HOUR)
    world.event("chain/deposits", START - HOUR, depositor=wallet("pool"),
                amount_micro_usdc=1_000_000_000)  # fmt: skip
    world.prices(CLOSE, "99000", "99500", inst=ETH)
    world.account("loses")
    world.policy("loses", "loses", inst=ETH)
    world.trade("loses", OPEN, "100000", "0.1", inst=ETH)
    world.trade("loses", CLOSE, "99100", "0.1", close="full", pnl="-9", inst=ETH)
    return world


def twin(world: DbtWorld, is_shown: bool = True) -> None:
    """The same wallet's short in another account; unless shown, no row of it was ever landed."""
    world.account("gains", signer="loses")
    world.policy("gains", "gains", inst=ETH, owner="loses")
    if is_shown:
        world.trade("gains", OPEN + 10 * MINUTE, "100000", "0.1", side="short", inst=ETH)
        world.trade(
            "gains", CLOSE - 1, "99100", "0.1", side="short", close="own", pnl="9", inst=ETH
        )


def outcome(models: model_runner.Models, world: DbtWorld) -> Outcome:
    world.complete()
    [found] = judged(models, world.rows, []).found.values()
    return found


def test_twin__read_completely__rejects(models, world):
    twin(world)

    assert outcome(models, world) == REJECTED


def test_twin__whose_opening_was_not_read__holds_until_it_is(models, world):
    twin(world, is_shown=False)
    world.gap("gains", "fills", OPEN)

    assert outcome(models, world) == HELD

    world.gaps.clear()
    assert outcome(models, world) == PAID


def test_twin__nobody_asked_for__holds(models, world):
    twin(world, is_shown=False)
    world.accounts.discard("gains")

    assert outcome(models, world) == HELD


def test_twin__gap_outside_of_the_hedge_window__is_none_of_the_claims_business(models, world):
    twin(world, is_shown=False)
    world.gap("gains", "fills", OPEN + HOUR)

    assert outcome(models, world) == PAID


def test_gap__of_a_listing_that_brings_no_fills__hides_no_twin(models, world):
    twin(world, is_shown=False)
    world.gap("gains", "ledger", OPEN)

    assert outcome(models, world) == PAID


@pytest.mark.parametrize(
    "policy",
    [
        {"inst": BTC},
        {"inst": ETH, "is_bought": False},
        # Over before the opening, and bought after it.
        {"inst": ETH, "hours": 8, "bought": OPEN - 9 * HOUR},
        {"inst": ETH, "bought": OPEN},
    ],
    ids=["another asset", "not bought", "over", "later"],
)
def test_gap__of_an_account_that_is_not_insured_in_the_asset_then__changes_nothing(
    models, world, policy
):
    world.account("innocent")
    world.policy("innocent", "innocent", **policy)
    world.gap("innocent", "fills", OPEN)
    world.gap("innocent", "fills", OPEN - HOUR)

    assert outcome(models, world) == PAID


def test_key__refused_from_the_first_reading_on__holds_up_nobody(models, world):
    twin(world, is_shown=False)
    for hour in range(world.first_hour, world.hours):
        world.gap("gains", "fills", START + hour * HOUR, REFUSED)

    assert outcome(models, world) == PAID


def test_key__refused_after_it_was_read__holds(models, world):
    twin(world, is_shown=False)
    for hour in range(2, world.hours):
        world.gap("gains", "fills", START + hour * HOUR, REFUSED)

    assert outcome(models, world) == HELD
