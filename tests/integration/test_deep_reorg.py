"""Blocks that were final leave the chain: found, told, halted, and in the end paid once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from leverageguard.settlement import errors, finality, incidents, ledger, steps
from leverageguard.settlement.worker import Worker
from leverageguard.store import base
from leverageguard.store.settlement_tables import SettlementEvent
from leverageguard.warehouse import landing
from tests.anvil import anvil_fixture  # noqa: F401
from tests.integration.test_rebuild_ledger import forget
from tests.pool_stack import USDC, PoolStack, item, key, stack_fixture  # noqa: F401


def settle(*ids: str) -> None:
    for batch_id in ids:
        steps.settle(batch_id)
        steps.confirm(batch_id)


def state(stack: PoolStack, batch_id: str) -> tuple[str, set[str]]:
    loaded = ledger.load(stack.settings, batch_id)
    return loaded.batch.state, {row.state for row in loaded.payouts}


def moves(stack: PoolStack, batch_id: str) -> set[tuple[str | None, str]]:
    query = select(SettlementEvent.from_state, SettlementEvent.to_state)
    with base.session(stack.settings) as session:
        rows = session.execute(query.where(SettlementEvent.batch_id == batch_id))
        return {(before, after) for before, after in rows}


def resolve(stack: PoolStack) -> None:
    for row in incidents.open_ones(stack.settings):
        incidents.resolve(stack.settings, row.incident_id, "the node was restored", "tester")


def lose(stack: PoolStack) -> list[str]:
    """Plan three batches, settle two, and lose the second."""
    kept, second, third = stack.plan(item(1, "a"), item(2, "b"), item(3, "c"))
    settle(kept)
    snapshot = stack.anvil.rpc("evm_snapshot")
    settle(second)
    stack.anvil.rpc("evm_revert", snapshot)
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + 1, 0, 0]
    return [kept, second, third]


def test_settle__final_batch_is_gone__halts_tells_and_signs_nothing(stack: PoolStack) -> None:
    kept, lost, new = lose(stack)
    with pytest.raises(errors.FinalBatchLost, match="the chain lost blocks"):
        steps.settle(new)
    assert state(stack, kept) == ("FINAL", {"PAID"})
    assert state(stack, lost) == ("SENT", {"SENT"})
    assert {("FINAL", "SENT"), ("PAID", "SENT")} <= moves(stack, lost)
    (incident,) = incidents.open_ones(stack.settings)
    assert (incident.kind, incident.subject) == (finality.KIND, "batch 2")
    for batch_id in (lost, new):
        with pytest.raises(errors.Halted):
            steps.settle(batch_id)
    assert ledger.load(stack.settings, new).transactions == []
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + 1, 0, 0]


def test_settle__incident_resolved__the_same_bytes_pay_once(stack: PoolStack) -> None:
    _, lost, new = lose(stack)
    before = ledger.load(stack.settings, lost).transactions
    with pytest.raises(errors.FinalBatchLost):
        steps.settle(new)
    resolve(stack)
    settle(lost, new)
    after = ledger.load(stack.settings, lost).transactions
    assert [(row.raw, row.state) for row in after] == [(row.raw, "FINAL") for row in before]
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + n for n in (1, 2, 3)]
    assert steps.record()["settlement/payouts"] == 3


def test_settle__somebody_sent_the_bytes_meanwhile__pays_no_second_time(stack: PoolStack) -> None:
    _, lost, new = lose(stack)
    with pytest.raises(errors.FinalBatchLost):
        steps.settle(new)
    (sent,) = ledger.load(stack.settings, lost).transactions
    stack.chain.broadcast(sent.raw)
    resolve(stack)
    settle(lost, new)
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + n for n in (1, 2, 3)]
    assert stack.chain.nonce(key("chain_proposer").address) == 3


def test_settle__dies_before_the_store_has_it__halts_all_the_same(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lost, new = lose(stack)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "record_unsettled", die)
        with pytest.raises(KeyboardInterrupt):
            steps.settle(new)
    assert state(stack, lost) == ("FINAL", {"PAID"})
    with pytest.raises(errors.Halted):
        steps.settle(new)
    resolve(stack)
    with pytest.raises(errors.FinalBatchLost):
        steps.settle(new)


def test_settle__refused_payout_is_gone_too__is_open_again(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1), item(2))
    snapshot = stack.anvil.rpc("evm_snapshot")
    stack.send(stack.token.set_denied(key("claimant 2").address, True))
    settle(batch_id)
    assert state(stack, batch_id) == ("FINAL", {"PAID", "FAILED"})
    stack.anvil.rpc("evm_revert", snapshot)
    with pytest.raises(errors.FinalBatchLost):
        steps.record()
    assert state(stack, batch_id) == ("SENT", {"SENT"})
    resolve(stack)
    settle(batch_id)
    assert [stack.paid_to(1), stack.paid_to(2)] == [USDC + 1, USDC + 2]


def test_record__final_batch_is_gone__lands_what_is_true_now_and_fails(stack: PoolStack) -> None:
    lose(stack)
    with pytest.raises(errors.FinalBatchLost, match="the chain does not have it"):
        steps.record()
    landed = landing.scan(stack.settings, "settlement/payouts")
    assert sorted(row["state"] for row in landed) == ["PAID", "PLANNED", "SENT"]
    assert [row["claim_index"] for row in landing.scan(stack.settings, "chain/payouts")] == [1]


def test_record__batch_landed_before_it_was_lost__leaves_the_landed_hour(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    snapshot = stack.anvil.rpc("evm_snapshot")
    settle(batch_id)
    assert steps.record()["chain/payouts"] == 1
    stack.anvil.rpc("evm_revert", snapshot)
    with pytest.raises(errors.FinalBatchLost):
        steps.record()
    assert landing.scan(stack.settings, "chain/payouts") == []


def test_settle__same_transaction_in_another_block__is_final_again_by_itself(
    stack: PoolStack,
) -> None:
    moved, new = stack.plan(item(1, "a"), item(2, "b"))
    settle(moved)
    (before,) = ledger.load(stack.settings, moved).transactions
    assert before.block_number is not None
    depth = stack.chain.head().number - before.block_number + 1
    assert depth > stack.settings.confirmations
    stack.anvil.rpc("anvil_reorg", depth, [["0x" + before.raw.hex(), depth - 1]])
    settle(new)
    (after,) = ledger.load(stack.settings, moved).transactions
    assert (after.state, after.block_number) == ("FINAL", before.block_number + depth - 1)
    assert after.block_hash != before.block_hash
    assert state(stack, moved) == ("FINAL", {"PAID"})
    assert {("FINAL", "SENT"), ("PAID", "SENT"), ("MINED", "PAID")} <= moves(stack, moved)
    assert incidents.open_ones(stack.settings) == []
    assert [stack.paid_to(1), stack.paid_to(2)] == [USDC + 1, USDC + 2]


def test_settle__reorg_while_a_rivals_payment_is_taken_over__is_paid_once_all_the_same(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.settle(*stack.plan(item(1)))
    forget(stack)
    (batch_id,) = stack.plan(item(1))
    usual, waited = Worker.wait_for_depth, []

    def wait(worker: Worker, block_number: int) -> None:
        if not waited:
            stack.anvil.rpc("anvil_reorg", 1, [])
            assert stack.paid_to(1) == 0, "the payment that was looked at is gone"
        waited.append(block_number)
        usual(worker, block_number)

    monkeypatch.setattr(Worker, "wait_for_depth", wait)
    settle(batch_id)
    assert state(stack, batch_id) == ("FINAL", {"PAID"})
    assert stack.paid_to(1) == USDC + 1
    assert steps.record()["settlement/payouts"] == 1


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_record__reorg_of_the_confirmations_or_less__changes_nothing(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_CONFIRMATIONS", "3")
    (batch_id,) = stack.plan(item(1))
    settle(batch_id)
    stack.anvil.rpc("anvil_reorg", depth, [])
    steps.record()
    assert state(stack, batch_id) == ("FINAL", {"PAID"})
    assert stack.paid_to(1) == USDC + 1


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_confirm__reorg_before_it_is_deep_enough__sends_again_and_pays_once(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_CONFIRMATIONS", "3")
    (batch_id,) = stack.plan(item(1))
    steps.settle(batch_id)
    stack.anvil.rpc("anvil_mine", hex(depth - 1)) if depth > 1 else None
    stack.anvil.rpc("anvil_reorg", depth, [])
    assert stack.paid_to(1) == 0, "the reorg undid the payment"
    assert steps.confirm(batch_id) == {"paid": 1, "failed": 0}
    assert state(stack, batch_id) == ("FINAL", {"PAID"})
    assert stack.paid_to(1) == USDC + 1
