"""What holders and operators do to claims, and what is refused with the fix."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from leverageguard import clock
from leverageguard.claims import actions, advancing, register
from leverageguard.claims.actions import ActionRefused
from leverageguard.settlement import planning
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimAction
from leverageguard.warehouse import landing
from tests.sealed import plan, plan_sealed, seal
from tests.unit.claims.decided_claims import CHAIN, DUE, NOW, WALLET, Book

STRANGER = "0x" + "22" * 32


@pytest.fixture
def book(settings):
    landing.ensure_schemas(settings)
    made = Book(settings)
    made.notice("clm_1", "clm_2")
    made.decide("clm_1")
    made.decide("clm_2", "rejected", reasons="IN_COVER")
    made.advance()
    return made


def kept(book):
    with base.session(book.settings) as session:
        return list(session.scalars(select(ClaimAction)))


def withdraw(book, claim="clm_1", signature=None):
    return actions.withdraw(book.settings, claim, CHAIN, signature or book.withdrawal(claim))


def appeal(book, claim="clm_2", statement="look again", signature=None):
    signed = signature or book.appeal(claim, statement)
    return actions.appeal(book.settings, claim, CHAIN, statement, signed)


def test_withdraw__by_the_holder__is_an_action_and_a_move_and_is_never_planned(book):
    moved = withdraw(book)

    assert (moved.to_state, moved.actor, moved.reserve_micro_usdc) == ("WITHDRAWN", WALLET, 0)
    [action] = kept(book)
    assert (action.action, action.actor, action.claim_id) == ("withdraw", WALLET, "clm_1")
    seal(book.settings, [book.item("clm_1")])
    assert plan_sealed(book.settings, [book.item("clm_1")]) == []
    assert book.advance() == {}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda book: withdraw(book, signature=book.withdrawal("clm_1", STRANGER)), "signature is"),
        (lambda book: withdraw(book, signature=book.withdrawal("clm_2")), "signature is"),
        (lambda book: withdraw(book, signature="0x12"), "signature is no 65 bytes"),
        (lambda book: withdraw(book, "clm_9"), "'clm_9' does not exist"),
        (lambda book: appeal(book, "clm_1"), "is APPROVED: only a refused claim"),
        (lambda book: appeal(book, statement=" "), "statement must say something"),
        (lambda book: appeal(book, statement="x" * 2001), "at most 2000"),
        (lambda book: appeal(book, signature=book.appeal("clm_2", "other")), "signature is"),
    ],
)
def test_action__not_allowed__is_refused_with_the_fix_and_nothing_is_written(book, make, told):
    before = book.states()
    with pytest.raises(ActionRefused, match=told):
        make(book)
    assert (kept(book), book.states()) == ([], before)


def test_withdraw__planned_already__is_refused(book):
    plan(book.settings, [book.item("clm_1")])
    with pytest.raises(ActionRefused, match="'clm_1' is BATCHED: a claim is withdrawn before"):
        withdraw(book)
    assert kept(book) == []


def test_withdraw__planned_while_the_holder_withdraws__only_one_wins(book, monkeypatch):
    seal(book.settings, [book.item("clm_1")])
    holder = actions._holder

    def planned_meanwhile(*args):
        monkeypatch.setattr(actions, "_holder", holder)
        assert plan_sealed(book.settings, [book.item("clm_1")])
        return holder(*args)

    monkeypatch.setattr(actions, "_holder", planned_meanwhile)

    with pytest.raises(ActionRefused, match="'clm_1' is BATCHED"):
        withdraw(book)
    assert (kept(book), book.states()["clm_1"]) == ([], "BATCHED")


def test_withdraw__twice__is_refused(book):
    withdraw(book)
    with pytest.raises(ActionRefused, match="'clm_1' is WITHDRAWN"):
        withdraw(book)


def test_appeal__in_time__waits_for_people_and_is_taken_once(book):
    assert appeal(book).to_state == "MANUAL_REVIEW"
    with base.session(book.settings) as session:
        rules = [row.rule_id for row in register.history(session, ["clm_2"])["clm_2"]]
    assert rules[-2:] == ["APPEAL", "APPEAL_QUEUED"]
    with pytest.raises(ActionRefused, match="appealed once"):
        appeal(book)


def test_appeal__after_the_deadline__is_refused(book):
    clock.set_world(NOW + book.product.appeal_seconds * 1000 + 60_000)
    with pytest.raises(ActionRefused, match="could be appealed until"):
        appeal(book)


def paid_for_nothing(book):
    plan(book.settings, [book.item("clm_1")])
    with base.session(book.settings) as session:
        events = planning.SettlementEvent
        batch = session.scalar(select(planning.BatchRecord.batch_id))
        for state in ("SENT", "PAID"):
            session.add(
                events(
                    batch_id=batch, claim_id="clm_1", from_state=None, to_state=state,
                    at_ms=clock.now_ms(), actor="worker", rule="test",
                )
            )  # fmt: skip
    book.decide("clm_1", "rejected", reasons="ONCE")
    advancing.advance(book.settings)
    assert book.states()["clm_1"] == "RECOVERY_OPEN"


def test_recover__part_of_it__closes_the_claim_with_the_amount(book):
    paid_for_nothing(book)
    moved = actions.recover(book.settings, "clm_1", DUE - 1, "sent back", "ops@host")
    assert (moved.to_state, moved.rule_id, moved.actor) == ("CLOSED", "RECOVERED", "ops@host")
    assert f'"recovered_micro_usdc":{DUE - 1}' in moved.detail
    assert book.advance() == {}


def test_write_off__the_rest__closes_the_claim(book):
    paid_for_nothing(book)
    assert actions.write_off(book.settings, "clm_1", "gone", "ops").rule_id == "WRITTEN_OFF"


@pytest.mark.parametrize("amount", [0, -1, DUE + 1])
def test_recover__not_between_one_and_what_was_paid__is_refused(book, amount):
    paid_for_nothing(book)
    with pytest.raises(ActionRefused, match=f"--micro-usdc {amount} is not between 1 and"):
        actions.recover(book.settings, "clm_1", amount, "why", "ops")


def test_recover__nothing_to_recover__is_refused(book):
    with pytest.raises(ActionRefused, match="'clm_1' is APPROVED: only one in RECOVERY_OPEN"):
        actions.write_off(book.settings, "clm_1", "gone", "ops")
    paid_for_nothing(book)
    with pytest.raises(ActionRefused, match="why must say something"):
        actions.write_off(book.settings, "clm_1", "", "ops")
