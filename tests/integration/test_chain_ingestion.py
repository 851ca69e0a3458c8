"""The pool's events on a real chain → raw/chain: which hours, which blocks, how often."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from leverageguard import clock
from leverageguard.settlement import chain_steps
from leverageguard.settlement.blocks import BlockTimes
from leverageguard.warehouse import landing
from tests.anvil import STARTED_AT_S, anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, key, stack_fixture  # noqa: F401

HOUR_S = 3600


def at(hours: float) -> str:
    return datetime.fromtimestamp(STARTED_AT_S + hours * HOUR_S, UTC).isoformat()


def rows(stack: PoolStack, table: str) -> list[dict[str, Any]]:
    return sorted(landing.scan(stack.settings, table), key=str)


def windows(stack: PoolStack) -> dict[int, dict[str, Any]]:
    found = rows(stack, "chain/fetch_windows")
    return {(row["window_from_ms"] // 1000 - STARTED_AT_S) // HOUR_S: row for row in found}


def test_land__purchase_and_deposit__land_in_the_hour_of_their_block(stack: PoolStack) -> None:
    clock.sleep(2 * HOUR_S)
    stack.buy("buyer", b"\x07" * 32, 7 * USDC, 8 * HOUR_S, 900)
    clock.sleep(2 * HOUR_S)
    counts = chain_steps.land(at(0), at(4))
    assert counts["chain/deposits"] == 1
    assert counts["chain/policy_purchases"] == 1
    (deposit,) = rows(stack, "chain/deposits")
    (purchase,) = rows(stack, "chain/policy_purchases")
    assert deposit["amount_micro_usdc"] == 1_000 * USDC
    assert deposit["depositor"] == stack.admin.address.lower()
    assert deposit["block_time_ms"] // 1000 - STARTED_AT_S < HOUR_S
    assert purchase["quote_id"] == "0x" + "07" * 32
    assert purchase["buyer"] == key("buyer").address.lower()
    assert (purchase["premium_micro_usdc"], purchase["max_payout_micro_usdc"]) == (
        7 * USDC,
        70 * USDC,
    )
    assert (purchase["block_time_ms"] // 1000 - STARTED_AT_S) // HOUR_S == 2
    assert [row["is_complete"] for row in windows(stack).values()] == [True] * 4


def test_land__same_window_again__leaves_the_same_rows(stack: PoolStack) -> None:
    clock.sleep(2 * HOUR_S)
    stack.buy("buyer", b"\x07" * 32, 7 * USDC, 8 * HOUR_S, 900)
    clock.sleep(2 * HOUR_S)
    first = chain_steps.land(at(0), at(4))
    before = (rows(stack, "chain/deposits"), rows(stack, "chain/policy_purchases"))
    assert chain_steps.land(at(0), at(4)) == first
    assert (rows(stack, "chain/deposits"), rows(stack, "chain/policy_purchases")) == before


def test_land__hour_that_is_not_over__is_not_called_complete(stack: PoolStack) -> None:
    clock.sleep(HOUR_S // 2)
    chain_steps.land(at(0), at(2))
    assert {hour: row["is_complete"] for hour, row in windows(stack).items()} == {
        0: False,
        1: False,
    }


def test_land__block_without_confirmations__is_left_for_later(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_steps, "_let_the_world_confirm", lambda *_: None)
    chain_steps.land(at(0), at(1))
    assert rows(stack, "chain/deposits") == []
    assert windows(stack)[0]["is_complete"] is False
    stack.chain.mine(2)
    chain_steps.land(at(0), at(1))
    assert len(rows(stack, "chain/deposits")) == 1


def test_land__event_removed_by_a_reorg__disappears_on_the_next_landing(stack: PoolStack) -> None:
    snapshot = stack.anvil.rpc("evm_snapshot")
    clock.sleep(HOUR_S)
    stack.fund(5 * USDC)
    clock.sleep(HOUR_S)
    chain_steps.land(at(0), at(2))
    assert len(rows(stack, "chain/deposits")) == 2
    stack.anvil.rpc("evm_revert", snapshot)
    chain_steps.land(at(0), at(2))
    assert len(rows(stack, "chain/deposits")) == 1, "the hour that is empty now was emptied"


def test_block_times__blocks_on_the_edge_of_an_hour__belong_to_the_later_one(
    stack: PoolStack,
) -> None:
    for second in (HOUR_S - 1, HOUR_S, HOUR_S, 2 * HOUR_S):
        with_time = max(STARTED_AT_S + second, stack.chain.head().timestamp)
        stack.anvil.rpc("evm_setNextBlockTimestamp", with_time)
        stack.anvil.rpc("evm_mine")
    stack.anvil.rpc("anvil_mine", "0x2")
    times = BlockTimes(stack.chain, stack.settings.deployment().deployed_block)
    first, last = times.blocks_between(STARTED_AT_S + HOUR_S, STARTED_AT_S + 2 * HOUR_S)
    inside = [times.at(number).timestamp - STARTED_AT_S for number in range(first, last + 1)]
    assert inside == [HOUR_S, HOUR_S]
    assert times.at(first - 1).timestamp == STARTED_AT_S + HOUR_S - 1
    assert times.blocks_between(0, STARTED_AT_S)[1] < times.blocks_between(0, STARTED_AT_S)[0]


def test_logs__range_longer_than_a_request__misses_nothing(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leverageguard.settlement import chain as chains

    for _ in range(3):
        stack.fund(USDC)
    monkeypatch.setattr(chains, "LOG_RANGE_BLOCKS", 2)
    topics = [stack.pool.topics("Deposited")]
    found = list(stack.chain.logs(stack.pool.address, topics, 0, stack.chain.head().number))
    assert len(found) == 4
    assert len({(log["blockNumber"], log["logIndex"]) for log in found}) == 4
