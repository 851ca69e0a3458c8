"""Faults on request: what goes wrong between a venue's data and the caller."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = {
    "http_500": "HTTP 500 with the venue's error body",
    "http_502": "HTTP 502 with an HTML page",
    "http_429": "HTTP 429 with Retry-After",
    "truncated": "HTTP 200, the right body cut in the middle",
    "empty": "HTTP 200, no body",
    "html": "HTTP 200, an HTML page",
    "null": "HTTP 200, the JSON value null",
    "data_object": "HTTP 200, data is an object instead of a list",
    "wrong_json_type": "HTTP 200, data is a text instead of a list",
    "slow": "the right answer after delay_seconds of real time",
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
