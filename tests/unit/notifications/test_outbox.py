from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.notifications import messages, outbox, steps, webhooks
from leverageguard.notifications.messages import Mail
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.notification_tables import Notification
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from tests.unit.claims import held_claims
from tests.unit.notifications.conftest import NOW, WALLET, Receiver, contact, live

TO_PAID = ("NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "ELIGIBLE", "APPROVED", "BATCHED",
           "SETTLING", "PAID")  # fmt: skip


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks.time, "sleep", lambda _: None)


def rows(world: Settings) -> list[Notification]:
    with base.session(world) as session:
        query = select(Notification).order_by(Notification.claim_id, Notification.txn_no)
        return list(session.scalars(query))


def kinds(world: Settings) -> list[tuple[str, str]]:
    return [(row.kind, row.channel) for row in rows(world)]


def pay(world: Settings) -> None:
    with base.session(world) as session:
        session.add(
            BatchRecord(
                batch_id="b1", chain_id=1, batch_no=1, claim_count=1, total_micro_usdc=7_500_000,
                evidence_root="0x00", state="FINAL", tx_hash="0xfeed", gas_used=1,
                planned_at_ms=1, updated_at_ms=1,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            PayoutRecord(
                chain_id=1, claim_index=1, claim_id="clm_1", liquidation_event_id="okx:uid:1",
                policy_id="0xpolicy", party=WALLET, batch_id="b1", recipient=WALLET,
                amount_micro_usdc=7_500_000, state="PAID", tx_hash="0xfeed", log_index=1,
                planned_at_ms=1,
            )
        )  # fmt: skip


def test_fill__a_paid_claim__tells_of_three_moves_once(world: Settings) -> None:
    contact(world, "email", "ann@example.com")
    live(world, *TO_PAID)
    assert outbox.fill(world) == 3
    assert outbox.fill(world) == 0
    assert kinds(world) == [("received", "email"), ("decided", "email"), ("paid", "email")]


def test_fill__without_a_contact_or_before_it__tells_nothing(world: Settings) -> None:
    live(world, *TO_PAID)
    assert outbox.fill(world) == 0
    clock.set_world(NOW + 1_000_000_000)
    contact(world, "webhook", "http://127.0.0.1:9/x")
    contact(world, "webhook", "http://127.0.0.1:9/x", wallet="0x" + "11" * 20)
    assert outbox.fill(world) == 0


def test_fill__what_only_repeats__is_not_told_twice(world: Settings) -> None:
    contact(world, "email", "ann@example.com")
    live(world, *TO_PAID, "SETTLING", "PAID")
    live(world, "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "ELIGIBLE", "APPROVED", "VERIFYING",
         "ELIGIBLE", "APPROVED", claim_id="clm_2")  # fmt: skip
    outbox.fill(world)
    assert [kind for kind, _ in kinds(world)] == [
        "received", "decided", "paid", "received", "decided",
    ]  # fmt: skip


def test_fill__appeal_and_its_answer__are_told(world: Settings) -> None:
    contact(world, "email", "ann@example.com")
    live(world, "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "MANUAL_REVIEW", "REJECTED",
         "APPEALED", "MANUAL_REVIEW", "APPROVED")  # fmt: skip
    outbox.fill(world)
    texts = [messages.text(outbox.told(world, row.notification_id)[0]) for row in rows(world)]
    assert "was refused" in texts[1] and "A person looked at it" in texts[1]
    assert "You can appeal once" in texts[1]
    assert "received your appeal" in texts[2]
    assert "was approved" in texts[3] and "after your appeal" in texts[3]


def test_send_webhooks__paid__tells_amount_and_transaction_but_no_account(
    world: Settings, receiver: Receiver
) -> None:
    contact(world, "webhook", receiver.url)
    live(world, *TO_PAID)
    pay(world)
    steps.fill()
    assert steps.send_webhooks() == {"sent": 3, "failed": 0}
    assert steps.send_webhooks() == {"sent": 0, "failed": 0}
    bodies = [json.loads(body) for _, body in receiver.calls]
    paid = next(body for body in bodies if body["kind"] == "paid")
    assert (paid["amount_micro_usdc"], paid["tx_hash"]) == (7_500_000, "0xfeed")
    assert "7.500000 USDC were paid" in paid["text"]
    assert all("uid" not in json.dumps(body) for body in bodies)
    assert {row.state for row in rows(world)} == {"SENT"}


def test_send_webhooks__one_that_fails__stops_no_other_and_ends_as_failed(
    world: Settings, receiver: Receiver
) -> None:
    contact(world, "webhook", receiver.url)
    live(world, "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "NOT_ELIGIBLE")
    steps.fill()
    receiver.answers = [404]
    assert steps.send_webhooks() == {"sent": 1, "failed": 1}
    for _ in range(world.notification_tries - 1):
        receiver.answers = [410]
        steps.send_webhooks()
    assert sorted(row.state for row in rows(world)) == ["FAILED", "SENT"]
    lost = next(row for row in rows(world) if row.state == "FAILED")
    assert (lost.tries, lost.last_error) == (5, "the webhook answered with status 410")
    assert steps.send_webhooks() == {"sent": 0, "failed": 0}


def test_send_emails__refused_claim__names_the_checks_and_hides_the_address(
    world: Settings,
) -> None:
    contact(world, "email", "ann@example.com")
    live(world, "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "NOT_ELIGIBLE")
    with base.session(world) as session:
        held_claims.decide(session, "clm_1")
        session.flush()
    with base.session(world) as session:
        first = session.scalars(select(VerdictRecord)).one()
        values = {c.name: getattr(first, c.name) for c in VerdictRecord.__table__.columns}
        values.update(verdict_id=None, verdict_no=2, verdict="rejected", reasons="TERMS,IN_COVER")
        session.add(VerdictRecord(**values))
    steps.fill()
    mails: list[Mail] = []
    assert steps.send_emails(mails.append)["sent"] == 2
    assert mails[1].subject == "[SIMULATED] Claim clm_1: refused"
    assert "TERMS, IN_COVER" in mails[1].html
    assert "ann@example.com" not in repr(mails[1])


def test_send_emails__server_that_refuses__is_tried_again_without_the_address_in_the_reason(
    world: Settings,
) -> None:
    contact(world, "email", "ann@example.com")
    live(world, "NOTIFIED")
    steps.fill()

    def refuse(mail: Mail) -> None:
        raise OSError(f"550 no such user {mail.to}")

    assert steps.send_emails(refuse) == {"sent": 0, "failed": 1}
    [row] = rows(world)
    assert (row.state, row.last_error) == ("PENDING", "OSError")
    assert steps.no_mail_server("x") == {"waiting": 1}
    assert rows(world)[0].tries == 1


def test_html__text_of_others__is_escaped(world: Settings) -> None:
    contact(world, "email", "ann@example.com")
    live(world, "NOTIFIED", claim_id="<b>x")
    outbox.fill(world)
    told, _, _ = outbox.told(world, rows(world)[0].notification_id)
    assert "&lt;b&gt;x" in messages.html(told) and "<b>x" not in messages.html(told)
