"""The ways a venue pages: each walk knows its next request and when the window is exhausted."""

from __future__ import annotations

from typing import Any

from leverageguard.exchanges import retry
from leverageguard.exchanges.client import Page
from leverageguard.exchanges.rows import parsed
from leverageguard.exchanges.venue import Endpoint, InconsistentPageError, Paging, Row

Key = tuple[str, ...]
MAX_RESTARTS = 5


class Walk:
    """What all ways of paging share: the window, the rows seen, and whether it is over."""

    def __init__(self, endpoint: Endpoint, paging: Paging, from_ms: int, to_ms: int) -> None:
        self.endpoint = endpoint
        self.by = paging
        self.from_ms = from_ms
        self.to_ms = to_ms
        self.seen: dict[Key, Row] = {}
        self.sources: dict[Key, str] = {}
        self.pages = 0
        self.position: int | None = None
        self.is_done = False

    def params(self) -> dict[str, Any]:
        """The next page's parameters."""
        asked = self.filters() | {self.by.size_param: str(self.endpoint.page_size)}
        if self.position is not None:
            asked[self.by.param] = str(self.position)
        return asked

    def filters(self) -> dict[str, Any]:
        """The window, a unit wider on both sides: venues differ on inclusive ends."""
        ends = self.endpoint
        if not (ends.from_param and ends.to_param):
            return {}
        unit = ends.time_unit_ms
        return {
            ends.from_param: str((self.from_ms - 1) // unit),
            ends.to_param: str(-(-(self.to_ms + 1) // unit)),
        }

    def check(self, rows: list[Row]) -> None:
        """Raise InconsistentPageError unless the page can be the next one of this walk."""
        for row in rows:
            key, at_ms = self.key(row), self.at_ms(row)
            known = self.seen.get(key, row)
            if known != row and at_ms == self.at_ms(known):
                raise InconsistentPageError(f"{self.name} {key}: two contents at once")
            parsed(self.endpoint, row)
        if rows:
            self.check_advance(rows)

    def check_advance(self, rows: list[Row]) -> None:
        """Raise InconsistentPageError when the page does not lead on from the ones before."""

    def take(self, page: Page) -> None:
        """Add a checked page and go on to the next."""
        self.pages += 1
        news = sum(self._add(row, page.reply_sha256) for row in page.rows)
        if not page.rows:
            self.is_done = True
        else:
            self.advance(page, news)

    def advance(self, page: Page, news: int) -> None:
        """Set the next position, or `is_done`."""
        raise NotImplementedError

    def result(self) -> tuple[list[Row], str | None]:
        """The rows inside the window with the reply of each, and the last position."""
        inside = [
            {**row, "reply_sha256": self.sources[key]}
            for key, row in self.seen.items()
            if self.from_ms <= self.at_ms(row) < self.to_ms
        ]
        last = None if self.position is None else str(self.position)
        return inside, last

    def _add(self, row: Row, source: str) -> int:
        """Keep a row unless a newer version of it is known; 1 when it was never seen."""
        key = self.key(row)
        known = self.seen.get(key)
        if known is None or self.at_ms(known) < self.at_ms(row):
            self.seen[key], self.sources[key] = row, source
        return int(known is None)

    @property
    def name(self) -> str:
        """The endpoint's name, for messages."""
        return self.endpoint.name

    def is_short(self, rows: list[Row]) -> bool:
        """True for a page that is not full, after which nothing can follow."""
        return len(rows) < self.endpoint.page_size

    def at_ms(self, row: Row) -> int:
        """A row's time."""
        return self.endpoint.time_of(row)

    def key(self, row: Row) -> Key:
        """What identifies a row; one without its id cannot be told from others."""
        key = tuple(str(row.get(column, "")) for column in self.endpoint.id_columns)
        if not any(key):
            raise InconsistentPageError(f"{self.name}: a row lacks its {self.endpoint.id_columns}")
        return key

    def number(self, row: Row) -> int:
        """A row's place along the cursor."""
        text = str(row.get(self.by.column, ""))
        if not text.isdigit():
            raise InconsistentPageError(f"{self.name}: {self.by.column}={text!r} is no number")
        return int(text)


class _IdDown(Walk):
    def check_advance(self, rows: list[Row]) -> None:
        oldest = min(self.number(row) for row in rows)
        if self.position is not None and oldest >= self.position:
            raise InconsistentPageError(f"{self.name}: the cursor {self.position} does not advance")

    def advance(self, page: Page, news: int) -> None:
        self.position = min(self.number(row) for row in page.rows)


class _IdUp(Walk):
    def params(self) -> dict[str, Any]:
        asked = super().params()
        if self.position is None:
            return asked
        return {name: value for name, value in asked.items() if name not in self.filters()}

    def check_advance(self, rows: list[Row]) -> None:
        if self.position is not None and max(self.number(row) for row in rows) < self.position:
            raise InconsistentPageError(f"{self.name}: the cursor {self.position} does not advance")

    def advance(self, page: Page, news: int) -> None:
        self.position = max(self.number(row) for row in page.rows) + 1
        # One row may be late, by an update: over means a whole page behind the window.
        self.is_done = self.is_short(page.rows) or (
            min(self.at_ms(row) for row in page.rows) > self.to_ms
        )


class _TimeDown(Walk):
    def __init__(self, endpoint: Endpoint, paging: Paging, from_ms: int, to_ms: int) -> None:
        super().__init__(endpoint, paging, from_ms, to_ms)
        self.position = -(-to_ms // endpoint.time_unit_ms)

    def filters(self) -> dict[str, Any]:
        return {name: v for name, v in super().filters().items() if name != self.by.param}

    def check_advance(self, rows: list[Row]) -> None:
        if not self.is_short(rows) and self._oldest(rows) + 1 >= (self.position or 0):
            raise InconsistentPageError(
                f"{self.name}: a whole page at {self._oldest(rows)}, the cursor cannot advance"
            )

    def advance(self, page: Page, news: int) -> None:
        # The next page must show this moment again: it may hold more rows than fitted.
        self.position = self._oldest(page.rows) + 1
        oldest_ms = min(self.at_ms(row) for row in page.rows)
        self.is_done = oldest_ms < self.from_ms or not news

    def _oldest(self, rows: list[Row]) -> int:
        return min(self.at_ms(row) for row in rows) // self.endpoint.time_unit_ms


class _TimeUp(Walk):
    def __init__(self, endpoint: Endpoint, paging: Paging, from_ms: int, to_ms: int) -> None:
        super().__init__(endpoint, paging, from_ms, to_ms)
        self.position = (from_ms - 1) // endpoint.time_unit_ms

    def check_advance(self, rows: list[Row]) -> None:
        if not self.is_short(rows) and self._newest(rows) <= (self.position or 0):
            raise InconsistentPageError(
                f"{self.name}: a whole page at {self._newest(rows)}, the cursor cannot advance"
            )

    def advance(self, page: Page, news: int) -> None:
        # The next page must show this moment again: it may hold more rows than fitted.
        self.position = self._newest(page.rows)
        self.is_done = self.is_short(page.rows) or self.position * self._unit > self.to_ms

    def _newest(self, rows: list[Row]) -> int:
        return max(self.at_ms(row) for row in rows) // self._unit

    @property
    def _unit(self) -> int:
        return self.endpoint.time_unit_ms


class _Token(Walk):
    def __init__(self, endpoint: Endpoint, paging: Paging, from_ms: int, to_ms: int) -> None:
        super().__init__(endpoint, paging, from_ms, to_ms)
        self.token = ""
        self.used: set[str] = set()

    def params(self) -> dict[str, Any]:
        return super().params() | ({self.by.param: self.token} if self.token else {})

    def advance(self, page: Page, news: int) -> None:
        self.used.add(self.token)
        self.token = page.token
        if self.token in self.used - {""}:
            raise retry.GaveUpError(retry.Fault.TRANSIENT, f"{self.name}: the pages go round")
        self.is_done = not self.token


class _Offset(Walk):
    """Each page after the first must start with the row the one before it ended with.

    Rows that move between two pages start the walk again; what was seen stays seen.
    """

    def __init__(self, endpoint: Endpoint, paging: Paging, from_ms: int, to_ms: int) -> None:
        super().__init__(endpoint, paging, from_ms, to_ms)
        self.position = 0
        self.last_key: Key | None = None
        self.restarts = 0

    def take(self, page: Page) -> None:
        if self.last_key is not None and not page.rows:
            self._start_again()
        else:
            super().take(page)

    def advance(self, page: Page, news: int) -> None:
        if self.last_key is not None and self.key(page.rows[0]) != self.last_key:
            self._start_again()
            return
        self.position = (self.position or 0) + len(page.rows) - 1
        self.last_key = self.key(page.rows[-1])
        self.is_done = self.is_short(page.rows)

    def _start_again(self) -> None:
        self.position, self.last_key, self.restarts = 0, None, self.restarts + 1
        if self.restarts > MAX_RESTARTS:
            raise retry.GaveUpError(retry.Fault.TRANSIENT, f"{self.name}: rows keep moving")


WALKS: dict[str, type[Walk]] = {
    "id_down": _IdDown,
    "id_up": _IdUp,
    "time_down": _TimeDown,
    "time_up": _TimeUp,
    "token": _Token,
    "offset": _Offset,
}
