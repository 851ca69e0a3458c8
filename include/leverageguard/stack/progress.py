"""What the operator sees while long work goes on."""

from __future__ import annotations

import os
import sys
import time


class StackError(Exception):
    """The stack cannot go on; the message says why and what to do."""


class Progress:
    """Writes one line a step with the seconds since the command began."""

    def __init__(self) -> None:
        self._started = float(os.environ.get("LEVERAGEGUARD_STARTED", time.time()))

    def __call__(self, text: str) -> None:
        sys.stdout.write(f"[{time.time() - self._started:6.1f} s] {text}\n")
        sys.stdout.flush()
