"""Walk one listing of one account page by page until its window is exhausted.

Pages may repeat rows, overlap, or hold a burst of rows of one millisecond: the result is each row
once. A page that cannot belong to the walk is refused, so that it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.exchanges.client import Page
from leverageguard.exchanges.venue import Endpoint, Paging, Row
from leverageguard.exchanges.walks import WALKS

Check = Callable[[list[Row]], None]
FetchPage = Callable[[Mapping[str, Any], Check], Page]


@dataclass(frozen=True)
class Pull:
    """Every row of a window in the venue's columns plus `reply_sha256`, and how it was read."""

    rows: list[Row]
    pages: int
    last_cursor: str | None


def window(endpoint: Endpoint, from_ms: int, to_ms: int, fetch: FetchPage) -> Pull:
    """All rows of `endpoint` with `from_ms` <= time < `to_ms`.

    `fetch` gets the window and cursor parameters and a check to run on each candidate page; it
    raises when no page passes, and then nothing is known about the window. A window longer than
    the venue allows is walked in parts.
    """
    if endpoint.paging is None:
        raise ValueError(f"{endpoint.name} is not a listing")
    step = endpoint.max_window_ms or to_ms - from_ms
    parts = [
        _walk(endpoint, endpoint.paging, start, min(start + step, to_ms), fetch)
        for start in range(from_ms, to_ms, step)
    ]
    return Pull(
        [row for part in parts for row in part.rows],
        sum(part.pages for part in parts),
        parts[-1].last_cursor if parts else None,
    )


def _walk(endpoint: Endpoint, paging: Paging, from_ms: int, to_ms: int, fetch: FetchPage) -> Pull:
    walk = WALKS[paging.kind](endpoint, paging, from_ms, to_ms)
    while not walk.is_done:
        walk.take(fetch(walk.params(), walk.check))
    rows, last = walk.result()
    return Pull(rows, walk.pages, last)
