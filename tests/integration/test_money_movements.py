"""Every way money comes and goes on a real chain → raw → movements: their sum is the balance."""

from __future__ import annotations

from typing import Any

import pytest

from leverageguard import clock
from leverageguard.settlement import chain_steps, event_rows, steps
from leverageguard.settlement.errors import CallRefused
from leverageguard.warehouse import connect, dbt_runner, landing
from tests.anvil import STARTED_AT_S, anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, recipient, stack_fixture  # noqa: F401

WAIT_S, COVER_S = 900, 8 * 3600


def land_everything(stack: PoolStack) -> None:
    clock.sleep(3600)
    hours = range(STARTED_AT_S * 1000, clock.now_ms() + 3_600_000, 3_600_000)
    chain_steps.land_hours(stack.settings, stack.chain, hours)


def rows(stack: PoolStack, table: str) -> list[dict[str, Any]]:
    return landing.scan(stack.settings, table)


def seconds_of(stack: PoolStack, tx_hash: str) -> int:
    receipt = stack.chain.receipt(tx_hash)
    block = stack.chain.block(receipt.block_number) if receipt else None
    assert block is not None
    return block.timestamp


def test_cancellation__before_cover__lands_with_its_refund(stack: PoolStack) -> None:
    bought = stack.buy("buyer", b"\x07" * 32, 7 * USDC, COVER_S, WAIT_S)
    clock.sleep(600)
    cancelled = stack.chain.send(key("buyer"), stack.pool.cancel_policy(b"\x07" * 32))
    assert stack.pool.is_bought(b"\x07" * 32), "it is never sold again"

    land_everything(stack)

    (row,) = rows(stack, "chain/policy_cancellations")
    passed = seconds_of(stack, cancelled.tx_hash) - seconds_of(stack, bought.tx_hash)
    refund = 7 * USDC * (WAIT_S + COVER_S - passed) // (WAIT_S + COVER_S)
    assert 500 < passed < WAIT_S
    assert (row["quote_id"], row["tx_hash"]) == ("0x" + "07" * 32, cancelled.tx_hash)
    assert row["buyer"] == key("buyer").address.lower()
    assert row["refund_micro_usdc"] == refund == stack.token.balance_of(key("buyer").address)


def test_cancellation__once_cover_started__is_refused_in_plain_words(stack: PoolStack) -> None:
    stack.buy("buyer", b"\x07" * 32, 7 * USDC, COVER_S, WAIT_S)
    clock.sleep(WAIT_S + 60)
    with pytest.raises(CallRefused, match="cancelPolicy: CoverStarted"):
        stack.chain.send(key("buyer"), stack.pool.cancel_policy(b"\x07" * 32))


def test_plain_transfer__lands_with_who_paid__premiums_and_deposits_do_not(
    stack: PoolStack,
) -> None:
    stack.buy("buyer", b"\x07" * 32, 7 * USDC, COVER_S, WAIT_S)
    stack.fund(7 * USDC)
    stack.send(stack.token.mint(recipient(5), USDC))
    payer = key("claimant 5")
    stack.anvil.give_gas(payer.address)
    sent = stack.chain.send(payer, stack.token.transfer(stack.pool.address, 400_000))
    stack.chain.send(payer, stack.token.transfer(stack.pool.address, 0))
    stack.send(stack.token.mint(stack.pool.address, 3))

    land_everything(stack)

    told = {row["amount_micro_usdc"]: row for row in rows(stack, "chain/token_receipts")}
    assert set(told) == {400_000, 3}
    assert told[400_000]["payer"] == payer.address.lower()
    assert told[400_000]["tx_hash"] == sent.tx_hash
    assert told[3]["payer"] == "0x" + "00" * 20
    assert len(rows(stack, "chain/deposits")) == 2


def test_plain_transfers__pool_and_token_read_on_two_sides_of_a_reorg__no_premium_is_one(
    stack: PoolStack,
) -> None:
    """The pool's own logs are missing: what its transaction says counts."""
    stack.buy("buyer", b"\x07" * 32, 7 * USDC, COVER_S, WAIT_S)
    head = stack.chain.head().number
    assert event_rows.plain_transfers(stack.chain, stack.pool, 0, head, []) == []


@pytest.mark.slow
def test_movements__of_everything_that_moved__end_at_the_balance_on_the_chain(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_INDIRECT_SELECTION", "cautious")  # no test of a model left out
    for number in (1, 2):
        stack.buy("buyer", bytes([number]) * 32, 7 * USDC, COVER_S, WAIT_S)
    clock.sleep(300)
    stack.chain.send(key("buyer"), stack.pool.cancel_policy(b"\x01" * 32))
    stack.send(stack.token.mint(stack.admin.address, 2 * USDC))
    stack.send(stack.token.transfer(stack.pool.address, 2 * USDC))
    stack.send(stack.token.set_denied(recipient(2), True))
    (batch_id,) = stack.plan(item(1), item(2))
    steps.settle(batch_id)
    steps.confirm(batch_id)

    land_everything(stack)
    dbt_runner.build("+rpt_pool_balance")

    moved = connect.rows(
        stack.settings.warehouse_path,
        "select kind, amount_micro_usdc, balance_micro_usdc from fct_pool_movements "
        "order by block_number, log_index",
    )
    kinds = ["deposit", "premium", "premium", "refund", "unmatched", "payout"]
    assert [row["kind"] for row in moved] == kinds
    held = stack.token.balance_of(stack.pool.address)
    assert moved[-1]["balance_micro_usdc"] == held == sum(row["amount_micro_usdc"] for row in moved)
    (shown,) = connect.rows(
        stack.settings.warehouse_path,
        "select sum(refunds_micro_usdc) as refunds, sum(unmatched_micro_usdc) as unmatched, "
        "arg_max(balance_micro_usdc, hour_at) as balance from rpt_pool_balance",
    )
    refund = -moved[3]["amount_micro_usdc"]
    assert shown == {"refunds": refund, "unmatched": 2 * USDC, "balance": held}
    assert 0 < refund < 7 * USDC
