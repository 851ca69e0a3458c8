"""The venue-neutral half of the simulator: limits, faults, statistics and the request log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from leverageguard import clock
from leverageguard.simulator.faults import Fault, FaultRefused, Faults
from leverageguard.simulator.limits import Limiter
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.spoiling import Wire, spoiled
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Venue

log = logging.getLogger(__name__)
REWIND = {"duplicate_page": 100, "overlapping_page": 1}


class Simulator:
    """One venue of one world over HTTP."""

    def __init__(
        self, scenario: Scenario, venue: Venue, now_ms: Callable[[], int] = clock.now_ms
    ) -> None:
        self.scenario = scenario
        self.venue = venue
        self._now_ms = now_ms
        self._endpoints = venue.endpoints()
        self._limiter = Limiter()
        self.faults = Faults(
            [endpoint.name for endpoint in self._endpoints.values()],
            [account.account_id for account in scenario.served],
        )
        self._last: dict[tuple[str, str | None], Answer] = {}
        self.requests: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application()
        app.router.add_get("/_health", self._health)
        app.router.add_get("/_stats", self._stats)
        app.router.add_get("/_faults", self._list_faults)
        app.router.add_post("/_faults", self._add_fault)
        app.router.add_delete("/_faults", self._clear_faults)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            target=request.raw_path,
            params=dict(request.query),
            headers=request.headers,
            body=await request.text(),
            now_ms=self._now_ms(),
        )
        name, account, fault, code = "unknown", None, None, "0"
        try:
            endpoint = self.venue.route(call)
            if endpoint is None:
                raise self.venue.unknown_path(call)
            name = endpoint.name
            account = self._admit(endpoint, call, request.remote or "")
            fault = self.faults.next(name, account)
            rewind = REWIND.get(fault.kind, 0) if fault else 0
            answer = self._answer(endpoint, call, account, rewind, fault)
        except Refusal as refusal:
            answer, code = refusal.answer, refusal.code
            self.refusals[code] += 1
        self.requests[name] += 1
        log.info(
            "request venue=%s endpoint=%s account=%s target=%s code=%s fault=%s",
            self.venue.name, name, account, call.target, code, fault and fault.kind,
        )  # fmt: skip
        return await self._deliver(request, answer, fault)

    def _admit(self, endpoint: Endpoint, call: Call, address: str) -> str | None:
        account = self.venue.authenticate(call) if endpoint.is_private else None
        if not self._limiter.accepts(
            endpoint.name, account or address, endpoint.limit, call.now_ms
        ):
            raise Refusal("429", self.venue.too_many_requests())
        return account

    def _answer(
        self, endpoint: Endpoint, call: Call, account: str | None, rewind: int, fault: Fault | None
    ) -> Answer:
        """The endpoint's answer, or the one before it on a stale page."""
        asker = (endpoint.name, account)
        if fault and fault.kind == "stale_page" and asker in self._last:
            return self._last[asker]
        self._last[asker] = endpoint.handle(call, account, rewind)
        return self._last[asker]

    async def _deliver(
        self, request: web.Request, answer: Answer, fault: Fault | None
    ) -> web.StreamResponse:
        kind = fault.kind if fault else ""
        if fault and kind in ("slow", "hang"):
            await asyncio.sleep(fault.delay_seconds)
        sent = spoiled(answer, kind, self.venue)
        if kind in ("reset", "hang"):
            return _reset(request)
        if kind == "cut":
            return await _cut(request, sent)
        return web.Response(
            status=sent.status,
            body=sent.body,
            content_type=sent.content_type,
            charset="utf-8",
            headers=dict(sent.headers),
        )

    async def _health(self, _: web.Request) -> web.Response:
        body = {"simulated": True, "venue": self.venue.name, "world": self.scenario.name}
        return web.json_response({**body, "now_ms": self._now_ms()})

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": dict(self.requests), "refusals": dict(self.refusals)})

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.faults.listing())

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(await request.json())
        except (FaultRefused, json.JSONDecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self.faults.listing(), status=201)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response([])


def _reset(request: web.Request) -> web.Response:
    """Close the connection with nothing said."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut(request: web.Request, sent: Wire) -> web.StreamResponse:
    """Announce the whole body, send half of it and close the connection."""
    response = web.StreamResponse(status=sent.status)
    response.content_type = sent.content_type
    response.content_length = len(sent.body)
    await response.prepare(request)
    await response.write(sent.body[: len(sent.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
