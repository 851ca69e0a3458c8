"""The ledger is gone: rebuilt from the chain and what was landed, and nothing is paid again."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from sqlalchemy import select

from leverageguard.settlement import errors, incidents, ledger, rebuilding, steps
from leverageguard.store import base
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from leverageguard.warehouse import landing, packages
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, recipient, stack_fixture  # noqa: F401

DUE = [USDC + 1, 0, USDC + 3]  # the second recipient is refused by the token
ITEMS = [item(1, "a"), item(2, "a"), item(3, "b")]
KEPT = set(PayoutRecord.__table__.columns.keys())


def settle(ids: list[str]) -> None:
    for batch_id in ids:
        steps.settle(batch_id)
        steps.confirm(batch_id)


def payouts(stack: PoolStack) -> list[dict[str, Any]]:
    with base.session(stack.settings) as session:
        rows = session.scalars(select(PayoutRecord).order_by(PayoutRecord.claim_index))
        return [{name: getattr(row, name) for name in KEPT} for row in rows]


def balances(stack: PoolStack) -> list[int]:
    return [stack.paid_to(number) for number in (1, 2, 3)]


def forget(stack: PoolStack) -> None:
    """The store is gone and made anew."""
    base.engine(stack.settings).dispose()
    for path in stack.settings.store_path.parent.iterdir():
        path.unlink()
    base.Base.metadata.create_all(base.engine(stack.settings))


@pytest.fixture
def lost(stack: PoolStack) -> list[dict[str, Any]]:
    """Three claims settled and landed, one refused; then the store is lost. What it held."""
    stack.send(stack.token.set_denied(recipient(2), True))
    stack.publish(*ITEMS)
    settle(steps.plan())
    steps.record()
    assert balances(stack) == DUE
    before = payouts(stack)
    forget(stack)
    stack.publish(*ITEMS)  # the evidence's verdicts are a table of the same store
    return before


def documents_gone(stack: PoolStack) -> None:
    shutil.rmtree(packages.evidence_dir(stack.settings) / "batches")


def rows_gone(stack: PoolStack) -> None:
    shutil.rmtree(stack.settings.raw_dir / "settlement")
    landing.ensure_schemas(stack.settings)


def test_rebuild__store_lost__is_what_it_was_and_nothing_is_paid_again(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    assert rebuilding.rebuild_all(stack.settings) == {"batches": 2, "payouts": 3}
    assert payouts(stack) == lost
    assert steps.plan() == []
    assert balances(stack) == DUE
    with base.session(stack.settings) as session:
        batches = list(session.scalars(select(BatchRecord).order_by(BatchRecord.batch_no)))
    assert [(row.batch_no, row.state) for row in batches] == [(1, "FINAL"), (2, "FINAL")]
    steps.record()
    landed = landing.scan(stack.settings, "settlement/payouts")
    assert sorted(row["claim_index"] for row in landed) == [1, 2, 3]


def test_rebuild__then_a_new_claim__is_the_only_one_paid(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    rebuilding.rebuild_all(stack.settings)
    stack.publish(*ITEMS, item(4, "c"))
    settle(steps.plan())
    assert balances(stack) == DUE
    assert stack.paid_to(4) == USDC + 4


def test_record__store_lost__leaves_the_documents_that_name_the_claims(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    folder = packages.evidence_dir(stack.settings) / "batches"
    before = {path: path.read_bytes() for path in folder.glob("**/*.json")}
    steps.record()
    assert {path: path.read_bytes() for path in folder.glob("**/*.json")} == before != {}


def test_plan__store_lost__is_refused_until_it_is_rebuilt(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    with pytest.raises(errors.LedgerLost, match=r"misses 3 payouts .* rebuild-ledger"):
        steps.plan()
    assert payouts(stack) == []


def test_plan__lost_before_anything_was_landed__is_refused_all_the_same(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    rows_gone(stack)
    with pytest.raises(errors.LedgerLost, match=r"misses 3 payouts"):
        steps.plan()


def test_rebuild__only_the_documents_are_left__names_all_but_the_planning_time(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    rows_gone(stack)
    rebuilding.rebuild_all(stack.settings)
    unknown = {"planned_at_ms", "party"}
    assert [{k: v for k, v in row.items() if k not in unknown} for row in payouts(stack)] == [
        {k: v for k, v in row.items() if k not in unknown} for row in lost
    ]
    assert steps.plan() == []


def test_rebuild__only_the_landed_rows_are_left__names_all_but_the_evidence(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    documents_gone(stack)
    rebuilding.rebuild_all(stack.settings)
    assert payouts(stack) == [row | {"evidence_root": None} for row in lost]
    assert steps.plan() == []


def test_rebuild__document_was_changed__is_not_believed(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    rows_gone(stack)
    path = packages.evidence_dir(stack.settings) / "batches" / packages.batch_file(31337, 2)
    path.write_text(path.read_text().replace(item(3).claim_id, item(9).claim_id))
    with pytest.raises(errors.LedgerLost, match="1 settled claim indices cannot be named"):
        rebuilding.rebuild_all(stack.settings)


def test_rebuild__landed_row_states_another_amount__is_not_believed(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    documents_gone(stack)
    (hour,) = {row["planned_at_ms"] // 3_600_000 * 3_600_000 for row in lost}
    rows = landing.read(stack.settings, "settlement/payouts", hour, "store")
    rows[0]["amount_micro_usdc"] += 1
    landing.replace(stack.settings, "settlement/payouts", hour, "store", rows)
    with pytest.raises(errors.LedgerLost, match="1 settled claim indices cannot be named"):
        rebuilding.rebuild_all(stack.settings)


def test_rebuild__nothing_names_a_claim__is_an_incident_and_nothing_is_planned(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    documents_gone(stack)
    rows_gone(stack)
    with pytest.raises(errors.LedgerLost, match="3 settled claim indices cannot be named"):
        rebuilding.rebuild_all(stack.settings)
    assert payouts(stack) == []
    told = incidents.open_ones(stack.settings)
    assert [row.subject for row in told] == [f"claim index {n}" for n in (1, 2, 3)]
    with pytest.raises(errors.LedgerLost, match="nobody knows which claim was paid"):
        steps.plan()
    assert balances(stack) == DUE


def test_rebuild__store_is_not_empty__is_refused(stack: PoolStack) -> None:
    settle(stack.plan(item(1)))
    before = payouts(stack)
    with pytest.raises(errors.SettlementError, match="into an empty store only"):
        rebuilding.rebuild_all(stack.settings)
    assert payouts(stack) == before


def test_rebuild__planned_and_never_settled__is_planned_anew(
    stack: PoolStack, lost: list[dict[str, Any]]
) -> None:
    rebuilding.rebuild_all(stack.settings)
    stack.publish(*ITEMS, item(4, "c"))
    steps.plan()
    steps.record()
    forget(stack)
    stack.publish(*ITEMS, item(4, "c"))
    rebuilding.rebuild_all(stack.settings)
    assert [row["claim_index"] for row in payouts(stack)] == [1, 2, 3]
    settle(steps.plan())
    assert [*balances(stack), stack.paid_to(4)] == [*DUE, USDC + 4]


def test_rebuild__died_before_landing__is_finished_by_the_next(
    stack: PoolStack, lost: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rebuilding.recording, "land_store", die)
        with pytest.raises(KeyboardInterrupt):
            rebuilding.rebuild_all(stack.settings)
    assert rebuilding.rebuild_all(stack.settings) == {"batches": 0, "payouts": 0}
    assert payouts(stack) == lost


def test_rebuilt_batch__chain_loses_it__is_planned_and_paid_again_once(
    stack: PoolStack,
) -> None:
    stack.publish(item(1))
    snapshot = stack.anvil.rpc("evm_snapshot")
    settle(steps.plan())
    forget(stack)
    rebuilding.rebuild_all(stack.settings)
    stack.anvil.rpc("evm_revert", snapshot)
    with pytest.raises(errors.FinalBatchLost):
        steps.record()
    (incident,) = incidents.open_ones(stack.settings)
    incidents.resolve(stack.settings, incident.incident_id, "looked at", "tester")
    with base.session(stack.settings) as session:
        (batch_id,) = session.scalars(select(BatchRecord.batch_id))
    assert ledger.load(stack.settings, batch_id).batch.state == "PLANNED"
    settle([batch_id])
    assert stack.paid_to(1) == USDC + 1
