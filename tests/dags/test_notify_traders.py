"""E-mails leave through Airflow's SMTP provider: the DAG's own task against a real SMTP server."""

from __future__ import annotations

import email
import email.policy
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller

from leverageguard.config import Settings
from leverageguard.notifications import outbox
from tests.unit.notifications.conftest import contact, live, world

__all__ = ["world"]
REPO = Path(__file__).parents[2]
RUN = """
import runpy
made = runpy.run_path("{repo}/dags/notify_traders.py")["notify_traders"]()
print(made.get_task("send_emails").python_callable())
"""


class Mailbox:
    """Keeps what arrives; refuses one recipient for good."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address.startswith("gone@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(parsed)  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield SimpleNamespace(mails=box.mails, port=port)
    controller.stop()


def send(port: int | None, home: Path) -> str:
    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "extra": {
            "disable_ssl": True,
            "disable_tls": True,
            "from_email": "claims@pool.example",
            "retry_limit": 0,
        },
    }
    extra = {} if port is None else {"AIRFLOW_CONN_LEVERAGEGUARD_SMTP": json.dumps(connection)}
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(REPO / "airflow.cfg"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONWARNINGS": "ignore",
        **extra,
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(repo=REPO)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1] + done.stdout + done.stderr


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
