"""The fund valued on a real chain: its cash is the pool's balance, its reserve the pool's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leverageguard import clock
from leverageguard.fund import status, valuing
from leverageguard.warehouse import connect, dbt_runner, landing
from tests.anvil import anvil_fixture  # noqa: F401
from tests.integration.test_policies_on_chain import (  # noqa: F401 - a fixture
    COVER_S,
    PREMIUM,
    QUOTE_ID,
    WAIT_S,
    ingest,
    sold,
)
from tests.pool_stack import USDC, PoolStack, stack_fixture  # noqa: F401


def test_value__of_a_pool_on_a_chain__has_its_balance_and_its_reserve(sold: PoolStack):  # noqa: F811
    sold.fund(500 * USDC)
    sold.buy("buyer", QUOTE_ID, PREMIUM, COVER_S, WAIT_S)
    sold.send(sold.pool.set_reserved(40 * USDC))
    clock.sleep(WAIT_S + COVER_S // 2)
    ingest(6)
    settings = replace(sold.settings, capital_paths=200)

    made = valuing.value(settings)

    assert made.cash_micro_usdc == sold.token.balance_of(sold.pool.address)
    assert made.reserved_micro_usdc == sold.pool.reserved() == 40 * USDC
    assert made.free_micro_usdc == sold.pool.free_balance()
    assert made.written_micro_usdc == PREMIUM
    assert 0 < made.unearned_micro_usdc < PREMIUM
    assert made.scr_10d_micro_usdc > 0 and made.block_number > 0
    (landed,) = landing.scan(settings, valuing.TABLE)
    assert landed["valuation_id"] == made.valuation_id
    assert "own funds" in "\n".join(status.newest(settings))


@pytest.mark.slow
def test_marts__of_two_valuations_of_one_instant__show_both_and_which_knows_most(
    sold: PoolStack,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("DBT_INDIRECT_SELECTION", "cautious")  # no test of a model left out
    sold.fund(500 * USDC)
    clock.sleep(3600)
    ingest(2)
    settings, at_ms = replace(sold.settings, capital_paths=200), clock.now_ms()
    chain_id = settings.chain_id
    first = valuing.value(settings, at_ms, {chain_id: 0})
    clock.sleep(1)
    second = valuing.value(settings, at_ms, {chain_id: 7})

    dbt_runner.build("+fct_fund_valuations")

    shown = connect.rows(
        settings.warehouse_path,
        "select valuation_id, free_micro_usdc, own_funds_micro_usdc, solvency_ratio_ppm, "
        "is_newest_of_its_instant as is_newest from fct_fund_valuations order by recorded_at",
    )
    assert [(row["valuation_id"], row["is_newest"]) for row in shown] == [
        (first.valuation_id, False),
        (second.valuation_id, True),
    ]
    assert [row["free_micro_usdc"] for row in shown] == [
        first.cash_micro_usdc,
        first.cash_micro_usdc - 7,
    ]
    assert {row["solvency_ratio_ppm"] for row in shown} == {None}
