"""What every request passes before the app sees it: its id, its size, its time, and the headers.

Plain ASGI, so that it costs little and sees a body as it arrives.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leverageguard.gateway import counting, problems, redacting
from leverageguard.gateway.problems import Problem

Ask = Callable[[Scope, str], Awaitable[Problem | None]]
REQUEST_ID = "X-Request-ID"
_GIVEN_ID = re.compile(rb"[A-Za-z0-9_.:-]{8,64}")
_log = structlog.get_logger(__name__)

SELF_ONLY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:; object-src 'none'"
)
# Swagger UI sets styles on its elements; the pages of Airflow's menu are other programs' output.
DOCS_CSP = SELF_ONLY + "; style-src 'self' 'unsafe-inline'"
FRAMED_CSP = "frame-ancestors 'self'"
OVERVIEW_CSP = SELF_ONLY.replace("frame-ancestors 'none'", FRAMED_CSP)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """The outermost middleware: it answers what the app never gets to see, and what it fails at.

    `largest` gives the most bytes a path may take, `ask` the refusal of a request that came too
    often.
    """

    def __init__(self, app: ASGIApp, largest: Callable[[str], int], seconds: int, ask: Ask) -> None:
        self._app = app
        self._largest = largest
        self._seconds = seconds
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, receive, send)
        # Whatever is logged on its behalf, in whichever thread, says whose it is.
        with structlog.contextvars.bound_contextvars(request_id=request.request_id):
            await self._pass(request, scope)

    async def _pass(self, request: _Request, scope: Scope) -> None:
        refusal = request.too_large(self._largest(request.path)) or await self._ask(
            scope, request.path
        )
        if refusal is not None:
            await request.refuse(refusal)
        else:
            await self._serve(request)
        request.log()

    async def _serve(self, request: _Request) -> None:
        """Run the app in a task of its own: a handler's thread cannot be stopped, but left."""
        task = asyncio.create_task(self._run(request))
        done, _ = await asyncio.wait({task}, timeout=self._seconds)
        if not done:
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            told = "it took too long and may still be done: ask again with the same Idempotency-Key"
            await request.refuse(Problem(504, "TIMED_OUT", told, retry_after_s=5))
        elif (stopped := task.exception()) is not None:
            raise stopped

    async def _run(self, request: _Request) -> None:
        try:
            await self._app(request.scope, request.receive, request.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, no traceback leaves the server
            await request.refuse(problems.failed(error))


class _Request:
    """One request on its way: counted, and answered once."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._limit = 0
        self._received = 0
        self._seen = bytearray()
        self._is_json = b"json" in dict(scope["headers"]).get(b"content-type", b"json")
        self._is_too_large = False
        self._status: int | None = None
        self._is_closed = False
        self._began = time.perf_counter()
        self.path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        self.request_id = _request_id(scope)
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state.update(request_id=self.request_id, path=self.path)
        redacting.begin(scope["headers"])

    def too_large(self, limit: int) -> Problem | None:
        """The refusal of a body that says it is larger; others are counted as they come."""
        self._limit = limit
        said = dict(self.scope["headers"]).get(b"content-length", b"0")
        return _too_large(limit) if said.isdigit() and int(said) > limit else None

    async def receive(self) -> Message:
        """The next part of the body; one too many ends it."""
        message = await self._receive()
        body = message.get("body", b"")
        self._received += len(body)
        if self._received > self._limit:
            self._is_too_large = True
            return {"type": "http.disconnect"}
        if self._is_json:
            self._seen += body
            if not message.get("more_body"):
                redacting.see(bytes(self._seen))
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, with our headers, unless another answer was given."""
        if self._is_closed:
            return
        if message["type"] == "http.response.start":
            if self._is_too_large:
                await self.refuse(_too_large(self._limit))
                return
            self._status = message["status"]
            self._add_headers(MutableHeaders(scope=message))
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer has begun already."""
        if self._is_closed:
            return
        if self._status is None:
            if self._is_too_large:
                problem = _too_large(self._limit)
            self._is_too_large = False
            await problems.answer(problem, self.request_id)(self.scope, self._receive, self.send)
        self._is_closed = True

    def log(self) -> None:
        """One line of what was asked and answered, and a count; a query may hold anything: none."""
        seconds = time.perf_counter() - self._began
        counting.count(self.scope, self._status, seconds)
        _log.info(
            "request", method=self.scope["method"], path=self.path, status=self._status,
            ms=round(seconds * 1000, 1),
        )  # fmt: skip

    def _add_headers(self, headers: MutableHeaders) -> None:
        headers[REQUEST_ID] = self.request_id
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", _policy(self.path))
        if self.path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        if self.scope.get("scheme") == "https":
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _policy(path: str) -> str:
    if path.startswith("/api/docs"):
        return DOCS_CSP
    if path in ("", "/"):
        return OVERVIEW_CSP
    return FRAMED_CSP if path.startswith(("/dbt", "/quality")) else SELF_ONLY


def _too_large(limit: int) -> Problem:
    return Problem(413, "TOO_LARGE", f"a body here is {limit:,} bytes at most")


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(REQUEST_ID.lower().encode(), b"")
    return given.decode() if _GIVEN_ID.fullmatch(given) else str(uuid.uuid4())
