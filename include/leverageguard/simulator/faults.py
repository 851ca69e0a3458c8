"""Faults on request: what goes wrong between a venue's data and the caller."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = {
    "http_400": "HTTP 400 with an error that is not the venue's",
    "http_403": "HTTP 403 with the HTML page of a firewall",
    "http_404": "HTTP 404 with an HTML page",
    "http_418": "HTTP 418 with Retry-After: the address is banned for a while",
    "http_429": "HTTP 429 with Retry-After, in the venue's words",
    "http_500": "HTTP 500 with the venue's error body",
    "http_502": "HTTP 502 with an HTML page",
    "http_503": "HTTP 503 without a body",
    "http_504": "HTTP 504 with an HTML page",
    "transient": "the venue's own error code for a failure that passes",
    "reset": "the connection is reset before the answer",
    "cut": "HTTP 200, the connection is cut in the middle of the body",
    "slow": "the right answer after delay_seconds of real time",
    "hang": "no answer; the connection is closed after delay_seconds of real time",
    "truncated": "HTTP 200, the right body cut in the middle",
    "empty": "HTTP 200, no body",
    "html": "HTTP 200, an HTML page",
    "null": "HTTP 200, the JSON value null",
    "empty_object": "HTTP 200, an empty JSON object",
    "empty_list": "HTTP 200, an empty JSON list instead of an object (an object instead of a list)",
    "bad_gzip": "HTTP 200, said to be gzip and is none",
    "bad_utf8": "HTTP 200, the right body with a byte that is no UTF-8",
    "bom": "HTTP 200, the right body after a byte order mark",
    "wrong_content_type": "HTTP 200, the right body as text/plain",
    "data_null": "HTTP 200, the rows are null instead of a list",
    "data_object": "HTTP 200, the rows are an object instead of a list",
    "wrong_json_type": "HTTP 200, the rows are a text instead of a list",
    "row_text": "HTTP 200, the first row is a text",
    "row_without_id": "HTTP 200, the last row lacks its ids",
    "row_without_time": "HTTP 200, the last row lacks its times",
    "scientific": "HTTP 200, one number is a JSON number in scientific form",
    "duplicate_key": "HTTP 200, an object says one key twice, differently",
    "stale_page": "the page that was sent last again, whatever is asked for now",
    "duplicate_page": "the page before the cursor again (without a cursor: every row twice)",
    "overlapping_page": "the page starts with rows already sent (without a cursor: one row twice)",
}
ANY = "*"


class FaultRefused(ValueError):
    """The requested fault does not exist; the message names the field and the choices."""


@dataclass
class Fault:
    """Goes wrong `times` times on `endpoint` (of `account`, or any), after `after` good answers."""

    endpoint: str
    kind: str
    account: str | None = None
    times: int = 1
    after: int = 0
    delay_seconds: float = 3.0
    served: int = field(default=0, init=False)

    def matches(self, endpoint: str, account: str | None) -> bool:
        """True when the request is one this fault is meant for."""
        return self.endpoint in (ANY, endpoint) and self.account in (None, account)


class Faults:
    """The faults that are set, served in the order they were asked for."""

    def __init__(self, endpoints: Collection[str], accounts: Collection[str]) -> None:
        self._endpoints = {*endpoints, ANY}
        self._accounts = set(accounts)
        self._faults: list[Fault] = []

    def add(self, request: Any) -> Fault:
        """Set a fault from a JSON object; raises FaultRefused naming what is wrong."""
        if not isinstance(request, dict):
            raise FaultRefused("the body must be a JSON object")
        try:
            fault = Fault(**request)
        except TypeError as error:
            raise FaultRefused(f"{error}; fields: endpoint, kind, account, times, after") from None
        self._check(fault)
        self._faults.append(fault)
        return fault

    def _check(self, fault: Fault) -> None:
        if fault.kind not in KINDS:
            raise FaultRefused(f"kind {fault.kind!r} is none of {', '.join(KINDS)}")
        if fault.endpoint not in self._endpoints:
            known = ", ".join(sorted(self._endpoints))
            raise FaultRefused(f"endpoint {fault.endpoint!r} is none of {known}")
        if fault.account is not None and fault.account not in self._accounts:
            raise FaultRefused(f"account {fault.account!r} is not part of the world")
        for name, low in (("times", 1), ("after", 0), ("delay_seconds", 0)):
            value = getattr(fault, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < low:
                raise FaultRefused(f"{name} must be a number of at least {low}")

    def next(self, endpoint: str, account: str | None) -> Fault | None:
        """The fault this request gets, if any; counts it as served."""
        for fault in self._faults:
            if fault.served < fault.times and fault.matches(endpoint, account):
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.served += 1
                return fault
        return None

    def clear(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Every fault with how often it was served."""
        return [asdict(fault) for fault in self._faults]
