"""A real SMTP server on loopback, and a DAG's own task run against it."""

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

REPO = Path(__file__).parents[2]
RUN = """
import runpy
made = runpy.run_path("{repo}/dags/{dag}.py")["{dag}"]()
print(made.get_task("{task}").python_callable({words}))
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


def run_task(dag: str, task: str, port: int | None, home: Path, words: str = "") -> str:
    """What the task returns, in the first line, and all that it printed and logged."""
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
        [sys.executable, "-c", RUN.format(repo=REPO, dag=dag, task=task, words=words)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1] + done.stdout + done.stderr
