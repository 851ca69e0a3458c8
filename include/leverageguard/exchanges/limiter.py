"""One pace per (venue, key, endpoint) for all processes of a machine, below the documented limit.

ccxt's own limiter lives in one instance, so three workers on one key were refused every other call.
Here each call books its moment in a small locked file, then waits for it. In any span of the
limit's length at most 80 % of the documented calls start; up to half of those may be one burst.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from leverageguard.exchanges.venue import Endpoint, Limit

SHARE = 0.8


@dataclass(frozen=True)
class Pace:
    """Calls at `interval` seconds, of which `burst` may start at once."""

    interval: float
    burst: int

    @classmethod
    def below(cls, limit: Limit) -> Pace:
        """The pace that keeps burst + steady calls of any span within 80 % of `limit`.

        An address limit is used steadily by long downloads, so it gets no burst.
        """
        budget = max(2, int(limit.calls * SHARE))
        burst = 1 if limit.per == "address" else max(1, budget // 2)
        return cls(interval=limit.seconds / (budget - burst), burst=burst)


@dataclass(frozen=True)
class Limiter:
    """Books calls in files below `folder`; safe between threads and processes."""

    folder: Path
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def acquire(self, venue: str, key: str, endpoint: Endpoint) -> float:
        """Wait for this call's turn and return the seconds waited."""
        wait = self._book(self._file(venue, key, endpoint), endpoint)
        if wait > 0:
            self.sleep(wait)
        return wait

    def _file(self, venue: str, key: str, endpoint: Endpoint) -> Path:
        owner = "address" if endpoint.limit.per == "address" else key
        return self.folder / f"{venue}-{sha256(owner.encode()).hexdigest()[:16]}.json"

    def _book(self, path: Path, endpoint: Endpoint) -> float:
        """Seconds until the booked moment (generic cell rate algorithm)."""
        pace = Pace.below(endpoint.limit)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            booked = _read(file)
            now = self.now()
            slack = pace.interval * (pace.burst - 1)
            # A moment further ahead than any booking can be was left by a clock that moved back.
            due = booked.get(endpoint.name, now)
            due = due if due - now < 60 * pace.interval * pace.burst + 60 else now
            wait = max(0.0, due - slack - now)
            booked[endpoint.name] = max(due, now + wait) + pace.interval
            file.seek(0)
            file.truncate()
            json.dump(booked, file)
        return wait


def _read(file: IO[str]) -> dict[str, float]:
    file.seek(0)
    try:
        return {str(name): float(at) for name, at in json.load(file).items()}
    except (ValueError, AttributeError):
        return {}
