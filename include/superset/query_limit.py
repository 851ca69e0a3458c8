"""An end to queries that run too long.

Superset's own time limit is a signal, and signals do not reach the threads that serve requests:
with it alone a heavy query runs on until it is done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

AGAIN_S = 0.5


class Watch:
    """Interrupts a connection once its time is over, until the connection is closed."""

    def __init__(self, interrupt: Callable[[], None], seconds: float) -> None:
        self._interrupt = interrupt
        self._seconds = seconds
        self._closed = threading.Event()
        self._turn = threading.Lock()
        threading.Thread(target=self._run, name="query-limit", daemon=True).start()

    def stop(self) -> None:
        """Nothing is interrupted any more; a connection is closed after this, never before."""
        with self._turn:
            self._closed.set()

    def _run(self) -> None:
        if self._closed.wait(self._seconds):
            return
        # One interrupt ends one statement, and a script has several.
        while not self._closed.wait(AGAIN_S):
            with self._turn:
                if not self._closed.is_set():
                    self._interrupt()
