"""A store with one bought policy, a receiver of webhooks, and a claim whose life can be told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.notifications import contacts
from leverageguard.store import base
from leverageguard.store.intake_tables import Account, Quote
from tests.unit.claims import held_claims

WALLET = "0x5afd174e1a2d1ef9349eaa1aa4f9e1e3e7352f90"
NOW = 1_767_500_000_000  # before the moves that held_claims makes


class Receiver:
    """A real HTTP server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.calls.append((dict(self.headers), body))
                self.send_response(kept.answers.pop(0) if kept.answers else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def world(settings: Settings) -> Settings:
    """A simulated world in which WALLET holds the policy of every claim."""
    settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    base.Base.metadata.create_all(base.engine(settings))
    (settings.secrets_dir / "webhook_key").write_text("k" * 64)
    clock.set_world(NOW)
    with base.session(settings) as session:
        session.add(Account(**made_up(Account)))
        session.flush()
        session.add(Quote(**{**made_up(Quote), "quote_id": "0xpolicy", "wallet": WALLET}))
    return settings


def made_up(model: type[base.Base]) -> dict[str, object]:
    """A value of its type for every column that needs one; the same text everywhere."""
    types = {bytes: b"1", str: "1", int: 1, bool: False}
    return {
        column.name: types[column.type.python_type]
        for column in model.__table__.columns
        if not column.nullable
    }


def contact(world: Settings, channel: str, address: str, wallet: str = WALLET) -> None:
    with base.session(world) as session:
        contacts.put(world, session, wallet, channel, address)


def live(world: Settings, *states: str, claim_id: str = "clm_1") -> None:
    """Let a claim move on through these states."""
    with base.session(world) as session:
        for state in states:
            held_claims.move(session, claim_id, state)
