"""One pace per (venue, key, endpoint) for all processes of a machine, below the documented limit.

ccxt's own limiter lives in one instance, so three workers on one key were refused every other call.
Here each call books its moment in a small locked file, then waits for it. At most 80 % of the
documented calls are booked in any span a little longer than the documented one: a call may reach
the venue later than it was booked, and the next burst must not catch up with it.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from os import SEEK_END
from pathlib import Path
from typing import IO

from leverageguard.exchanges.venue import Endpoint, Limit

SHARE = 0.8
LATENESS = 1.2

Booking = tuple[float, int]


def budget(limit: Limit, pace: int = 1) -> int:
    """Calls (or weight) allowed in a span of `limit`, enough for one call at least."""
    return max(limit.cost, int(limit.calls * pace * SHARE))


@dataclass(frozen=True)
class Limiter:
    """Books calls in files below `folder`; safe between threads and processes.

    `pace` multiplies the documented limits; simulated venues may allow more than real ones.
    """

    folder: Path
    pace: int = 1
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def acquire(self, venue: str, key: str, endpoint: Endpoint) -> float:
        """Wait for this call's turn and return the seconds waited."""
        owner = "address" if endpoint.limit.per == "address" else key
        path = self.folder / f"{venue}-{sha256(owner.encode()).hexdigest()[:16]}.json"
        wait = self._book(path, endpoint)
        if wait > 0:
            self.sleep(wait)
        return wait

    def _book(self, path: Path, endpoint: Endpoint) -> float:
        """Seconds until the booked moment: one span after what must have passed before it."""
        limit = endpoint.limit
        name, span = limit.bucket or endpoint.name, limit.seconds * LATENESS
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            booked, now = _read(file), self.now()
            # Moments far ahead were left by a clock that has been set back since.
            known = [each for each in booked.get(name, []) if each[0] < now + 100 * span]
            recent, freed = _newest(known, budget(limit, self.pace) - limit.cost)
            # First come, first served: a cheap call never overtakes a dear one.
            at = max(now, recent[-1][0] if recent else now, now if freed is None else freed + span)
            booked[name] = [*recent, (at, limit.cost)]
            _write(file, booked)
        return at - now


def _newest(booked: list[Booking], room: int) -> tuple[list[Booking], float | None]:
    """The newest bookings that fit into `room`, and the moment of the newest that does not."""
    fitting: list[Booking] = []
    for at, cost in reversed(booked):
        room -= cost
        if room < 0:
            return fitting[::-1], at
        fitting.append((at, cost))
    return fitting[::-1], None


def _read(file: IO[str]) -> dict[str, list[Booking]]:
    file.seek(0)
    try:
        return {
            str(name): [(float(at), int(cost)) for at, cost in booked]
            for name, booked in json.load(file).items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def _write(file: IO[str], booked: dict[str, list[Booking]]) -> None:
    """Overwrite in place, padded: some file systems flush a truncated file when it is closed."""
    length = file.seek(0, SEEK_END)
    file.seek(0)
    file.write(json.dumps(booked).ljust(length))
