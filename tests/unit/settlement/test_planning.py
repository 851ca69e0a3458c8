from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leverageguard.claims import register
from leverageguard.config import ChainSettings, Settings
from leverageguard.domain.batch import BatchRefused
from leverageguard.domain.claim_facts import Move
from leverageguard.settlement import ledger, planning
from leverageguard.settlement.errors import PlanRefused
from leverageguard.store import base
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord, SettlementEvent
from tests.sealed import approve, plan, plan_sealed, seal
from tests.unit.settlement.items import approved


def all_payouts(store: Settings) -> list[PayoutRecord]:
    with base.session(store) as session:
        return list(session.scalars(select(PayoutRecord).order_by(PayoutRecord.claim_index)))


def test_plan__two_groups__become_two_numbered_batches_with_dense_indices(store: Settings) -> None:
    ids = plan(store, [approved(3, "b"), approved(1, "a"), approved(2, "a")])
    loaded = [ledger.load(store, batch_id) for batch_id in ids]
    assert [one.batch.batch_no for one in loaded] == [1, 2]
    assert [one.batch.total_micro_usdc for one in loaded] == [10_000_000, 5_000_000]
    assert [(p.claim_index, p.claim_id) for p in all_payouts(store)] == [
        (1, "clm_0001"),
        (2, "clm_0002"),
        (3, "clm_0003"),
    ]


def test_plan__same_items_again__plans_nothing(store: Settings) -> None:
    items = [approved(1), approved(2)]
    assert len(plan(store, items)) == 1
    assert plan(store, items) == []
    assert plan(store, reversed(items)) == []
    assert len(all_payouts(store)) == 2


def test_plan__same_claims_in_other_groups__plans_only_what_is_new(store: Settings) -> None:
    plan(store, [approved(1), approved(2)])
    (batch_id,) = plan(store, [approved(1, "x"), approved(2, "y"), approved(3, "y")])
    assert [row.claim_id for row in ledger.load(store, batch_id).payouts] == ["clm_0003"]


def test_plan__one_event_in_two_claims__pays_the_first_only(store: Settings) -> None:
    twin = replace(approved(2), liquidation_event_id=approved(1).liquidation_event_id)
    plan(store, [approved(1), twin])
    assert [row.claim_id for row in all_payouts(store)] == ["clm_0001"]


def test_plan__claim_that_now_names_another_event__is_not_planned_again(store: Settings) -> None:
    plan(store, [approved(1)])
    assert plan(store, [replace(approved(1), liquidation_event_id="okx:uid:9")]) == []


@pytest.mark.parametrize("amount", [0, -1])
def test_plan__amount_not_positive__plans_nothing_at_all(store: Settings, amount: int) -> None:
    with pytest.raises(BatchRefused):
        plan(store, [approved(1, "a"), approved(2, "b", amount)])
    assert all_payouts(store) == []


@pytest.mark.parametrize("recipient", ["", "0x12", "0x" + "zz" * 20, "0x" + "00" * 20])
def test_plan__address_that_cannot_be_paid__is_refused(store: Settings, recipient: str) -> None:
    with pytest.raises((PlanRefused, BatchRefused), match="no payable address"):
        plan(store, [replace(approved(1), recipient=recipient)])


def test_plan__more_payouts_than_one_transaction_can_pay__is_refused(store: Settings) -> None:
    items = [approved(number) for number in range(1, 402)]
    approve(store, items)
    with pytest.raises(PlanRefused, match="401 payouts, a batch may have 400"):
        plan_sealed(store, items)


def test_plan__claim_not_approved__is_passed_over_and_the_others_are_batched(
    store: Settings,
) -> None:
    items = [approved(number) for number in (1, 2, 3)]
    seal(store, items)
    with base.session(store) as session:
        last = register.last_of(session)["clm_0002"]
        move = Move("WITHDRAWN", "WITHDRAWAL", "0x1", 2, 0)
        register.append(session, store, "clm_0002", last.policy_id, [move], last)
    unknown = approved(4)

    (batch_id,) = plan_sealed(store, [*items, unknown])

    assert {row.claim_id for row in all_payouts(store)} == {"clm_0001", "clm_0003"}
    with base.session(store) as session:
        moves = register.last_of(session)
    assert {key: move.to_state for key, move in moves.items()} == {
        "clm_0001": "BATCHED",
        "clm_0002": "WITHDRAWN",
        "clm_0003": "BATCHED",
    }
    first = moves["clm_0001"]
    assert (first.rule_id, first.actor, first.reserve_micro_usdc) == (
        "PLANNED", "planner", 5_000_000,
    )  # fmt: skip
    assert batch_id in first.detail


def test_plan__claim_withdrawn_while_it_is_planned__is_left_out(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [approved(1), approved(2)]
    seal(store, items)
    sealed_root = planning.evidence.sealed_root

    def withdrawn_meanwhile(
        settings: Settings, session: Session, claim_id: str, amount: int
    ) -> str:
        monkeypatch.setattr(planning.evidence, "sealed_root", sealed_root)
        with base.session(settings) as rival:
            last = register.last_of(rival)["clm_0001"]
            move = Move("WITHDRAWN", "WITHDRAWAL", "0x1", 2, 0)
            register.append(rival, settings, "clm_0001", last.policy_id, [move], last)
        return sealed_root(settings, session, claim_id, amount)

    monkeypatch.setattr(planning.evidence, "sealed_root", withdrawn_meanwhile)

    plan_sealed(store, items)

    assert [row.claim_id for row in all_payouts(store)] == ["clm_0002"]


@pytest.mark.parametrize("amount", [1.0, None, "1", True, Decimal("1.5")])
def test_item__amount_that_is_no_whole_number__is_refused(amount: Any) -> None:
    with pytest.raises(PlanRefused, match="unusable row"):
        planning._item(("b", "c", "e", "p", "w", "r", amount, 31337))


@pytest.mark.parametrize("chain_id", [None, "31337", 31337.0])
def test_item__chain_that_is_no_number__is_refused(chain_id: Any) -> None:
    with pytest.raises(PlanRefused, match="unusable row"):
        planning._item(("b", "c", "e", "p", "w", "r", 1, chain_id))


BOTH = (ChainSettings("one", 1), ChainSettings("ten", 10))


def test_plan__two_chains__are_numbered_each_from_one(store: Settings) -> None:
    both = replace(store, chain_blocks=BOTH)
    items = [approved(n, chain_id=chain) for n, chain in ((1, 1), (2, 10), (3, 1), (4, 10))]
    plan(both, items)
    plan(both, [approved(5, chain_id=10), approved(6, chain_id=1)])
    found = sorted((p.chain_id, p.claim_index, p.claim_id) for p in all_payouts(store))
    assert found == [
        (1, 1, "clm_0001"),
        (1, 2, "clm_0003"),
        (1, 3, "clm_0006"),
        (10, 1, "clm_0002"),
        (10, 2, "clm_0004"),
        (10, 3, "clm_0005"),
    ]
    with base.session(store) as session:
        numbers = session.execute(select(BatchRecord.chain_id, BatchRecord.batch_no)).all()
    assert sorted(map(tuple, numbers)) == [(1, 1), (1, 2), (10, 1), (10, 2)]


@pytest.mark.parametrize("same", ["claim_id", "liquidation_event_id"])
def test_plan__claim_or_event_known_on_another_chain__is_never_planned_again(
    store: Settings, same: str
) -> None:
    both = replace(store, chain_blocks=BOTH)
    first = approved(1, chain_id=1)
    again = replace(approved(2, chain_id=10), **{same: getattr(first, same)})
    plan(both, [first])
    assert plan(both, [again]) == []
    assert plan(both, [first, again]) == []


def test_plan__one_event_on_two_chains_at_once__pays_the_first_only(store: Settings) -> None:
    both = replace(store, chain_blocks=BOTH)
    first = approved(1, chain_id=1)
    twin = replace(approved(2, chain_id=10), liquidation_event_id=first.liquidation_event_id)
    plan(both, [twin, first])
    assert [(row.chain_id, row.claim_id) for row in all_payouts(store)] == [(1, "clm_0001")]


def test_plan__chain_that_is_not_configured__holds_up_no_other(store: Settings) -> None:
    one = replace(store, chain_blocks=BOTH[:1])
    plan(one, [approved(1, chain_id=10), approved(2, chain_id=1)])
    assert [row.claim_id for row in all_payouts(store)] == ["clm_0002"]
    plan(replace(store, chain_blocks=BOTH), [approved(1, chain_id=10)])
    assert len(all_payouts(store)) == 2


def test_unfinished__planned_batches__come_oldest_first(store: Settings) -> None:
    ids = plan(store, [approved(1, "b"), approved(2, "a")])
    assert planning.unfinished(store) == ids


@pytest.mark.parametrize(
    ("column", "value"),
    [("claim_id", "clm_0001"), ("liquidation_event_id", "okx:uid:1"), ("claim_index", 1)],
)
def test_store__second_payout_with_the_same_key__is_refused_by_the_store(
    store: Settings, planned: str, column: str, value: Any
) -> None:
    row: dict[str, Any] = {
        "chain_id": 31337,
        "claim_index": 9,
        "claim_id": "clm_0009",
        "liquidation_event_id": "okx:uid:9",
        "policy_id": "0x9",
        "party": "0x9",
        "batch_id": planned,
        "recipient": "0x9",
        "amount_micro_usdc": 1,
        "state": "PLANNED",
        "planned_at_ms": 0,
    }
    with pytest.raises(IntegrityError), base.session(store) as session:
        session.add(PayoutRecord(**(row | {column: value})))


@pytest.mark.parametrize(
    ("column", "value"), [("claim_id", "clm_0001"), ("liquidation_event_id", "okx:uid:1")]
)
def test_store__paid_on_another_chain__is_refused_by_the_store(
    store: Settings, column: str, value: str
) -> None:
    both = replace(store, chain_blocks=BOTH)
    plan(both, [approved(1, chain_id=1), approved(2, chain_id=10)])
    with pytest.raises(IntegrityError), base.session(store) as session:
        batch = session.scalar(select(BatchRecord).where(BatchRecord.chain_id == 10))
        assert batch is not None
        row = PayoutRecord(
            chain_id=10, claim_index=9, claim_id="clm_0009", liquidation_event_id="okx:uid:9",
            policy_id="0x9", party="0x9", batch_id=batch.batch_id, recipient="0x9",
            amount_micro_usdc=1, state="PLANNED", planned_at_ms=0,
        )  # fmt: skip
        setattr(row, column, value)
        session.add(row)


def test_store__payout_in_a_batch_of_another_chain__is_refused_by_the_store(
    store: Settings, planned: str
) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), base.session(store) as session:
        session.add(
            PayoutRecord(
                chain_id=10,
                claim_index=9,
                claim_id="clm_0009",
                liquidation_event_id="okx:uid:9",
                policy_id="0x9",
                party="0x9",
                batch_id=planned,
                recipient="0x9",
                amount_micro_usdc=1,
                state="PLANNED",
                planned_at_ms=0,
            )
        )


@pytest.mark.parametrize(("column", "value"), [("amount_micro_usdc", 0), ("state", "LOST")])
def test_store__value_that_must_never_be_stored__is_refused_by_the_store(
    store: Settings, planned: str, column: str, value: Any
) -> None:
    del planned
    sql = text(f"UPDATE payouts SET {column} = :value")
    with pytest.raises(IntegrityError), base.session(store) as session:
        session.execute(sql, {"value": value})


def test_store__planned_amount__cannot_be_changed(store: Settings, planned: str) -> None:
    del planned
    with (
        pytest.raises(IntegrityError, match="a planned payout is never changed"),
        base.session(store) as session,
    ):
        session.connection().exec_driver_sql("UPDATE payouts SET amount_micro_usdc = 1")


def test_store__events__can_neither_be_changed_nor_deleted(store: Settings, planned: str) -> None:
    del planned
    with pytest.raises(IntegrityError, match="append-only"), base.session(store) as session:
        session.execute(delete(SettlementEvent))
    with pytest.raises(IntegrityError, match="append-only"), base.session(store) as session:
        session.connection().exec_driver_sql("UPDATE settlement_events SET rule = ''")


@budget(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(1, 12), max_size=8), max_size=5), st.randoms())
def test_plan__any_sequence_of_snapshots__plans_each_claim_once(
    store: Settings, snapshots: list[list[int]], random: Any
) -> None:
    for numbers in snapshots:
        groups = [f"pending-{random.randint(1, 3)}" for _ in numbers]
        items = [approved(n, group) for n, group in zip(numbers, groups, strict=True)]
        plan(store, items)
    rows = all_payouts(store)
    assert len({row.claim_id for row in rows}) == len(rows)
    assert {f"clm_{n:04d}" for numbers in snapshots for n in numbers} <= {r.claim_id for r in rows}
    assert [row.claim_index for row in rows] == list(range(1, len(rows) + 1))
    with base.session(store) as session:
        numbers = list(session.scalars(select(BatchRecord.batch_no)))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
