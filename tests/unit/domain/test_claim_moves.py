"""What has to be true for each move of a claim."""

from __future__ import annotations

import pytest

from leverageguard.config import Settings
from tests.unit.domain.claim_lives import (
    APPEAL_MS,
    CLOSE_MS,
    DUE,
    PLANNED,
    ROOM,
    Life,
    act,
    event,
    verdict,
)

DECIDED = ["NOTIFIED", "EVIDENCE_PENDING", "VERIFYING"]
HELD = verdict(holds="VELOCITY")


@pytest.fixture
def life(settings: Settings) -> Life:
    return Life(settings)


def test_moves__nothing_decided__waits_for_evidence_with_the_most_that_can_be_paid(life):
    assert life.learn() == ["NOTIFIED", "EVIDENCE_PENDING"]
    assert [move.reserve_micro_usdc for move in life.moves] == [ROOM, ROOM]
    assert life.moves[0].at_ms == 10
    assert life.learn(decision=verdict(verdict="undetermined", due=None)) == []


def test_moves__every_check_passed__is_approved_and_reserved(life):
    assert life.learn(decision=verdict()) == [*DECIDED, "ELIGIBLE", "APPROVED"]
    assert [move.reserve_micro_usdc for move in life.moves] == [ROOM, ROOM, ROOM, DUE, DUE]


def test_moves__a_check_failed__is_not_eligible_and_reserves_nothing(life):
    refused = verdict(verdict="rejected", reasons="IN_COVER", due=None)
    assert life.learn(decision=refused) == [*DECIDED, "NOT_ELIGIBLE"]
    assert life.last.reserve_micro_usdc == 0


def test_moves__held_for_fraud_and_for_review__goes_the_way_of_fraud(life):
    held = verdict(holds="VELOCITY EDGE_ADD", due=None)
    assert life.learn(decision=held) == [*DECIDED, "ELIGIBLE", "FRAUD_HOLD"]
    assert life.last.reserve_micro_usdc == ROOM


def test_moves__held__waits_however_often_it_is_asked(life):
    assert life.learn(decision=HELD) == [*DECIDED, "MANUAL_REVIEW"]
    assert life.learn(now_ms=10**15) == []


def approve_by(life, *actors, since=100, covers="VELOCITY", holds=""):
    actions = [act("approve", since + n, actor, covers) for n, actor in enumerate(actors)]
    return life.learn(
        actions=[*life.facts.actions, *actions], decision=verdict(2, holds=holds, at_ms=200)
    )


def test_moves__two_people_released_every_hold__is_approved_by_both(life):
    life.learn(decision=HELD)
    assert approve_by(life, "ada", "ben") == ["APPROVED"]
    assert (life.last.rule_id, life.last.actor) == ("REVIEW_APPROVED", "ada+ben")
    assert life.last.reserve_micro_usdc == DUE
    assert len(life.last.detail["actions"]) == 2


@pytest.mark.parametrize("actors", [["ada"], ["ada", "ada"]])
def test_moves__one_person_approved__is_still_held(life, actors):
    life.learn(decision=HELD)
    assert approve_by(life, *actors, holds="VELOCITY") == []


def test_moves__one_of_two_holds_released__is_still_held(life):
    life.learn(decision=verdict(holds="VELOCITY THIN_MARKET"))
    assert approve_by(life, "ada", "ben", holds="THIN_MARKET") == []
    assert life.last.to_state == "MANUAL_REVIEW"


def test_moves__approved_before_the_rules_agree__waits_for_the_next_verdict(life):
    life.learn(decision=HELD)
    actions = [act("approve", 100, "ada", "VELOCITY"), act("approve", 101, "ben", "VELOCITY")]
    assert life.learn(actions=actions) == []


def test_moves__rejected_by_a_person__stays_so_whatever_the_evidence_says(life):
    life.learn(decision=HELD)
    assert life.learn(actions=[act("reject", 100)]) == ["REJECTED"]
    assert (life.last.actor, life.last.reserve_micro_usdc) == ("ada", 0)
    assert life.learn(decision=verdict(2, "rejected", reasons="REVIEW", due=None)) == []
    assert life.learn(decision=verdict(3)) == []


def test_moves__appealed__needs_two_approvals_given_after_the_appeal(life):
    life.learn(decision=HELD)
    early = act("approve", 90, "ada", "VELOCITY")
    life.learn(actions=[early, act("reject", 100, "eve")])
    life.learn(decision=verdict(2, "rejected", reasons="REVIEW", due=None))
    appealed = [*life.facts.actions, act("appeal", 150, "0xholder")]

    assert life.learn(actions=appealed) == ["APPEALED", "MANUAL_REVIEW"]
    assert life.moves[-2].actor == "0xholder"
    assert life.last.reserve_micro_usdc == ROOM

    assert approve_by(life, "ben", since=160, holds="VELOCITY") == []
    assert approve_by(life, "cem", since=170) == ["APPROVED"]
    assert life.last.actor == "ben+cem"


def test_moves__appeal_rejected__is_closed_at_once(life):
    life.learn(decision=HELD)
    life.learn(actions=[act("reject", 100)])
    life.learn(actions=[*life.facts.actions, act("appeal", 150, "0xholder")])
    assert life.learn(actions=[*life.facts.actions, act("reject", 160)], now_ms=161) == [
        "REJECTED",
        "CLOSED",
    ]


def test_moves__refused_by_a_check_and_appealed__waits_for_people_not_for_the_check(life):
    refused = verdict(verdict="rejected", reasons="IN_COVER", due=None)
    life.learn(decision=refused)
    assert life.learn(actions=[act("appeal", 150)]) == ["APPEALED", "MANUAL_REVIEW"]
    assert life.learn(decision=verdict(2), now_ms=200)[0] == "VERIFYING"
    assert life.last.to_state == "APPROVED"


def test_moves__to_be_verified_again__waits_for_a_fresh_verdict(life):
    life.learn(decision=HELD)
    assert life.learn(actions=[act("reverify", 100)], is_fresh=False) == ["VERIFYING"]
    assert life.learn(is_fresh=True) == ["MANUAL_REVIEW"]


def test_moves__batch_rejected__is_not_approved_again_by_the_old_verdict(life):
    life.learn(decision=verdict())
    life.force("MANUAL_REVIEW", "BATCH_REJECTED", 60)
    assert life.learn(now_ms=70) == []
    assert approve_by(life, "ada", since=100) == []
    assert approve_by(life, "ben", since=110) == ["APPROVED"]


def test_moves__new_evidence__is_decided_again_until_it_is_planned(life):
    life.learn(decision=verdict())
    assert life.learn(decision=verdict(2, due=DUE - 1)) == ["VERIFYING", "ELIGIBLE", "APPROVED"]
    assert life.last.reserve_micro_usdc == DUE - 1
    refused = verdict(3, "rejected", reasons="ONCE", due=None)
    assert life.learn(decision=refused) == ["VERIFYING", "NOT_ELIGIBLE"]
    unsealed = verdict(4, "undetermined", reasons="NOT_SEALED:", due=None)
    assert life.learn(decision=unsealed) == ["VERIFYING", "EVIDENCE_PENDING"]
    assert life.learn(decision=verdict(5)) == ["VERIFYING", "ELIGIBLE", "APPROVED"]
    assert life.learn(planned=PLANNED) == ["BATCHED"]
    assert life.learn(decision=refused) == []


def test_moves__withdrawn__is_closed_after_a_while_and_never_paid(life):
    life.learn(decision=verdict())
    assert life.learn(actions=[act("withdraw", 30, "0xholder")]) == ["WITHDRAWN"]
    assert (life.last.at_ms, life.last.reserve_micro_usdc) == (30, 0)
    assert life.learn(decision=verdict(2, due=1)) == []
    assert life.learn(now_ms=30 + CLOSE_MS) == ["CLOSED"]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (["PAID"], ["SETTLING", "PAID"]),
        (["FAILED"], ["SETTLING", "PAY_REFUSED"]),
        (["SIGNED", "SENT", "MINED", "PAID"], ["SETTLING", "PAID"]),
        (["SIGNED", "SENT", "PAY_UNKNOWN"], ["SETTLING", "PAY_UNKNOWN"]),
        (
            ["SIGNED", "SENT", "PAY_UNKNOWN", "MINED", "FAILED"],
            ["SETTLING", "PAY_UNKNOWN", "SETTLING", "PAY_REFUSED"],
        ),
        (["SENT", "PAY_UNKNOWN", "FAILED"], ["SETTLING", "PAY_UNKNOWN", "SETTLING", "PAY_REFUSED"]),
        (["SENT", "MINED", "PAID", "SENT"], ["SETTLING", "PAID", "SETTLING"]),
        (["SENT", "REVERTED", "PLANNED", "SENT", "PAID"], ["SETTLING", "PAID"]),
    ],
)
def test_moves__as_the_chain_settles__once_and_step_by_step_alike(settings, ended, expected):
    states = ["PLANNED", *ended]
    events = [event(number, state) for number, state in enumerate(states, 1)]
    at_once, by_step = Life(settings), Life(settings)
    for each in (at_once, by_step):
        each.learn(decision=verdict(), planned=PLANNED)
    assert at_once.learn(events=events) == expected
    found = [state for n in range(len(events)) for state in by_step.learn(events=events[: n + 1])]
    assert found == expected
    owed = {"PAID": 0}.get(expected[-1], DUE)
    assert at_once.last.reserve_micro_usdc == owed


def test_moves__refused_transfer_rescued__is_paid(life):
    life.learn(decision=verdict(), planned=PLANNED, events=[event(1, "FAILED")])
    assert life.learn(rescued_in="0x12") == ["PAID"]
    assert life.last.detail == {"tx_hash": "0x12"}


def test_moves__no_history_but_a_payout__walks_along_whatever_the_verdict_says(life):
    refused = verdict(verdict="rejected", reasons="IN_COVER", due=None, at_ms=900)
    made = life.learn(decision=refused, planned=PLANNED, events=[event(7, "PAID")], now_ms=1000)
    assert made == [*DECIDED, "ELIGIBLE", "APPROVED", "BATCHED", "SETTLING", "PAID"]
    assert life.moves[-3].reserve_micro_usdc == DUE


def paid(life):
    life.learn(decision=verdict(), planned=PLANNED, events=[event(1, "PAID", at_ms=50)])
    assert life.last.to_state == "PAID"


def test_moves__payment_stands__is_closed_after_the_period(life):
    paid(life)
    assert life.learn(now_ms=50 + CLOSE_MS - 1) == []
    assert life.learn(now_ms=50 + CLOSE_MS) == ["CLOSED"]
    assert life.last.at_ms == 50 + CLOSE_MS


def test_moves__payment_does_not_stand__is_recovered_once_a_verdict(life):
    paid(life)
    lost = verdict(2, "rejected", reasons="ONCE", due=None, standing="RECOVERY_OPEN")
    assert life.learn(decision=lost) == ["RECOVERY_OPEN"]
    life.force("CLOSED", "WRITTEN_OFF", 300)
    assert life.learn(now_ms=10**9) == []
    again = verdict(3, "rejected", reasons="TERMS", due=None, standing="RECOVERY_OPEN")
    assert life.learn(decision=again) == ["RECOVERY_OPEN"]
    assert life.learn(decision=verdict(4, standing="stands")) == ["PAID", "CLOSED"]


def test_moves__nobody_appealed__is_closed_when_the_period_is_over(life):
    life.learn(decision=verdict(verdict="rejected", reasons="IN_COVER", due=None, at_ms=20))
    assert life.learn(now_ms=20 + APPEAL_MS - 1) == []
    assert life.learn(now_ms=20 + APPEAL_MS) == ["CLOSED"]


def test_moves__nothing_due__is_approved_and_closed(life):
    assert life.learn(decision=verdict(due=0))[-1] == "APPROVED"
    assert life.last.reserve_micro_usdc == 0
    assert life.learn(now_ms=20 + CLOSE_MS) == ["CLOSED"]
    assert life.last.rule_id == "NOTHING_DUE"


def test_moves__something_due__is_never_closed_for_nothing(life):
    life.learn(decision=verdict())
    assert life.learn(now_ms=10**12) == []


def test_moves__product_nobody_knows__is_never_closed_by_the_clock(life):
    life.learn(decision=verdict(due=0), close_ms=None, appeal_ms=None)
    assert life.learn(now_ms=10**15) == []
