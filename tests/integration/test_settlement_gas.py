"""What gas may cost, what a node drops, what gets stuck: the batch is paid once all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from leverageguard.settlement import chain as chains
from leverageguard.settlement import errors, ledger, sending, steps
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, stack_fixture  # noqa: F401

GWEI = 10**9
PROPOSER = key("chain_proposer").address


def configure(stack: PoolStack, **values: object) -> None:
    """A chains.toml with these values for the test's chain, instead of the variables."""
    os.environ["LEVERAGEGUARD_CHAIN_RPC"] = os.environ["LEVERAGEGUARD_CHAIN_ID"] = ""
    lines = ["[local]", "chain_id = 31337", f'rpc = ["{stack.anvil.url}"]']
    lines += [f"{name} = {value!r}" for name, value in values.items()]
    (stack.settings.data_dir / "chains.toml").write_text("\n".join(lines))


def in_pool(stack: PoolStack) -> int:
    return int(stack.anvil.rpc("txpool_status")["pending"], 16)


def first_wait(
    monkeypatch: pytest.MonkeyPatch, then: Callable[[chains.Chain, str], None]
) -> list[str]:
    """Do something instead of the first wait for a receipt, which finds none; hashes waited for."""
    usual, waited = chains.Chain.wait, []

    def wait(chain: chains.Chain, tx_hash: str, *patience: float) -> chains.Receipt | None:
        # Longer than that in one go, and nobody sends the dropped bytes again before a replacement.
        assert patience[0] <= sending.REBROADCAST_S < 30
        waited.append(tx_hash)
        if len(waited) > 1:
            return usual(chain, tx_hash, *patience)
        then(chain, tx_hash)
        return None

    monkeypatch.setattr(chains.Chain, "wait", wait)
    return waited


def test_settle__no_gas_money__says_who_holds_what_and_signs_nothing(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    stack.anvil.rpc("anvil_setBalance", PROPOSER, hex(2 * 10**12))
    with pytest.raises(
        errors.GasMoneyTooLow, match=rf"{PROPOSER} holds 0\.000002 ETH .* may cost 0\.\d+ ETH"
    ):
        steps.settle(batch_id)
    assert ledger.load(stack.settings, batch_id).transactions == []
    stack.anvil.give_gas(PROPOSER)
    steps.settle(batch_id)
    assert stack.paid_to(1) == USDC + 1


@pytest.mark.parametrize(("alert", "is_warned"), [(2_000, True), (1, False), (0, False)])
def test_settle__gas_money_below_the_threshold__warns_and_pays(
    stack: PoolStack, alert: int, is_warned: bool
) -> None:
    (batch_id,) = stack.plan(item(1))
    configure(stack, gas_money_alert_ether=alert)
    with capture_logs() as logged:
        steps.settle(batch_id)
    assert ("gas_money_low" in [one["event"] for one in logged]) == is_warned
    assert stack.paid_to(1) == USDC + 1


def test_settle__base_fee_above_the_cap__signs_nothing(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    configure(stack, max_fee_gwei=50)
    stack.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    stack.anvil.rpc("evm_mine")
    with pytest.raises(errors.FeeCapReached, match="max_fee_gwei allows 50000000000"):
        steps.settle(batch_id)
    assert ledger.load(stack.settings, batch_id).transactions == []


def test_settle__twice_the_base_fee_above_the_cap__offers_the_cap(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    configure(stack, max_fee_gwei=50)
    stack.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(40 * GWEI))
    stack.anvil.rpc("evm_mine")
    steps.settle(batch_id)
    (sent,) = ledger.load(stack.settings, batch_id).transactions
    assert int(sent.max_fee_per_gas_wei) == 50 * GWEI


def test_settle__stuck_below_the_cap__waits_and_signs_nothing_above_it(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE_S", 0.2)
    (batch_id,) = stack.plan(item(1))
    most = stack.chain.fees().max_fee_wei
    configure(stack, max_fee_gwei=str(Decimal(most) / GWEI))
    stack.anvil.rpc("evm_setAutomine", False)
    for _ in range(2):
        with pytest.raises(errors.FeeCapReached, match=r"waits \(not mined after 0.2 s\)"):
            steps.settle(batch_id)
    loaded = ledger.load(stack.settings, batch_id)
    assert (loaded.batch.state, len(loaded.transactions)) == ("PAY_UNKNOWN", 1)
    stack.anvil.rpc("evm_setAutomine", True)
    stack.anvil.rpc("evm_mine")
    assert steps.settle(batch_id) == loaded.transactions[0].tx_hash
    assert stack.paid_to(1) == USDC + 1


@pytest.mark.parametrize("drop", ["anvil_dropTransaction", "anvil_dropAllTransactions"])
def test_settle__node_drops_the_transaction__the_same_bytes_are_sent_again(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch, drop: str
) -> None:
    (batch_id,) = stack.plan(item(1))
    stack.anvil.rpc("evm_setAutomine", False)

    def lose(_: chains.Chain, tx_hash: str) -> None:
        assert in_pool(stack) == 1, "it was there to be dropped"
        stack.anvil.rpc(drop, *([tx_hash] if drop == "anvil_dropTransaction" else []))
        assert in_pool(stack) == 0, "the pool is really empty"
        stack.anvil.rpc("evm_setAutomine", True)
        stack.anvil.rpc("evm_mine")
        assert stack.paid_to(1) == 0

    waited = first_wait(monkeypatch, lose)
    steps.settle(batch_id)
    (sent,) = ledger.load(stack.settings, batch_id).transactions
    assert waited == [sent.tx_hash, sent.tx_hash]
    assert stack.paid_to(1) == USDC + 1


def test_settle__dropped_and_the_worker_died__the_next_run_sends_the_same_bytes(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))
    stack.anvil.rpc("evm_setAutomine", False)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(chains.Chain, "wait", die)
        with pytest.raises(KeyboardInterrupt):
            steps.settle(batch_id)
    stack.anvil.rpc("anvil_dropAllTransactions")
    assert in_pool(stack) == 0
    stack.anvil.rpc("evm_setAutomine", True)
    steps.settle(batch_id)
    assert len(ledger.load(stack.settings, batch_id).transactions) == 1
    assert stack.paid_to(1) == USDC + 1


def test_settle__base_fee_rises_while_it_waits__is_replaced_at_the_same_nonce(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE_S", 0.0001)
    (batch_id,) = stack.plan(item(1))
    stack.anvil.rpc("evm_setAutomine", False)

    def rise(chain: chains.Chain, tx_hash: str) -> None:
        assert in_pool(stack) == 1
        stack.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(10 * chain.fees().max_fee_wei))
        stack.anvil.rpc("evm_mine")
        assert chain.receipt(tx_hash) is None, "too cheap for the block"
        stack.anvil.rpc("evm_setAutomine", True)
        monkeypatch.setattr(sending, "PATIENCE_S", 30.0)

    first_wait(monkeypatch, rise)
    steps.settle(batch_id)
    stuck, mined = ledger.load(stack.settings, batch_id).transactions
    assert (stuck.state, mined.state, stuck.nonce) == ("REPLACED", "MINED", mined.nonce)
    assert stack.paid_to(1) == USDC + 1
