"""The real ccxt client on a transport that answers from a list instead of the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter

from leverageguard.config import Settings
from leverageguard.exchanges import registry, retry
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.intake.accounts import Credentials

KEY = Credentials("api-key", "api-secret", "passphrase")
NOW_MS = 1_767_571_200_000


@dataclass
class Answers(BaseAdapter):  # type: ignore[misc]
    """Answers (status, body, headers) in turn, the last one for ever; keeps the requests."""

    replies: list[Any]
    sent: list[requests.PreparedRequest] = field(default_factory=list)

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        self.sent.append(request)
        reply = self.replies[0] if len(self.replies) == 1 else self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, body, headers = (*reply, {})[:3] if isinstance(reply, tuple) else (200, reply, {})
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url or "", request
        response._content, response.reason = body.encode(), "as told"
        response.headers.update(headers)
        return response

    def close(self) -> None:
        """Nothing to close."""


def venue_client(tmp_path: Path, *replies: Any, attempts: int = 1) -> tuple[Client, Answers]:
    """A client whose venue answers `replies`, and the record of what it was asked."""
    answers = Answers(list(replies))
    session = requests.Session()
    session.mount("http://", answers)
    venue_clock = VenueClock()
    venue_clock.set(NOW_MS)
    policy = retry.Policy(attempts=attempts, base_seconds=0, sleep=lambda _: None)
    client = connect(
        registry.venue("okx"),
        Settings(data_dir=tmp_path),
        "acc-1",
        KEY,
        policy,
        venue_clock,
        session,
    )
    return client, answers
