"""What the operator sees while long work goes on."""

from __future__ import annotations

import sys
import time

from leverageguard import config


class StackError(Exception):
    """The stack cannot go on; the message says why and what to do."""


class Progress:
    """Writes one line a step with the seconds since the command began."""

    def __init__(self) -> None:
        self._started = config.command_started() or time.time()

    def __call__(self, text: str) -> None:
        """Say one step."""
        self.write(f"[{time.time() - self._started:6.1f} s] {text}\n")

    def write(self, text: str) -> None:
        """Show a text as it is."""
        sys.stdout.write(text)
        sys.stdout.flush()
