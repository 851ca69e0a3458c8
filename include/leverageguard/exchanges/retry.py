"""What a failed call means, and how long to try again.

Giving up means the answer is unknown. Only the venue's own "no such order" means absence.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")
# A wrong path, a geographical block or a refused method does not heal, whatever ccxt calls it.
FINAL_STATUSES = frozenset({400, 403, 404, 405, 410, 422, 451})
REASON_LENGTH = 200


class Fault(StrEnum):
    """What kind of trouble a call met."""

    TRANSIENT = "transient"
    CLOCK = "clock"
    AUTH = "auth"
    NOT_FOUND = "not_found"
    FATAL = "fatal"


class GaveUpError(Exception):
    """No usable answer: `fault` says why; the text is one line without secrets."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(f"{fault}: {reason}")
        self.fault = fault


@dataclass(frozen=True)
class Policy:
    """How often and how patiently to ask; all waits are real seconds."""

    attempts: int = 5
    base_seconds: float = 0.5
    cap_seconds: float = 20.0
    timeout_seconds: float = 10.0
    sleep: Callable[[float], None] = time.sleep

    def wait_seconds(self, attempt: int, retry_after: str | None) -> float:
        """Seconds before the next attempt: exponential, half of it random, Retry-After if longer.

        Both are capped, so that one unfriendly header cannot hold a worker.
        """
        backoff = self.base_seconds * 2 ** (attempt - 1)
        jittered = backoff * (0.5 + random.random() / 2)  # noqa: S311 - spreads callers
        return float(min(self.cap_seconds, max(jittered, _seconds(retry_after))))


def classify(error: Exception, status: int | None) -> Fault:
    """The kind of fault of a ccxt error (or an unusable page) and its HTTP status."""
    names = {each.__name__ for each in type(error).__mro__}
    if names & {"OrderNotFound", "AbsentError"}:
        return Fault.NOT_FOUND
    if "InvalidNonce" in names:
        return Fault.CLOCK
    if "VenueBusy" in names:
        return Fault.TRANSIENT
    if status == 401 or names & {"AuthenticationError", "PermissionDenied"}:
        return Fault.AUTH
    if status in FINAL_STATUSES:
        return Fault.FATAL
    if names & {"OperationFailed", "NetworkError", "BadResponse", "InconsistentPageError"}:
        return Fault.TRANSIENT
    return Fault.FATAL


def call(
    action: Callable[[], T],
    policy: Policy,
    expected: tuple[type[Exception], ...],
    reply: Callable[[], tuple[int | None, str | None]],
    resync: Callable[[], None],
) -> T:
    """`action`'s answer; raises GaveUpError when none came.

    `reply` tells the last reply's HTTP status and Retry-After, `resync` reads the venue's clock
    again after it refused ours.
    """
    for attempt in range(1, policy.attempts + 1):
        try:
            return action()
        except expected as error:
            status, retry_after = reply()
            fault = classify(error, status)
            is_last = attempt == policy.attempts
            if is_last or fault not in (Fault.TRANSIENT, Fault.CLOCK):
                raise GaveUpError(fault, reason(error)) from error
            if fault is Fault.CLOCK:
                resync()
            else:
                policy.sleep(policy.wait_seconds(attempt, retry_after))
    raise AssertionError("a policy allows at least one attempt")


def reason(error: Exception) -> str:
    """One line that names the error."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:REASON_LENGTH]


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0
