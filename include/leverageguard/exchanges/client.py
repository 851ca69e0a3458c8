"""One account's line to a venue: paced, retried, strict, and every reply kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from leverageguard import clock, telemetry
from leverageguard.config import Settings
from leverageguard.exchanges import retry, strict
from leverageguard.exchanges.limiter import Limiter
from leverageguard.exchanges.venue import (
    AbsentError,
    Endpoint,
    InconsistentPageError,
    Row,
    Venue,
)

PUBLIC = "public"
# Rows of an endpoint that names the account carry whose they are: a fill may name several parties.
OWNER = "_owner"


@dataclass(frozen=True)
class Page:
    """The rows of one reply, the sha256 of its body, and the next page's token if it has one."""

    rows: list[Row]
    reply_sha256: str
    token: str = ""


@dataclass
class VenueClock:
    """The venue's time: this machine's, moved by the offset the venue last showed."""

    offset_ms: int = 0

    def now_ms(self) -> int:
        """Epoch milliseconds at the venue."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def set(self, venue_ms: int) -> None:
        """Take over the venue's time."""
        self.offset_ms = venue_ms - time.time_ns() // 1_000_000


@dataclass
class Client:
    """Calls raw endpoints of one venue for one account (or publicly).

    `replies` collects every reply received, good or bad, as rows of `exchanges/replies`.
    """

    venue: Venue
    account_id: str
    exchange: Any
    limiter: Limiter
    policy: retry.Policy
    clock: VenueClock
    replies: list[Row] = field(default_factory=list)
    owner: str = ""

    def call(
        self,
        endpoint: Endpoint,
        params: Mapping[str, Any],
        check: Callable[[list[Row]], None] | None = None,
    ) -> Page:
        """One page; raises retry.GaveUpError when no usable one came.

        `check` may refuse the rows by raising InconsistentPageError: the page is asked for again.
        """
        return retry.call(
            lambda: self._attempt(endpoint, params, check),
            self.policy,
            expected=(strict.errors().BaseError, InconsistentPageError, AbsentError),
            reply=self._status,
            resync=self.sync_clock,
        )

    def sync_clock(self) -> None:
        """Read the venue's clock; raises retry.GaveUpError when it cannot be read."""
        page = self.call(self.venue.clock, {}, self._check_clock)
        self.clock.set(self.venue.clock_ms(page.rows[0]))

    def last_code(self) -> str:
        """The venue's own code in the last reply, an empty text without one."""
        reply: strict.RawReply | None = self.exchange.reply
        try:
            return self.venue.code_of(json.loads(reply.body)) if reply is not None else ""
        except ValueError:
            return ""

    def _check_clock(self, rows: list[Row]) -> None:
        if not rows:
            raise InconsistentPageError("the venue's clock says no time")
        self.venue.clock_ms(rows[0])

    def _attempt(
        self,
        endpoint: Endpoint,
        params: Mapping[str, Any],
        check: Callable[[list[Row]], None] | None,
    ) -> Page:
        began = time.perf_counter()
        self.limiter.acquire(self.venue.name, self.account_id, endpoint)
        telemetry.record_wait(self.venue.name, time.perf_counter() - began)
        asked = {**endpoint.params, **params}
        if endpoint.owner_param:
            asked[endpoint.owner_param] = self.owner
        outcome = "ok"
        try:
            payload = getattr(self.exchange, endpoint.method)(endpoint.shape(asked))
        except strict.errors().BaseError as error:
            outcome = type(error).__name__
            raise
        finally:
            digest = self._keep(endpoint)
            telemetry.count_venue(self.venue.name, outcome, self._status()[0])
        rows = self.venue.rows(endpoint, payload)
        if endpoint.owner_param:
            rows = [{**row, OWNER: self.owner} for row in rows]
        if check is not None:
            check(rows)
        take_token = endpoint.paging.token if endpoint.paging else None
        return Page(rows, digest, take_token(payload) if take_token else "")

    def _keep(self, endpoint: Endpoint) -> str:
        reply: strict.RawReply | None = self.exchange.reply
        if reply is None:
            return ""
        digest = sha256(reply.body.encode()).hexdigest()
        self.replies.append(
            {
                "sha256": digest,
                "exchange": self.venue.name,
                "account_id": self.account_id,
                "endpoint": endpoint.name,
                "request": reply.request,
                "http_status": reply.status,
                "body": reply.body,
                "fetched_at_ms": clock.now_ms(),
                "server_time_ms": self.clock.now_ms(),
            }
        )
        return digest

    def _status(self) -> tuple[int | None, str | None]:
        reply: strict.RawReply | None = self.exchange.reply
        return (None, None) if reply is None else (reply.status, reply.retry_after)


def connect(
    venue: Venue,
    settings: Settings,
    account_id: str = PUBLIC,
    credentials: Any = None,
    policy: retry.Policy | None = None,
    venue_clock: VenueClock | None = None,
    session: Any = None,
) -> Client:
    """A client of `venue`; without credentials it can only call public endpoints.

    `session` is a requests session to share between the clients of one thread.
    """
    policy = policy or retry.Policy()
    venue_clock = venue_clock or VenueClock()
    exchange = strict.build(venue, settings.venue_url(venue.name))
    exchange.timeout = int(policy.timeout_seconds * 1000)
    exchange.venue_now_ms = venue_clock.now_ms
    if session is not None:
        exchange.session.close()
        exchange.session = session
    if credentials is not None:
        exchange.apiKey = credentials.api_key
        exchange.secret = credentials.api_secret
        exchange.password = credentials.passphrase
    limiter = Limiter(settings.run_dir / "limits", settings.pace(venue.name))
    owner = "" if credentials is None else credentials.api_key
    return Client(venue, account_id, exchange, limiter, policy, venue_clock, owner=owner)
