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
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Venue

log = logging.getLogger(__name__)
PAGE = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
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
            [account.account_id for account in scenario.accounts],
        )
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

    async def _serve(self, request: web.Request) -> web.Response:
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
            endpoint = self._endpoints.get(call.path)
            if endpoint is None or call.method != "GET":
                raise self.venue.unknown_path(call)
            name = endpoint.name
            account = self._admit(endpoint, call, request.remote or "")
            fault = self.faults.next(name, account)
            rewind = REWIND.get(fault.kind, 0) if fault else 0
            answer = endpoint.handle(call, account, rewind)
        except Refusal as refusal:
            answer, code = refusal.answer, refusal.code
            self.refusals[code] += 1
        self.requests[name] += 1
        log.info(
            "request venue=%s endpoint=%s account=%s target=%s code=%s fault=%s",
            self.venue.name, name, account, call.target, code, fault and fault.kind,
        )  # fmt: skip
        return await self._deliver(answer, fault)

    def _admit(self, endpoint: Endpoint, call: Call, address: str) -> str | None:
        account = self.venue.authenticate(call) if endpoint.is_private else None
        if not self._limiter.accepts(
            endpoint.name, account or address, endpoint.limit, call.now_ms
        ):
            raise Refusal("429", self.venue.too_many_requests())
        return account

    async def _deliver(self, answer: Answer, fault: Fault | None) -> web.Response:
        kind = fault.kind if fault else ""
        if fault and kind == "slow":
            await asyncio.sleep(fault.delay_seconds)
        if kind == "http_500":
            answer = self.venue.server_error()
        elif kind == "http_429":
            answer = self.venue.too_many_requests()
        elif kind in ("http_502", "html"):
            status = 502 if kind == "http_502" else 200
            return web.Response(status=status, text=PAGE, content_type="text/html")
        text = _corrupted(answer.body, kind)
        return web.Response(
            status=answer.status,
            text=text,
            content_type="application/json",
            headers=dict(answer.headers),
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


def _corrupted(body: object, kind: str) -> str:
    if kind == "empty":
        return ""
    if kind == "null":
        return "null"
    if isinstance(body, dict) and kind == "data_object":
        body = {**body, "data": {}}
    if isinstance(body, dict) and kind == "wrong_json_type":
        body = {**body, "data": "none"}
    text = json.dumps(body, separators=(",", ":"))
    return text[: len(text) // 2] if kind == "truncated" else text
