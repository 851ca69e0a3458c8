"""Runs settle and confirm in a process that kills itself at a named point (tests only).

usage: settle_and_die.py POINT BATCH_ID, where POINT is a key of POINTS or "never"
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from leverageguard.settlement import confirming, ledger, sending, steps

POINTS: dict[str, tuple[Any, str, str]] = {
    "before persisting": (sending, "persist", "before"),
    "after signing and persisting": (sending, "persist", "after"),
    "after broadcast": (sending, "broadcast", "after"),
    "after recording it as sent": (ledger, "record_sent", "after"),
    "before recording the receipt": (sending, "record", "before"),
    "before recording the outcome": (confirming, "finalise", "before"),
}


def dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        if when == "after":
            function(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    return run


if __name__ == "__main__":
    point, batch_id = sys.argv[1:]
    if point != "never":
        module, name, when = POINTS[point]
        setattr(module, name, dying(getattr(module, name), when))
    steps.settle(batch_id)
    steps.confirm(batch_id)
