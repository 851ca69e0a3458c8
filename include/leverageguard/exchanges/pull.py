"""Walk one listing of one account through its cursor until nothing older is left.

Pages may repeat rows, overlap, or hold a burst of rows of one millisecond: the result is each row
once. A page that cannot belong to the walk is refused, so that it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from leverageguard.exchanges.client import Page
from leverageguard.exchanges.venue import Cursor, Endpoint, InconsistentPageError, Row

Key = tuple[str, ...]
Check = Callable[[list[Row]], None]
FetchPage = Callable[[Mapping[str, str], Check], Page]


@dataclass(frozen=True)
class Pull:
    """Every row of a window in the venue's columns plus `reply_sha256`, and how it was read."""

    rows: list[Row]
    pages: int
    last_cursor: str | None


def window(endpoint: Endpoint, from_ms: int, to_ms: int, fetch: FetchPage) -> Pull:
    """All rows of `endpoint` with `from_ms` <= time < `to_ms`.

    `fetch` gets the window and cursor parameters and a check to run on each candidate page; it
    raises when no page passes, and then nothing is known about the window.
    """
    if endpoint.cursor is None:
        raise ValueError(f"{endpoint.name} is not a listing")
    walk = _Walk(endpoint, endpoint.cursor, from_ms, to_ms)
    while not walk.is_done:
        walk.take(fetch(walk.params(), walk.check))
    return walk.result()


class _Walk:
    """The state between two pages."""

    def __init__(self, endpoint: Endpoint, cursor: Cursor, from_ms: int, to_ms: int) -> None:
        self.endpoint = endpoint
        self.by = cursor
        self.from_ms = from_ms
        self.to_ms = to_ms
        self.position: int | None = to_ms if cursor.kind == "time" else None
        self.seen: dict[Key, Row] = {}
        self.sources: dict[Key, str] = {}
        self.pages = 0
        self.is_done = False

    def params(self) -> dict[str, str]:
        """Filters are a millisecond wider than the window: venues differ on inclusive ends."""
        asked: dict[str, str] = {"limit": str(self.endpoint.page_size)}
        if self.endpoint.from_param and self.endpoint.to_param:
            asked[self.endpoint.from_param] = str(self.from_ms - 1)
            asked[self.endpoint.to_param] = str(self.to_ms + 1)
        if self.position is not None:
            asked[self.by.param] = str(self.position)
        return asked

    def check(self, rows: list[Row]) -> None:
        """Raise InconsistentPageError unless the page can be the next one of this walk."""
        for row in rows:
            known, at_ms = self.seen.get(self._key(row), row), self._number(row, self._time)
            if known != row and at_ms == self._number(known, self._time):
                raise InconsistentPageError(f"{self._name} {self._key(row)}: two contents at once")
            self._number(row, self.by.column)
        if not rows or self.position is None:
            return
        oldest = self._oldest(rows)
        is_short = len(rows) < self.endpoint.page_size
        if self.by.kind == "id" and oldest >= self.position:
            raise InconsistentPageError(
                f"{self._name}: the cursor {self.position} does not advance"
            )
        if self.by.kind == "time" and not is_short and oldest + 1 >= self.position:
            raise InconsistentPageError(
                f"{self._name}: a whole page at {oldest} ms, the cursor cannot advance"
            )

    def take(self, page: Page) -> None:
        """Add a checked page and move the cursor below it."""
        self.pages += 1
        is_news = False
        for row in page.rows:
            key = self._key(row)
            known = self.seen.get(key)
            if known is None or self._number(known, self._time) < self._number(row, self._time):
                is_news = is_news or known is None
                self.seen[key] = row
                self.sources[key] = page.reply_sha256
        if not page.rows:
            self.is_done = True
            return
        oldest = self._oldest(page.rows)
        if self.by.kind == "id":
            self.position = oldest
            return
        # The next page must show this millisecond again: it may hold more rows than fitted.
        self.position = oldest + 1
        self.is_done = oldest < self.from_ms or not is_news

    def result(self) -> Pull:
        inside = [
            {**row, "reply_sha256": self.sources[key]}
            for key, row in self.seen.items()
            if self.from_ms <= self._number(row, self._time) < self.to_ms
        ]
        last = None if self.position is None else str(self.position)
        return Pull(inside, self.pages, last)

    @property
    def _name(self) -> str:
        return self.endpoint.name

    @property
    def _time(self) -> str:
        return self.endpoint.time_column

    def _key(self, row: Row) -> Key:
        return tuple(str(row.get(column, "")) for column in self.endpoint.id_columns)

    def _oldest(self, rows: list[Row]) -> int:
        return min(self._number(row, self.by.column) for row in rows)

    def _number(self, row: Row, column: str) -> int:
        text = str(row.get(column, ""))
        if not text.isdigit():
            raise InconsistentPageError(f"{self._name}: {column}={text!r} is no whole number")
        return int(text)
