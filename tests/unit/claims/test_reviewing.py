from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from leverageguard import clock
from leverageguard.claims import reviewing
from leverageguard.config import Settings
from leverageguard.store import base
from leverageguard.store.claim_tables import (
    BatchProposal,
    ClaimAction,
    ReviewAnswer,
    ReviewRecord,
)
from tests.unit.claims import held_claims

A, B, C = "approver1", "approver2", "approver3"
CLAIM = "clm_1"
FIRST = "run-1#0"


@pytest.fixture
def world(settings: Settings) -> Iterator[Settings]:
    """One claim held by THIN_MARKET."""
    settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    base.Base.metadata.create_all(base.engine(settings))
    clock.set_world(1_767_700_000_000)
    held_claims.wait(settings, CLAIM)
    held_claims.publish(settings, {CLAIM: {}})
    yield settings


def actions(world: Settings) -> list[tuple[str, str, str]]:
    with base.session(world) as session:
        query = select(ClaimAction).order_by(ClaimAction.created_at_ms, ClaimAction.actor)
        return [(row.actor, row.action, row.covers) for row in session.scalars(query)]


def states(world: Settings) -> list[str]:
    with base.session(world) as session:
        return list(session.scalars(select(ReviewRecord.state).order_by(ReviewRecord.asked_in)))


def refusals(world: Settings) -> list[tuple[str, str | None]]:
    with base.session(world) as session:
        query = select(ReviewAnswer).order_by(ReviewAnswer.review_id, ReviewAnswer.step)
        return [(row.actor, row.refusal) for row in session.scalars(query)]


def answer(world: Settings, step: int, actor: str, option: str = "Approve") -> str | None:
    return reviewing.answer(world, FIRST, step, actor, option, "looked at the market")


def asked(world: Settings, proposed_by: str | None = None, run: str = "run-1") -> list[str]:
    return reviewing.open_reviews(world, run, proposed_by)


def test_open__what_waits__is_asked_once_and_the_same_run_gets_the_same(world: Settings) -> None:
    first = asked(world)
    assert len(first) == 1
    assert asked(world) == first
    assert asked(world, run="run-2") == []
    assert asked(world, run="run-10") == []


def test_open__a_claim_that_is_not_published__waits_for_the_next_run(world: Settings) -> None:
    held_claims.wait(world, "clm_2", "FRAUD_HOLD")
    assert len(asked(world)) == 1
    held_claims.publish(world, {CLAIM: {}, "clm_2": {"holds": "NOT_HEDGED"}})
    assert len(asked(world, run="run-2")) == 1


def test_record__two_people_approve__is_an_action_of_each_that_covers_the_holds(
    world: Settings,
) -> None:
    asked(world)
    assert reviewing.form(world, FIRST, 1).users == (A, B, C)
    assert answer(world, 1, B) is None
    assert reviewing.form(world, FIRST, 2).users == (A, C)
    assert answer(world, 2, A) is None
    ended = reviewing.record(world, FIRST)
    assert (ended.state, ended.is_new) == ("APPROVED", True)
    assert actions(world) == [(A, "approve", "THIN_MARKET"), (B, "approve", "THIN_MARKET")]
    assert reviewing.record(world, FIRST).is_new is False
    assert len(actions(world)) == 2


def test_record__one_approval__releases_nothing_and_waits_again(world: Settings) -> None:
    asked(world)
    answer(world, 1, A)
    assert reviewing.record(world, FIRST).state == "TIMED_OUT"
    assert actions(world) == []
    assert len(asked(world, run="run-2")) == 1


@pytest.mark.parametrize(
    ("option", "state"), [("Reject", "REJECTED"), ("Verify again", "REVERIFY")]
)
@pytest.mark.parametrize("step", [1, 2])
def test_record__one_other_answer__ends_it(
    world: Settings, option: str, state: str, step: int
) -> None:
    asked(world)
    if step == 2:
        answer(world, 1, A)
    answer(world, step, B, option)
    assert reviewing.form(world, FIRST, step + 1) is None
    assert reviewing.record(world, FIRST).state == state
    last = {"Reject": "reject", "Verify again": "reverify"}[option]
    assert (B, last, "") in actions(world)


def test_record__nobody_answers__times_out_and_is_asked_again(world: Settings) -> None:
    asked(world)
    assert reviewing.form(world, FIRST, 2) is None
    assert reviewing.record(world, FIRST).state == "TIMED_OUT"
    assert len(asked(world, run="run-2")) == 1
    assert states(world) == ["TIMED_OUT", "OPEN"]


def test_answer__the_same_person_twice__is_refused_kept_and_asked_again(world: Settings) -> None:
    asked(world)
    answer(world, 1, A)
    assert answer(world, 2, A) == "SAME_PERSON"
    assert reviewing.record(world, FIRST).state == "REFUSED"
    assert actions(world) == []
    assert refusals(world) == [(A, None), (A, "SAME_PERSON")]
    assert len(asked(world, run="run-2")) == 1


def test_answer__whoever_started_the_run__may_neither_be_asked_nor_answer(world: Settings) -> None:
    asked(world, proposed_by=A)
    assert reviewing.form(world, FIRST, 1).users == (B, C)
    assert answer(world, 1, A) == "PROPOSER"
    assert reviewing.record(world, FIRST).state == "REFUSED"
    assert actions(world) == []


@pytest.mark.parametrize(
    ("actor", "reason", "refusal"),
    [("operator", "fine", "NOT_AN_APPROVER"), ("admin", "fine", "NOT_AN_APPROVER"),
     (A, "  ", "NO_REASON")],
)  # fmt: skip
def test_answer__by_others_or_without_a_reason__does_not_count(
    world: Settings, actor: str, reason: str, refusal: str
) -> None:
    asked(world)
    assert reviewing.answer(world, FIRST, 1, actor, "Reject", reason) == refusal
    assert reviewing.form(world, FIRST, 2) is None
    assert reviewing.record(world, FIRST).state == "REFUSED"


def test_answer__approval_over_a_check_that_nobody_can_release__is_refused(
    world: Settings,
) -> None:
    held_claims.publish(world, {CLAIM: {"failed": "IN_COVER"}})
    asked(world)
    assert "will not count" in reviewing.form(world, FIRST, 1).body
    assert answer(world, 1, A) == "A_CHECK_FAILED"
    assert reviewing.record(world, FIRST).state == "REFUSED"


def test_answer__same_again_changes_nothing_but_another_is_refused(world: Settings) -> None:
    asked(world)
    answer(world, 1, A)
    assert answer(world, 1, A) is None
    with pytest.raises(ValueError, match="answered or ended before"):
        answer(world, 1, B)
    assert refusals(world) == [(A, None)]


def test_record__evidence_changed_meanwhile__supersedes_the_answers(world: Settings) -> None:
    asked(world)
    answer(world, 1, A)
    with base.session(world) as session:
        held_claims.decide(session, CLAIM, "0x" + "ef" * 32)
    assert reviewing.form(world, FIRST, 2) is None
    answer(world, 2, B)
    assert reviewing.record(world, FIRST).state == "SUPERSEDED"
    assert actions(world) == []


def test_record__claim_that_waits_no_longer__is_superseded(world: Settings) -> None:
    asked(world)
    answer(world, 1, A, "Reject")
    with base.session(world) as session:
        held_claims.move(session, CLAIM, "WITHDRAWN")
    assert reviewing.record(world, FIRST).state == "SUPERSEDED"
    assert actions(world) == []


def test_form__an_appealed_claim__is_for_those_who_did_not_reject_it(world: Settings) -> None:
    asked(world)
    answer(world, 1, A, "Reject")
    reviewing.record(world, FIRST)
    asked(world, run="run-2")
    assert reviewing.form(world, "run-2#0", 1).users == (B, C)
    refused = reviewing.answer(world, "run-2#0", 1, A, "Reject", "as before")
    assert refused == "REJECTED_IT_BEFORE"


def test_open__a_review_whose_run_was_lost__ends_when_it_is_overdue(world: Settings) -> None:
    asked(world)
    clock.sleep(2 * world.review_patience_s + 3601)
    assert len(asked(world, run="run-2")) == 1
    assert states(world) == ["TIMED_OUT", "OPEN"]


def test_form__text__tells_what_a_decision_needs_and_hides_the_uid(world: Settings) -> None:
    asked(world)
    form = reviewing.form(world, FIRST, 1)
    for told in (
        "45.910200 USDC",
        "THIN_MARKET",
        "closed 9.5 beside 10",
        "45 of 45 hours",
        held_claims.ROOT,
        f"./leverageguard verify {CLAIM}",
        "357.000000 USDC at 40x",
        "47.937960 USDC",
        "2026-01-05 01:33:00Z to 2026-01-06 01:33:00Z",
        "gate:…7702:319",
    ):
        assert told in form.body, told
    assert held_claims.UID not in form.body + form.subject
    assert "THIN_MARKET" in form.subject


def test_form__text_of_others__can_add_neither_links_nor_cells(world: Settings) -> None:
    held_claims.publish(world, {CLAIM: {"observed": "a | b [x](http://evil) <img src=x> `c`"}})
    asked(world)
    body = reviewing.form(world, FIRST, 1).body
    assert r"a \| b \[x\](http://evil) \<img src=x\> \`c\`" in body


def test_store__a_closed_review__cannot_be_opened_or_changed(world: Settings) -> None:
    asked(world)
    answer(world, 1, A, "Reject")
    reviewing.record(world, FIRST)
    with pytest.raises(IntegrityError), base.session(world) as session:
        session.scalars(select(ReviewRecord)).one().state = "APPROVED"
    with pytest.raises(IntegrityError), base.session(world) as session:
        session.scalars(select(ReviewAnswer)).one().actor = B


@pytest.mark.parametrize(
    ("options", "state"),
    [(("Approve", "Approve"), "APPROVED"), (("Approve", "Reject"), "REJECTED"),
     (("Verify again",), "STALE"), (("Approve",), "OPEN")],
)  # fmt: skip
def test_record__a_batch__becomes_what_two_people_answered(
    world: Settings, options: tuple[str, ...], state: str
) -> None:
    with base.session(world) as session:
        held_claims.move(session, CLAIM, "APPROVED")
    proposal_id = held_claims.propose(world, [CLAIM], proposed_by=C)
    asked(world)
    form = reviewing.form(world, FIRST, 1)
    assert form.users == (A, B)
    assert "3,000.000000 USDC" in form.subject
    for step, option in enumerate(options, 1):
        answer(world, step, (A, B)[step - 1], option)
    reviewing.record(world, FIRST)
    with base.session(world) as session:
        assert session.get_one(BatchProposal, proposal_id).state == state
    assert actions(world) == []
