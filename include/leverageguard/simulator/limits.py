"""Request limits of a venue: at most N requests in a sliding window, per endpoint and caller.

A simulated world may be read faster than a real one: `pace` multiplies every documented limit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from leverageguard import config


def pace() -> int:
    """How many times the documented limits this world allows (LEVERAGEGUARD_SIMULATED_PACE)."""
    return config.load().simulated_pace


@dataclass(frozen=True)
class Limit:
    """`count` requests in any `window_ms`."""

    count: int
    window_ms: int = 2000


class Limiter:
    """Counts accepted requests; a refused request does not count."""

    def __init__(self) -> None:
        self._accepted: dict[tuple[str, str], deque[int]] = defaultdict(deque)

    def accepts(self, endpoint: str, caller: str, limit: Limit, now_ms: int) -> bool:
        """True, and counted, when the caller is still within the endpoint's limit."""
        times = self._accepted[endpoint, caller]
        while times and times[0] <= now_ms - limit.window_ms:
            times.popleft()
        if len(times) >= limit.count * pace():
            return False
        times.append(now_ms)
        return True
