"""A node behind a bad line: an HTTP proxy that fails some requests, seeded, and counts what passed.

Faults: `429` and `503` answers, a connection cut `before` or `after` the request reached the node,
and a `stall`: the node did it, and nobody is told until the caller has hung up.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from eth_utils.crypto import keccak

KINDS = ("429", "503", "before", "after", "stall")


class FaultyNode:
    """`url` stands for the node at `target`; a `share` of the requests goes wrong.

    `sent` holds the hashes of the distinct signed transactions that reached the node. `hook` is
    called with the number of every request that is about to be forwarded. `script` names what the
    first requests meet, "" for nothing.
    """

    def __init__(
        self,
        target: str,
        share: float = 0.0,
        seed: str = "",
        kinds: tuple[str, ...] = KINDS,
        stall_s: float = 1.0,
        hook: Callable[[int], None] | None = None,
        script: Iterable[str] = (),
    ) -> None:
        self.share, self.kinds, self.stall_s, self.hook = share, kinds, stall_s, hook
        self._script = list(script)
        self.retry_after = "0"
        self.sent: set[str] = set()
        self.requests = 0
        self.faults: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()
        self._node = urlsplit(target).netloc
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._hung_up = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.line = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """End it; stalled requests are let go."""
        self._hung_up.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: _Handler) -> None:
        """One request, from a thread of its own."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._lock:
            self.requests += 1
            number = self.requests
            kind = self._next_fault()
            if kind:
                self.faults[kind] += 1
        if kind.isdecimal():
            handler.reply(int(kind), b"", {"Retry-After": self.retry_after})
        elif kind == "before":
            handler.cut()
        else:
            self._forward(handler, number, body, kind)

    def _next_fault(self) -> str:
        if self._script:
            return self._script.pop(0)
        return self._random.choice(self.kinds) if self._random.random() < self.share else ""

    def _forward(self, handler: _Handler, number: int, body: bytes, kind: str) -> None:
        if self.hook is not None:
            with self._lock:
                self.hook(number)
        self._note(json.loads(body))
        connection = http.client.HTTPConnection(self._node, timeout=30)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            status, content = reply.status, reply.read()
        except OSError:
            handler.cut()
            return
        finally:
            connection.close()
        if kind == "stall":
            self._hung_up.wait(self.stall_s)
        if kind in ("after", "stall"):
            handler.cut()
        else:
            handler.reply(status, content, {})

    def _note(self, asked: Any) -> None:
        for one in asked if isinstance(asked, list) else [asked]:
            with self._lock:
                self.methods[one["method"]] += 1
                if one["method"] == "eth_sendRawTransaction":
                    raw = bytes.fromhex(one["params"][0].removeprefix("0x"))
                    self.sent.add("0x" + keccak(raw).hex())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    line: FaultyNode

    def handle_error(self, *_: object) -> None:
        """A caller that was killed or hung up is what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        self.server.line.answer(self)

    def reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def cut(self) -> None:
        """Hang up without an answer."""
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Silent."""
