"""A page source with bursts, overlaps and repeats: the walk brings the world's set, or refuses."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leverageguard.exchanges import pull, retry
from leverageguard.exchanges.client import Page
from leverageguard.exchanges.venue import (
    Endpoint,
    InconsistentPageError,
    Limit,
    Paging,
    Row,
    millis,
)

FROM, TO = 10_000, 20_000
Fault = Callable[[int, list[Row], list[Row]], list[Row]]
PAGINGS = {
    "id_down": Paging("id_down", "after", "id"),
    "id_up": Paging("id_up", "fromId", "id"),
    "time_down": Paging("time_down", "end", "t"),
    "time_up": Paging("time_up", "start", "t"),
    "token": Paging("token", "cursor", token=lambda payload: payload),
    "offset": Paging("offset", "offset"),
}
BY_TIME = ("time_down", "time_up")


def listing(kind: str, page_size: int = 100, **more: Any) -> Endpoint:
    return Endpoint(
        "fills", "m", Limit(1, 1), paging=PAGINGS[kind], page_size=page_size,
        id_columns=("id",), time_of=millis("t"), from_param="start", to_param="end", **more,
    )  # fmt: skip


def no_fault(_call: int, page: list[Row], _kept: list[Row]) -> list[Row]:
    return page


@dataclass
class Source:
    """A venue's listing in its own order, with faults on request; a bad page is asked again."""

    endpoint: Endpoint
    rows: list[Row]
    fault: Fault = no_fault
    attempts: int = 3
    calls: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, params: Mapping[str, Any], check: pull.Check) -> Page:
        self.asked.append(dict(params))
        for attempt in range(self.attempts):
            rows, token = self._page(params)
            try:
                check(rows)
            except InconsistentPageError:
                if attempt + 1 == self.attempts:
                    raise
            else:
                return Page(rows, f"sha-{self.calls}", token)
        raise AssertionError

    def _page(self, params: Mapping[str, Any]) -> tuple[list[Row], str]:
        low, high = int(params.get("start", -1)), int(params.get("end", 10**9))
        kept = [row for row in self.rows if low <= int(row["t"]) <= high]
        kind = PAGINGS_BY_PARAM[self._paging.param]
        by_id = sorted(kept, key=lambda row: (int(row["t"]), int(row["id"])))
        kept = by_id if kind in ("id_up", "time_up") else by_id[::-1]
        start = 0
        if kind == "id_down" and "after" in params:
            start = sum(1 for row in kept if int(row["id"]) >= int(params["after"]))
        if kind == "id_up" and "fromId" in params:
            kept = [row for row in self._all_up() if int(row["id"]) >= int(params["fromId"])]
        if kind == "time_down":
            kept = [row for row in kept if int(row["t"]) < int(params["end"])]
        if kind in ("token", "offset"):
            start = int(params.get(self._paging.param) or 0)
        end = start + self.endpoint.page_size
        page = self.fault(self.calls, kept[start:end], kept)
        self.calls += 1
        return page, str(end) if kind == "token" and end < len(kept) else ""

    @property
    def _paging(self) -> Paging:
        assert self.endpoint.paging is not None
        return self.endpoint.paging

    def _all_up(self) -> list[Row]:
        return sorted(self.rows, key=lambda row: int(row["id"]))


PAGINGS_BY_PARAM = {paging.param: kind for kind, paging in PAGINGS.items()}


def world(times: list[int]) -> list[Row]:
    return [{"id": str(10**6 + n), "t": str(at)} for n, at in enumerate(sorted(times))]


def ids(rows: list[Row]) -> list[str]:
    return sorted(row["id"] for row in rows)


def inside(rows: list[Row]) -> list[Row]:
    return [row for row in rows if FROM <= int(row["t"]) < TO]


def mischief(seed: int, page_size: int) -> Fault:
    """Repeats, overlaps and stale pages at random, each of which passes when asked again."""
    rng = random.Random(seed)

    def fault(_: int, page: list[Row], kept: list[Row]) -> list[Row]:
        kind = rng.choice(["none"] * 4 + ["twice", "overlap", "stale"])
        if kind == "twice":
            return page + page
        if kind == "overlap" and page:
            start = max(0, kept.index(page[0]) - 1)
            return kept[start : start + page_size]
        if kind == "stale" and page:
            start = max(0, kept.index(page[0]) - page_size)
            return kept[start : start + page_size]
        return page

    return fault


bursts = st.lists(st.tuples(st.integers(FROM - 3, TO + 3), st.integers(1, 9)), max_size=12).map(
    lambda pairs: [at for at, count in pairs for _ in range(count)]
)


@pytest.mark.parametrize("kind", PAGINGS)
@settings(max_examples=60, deadline=None)
@given(times=bursts, page_size=st.integers(2, 6))
def test_window__bursts_in_one_millisecond__exactly_the_worlds_set_or_a_refusal(
    kind: str, times: list[int], page_size: int
) -> None:
    rows = world(times)
    source = Source(listing(kind, page_size), rows)
    try:
        got = pull.window(source.endpoint, FROM, TO, source)
    except InconsistentPageError:
        # Only a millisecond with at least a page of rows may stop a walk by time.
        assert kind in BY_TIME
        assert max(times.count(at) for at in times) >= page_size
    else:
        assert ids(got.rows) == ids(inside(rows))


@pytest.mark.parametrize("kind", ["id_down", "time_down", "offset"])
@settings(max_examples=60, deadline=None)
@given(times=bursts, page_size=st.integers(3, 6), seed=st.integers(0, 1000))
def test_window__repeated_overlapping_and_stale_pages__exactly_the_worlds_set(
    kind: str, times: list[int], page_size: int, seed: int
) -> None:
    rows = world(times)
    endpoint = listing(kind, page_size)
    source = Source(endpoint, rows, mischief(seed, page_size), attempts=60)
    try:
        got = pull.window(endpoint, FROM, TO, source)
    except (InconsistentPageError, retry.GaveUpError):
        # Never fewer rows without saying so: rows that keep moving end as a gap.
        assert kind != "id_down"
    else:
        assert ids(got.rows) == ids(inside(rows))


@pytest.mark.parametrize("kind", ["id_down", "id_up", "token", "offset"])
def test_window__a_millisecond_longer_than_two_pages__nothing_lost(kind: str) -> None:
    rows = world([FROM] * 250)
    got = pull.window(listing(kind), FROM, TO, Source(listing(kind), rows))
    assert len(got.rows) == 250


@pytest.mark.parametrize("kind", PAGINGS)
def test_window__empty_listing__proved_by_one_empty_page(kind: str) -> None:
    got = pull.window(listing(kind), FROM, TO, Source(listing(kind), []))
    assert (got.rows, got.pages) == ([], 1)


@pytest.mark.parametrize("kind", PAGINGS)
def test_window__edges__from_is_inside_and_to_is_outside(kind: str) -> None:
    rows = world([FROM - 1, FROM, TO - 1, TO])
    got = pull.window(listing(kind), FROM, TO, Source(listing(kind), rows))
    assert sorted(row["t"] for row in got.rows) == [str(FROM), str(TO - 1)]


def test_window__venue_with_exclusive_edges__nothing_lost() -> None:
    source = Source(listing("id_down"), [])
    pull.window(source.endpoint, FROM, TO, source)
    assert (source.asked[0]["start"], source.asked[0]["end"]) == (str(FROM - 1), str(TO + 1))


def test_window__longer_than_the_venue_allows__walked_in_parts() -> None:
    endpoint = listing("id_up", max_window_ms=3_000)
    source = Source(endpoint, world(list(range(FROM, TO, 100))))
    got = pull.window(endpoint, FROM, TO, source)
    assert len(got.rows) == 100
    assert [int(asked["end"]) - int(asked["start"]) for asked in source.asked] == [
        3_002, 3_002, 3_002, 1_002,
    ]  # fmt: skip


def test_window__seconds__asked_in_seconds_and_nothing_lost() -> None:
    endpoint = listing("offset", time_unit_ms=1000)
    source = Source(endpoint, [])
    pull.window(endpoint, FROM + 500, TO + 500, source)
    assert (source.asked[0]["start"], source.asked[0]["end"]) == ("10", "21")


@pytest.mark.parametrize("kind", ["id_down", "time_down", "time_up", "id_up"])
def test_window__page_repeated_for_ever__refused(kind: str) -> None:
    rows = world([FROM + n for n in range(6)])

    def stuck(_: int, page: list[Row], kept: list[Row]) -> list[Row]:
        order = sorted(rows, key=lambda row: int(row["id"]), reverse=kind.endswith("down"))
        return order[:2]

    with pytest.raises(InconsistentPageError, match="advance"):
        pull.window(listing(kind, 2), FROM, TO, Source(listing(kind, 2), rows, stuck))


@pytest.mark.parametrize("kind", ["token", "offset"])
def test_window__pages_that_go_round__given_up(kind: str) -> None:
    rows = world([FROM + n for n in range(6)])

    class Round(Source):
        def _page(self, params: Mapping[str, Any]) -> tuple[list[Row], str]:
            return self.rows[:2], "again"

    with pytest.raises(retry.GaveUpError, match=r"go round|keep moving"):
        pull.window(listing(kind, 2), FROM, TO, Round(listing(kind, 2), rows))


def test_window__one_id_with_two_contents__refused() -> None:
    def fault(call: int, page: list[Row], kept: list[Row]) -> list[Row]:
        changed: dict[str, Any] = {**kept[0], "size": str(call)}
        return [*page, changed] if call else [{**kept[0], "size": "0"}, *page[1:]]

    rows, endpoint = world([FROM, FROM + 1, FROM + 2]), listing("id_down", 2)
    with pytest.raises(InconsistentPageError, match="two contents"):
        pull.window(endpoint, FROM, TO, Source(endpoint, rows, fault))


def test_window__row_updated_between_pages__newest_version_kept() -> None:
    rows = [{"id": str(n), "t": str(FROM + n), "state": "old"} for n in range(1, 4)]

    def fault(call: int, page: list[Row], kept: list[Row]) -> list[Row]:
        newer = {**kept[0], "t": str(FROM + 50), "state": "new"}
        return [newer, *page] if call == 1 else page

    endpoint = listing("id_down", 2)
    got = pull.window(endpoint, FROM, TO, Source(endpoint, rows, fault))
    assert {row["id"]: row["state"] for row in got.rows}["3"] == "new"
    assert len(got.rows) == 3


@pytest.mark.parametrize("row", [{}, {"id": "", "t": "1"}, {"id": "5", "t": "soon"}, {"id": "5"}])
def test_window__row_without_id_or_time__refused(row: Row) -> None:
    endpoint = listing("id_down")
    source = Source(endpoint, [], lambda call, page, rows: [row])
    with pytest.raises(InconsistentPageError):
        pull.window(endpoint, FROM, TO, source)


def test_window__row_that_cannot_be_parsed__refused_before_it_counts() -> None:
    def parse(row: Row) -> list[Any]:
        return [("exchanges/fills", {"price": row["px"]})]

    endpoint = listing("id_down", parse=parse)
    source = Source(endpoint, world([FROM]))
    with pytest.raises(InconsistentPageError, match="unreadable"):
        pull.window(endpoint, FROM, TO, source)


def test_window__rows__carry_the_reply_they_came_from() -> None:
    endpoint = listing("id_down", 2)
    got = pull.window(endpoint, FROM, TO, Source(endpoint, world([FROM, FROM + 1, FROM + 2])))
    assert [row["reply_sha256"] for row in got.rows] == ["sha-1", "sha-1", "sha-2"]
