"""E-mails leave through Airflow's SMTP provider: the DAG's own task against a real SMTP server."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from leverageguard.config import Settings
from leverageguard.notifications import outbox
from tests.dags.mail_server import run_task, server
from tests.unit.notifications.conftest import contact, live, world

__all__ = ["server", "world"]


def send(port: int | None, home: Path) -> str:
    return run_task("notify_traders", "send_emails", port, home)


def test_send_emails__smtp_server__gets_one_mail_a_message_and_no_second(
    world: Settings, server: SimpleNamespace, tmp_path: Path
) -> None:
    contact(world, "email", "ann@example.com")
    contact(world, "email", "gone@example.com", wallet="0x" + "22" * 20)
    live(world, "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "ELIGIBLE", "APPROVED")
    outbox.fill(world)
    assert send(server.port, tmp_path).startswith("{'sent': 2, 'failed': 0}")
    assert [mail["Subject"] for mail in server.mails] == [
        "[SIMULATED] Claim clm_1: received",
        "[SIMULATED] Claim clm_1: approved",
    ]
    assert {mail["To"] for mail in server.mails} == {"ann@example.com"}
    assert server.mails[0]["X-LeverageGuard-Delivery"].startswith("ntf_")
    assert "45.910200 USDC" in server.mails[1].get_body(("html",)).get_content()
    assert send(server.port, tmp_path).startswith("{'waiting': 0}")
    assert len(server.mails) == 2


def test_send_emails__recipient_refused__waits_for_the_next_run(
    world: Settings, server: SimpleNamespace, tmp_path: Path
) -> None:
    contact(world, "email", "gone@example.com")
    live(world, "NOTIFIED")
    outbox.fill(world)
    told = send(server.port, tmp_path)
    assert told.startswith("{'sent': 0, 'failed': 1}")
    assert "gone@example.com" not in told
    assert len(outbox.pending(world, "email")) == 1


def test_send_emails__no_connection__waits_with_one_warning(
    world: Settings, tmp_path: Path
) -> None:
    contact(world, "email", "ann@example.com")
    live(world, "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "NOT_ELIGIBLE")
    outbox.fill(world)
    told = send(None, tmp_path)
    assert told.startswith("{'waiting': 2}")
    assert told.count("emails_wait_for_a_connection") == 1
    assert len(outbox.pending(world, "email")) == 2
