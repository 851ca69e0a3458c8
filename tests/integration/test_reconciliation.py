"""Claims, store and chain held against each other on a real chain, honest and tampered with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from leverageguard.config import Settings
from leverageguard.evidence import verdicts
from leverageguard.settlement import chain_steps, errors, incidents, ledger, reconciling, steps
from leverageguard.store import base
from leverageguard.warehouse import landing, model_runner
from leverageguard.warehouse.raw_tables import HOUR_MS
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import PoolStack, item, recipient, stack_fixture  # noqa: F401

Row = dict[str, Any]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models compiled once for all tests here."""
    folder = tmp_path_factory.mktemp("compiled")
    made = model_runner.compiled(Settings(data_dir=folder))
    return made.seeds.parent


@pytest.fixture(autouse=True)
def compiled_before(compiled: Path, own_data_folder: Path) -> None:
    target = own_data_folder / "dbt" / "compiled"
    target.mkdir(parents=True)
    (target / compiled.name).symlink_to(compiled, target_is_directory=True)


def settled(stack: PoolStack, *numbers: int) -> str:
    """The id of a batch of these items: decided, paid, recorded."""
    (batch_id,) = stack.plan(*[item(number, group=f"g{numbers[0]}") for number in numbers])
    verdicts.land(stack.settings, 0)
    steps.settle(batch_id)
    steps.confirm(batch_id)
    steps.record()
    return batch_id


def in_store(settings: Settings, *statements: str) -> None:
    """Change the store behind the back of its triggers."""
    with base.session(settings) as session:
        for name in ("payouts_fixed", "payouts_no_delete", "settlement_events_no_update"):
            session.execute(text(f"drop trigger if exists {name}"))
        for statement in statements:
            session.execute(text(statement))


def in_raw(
    stack: PoolStack, table: str, change: Callable[[list[Row]], list[Row]], name: str = ""
) -> None:
    """Change the landed rows of a chain table."""
    rows = landing.scan(stack.settings, table)
    hours = landing.by_hour(table, rows)
    for hour, of_hour in hours.items():
        landing.replace(
            stack.settings, table, hour, name or f"chain-{stack.settings.chain_id}", change(of_hour)
        )


def kinds(stack: PoolStack) -> set[str]:
    """What differs, by the incidents that were opened for it."""
    with pytest.raises(errors.BooksDiffer):
        steps.reconcile()
    found = incidents.open_ones(stack.settings)
    assert {row.kind for row in found} == {reconciling.KIND}
    return {row.subject for row in found}


def test_reconcile__two_batches_settled__all_three_agree(stack: PoolStack) -> None:
    stack.send(stack.token.set_denied(recipient(2), True))
    settled(stack, 1, 2)
    settled(stack, 3)

    assert steps.reconcile() == {"reconciled": 2, "in_flight": 0}
    assert incidents.open_ones(stack.settings) == []


def test_reconcile__nothing_planned_yet__agrees(stack: PoolStack) -> None:
    assert steps.reconcile() == {"reconciled": 0, "in_flight": 0}


def test_reconcile__batch_under_way__is_no_difference(stack: PoolStack) -> None:
    settled(stack, 1)
    (second,) = stack.plan(item(2, "second"))
    verdicts.land(stack.settings, 0)
    assert steps.reconcile() == {"reconciled": 1, "in_flight": 1}

    steps.settle(second)  # mined, and the chain's hour is landed before the store calls it final
    head = stack.chain.head()
    stack.chain.mine(3)
    hour = head.timestamp * 1000 // HOUR_MS * HOUR_MS
    chain_steps.land_hours(stack.settings, stack.chain, range(hour, hour + 1, HOUR_MS))
    assert any(row["batch_no"] == 2 for row in landing.scan(stack.settings, "chain/payouts"))
    assert steps.reconcile() == {"reconciled": 1, "in_flight": 1}

    steps.confirm(second)
    steps.record()
    assert steps.reconcile() == {"reconciled": 2, "in_flight": 0}


def test_reconcile__amount_changed_in_the_store__stops_the_next_batch(stack: PoolStack) -> None:
    settled(stack, 1, 2)
    in_store(
        stack.settings,
        "update payouts set amount_micro_usdc = amount_micro_usdc + 1 where claim_index = 1",
    )

    assert kinds(stack) == {"batch 1: chain_amount_differs", "batch 1: claim_amount_differs"}
    (next_one,) = stack.plan(item(3, "next"))
    with pytest.raises(errors.Halted, match="batch 1: chain_amount_differs"):
        steps.settle(next_one)
    assert not ledger.load(stack.settings, next_one).transactions


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (
            "update payouts set recipient = '0x00000000000000000000000000000000000000aA' "
            "where claim_index = 1",
            {"batch 1: chain_recipient_differs"},
        ),
        ("update payouts set state = 'FAILED' where claim_index = 1", {"batch 1: state_differs"}),
        ("delete from payouts where claim_index = 1", {"batch 1: payout_unknown_to_the_store"}),
        (
            "update batches set total_micro_usdc = total_micro_usdc - 1",
            {"batch 1: batch_total_differs"},
        ),
        (
            f"update batches set evidence_root = '0x{'0' * 64}'",
            {"batch 1: batch_evidence_root_differs"},
        ),
        ("update batches set batch_no = 7", {"batch 1: batch_unknown_to_the_store",
                                             "batch 7: batch_missing_on_chain"}),
        ("update payouts set claim_id = 'clm_made_up' where claim_index = 1",
         {"batch 1: payout_of_no_claim"}),
    ],
    ids=["recipient", "state", "payout", "total", "root", "number", "claim"],
)  # fmt: skip
def test_reconcile__store_tampered_with__opens_an_incident(
    stack: PoolStack, statement: str, wanted: set[str]
) -> None:
    settled(stack, 1, 2)
    in_store(stack.settings, statement)

    assert kinds(stack) == wanted


@pytest.mark.parametrize(
    ("table", "change", "wanted"),
    [
        (
            "chain/payouts",
            lambda rows: rows[1:],
            {"batch 1: payout_missing_on_chain", "batch 1: batch_is_not_its_events"},
        ),
        (
            "chain/payouts",
            lambda rows: [*rows, {**rows[0], "log_index": 99}],
            {"batch 1: paid_twice", "batch 1: batch_is_not_its_events"},
        ),
        (
            "chain/payouts",
            lambda rows: [*rows, {**rows[0], "claim_index": 9, "batch_no": 2, "log_index": 99}],
            {"batch 2: payout_unknown_to_the_store"},
        ),
        ("chain/batch_settlements", lambda rows: [], {"batch 1: batch_missing_on_chain",
                                                      "batch 1: batch_is_not_its_events"}),
        (
            "chain/batch_settlements",
            lambda rows: [*rows, {**rows[0], "tx_hash": "0x99"}],
            {"batch 1: batch_settled_twice"},
        ),
    ],
    ids=["lost", "twice", "unknown", "no batch", "batch twice"],
)  # fmt: skip
def test_reconcile__chain_rows_tampered_with__opens_an_incident(
    stack: PoolStack, table: str, change: Callable[[list[Row]], list[Row]], wanted: set[str]
) -> None:
    settled(stack, 1, 2)
    in_raw(stack, table, change)

    assert kinds(stack) == wanted


def test_reconcile__verdict_on_file_is_another__opens_an_incident(stack: PoolStack) -> None:
    settled(stack, 1, 2)
    in_raw(
        stack,
        "evidence/verdicts",
        lambda rows: [{**row, "approved_micro_usdc": row["approved_micro_usdc"] - 1}
                      for row in rows],
        verdicts.NAME,
    )  # fmt: skip

    assert kinds(stack) == {"batch 1: claim_amount_differs"}


def test_reconcile__difference_mended__incident_stays_until_it_is_resolved(
    stack: PoolStack,
) -> None:
    settled(stack, 1)
    in_store(stack.settings, "update payouts set state = 'FAILED' where claim_index = 1")
    kinds(stack)
    in_store(stack.settings, "update payouts set state = 'PAID' where claim_index = 1")

    assert steps.reconcile() == {"reconciled": 1, "in_flight": 0}
    with pytest.raises(errors.Halted):
        incidents.require_none(stack.settings)
    incidents.resolve(stack.settings, 1, "a backup was played back", "tester")
    incidents.require_none(stack.settings)


def test_reconcile__resolved_while_the_difference_is_there__opens_it_again(
    stack: PoolStack,
) -> None:
    settled(stack, 1)
    in_store(stack.settings, "update payouts set state = 'FAILED' where claim_index = 1")
    kinds(stack)
    incidents.resolve(stack.settings, 1, "looks fine to me", "tester")

    kinds(stack)
    assert [row.incident_id for row in incidents.open_ones(stack.settings)] == [2]
