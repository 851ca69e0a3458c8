from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update

from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.domain.claim_facts import Move
from leverageguard.domain.solvency import Room
from leverageguard.settlement import ledger
from leverageguard.store import base
from leverageguard.store.claim_tables import BatchProposal
from leverageguard.store.fund_tables import FundAlert
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from tests import sealed
from tests.unit.settlement.items import approved

USDC = 1_000_000


def room(free: int, promised: int = 0, minimum: int = 100) -> Room:
    return Room(free * USDC, promised * USDC, minimum * USDC)


def file_at(settings: Settings, number: int, at_ms: int) -> None:
    """Have the n-th claim approved, its notice at that time."""
    item = approved(number)
    moves = [
        Move(state, rule, "rules", at_ms + place, item.amount_micro_usdc, {})
        for place, (state, rule) in enumerate(sealed.WAY)
    ]
    with base.session(settings) as session:
        register.append(session, settings, item.claim_id, item.policy_id, moves, None)


def planned(settings: Settings) -> list[list[str]]:
    with base.session(settings) as session:
        ids = list(session.scalars(select(BatchRecord.batch_id).order_by(BatchRecord.batch_no)))
    return [[row.claim_id for row in ledger.load(settings, one).payouts] for one in ids]


def alerts(settings: Settings) -> list[FundAlert]:
    with base.session(settings) as session:
        return list(session.scalars(select(FundAlert).order_by(FundAlert.alert_no)))


def test_plan__pool_that_bears_all__halts_nothing(store: Settings) -> None:
    sealed.plan(store, [approved(1), approved(2)], room(110))
    assert planned(store) == [["clm_0001", "clm_0002"]]
    assert alerts(store) == []


def test_plan__pool_at_its_minimum__pays_nobody_and_says_what_is_missing(store: Settings) -> None:
    assert sealed.plan(store, [approved(1), approved(2)], room(100)) == []
    [alert] = alerts(store)
    assert (alert.threshold_id, alert.action, alert.chain_id) == (
        "minimum_solvency", "halt_payouts", 31337,
    )  # fmt: skip
    assert alert.figure == 90 * USDC and alert.value == 100 * USDC
    assert alert.detail == (
        "2 approved claims of 10.000000 USDC wait, in filing order: the pool has 100.000000 free, "
        "0.000000 of it promised, and keeps 100.000000; 10.000000 USDC are missing"
    )
    with base.session(store) as session:
        assert register.state_of(session, {"clm_0001", "clm_0002"}) == {
            "clm_0001": "APPROVED", "clm_0002": "APPROVED",
        }  # fmt: skip


def test_plan__first_filed__is_paid_first_whatever_its_number(store: Settings) -> None:
    file_at(store, 1, 3_000)
    file_at(store, 2, 1_000)
    file_at(store, 3, 2_000)
    sealed.plan(store, [approved(1), approved(2), approved(3)], room(110))
    assert planned(store) == [["clm_0002", "clm_0003"]]


def test_plan__small_claim_filed_later__does_not_overtake_one_that_waits(store: Settings) -> None:
    file_at(store, 1, 1_000)
    file_at(store, 2, 2_000)
    small = approved(2, amount=1)
    assert sealed.plan(store, [approved(1, amount=50 * USDC), small], room(149)) == []
    assert planned(store) == []


def test_plan__what_is_planned_and_not_paid__is_promised_money(store: Settings) -> None:
    sealed.plan(store, [approved(1), approved(2)], room(110))
    items = [approved(1), approved(2), approved(3)]
    assert sealed.plan(store, items, room(110)) == []
    # Paid, it is no longer in the balance, and no longer promised.
    with base.session(store) as session:
        session.execute(update(PayoutRecord).values(state="PAID"))
    assert len(sealed.plan(store, items, room(105))) == 1


def test_plan__after_a_deposit__goes_on_and_ends_the_halt(store: Settings) -> None:
    items = [approved(1), approved(2), approved(3)]
    sealed.plan(store, items, room(106))
    assert planned(store) == [["clm_0001"]]
    sealed.plan(store, items, room(106))
    [alert] = alerts(store)
    assert alert.closed_at_ms is None and "14.000000" not in alert.detail
    sealed.plan(store, items, room(115))
    assert planned(store) == [["clm_0001"], ["clm_0002", "clm_0003"]]
    [alert] = alerts(store)
    assert alert.closed_at_ms is not None and alert.open_key is None


def test_plan__nothing_waits_any_more__ends_the_halt(store: Settings) -> None:
    sealed.plan(store, [approved(1)], room(100))
    sealed.plan(store, [], room(100))
    [alert] = alerts(store)
    assert alert.closed_at_ms is not None


def test_plan__chain_that_was_not_measured__pays_nothing(store: Settings) -> None:
    sealed.seal(store, [approved(1)])
    assert sealed.planning.plan(store, [approved(1)], {}) == []


def test_plan__proposal_of_claims_that_wait__stays_and_is_planned_after_the_deposit(
    store: Settings,
) -> None:
    limited = replace(store, approve_batches_over_micro_usdc=9 * USDC)
    items = [approved(1), approved(2)]
    sealed.plan(limited, items, room(200))
    with base.session(limited) as session:
        session.execute(update(BatchProposal).values(state="APPROVED"))
    sealed.plan(limited, items, room(105))
    assert planned(limited) == []
    with base.session(limited) as session:
        assert session.scalars(select(BatchProposal.state)).all() == ["APPROVED"]
    sealed.plan(limited, items, room(110))
    assert planned(limited) == [["clm_0001", "clm_0002"]]
