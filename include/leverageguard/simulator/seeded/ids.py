"""Ids that grow with time, as a venue gives them, and times as a scenario writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

ID_EPOCH_MS = 1_672_502_400_000
ID_BITS = 25
FIRST_TRADE = 1_902_000_000


class Ids:
    """Milliseconds in the high bits, a counter below; trades are counted on their own."""

    def __init__(self) -> None:
        self._count = 0
        self._trade = FIRST_TRADE

    def at(self, at_ms: int) -> str:
        """The next id of that millisecond."""
        self._count += 1
        return str(((at_ms - ID_EPOCH_MS) << ID_BITS) | self._count)

    def trade(self) -> str:
        """The next trade id."""
        self._trade += 1
        return str(self._trade)


def iso(at_ms: int) -> str:
    """ISO 8601 of an epoch time, milliseconds only where there are some."""
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return time.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace(
        "+00:00", "Z"
    )
