"""Batches settled on a real chain: who is paid, once, in order, and what stops a payment."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from sqlalchemy import select

from leverageguard import config
from leverageguard.config import ConfigError
from leverageguard.settlement import chain as chains
from leverageguard.settlement import errors, incidents, lease, ledger, sending, steps
from leverageguard.store import base
from leverageguard.store.settlement_tables import PayoutRecord, SettlementEvent
from tests.anvil import Anvil, anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, recipient, stack_fixture  # noqa: F401


def settle_all(stack: PoolStack, ids: list[str]) -> list[dict[str, int]]:
    results = []
    for batch_id in ids:
        steps.settle(batch_id)
        results.append(steps.confirm(batch_id))
    return results


def states(stack: PoolStack, batch_id: str) -> tuple[str, list[str]]:
    loaded = ledger.load(stack.settings, batch_id)
    return loaded.batch.state, [row.state for row in loaded.payouts]


def test_settle__approved_items__each_recipient_gets_its_amount(stack: PoolStack) -> None:
    stack.publish(*[item(n) for n in range(1, 6)])
    ids = steps.plan()
    assert settle_all(stack, ids) == [{"paid": 5, "failed": 0}]
    assert [stack.paid_to(n) for n in range(1, 6)] == [USDC + n for n in range(1, 6)]
    assert states(stack, ids[0]) == ("FINAL", ["PAID"] * 5)


def test_settle__run_again__pays_nothing_more(stack: PoolStack) -> None:
    stack.publish(item(1), item(2))
    (batch_id,) = steps.plan()
    tx_hash = steps.settle(batch_id)
    assert steps.settle(batch_id) == tx_hash
    steps.confirm(batch_id)
    assert steps.settle(batch_id) == tx_hash
    assert steps.confirm(tx_hash) == {"paid": 2, "failed": 0}
    assert steps.plan() == []
    assert stack.pool.next_batch() == 2
    assert [stack.paid_to(1), stack.paid_to(2)] == [USDC + 1, USDC + 2]


def test_settle__second_batch_first__settles_the_first_before_it(stack: PoolStack) -> None:
    first, second = stack.plan(item(1, "a"), item(2, "b"))
    steps.settle(second)
    assert states(stack, first)[0] == "MINED"
    assert ledger.load(stack.settings, second).batch.batch_no == 2
    assert stack.pool.next_batch() == 3


def test_settle__recipient_denied_by_the_issuer__fails_alone(stack: PoolStack) -> None:
    stack.send(stack.token.set_denied(recipient(2), True))
    (batch_id,) = stack.plan(item(1), item(2), item(3))
    assert settle_all(stack, [batch_id]) == [{"paid": 2, "failed": 1}]
    assert states(stack, batch_id) == ("FINAL", ["PAID", "FAILED", "PAID"])
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + 1, 0, USDC + 3]


def test_settle__recipient_on_the_pools_deny_list__is_withheld_and_stays_owed(
    stack: PoolStack,
) -> None:
    stack.send(stack.pool.set_denied({recipient(2): 2**63}))
    (batch_id,) = stack.plan(item(1), item(2), item(3))
    assert settle_all(stack, [batch_id]) == [{"paid": 2, "failed": 1}]
    assert states(stack, batch_id) == ("FINAL", ["PAID", "FAILED", "PAID"])
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + 1, 0, USDC + 3]
    assert stack.pool.free_balance() == 1_000 * USDC - 3 * USDC - 6


def test_settle__token_moves_nothing__waits_instead_of_having_all_refused(
    stack: PoolStack,
) -> None:
    stack.send(stack.token.set_denied(stack.pool.address, True))
    (batch_id,) = stack.plan(item(1), item(2))
    with pytest.raises(errors.CallRefused, match="moves no money out of the pool now"):
        steps.settle(batch_id)
    assert states(stack, batch_id)[0] == "PLANNED"
    stack.send(stack.token.set_denied(stack.pool.address, False))
    assert settle_all(stack, [batch_id]) == [{"paid": 2, "failed": 0}]


def test_settle__pool_too_small__says_what_is_missing_and_sends_nothing(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1, amount=2_000 * USDC))
    with pytest.raises(errors.PoolTooSmall, match=r"2,000\.000000 USDC.*1,000\.000000 free"):
        steps.settle(batch_id)
    assert states(stack, batch_id) == ("PLANNED", ["PLANNED"])
    assert not ledger.load(stack.settings, batch_id).transactions
    stack.fund(1_100 * USDC - 1)
    with pytest.raises(errors.PoolTooSmall, match=r"2,099\.999999 free.* and keeps 100\.000000"):
        steps.settle(batch_id)
    stack.fund(1)
    assert settle_all(stack, [batch_id]) == [{"paid": 1, "failed": 0}]


def test_settle__reserved_money__is_not_paid_out(stack: PoolStack) -> None:
    stack.send(stack.pool.set_reserved(999 * USDC + 500_000))
    (batch_id,) = stack.plan(item(1))
    with pytest.raises(errors.PoolTooSmall, match=r"999\.500000 reserved"):
        steps.settle(batch_id)


def test_settle__payouts_paused__is_refused_in_the_contracts_words(stack: PoolStack) -> None:
    stack.send(stack.pool.set_paused(2, True))
    (batch_id,) = stack.plan(item(1))
    with pytest.raises(errors.CallRefused, match=r"ModulePaused\(module=2\)"):
        steps.settle(batch_id)
    assert states(stack, batch_id)[0] == "PLANNED"


def test_settle__over_the_daily_limit__is_refused_until_the_next_day(stack: PoolStack) -> None:
    from leverageguard import clock

    stack.send(stack.pool.set_limits(10 * USDC, 3 * USDC))
    first, second = stack.plan(item(1, "a", 2 * USDC), item(2, "b", 2 * USDC))
    steps.settle(first)
    with pytest.raises(errors.CallRefused, match="OverDailyLimit"):
        steps.settle(second)
    clock.sleep(24 * 3600)
    steps.settle(second)
    assert stack.paid_to(2) == 2 * USDC


def test_settle__other_chain__stops_before_anything_is_sent(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))
    monkeypatch.setenv("LEVERAGEGUARD_CHAIN_ID", "42161")
    with pytest.raises(ConfigError, match="chain 31337 is not configured"):
        steps.settle(batch_id)
    wrong = replace(config.load(), chain_id=42161)
    with pytest.raises(errors.WrongChain, match="serves chain 31337, the settings say 42161"):
        chains.connect(wrong)
    assert stack.pool.next_batch() == 1


def test_settle__pool_is_not_on_the_chain__says_so(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    other = Anvil()
    try:
        import os

        os.environ["LEVERAGEGUARD_CHAIN_RPC"] = other.url
        with pytest.raises(errors.WrongChain, match="no contract at"):
            steps.settle(batch_id)
    finally:
        other.stop()


def test_settle__node_is_down__says_where_it_looked(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    stack.anvil.stop()
    with pytest.raises(errors.ChainUnreachable, match=stack.anvil.url):
        steps.settle(batch_id)
    assert states(stack, batch_id)[0] == "PLANNED"


def test_settle__no_key__is_a_dry_run(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    (stack.settings.secrets_dir / "chain_proposer").unlink()
    assert steps.settle(batch_id) == ""
    assert steps.confirm(batch_id) == {"paid": 0, "failed": 0}
    assert stack.pool.next_batch() == 1


def test_settle__too_few_verifier_keys__is_refused(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    for number in (2, 3):
        (stack.settings.secrets_dir / f"chain_verifier_{number}").unlink()
    with pytest.raises(errors.NotEnoughSigners, match="2 verifier signatures"):
        steps.settle(batch_id)


def test_settle__proposer_is_also_verifier__does_not_count_itself(stack: PoolStack) -> None:
    proposer = stack.settings.secret("chain_proposer")
    (stack.settings.secrets_dir / "chain_verifier_1").write_text(proposer)
    stack.send(stack.pool.grant_role("VERIFIER_ROLE", key("chain_proposer").address))
    (batch_id,) = stack.plan(item(1))
    steps.settle(batch_id)
    assert stack.paid_to(1) == USDC + 1


def test_settle__rows_changed_after_planning__nobody_signs(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    with base.session(stack.settings) as session:
        for trigger in ("payouts_fixed",):
            session.connection().exec_driver_sql(f"DROP TRIGGER {trigger}")
        session.connection().exec_driver_sql("UPDATE payouts SET amount_micro_usdc = 900000000")
    with pytest.raises(errors.SettlementError, match="differ from what was planned"):
        steps.settle(batch_id)
    assert stack.paid_to(1) == 0


def test_settle__reorg_of_one_block__is_sent_again_and_paid_once(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1), item(2))
    tx_hash = steps.settle(batch_id)
    stack.anvil.rpc("anvil_reorg", 1, [])
    assert stack.paid_to(1) == 0, "the reorg undid the payment"
    assert steps.confirm(batch_id) == {"paid": 2, "failed": 0}
    loaded = ledger.load(stack.settings, batch_id)
    assert (loaded.batch.tx_hash, loaded.batch.state) == (tx_hash, "FINAL")
    assert [stack.paid_to(1), stack.paid_to(2)] == [USDC + 1, USDC + 2]
    with base.session(stack.settings) as session:
        moves = session.execute(
            select(SettlementEvent.from_state, SettlementEvent.to_state).where(
                SettlementEvent.claim_id.is_(None), SettlementEvent.tx_hash.is_(None)
            )
        ).all()
    assert ("MINED", "SENT") in [tuple(move) for move in moves]


def test_confirm__mined_batch__is_final_only_under_enough_blocks(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))
    steps.settle(batch_id)
    with monkeypatch.context() as patched:
        patched.setattr(chains.Chain, "wait_for_depth", lambda *_: False)
        with pytest.raises(errors.OutcomeUnknown, match="fewer than 2 blocks on top"):
            steps.confirm(batch_id)
    assert states(stack, batch_id) == ("MINED", ["MINED"])
    steps.confirm(batch_id)
    (mined,) = ledger.load(stack.settings, batch_id).transactions
    assert mined.block_number is not None
    assert stack.chain.head().number - mined.block_number >= stack.settings.confirmations


def test_settle__stuck_transaction__is_replaced_at_the_same_nonce(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE_S", 0.2)
    stack.anvil.rpc("evm_setAutomine", False)
    (batch_id,) = stack.plan(item(1))
    with pytest.raises(errors.OutcomeUnknown, match="still not mined after 4 transactions"):
        steps.settle(batch_id)
    loaded = ledger.load(stack.settings, batch_id)
    assert loaded.batch.state == "PAY_UNKNOWN"
    assert len({row.nonce for row in loaded.transactions}) == 1
    fees = [int(row.max_fee_per_gas_wei) for row in loaded.transactions]
    assert len(fees) == 4
    assert all(later * 8 >= earlier * 9 for earlier, later in itertools.pairwise(fees))
    stack.anvil.rpc("evm_mine")
    stack.anvil.rpc("evm_setAutomine", True)
    assert settle_all(stack, [batch_id]) == [{"paid": 1, "failed": 0}]
    ended = [row.state for row in ledger.load(stack.settings, batch_id).transactions]
    assert sorted(ended) == ["FINAL", "REPLACED", "REPLACED", "REPLACED"]
    assert stack.paid_to(1) == USDC + 1


def test_settle__base_fee_above_the_signed_fee__is_bumped(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))
    low = chains.Fees(max_fee_wei=10, priority_wei=1)
    usual = chains.Chain.fees
    answers = iter([low])
    monkeypatch.setattr(chains.Chain, "fees", lambda self: next(answers, None) or usual(self))
    steps.settle(batch_id)
    states_now = [row.state for row in ledger.load(stack.settings, batch_id).transactions]
    assert states_now == ["REPLACED", "MINED"]
    assert stack.paid_to(1) == USDC + 1


def test_settle__nonce_used_by_another_transaction__is_planned_again_and_paid_once(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sending, "broadcast", die)
        with pytest.raises(KeyboardInterrupt):
            steps.settle(batch_id)
    assert states(stack, batch_id)[0] == "SIGNED"
    stack.chain.send(key("chain_proposer"), stack.token.approve(stack.pool.address, 1))
    assert settle_all(stack, [batch_id]) == [{"paid": 1, "failed": 0}]
    assert stack.paid_to(1) == USDC + 1


def test_settle__signed_long_ago__is_signed_anew_at_the_same_nonce(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leverageguard import clock

    (batch_id,) = stack.plan(item(1))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sending, "broadcast", die)
        with pytest.raises(KeyboardInterrupt):
            steps.settle(batch_id)
    clock.sleep(7200)
    steps.settle(batch_id)
    loaded = ledger.load(stack.settings, batch_id)
    assert [(row.nonce, row.state) for row in loaded.transactions] == [
        (loaded.transactions[0].nonce, "REPLACED"),
        (loaded.transactions[0].nonce, "MINED"),
    ]
    assert stack.paid_to(1) == USDC + 1


def test_settle__another_worker_holds_the_lease__waits_then_says_who(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))
    monkeypatch.setattr(lease, "PATIENCE_S", 0.3)
    with (
        lease.held(stack.settings, stack.pool.address) as owner,
        pytest.raises(errors.LeaseHeld, match=owner),
    ):
        steps.settle(batch_id)
    steps.settle(batch_id)


def test_settle__store_lost_after_paying__recognises_its_own_payments(stack: PoolStack) -> None:
    items = [item(1), item(2)]
    (batch_id,) = stack.plan(*items)
    settle_all(stack, [batch_id])
    _forget(stack)
    ids = stack.plan(*items, item(3, "pending-0002"))
    assert settle_all(stack, ids) == [{"paid": 2, "failed": 0}, {"paid": 1, "failed": 0}]
    assert [stack.paid_to(n) for n in (1, 2, 3)] == [USDC + 1, USDC + 2, USDC + 3]


def test_settle__store_lost_and_indices_now_mean_others__stops(stack: PoolStack) -> None:
    settle_all(stack, stack.plan(item(1), item(2)))
    _forget(stack)
    (batch_id,) = stack.plan(item(3), item(4))
    with pytest.raises(errors.StoreAndChainDisagree, match="lost its registry"):
        steps.settle(batch_id)
    assert [stack.paid_to(3), stack.paid_to(4)] == [0, 0]


def test_settle__chain_lost_blocks_the_store_has_as_final__stops(stack: PoolStack) -> None:
    snapshot = stack.anvil.rpc("evm_snapshot")
    first, second = stack.plan(item(1, "a"), item(2, "b"))
    settle_all(stack, [first])
    stack.anvil.rpc("evm_revert", snapshot)
    with pytest.raises(errors.StoreAndChainDisagree, match="the chain lost blocks"):
        steps.settle(second)


def test_record__chain_lost_the_newest_final_batch__notices(stack: PoolStack) -> None:
    snapshot = stack.anvil.rpc("evm_snapshot")
    settle_all(stack, stack.plan(item(1)))
    stack.anvil.rpc("evm_revert", snapshot)
    with pytest.raises(errors.StoreAndChainDisagree, match="the chain does not have it"):
        steps.record()


def test_confirm__chain_settled_other_evidence__is_not_final(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    steps.settle(batch_id)
    with base.session(stack.settings) as session:
        session.connection().exec_driver_sql(f"UPDATE batches SET evidence_root = '0x{1:064x}'")
    with pytest.raises(errors.StoreAndChainDisagree, match="the chain settled"):
        steps.confirm(batch_id)
    assert states(stack, batch_id) == ("MINED", ["MINED"])


def test_settle__node_dies_while_the_batch_is_prepared__leaves_it_planned(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))

    def die(*_: object) -> None:
        stack.anvil.stop()

    monkeypatch.setattr(chains.Chain, "stamp", die)
    with pytest.raises(errors.ChainUnreachable, match="no answer from the chain"):
        steps.settle(batch_id)
    assert states(stack, batch_id)[0] == "PLANNED"


def test_plan__event_already_planned_under_another_claim__is_left_out(stack: PoolStack) -> None:
    stack.plan(item(1))
    again = replace(item(2), liquidation_event_id=item(1).liquidation_event_id)
    assert stack.plan(again) == []
    with base.session(stack.settings) as session:
        assert len(session.scalars(select(PayoutRecord)).all()) == 1


def test_record__after_settling__lands_batches_payouts_and_chain_rows(stack: PoolStack) -> None:
    from leverageguard.warehouse import landing

    stack.publish(item(1), item(2))
    stack.send(stack.token.set_denied(recipient(2), True))
    (batch_id,) = steps.plan()
    settle_all(stack, [batch_id])
    counts = steps.record()
    assert counts["settlement/batches"] == 1
    assert counts["settlement/payouts"] == 2
    assert counts["chain/batch_settlements"] == 1
    assert counts["chain/payouts"] == 2
    payouts = landing.scan(stack.settings, "settlement/payouts")
    assert {row["state"] for row in payouts} == {"PAID", "FAILED"}
    on_chain = landing.scan(stack.settings, "chain/payouts")
    assert {row["claim_index"]: row["is_paid"] for row in on_chain} == {1: True, 2: False}
    (batch,) = landing.scan(stack.settings, "chain/batch_settlements")
    assert (batch["paid_micro_usdc"], batch["failed_count"]) == (USDC + 1, 1)
    assert batch["evidence_root"] == ledger.load(stack.settings, batch_id).batch.evidence_root
    assert steps.record() == {"settlement/batches": 0, "settlement/payouts": 0}


def _forget(stack: PoolStack) -> None:
    """The store is gone and made anew."""
    base.engine(stack.settings).dispose()
    for path in stack.settings.store_path.parent.iterdir():
        path.unlink()
    base.Base.metadata.create_all(base.engine(stack.settings))


def test_settle__incident_open__signs_nothing_until_it_is_resolved(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(item(1))
    incidents.open_incident(stack.settings, "test", "batch 0", "something differs")

    with pytest.raises(errors.Halted, match="test batch 0"):
        steps.settle(batch_id)
    assert not ledger.load(stack.settings, batch_id).transactions

    incidents.resolve(stack.settings, 1, "it does not", "tester")
    assert settle_all(stack, [batch_id]) == [{"paid": 1, "failed": 0}]


def test_settle__incident_after_signing__follows_the_signed_bytes_to_their_receipt(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = stack.plan(item(1, "a"), item(2, "b"))

    def cut(*_args: object) -> None:
        raise errors.ChainUnreachable("cut")

    with monkeypatch.context() as patched:
        patched.setattr(sending, "broadcast", cut)
        with pytest.raises(errors.OutcomeUnknown):
            steps.settle(first)
    incidents.open_incident(stack.settings, "test", "batch 0", "something differs")

    with pytest.raises(errors.Halted):
        steps.settle(second)

    assert [stack.paid_to(1), stack.paid_to(2)] == [USDC + 1, 0]
    assert steps.confirm(first) == {"paid": 1, "failed": 0}


def test_settle__incident_while_a_fee_is_too_low__signs_no_replacement(
    stack: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1))

    def too_low(*_args: object) -> None:
        incidents.open_incident(stack.settings, "test", "batch 0", "something differs")
        raise errors.FeeTooLow("max fee per gas less than block base fee")

    monkeypatch.setattr(sending, "broadcast", too_low)
    with pytest.raises(errors.Halted):
        steps.settle(batch_id)

    assert len(ledger.load(stack.settings, batch_id).transactions) == 1


def test_plan__chain_that_does_not_answer__plans_nothing_and_says_so(stack: PoolStack) -> None:
    stack.publish(item(1))
    stack.anvil.stop()
    with pytest.raises(errors.ChainUnreachable):
        steps.plan()
