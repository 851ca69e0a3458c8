"""The fund valued on a real chain: its cash is the pool's balance, its reserve the pool's own."""

from __future__ import annotations

from dataclasses import replace

from leverageguard import clock
from leverageguard.fund import status, valuing
from leverageguard.warehouse import landing
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
