"""A page source with bursts, overlaps and repeats: the walk brings the world's set, or refuses."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leverageguard.exchanges import okx, pull
from leverageguard.exchanges.client import Page
from leverageguard.exchanges.venue import Endpoint, InconsistentPageError, Row

FROM, TO = 10_000, 20_000


@dataclass
class Source:
    """A venue's listing: newest first, pages below the cursor, faults on request."""

    endpoint: Endpoint
    rows: list[Row]
    page_size: int
    fault: Callable[[int, list[Row], list[Row]], list[Row]] = lambda _call, page, _rows: page
    attempts: int = 3
    calls: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, params: Mapping[str, str], check: pull.Check) -> Page:
        self.asked.append(dict(params))
        for attempt in range(self.attempts):
            rows = self._page(params)
            try:
                check(rows)
            except InconsistentPageError:
                if attempt + 1 == self.attempts:
                    raise
            else:
                return Page(rows, f"sha-{self.calls}")
        raise AssertionError

    def _page(self, params: Mapping[str, str]) -> list[Row]:
        cursor = self.endpoint.cursor
        assert cursor is not None
        kept = self.rows
        if self.endpoint.from_param and self.endpoint.to_param:
            low, high = int(params[self.endpoint.from_param]), int(params[self.endpoint.to_param])
            kept = [r for r in kept if low <= int(r[self.endpoint.time_column]) <= high]
        kept = sorted(kept, key=lambda r: int(r[cursor.column]), reverse=True)
        start = 0
        if cursor.param in params:
            start = sum(1 for r in kept if int(r[cursor.column]) >= int(params[cursor.param]))
        page = self.fault(self.calls, kept[start : start + self.page_size], kept)
        self.calls += 1
        return page


def small(endpoint: Endpoint, page_size: int) -> Endpoint:
    return replace(endpoint, page_size=page_size)


def fills(times: list[int]) -> list[Row]:
    return [{"billId": str(10**18 + n), "ts": str(at)} for n, at in enumerate(sorted(times))]


def positions(times: list[int]) -> list[Row]:
    return [
        {"posId": str(n), "instId": "B", "cTime": "1", "uTime": str(at), "type": "3"}
        for n, at in enumerate(times)
    ]


def ids(rows: list[Row], column: str) -> list[str]:
    return sorted(row[column] for row in rows)


def inside(rows: list[Row], time: str) -> list[Row]:
    return [row for row in rows if FROM <= int(row[time]) < TO]


bursts = st.lists(st.tuples(st.integers(FROM - 3, TO + 3), st.integers(1, 9)), max_size=12).map(
    lambda pairs: [at for at, count in pairs for _ in range(count)]
)


@settings(max_examples=150, deadline=None)
@given(times=bursts, page_size=st.integers(1, 5), seed=st.integers(0, 1000))
def test_window__id_cursor_with_bursts_and_faulty_pages__exactly_the_worlds_set(
    times: list[int], page_size: int, seed: int
) -> None:
    rng, world = random.Random(seed), fills(times)

    def fault(_: int, page: list[Row], kept: list[Row]) -> list[Row]:
        kind = rng.choice(["none", "none", "twice", "overlap"])
        if kind == "twice":
            return page + page
        if kind == "overlap" and page:
            start = max(0, kept.index(page[0]) - 1)
            return kept[start : start + page_size]
        return page

    source = Source(small(okx.FILLS, page_size), world, page_size, fault, attempts=60)
    got = pull.window(source.endpoint, FROM, TO, source)
    assert ids(got.rows, "billId") == ids(inside(world, "ts"), "billId")


@settings(max_examples=150, deadline=None)
@given(times=bursts, page_size=st.integers(1, 12))
def test_window__time_cursor_with_bursts__the_worlds_set_or_a_refusal(
    times: list[int], page_size: int
) -> None:
    world = positions(times)
    source = Source(small(okx.POSITIONS, page_size), world, page_size)
    try:
        got = pull.window(source.endpoint, FROM, TO, source)
    except InconsistentPageError:
        # Only a millisecond with at least a page of rows may stop the walk.
        assert max(times.count(at) for at in times) >= page_size
    else:
        assert ids(got.rows, "posId") == ids(inside(world, "uTime"), "posId")


@pytest.mark.parametrize("endpoint", [okx.FILLS, okx.BILLS, okx.ORDERS], ids=lambda e: e.name)
def test_window__a_millisecond_longer_than_two_pages__nothing_lost(endpoint: Endpoint) -> None:
    column, time = endpoint.id_columns[0], endpoint.time_column
    world = [{column: str(n), time: str(FROM)} for n in range(1, 251)]
    got = pull.window(endpoint, FROM, TO, Source(endpoint, world, 100))
    assert len(got.rows) == 250
    assert got.pages == 4


def test_window__empty_listing__proved_by_one_empty_page() -> None:
    got = pull.window(okx.FILLS, FROM, TO, Source(okx.FILLS, [], 100))
    assert (got.rows, got.pages) == ([], 1)


def test_window__edges__from_is_inside_and_to_is_outside() -> None:
    world = fills([FROM - 1, FROM, TO - 1, TO])
    got = pull.window(okx.FILLS, FROM, TO, Source(okx.FILLS, world, 100))
    assert sorted(row["ts"] for row in got.rows) == [str(FROM), str(TO - 1)]


def test_window__venue_with_exclusive_edges__nothing_lost() -> None:
    source = Source(okx.FILLS, [], 100)
    pull.window(okx.FILLS, FROM, TO, source)
    assert (source.asked[0]["begin"], source.asked[0]["end"]) == (str(FROM - 1), str(TO + 1))


def test_window__page_repeated_once__asked_again() -> None:
    world = fills(list(range(FROM, FROM + 5)))

    def fault(call: int, page: list[Row], kept: list[Row]) -> list[Row]:
        return kept[:2] if call == 1 else page

    got = pull.window(small(okx.FILLS, 2), FROM, TO, Source(okx.FILLS, world, 2, fault))
    assert len(got.rows) == 5


@pytest.mark.parametrize("endpoint", [okx.FILLS, okx.POSITIONS], ids=lambda e: e.name)
def test_window__page_repeated_for_ever__refused(endpoint: Endpoint) -> None:
    world = fills(list(range(FROM, FROM + 5)))
    if endpoint is okx.POSITIONS:
        world = positions(list(range(FROM, FROM + 5)))

    def stuck(_: int, page: list[Row], kept: list[Row]) -> list[Row]:
        newest = sorted(kept, key=lambda r: int(r[endpoint.cursor.column]), reverse=True)  # type: ignore[union-attr]
        return newest[:2]

    with pytest.raises(InconsistentPageError, match="advance"):
        pull.window(small(endpoint, 2), FROM, TO, Source(endpoint, world, 2, stuck))


def test_window__one_id_with_two_contents__refused() -> None:
    def fault(call: int, page: list[Row], kept: list[Row]) -> list[Row]:
        changed: dict[str, Any] = {**kept[0], "fillSz": str(call)}
        return [*page, changed] if call else [{**kept[0], "fillSz": "0"}, *page[1:]]

    world = fills([FROM, FROM + 1, FROM + 2])
    with pytest.raises(InconsistentPageError, match="two contents"):
        pull.window(small(okx.FILLS, 2), FROM, TO, Source(okx.FILLS, world, 2, fault))


def test_window__order_updated_between_pages__newest_version_kept() -> None:
    world = [{"ordId": str(n), "uTime": str(FROM + n), "state": "old"} for n in range(1, 4)]

    def fault(call: int, page: list[Row], kept: list[Row]) -> list[Row]:
        newer = {**kept[0], "uTime": str(FROM + 50), "state": "new"}
        return [newer, *page] if call == 1 else page

    got = pull.window(small(okx.ORDERS, 2), FROM, TO, Source(okx.ORDERS, world, 2, fault))
    assert {row["ordId"]: row["state"] for row in got.rows}["3"] == "new"
    assert len(got.rows) == 3


@pytest.mark.parametrize("row", [{}, {"billId": "", "ts": "1"}, {"billId": "5", "ts": "soon"}])
def test_window__row_without_id_or_time__refused(row: Row) -> None:
    source = Source(okx.FILLS, [], 100, lambda call, page, rows: [row])
    with pytest.raises(InconsistentPageError, match="no whole number"):
        pull.window(okx.FILLS, FROM, TO, source)


def test_window__rows__carry_the_reply_they_came_from() -> None:
    world = fills([FROM, FROM + 1, FROM + 2])
    got = pull.window(small(okx.FILLS, 2), FROM, TO, Source(okx.FILLS, world, 2))
    assert [row["reply_sha256"] for row in got.rows] == ["sha-1", "sha-1", "sha-2"]
