from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sqlalchemy import select

from leverageguard.claims import batch_answers, register
from leverageguard.config import Settings
from leverageguard.domain.batch import BatchRefused
from leverageguard.settlement import ledger
from leverageguard.settlement.planning import Item
from leverageguard.store import base
from leverageguard.store.claim_tables import BatchProposal
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from tests import sealed
from tests.unit.settlement.items import approved

LIMIT = 12_000_000
EXAMPLES = itertools.count(1)  # each has claims of its own in the same store


@pytest.fixture
def limited(store: Settings) -> Settings:
    """A store whose batches over 12 USDC need people; an item is 5."""
    return replace(store, approve_batches_over_micro_usdc=LIMIT)


def items(*numbers: int, group: str = "a", amount: int = 5_000_000) -> list[Item]:
    return [approved(number, group, amount) for number in numbers]


def proposals(store: Settings) -> list[BatchProposal]:
    with base.session(store) as session:
        order = (BatchProposal.proposed_at_ms, BatchProposal.proposal_id)
        return list(session.scalars(select(BatchProposal).order_by(*order)))


def planned(store: Settings) -> list[list[str]]:
    with base.session(store) as session:
        batches = session.scalars(select(BatchRecord.batch_id).order_by(BatchRecord.batch_no))
        return [[row.claim_id for row in ledger.load(store, one).payouts] for one in batches]


def answer(store: Settings, state: str, proposal: BatchProposal | None = None) -> None:
    chosen = proposal or next(one for one in proposals(store) if one.state == "OPEN")
    with base.session(store) as session:
        batch_answers.apply(store, session, chosen.proposal_id, state, "approver1")


def states(store: Settings, *numbers: int) -> list[str]:
    claims = [f"clm_{number:04d}" for number in numbers]
    with base.session(store) as session:
        found = register.state_of(session, claims)
    return [found[claim] for claim in claims]


def test_plan__batch_at_the_limit__is_planned_without_people(store: Settings) -> None:
    at_limit = replace(store, approve_batches_over_micro_usdc=10_000_000)
    sealed.plan(at_limit, items(1, 2))
    assert planned(store) == [["clm_0001", "clm_0002"]]
    assert proposals(store) == []


def test_plan__batch_over_the_limit__is_proposed_and_holds_up_no_other(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3) + items(4, group="b"))
    assert planned(limited) == [["clm_0004"]]
    [proposal] = proposals(limited)
    assert (proposal.state, proposal.total_micro_usdc, proposal.claim_count) == (
        "OPEN", 15_000_000, 3,
    )  # fmt: skip
    assert states(limited, 1, 2, 3) == ["APPROVED"] * 3
    assert "okx:uid" not in proposal.items


def test_plan__claims_of_an_open_proposal__are_in_no_other_plan(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3))
    sealed.plan(limited, items(1, group="x") + items(2, group="y") + items(3, 4, group="z"))
    assert planned(limited) == [["clm_0004"]]
    assert len(proposals(limited)) == 1


def test_plan__approved_proposal__is_planned_exactly_so(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3))
    answer(limited, "APPROVED")
    sealed.plan(limited, items(1, 2, 3, 4))
    assert planned(limited) == [["clm_0001", "clm_0002", "clm_0003"], ["clm_0004"]]
    [proposal] = proposals(limited)
    assert proposal.state == "PLANNED"
    sealed.plan(limited, items(1, 2, 3, 4))
    assert len(planned(limited)) == 2


def test_plan__amount_changed_after_the_approval__is_proposed_anew(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3))
    answer(limited, "APPROVED")
    changed = [*items(1, 2), approved(3, "a", 6_000_000)]
    sealed.plan(limited, changed)
    assert planned(limited) == []
    assert sorted(one.state for one in proposals(limited)) == ["OPEN", "STALE"]


def test_plan__claim_that_is_approved_no_more__makes_its_proposal_stale(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3))
    answer(limited, "APPROVED")
    with base.session(limited) as session:
        last = register.last_of(session, ["clm_0003"])["clm_0003"]
        move = replace(register.as_move(last), to_state="WITHDRAWN", rule_id="WITHDRAWAL")
        register.append(session, limited, "clm_0003", last.policy_id, [move], last)
    sealed.plan_sealed(limited, items(1, 2, 3))
    assert planned(limited) == [["clm_0001", "clm_0002"]]
    assert [one.state for one in proposals(limited)] == ["STALE"]


def test_plan__rejected_proposal__sends_each_claim_to_people(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3))
    answer(limited, "REJECTED")
    sealed.plan_sealed(limited, items(1, 2, 3))
    assert planned(limited) == []
    assert states(limited, 1, 2, 3) == ["MANUAL_REVIEW"] * 3
    assert [one.state for one in proposals(limited)] == ["REJECTED"]


def test_plan__the_same_again_after_it_was_dropped__is_another_proposal(limited: Settings) -> None:
    sealed.plan(limited, items(1, 2, 3))
    answer(limited, "REVERIFY")
    sealed.plan_sealed(limited, items(1, 2, 3))
    first, second = proposals(limited)
    assert first.items == second.items and first.proposal_id != second.proposal_id
    assert sorted([first.state, second.state]) == ["OPEN", "STALE"]


def test_plan__run_started_by_hand__proposes_in_that_name(limited: Settings) -> None:
    sealed.seal(limited, items(1, 2, 3))
    sealed.plan_sealed(limited, items(1, 2, 3), proposed_by="approver1")
    assert [one.proposed_by for one in proposals(limited)] == ["approver1"]


def test_plan__what_must_not_be_paid__is_not_proposed_either(limited: Settings) -> None:
    with pytest.raises(BatchRefused):
        sealed.plan(limited, [*items(1, 2, 3), approved(4, "a", -1)])
    assert proposals(limited) == []


STEP = st.one_of(
    st.tuples(st.just("plan"), st.lists(st.integers(0, 2), min_size=6, max_size=6)),
    st.tuples(st.sampled_from(["APPROVED", "REJECTED", "REVERIFY"]), st.just([])),
)


@budget(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_plan__any_order_of_groups_and_answers__pays_once_and_never_over_the_limit_unasked(
    limited: Settings, steps: list[tuple[str, list[int]]]
) -> None:
    drawn = next(EXAMPLES)
    numbers = [drawn * 10 + place for place in range(6)]
    claims = {f"clm_{number:04d}" for number in numbers}
    sealed.seal(limited, [approved(number) for number in numbers])
    for step, groups in steps:
        if step == "plan":
            given_items = [
                approved(number, f"g{drawn}-{group}")
                for number, group in zip(numbers, groups, strict=True)
            ]
            sealed.plan_sealed(limited, given_items)
        elif any(one.state == "OPEN" for one in proposals(limited)):
            answer(limited, step)
    with base.session(limited) as session:
        rows = session.scalars(select(PayoutRecord).where(PayoutRecord.claim_id.in_(claims))).all()
        totals = {
            row.batch_id: session.get_one(BatchRecord, row.batch_id).total_micro_usdc
            for row in rows
        }
    paid = [row.claim_id for row in rows]
    assert len(paid) == len(set(paid))
    done = [set(told(one)) for one in proposals(limited) if one.state == "PLANNED"]
    for batch_id, total in totals.items():
        in_batch = {row.claim_id for row in rows if row.batch_id == batch_id}
        assert total <= LIMIT or in_batch in done
    pinned = [told(one) for one in proposals(limited) if one.state == "OPEN"]
    assert not {claim for one in pinned for claim in one} & set(paid)


def told(proposal: BatchProposal) -> list[str]:
    return [item["claim_id"] for item in json.loads(proposal.items)]
