"""What tries a simulated stack: test money and time on the embedded chain, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leverageguard import clock, config
from leverageguard.stack import local_chain, visiting
from leverageguard.stack.progress import StackError
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import PoolStack, _private_key, recipient, stack_fixture  # noqa: F401

CHAIN_PORT_OFFSET = 2


@pytest.fixture
def embedded(stack: PoolStack) -> config.Settings:
    """The settings of a stack whose own chain this one is."""
    port = int(stack.anvil.url.rpartition(":")[2])
    (stack.settings.secrets_dir / "chain_admin").write_text(_private_key("admin"))
    return replace(stack.settings, chain_rpc=None, port_base=port - CHAIN_PORT_OFFSET)


def test_fund__gives_test_money_and_gas(embedded: config.Settings, stack: PoolStack) -> None:
    said = visiting.fund(embedded, recipient(7))

    assert said.startswith("SIMULATED: ") and "1000000000 micro-USDC" in said
    assert stack.token.balance_of(recipient(7)) == visiting.TEST_MONEY_MICRO_USDC
    assert stack.chain.web3.eth.get_balance(recipient(7)) == local_chain.GAS_MONEY_WEI


def test_advance__moves_the_worlds_time_and_the_chains(
    embedded: config.Settings, stack: PoolStack
) -> None:
    before = clock.now_ms()

    visiting.advance(embedded, 3)

    assert clock.now_ms() - before >= 3 * 3_600_000
    assert abs(stack.chain.head().timestamp - clock.now_ms() // 1000) <= 2


@pytest.mark.parametrize("hours", [0, -1])
def test_advance__not_forward__is_refused(embedded: config.Settings, hours: int) -> None:
    before = clock.now_ms()

    with pytest.raises(StackError, match="time passes forward only"):
        visiting.advance(embedded, hours)
    assert clock.now_ms() - before < 60_000


def test_a_chain_of_its_own_nodes__is_refused(stack: PoolStack) -> None:
    with pytest.raises(StackError, match="no embedded chain"):
        visiting.fund(stack.settings, recipient(7))
    with pytest.raises(StackError, match="no embedded chain"):
        visiting.advance(stack.settings, 1)
    assert stack.token.balance_of(recipient(7)) == 0


def test_outside_of_a_simulated_world__everything_is_refused(settings: config.Settings) -> None:
    for call in (
        lambda: visiting.visitors(settings),
        lambda: visiting.fund(settings, recipient(7)),
        lambda: visiting.advance(settings, 1),
    ):
        with pytest.raises(StackError, match="no simulated world is in use"):
            call()
