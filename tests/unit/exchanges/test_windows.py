from __future__ import annotations

from typing import Any

import pytest

from leverageguard.config import Settings
from leverageguard.exchanges import windows
from leverageguard.exchanges.windows import Stretch
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

HOUR = 1_767_571_200_000


def row(hour: int, is_complete: bool, account: str = "acc-1", **over: Any) -> dict[str, Any]:
    return {
        "exchange": "okx",
        "account_id": account,
        "endpoint": "fills",
        "window_from_ms": HOUR + hour * HOUR_MS,
        "window_to_ms": HOUR + (hour + 1) * HOUR_MS,
        "pages": 1,
        "row_count": 0,
        "is_complete": is_complete,
        "last_cursor": None,
        "gap_reason": None if is_complete else "transient: x",
        "fetched_at_ms": HOUR,
        **over,
    }


def stretch(first: int, last: int, endpoint: str = "fills") -> Stretch:
    return Stretch(endpoint, HOUR + first * HOUR_MS, HOUR + last * HOUR_MS)


def gaps(settings: Settings) -> dict[str, list[Stretch]]:
    return windows.open_gaps(settings, "okx", HOUR - 50 * HOUR_MS, HOUR + 50 * HOUR_MS)


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [(0, HOUR_MS, 1), (1, HOUR_MS, 1), (0, HOUR_MS + 1, 2), (5, 5, 1), (0, 0, 0)],
)
def test_hours__half_open_window__every_hour_it_touches(first: int, last: int, count: int) -> None:
    assert len(windows.hours(HOUR + first, HOUR + last)) == count


def test_land__complete_window__stays_complete_when_a_later_pull_fails(settings: Settings) -> None:
    windows.land(settings, "okx-group-00", [row(0, True)])
    windows.land(settings, "okx-group-00", [row(0, False)])
    assert landing.scan(settings, windows.TABLE) == [row(0, True)]


def test_land__gap__closed_by_a_later_pull(settings: Settings) -> None:
    windows.land(settings, "okx-group-00", [row(0, False)])
    windows.land(settings, "okx-group-00", [row(0, True)])
    assert gaps(settings) == {}


def test_land__other_account_of_the_file__stays(settings: Settings) -> None:
    windows.land(settings, "okx-group-00", [row(0, True), row(0, False, "acc-2")])
    windows.land(settings, "okx-group-00", [row(0, False)])
    assert len(landing.scan(settings, windows.TABLE)) == 2


def test_open_gaps__neighbouring_hours__one_stretch(settings: Settings) -> None:
    rows = [row(hour, hour not in (1, 2, 4)) for hour in range(6)]
    windows.land(settings, "okx-group-00", [*rows, row(2, False, "acc-2")])
    assert gaps(settings) == {
        "acc-1": [stretch(1, 3), stretch(4, 5)],
        "acc-2": [stretch(2, 3)],
    }


def test_open_gaps__endpoints__not_joined(settings: Settings) -> None:
    windows.land(settings, "okx-group-00", [row(0, False), row(1, False, endpoint="orders")])
    assert gaps(settings)["acc-1"] == [stretch(0, 1), stretch(1, 2, "orders")]


def test_open_gaps__complete_under_another_group__is_no_gap(settings: Settings) -> None:
    windows.land(settings, "okx-group-00", [row(0, False)])
    windows.land(settings, "okx-group-01", [row(0, True)])
    assert gaps(settings) == {}


def test_open_gaps__other_exchange__not_ours(settings: Settings) -> None:
    windows.land(settings, "gate-group-00", [row(0, False, exchange="gate")])
    assert gaps(settings) == {}


def test_open_gaps__nothing_landed_yet__empty(settings: Settings) -> None:
    assert gaps(settings) == {}


@pytest.mark.parametrize(
    ("kept_from_ms", "gone", "kept"),
    [
        (HOUR - 1, None, stretch(0, 4)),
        (HOUR, None, stretch(0, 4)),
        (HOUR + 1, stretch(0, 1), stretch(1, 4)),
        (HOUR + 2 * HOUR_MS, stretch(0, 2), stretch(2, 4)),
        (HOUR + 9 * HOUR_MS, stretch(0, 4), None),
    ],
)
def test_split__retention__an_hour_half_gone_is_gone(
    kept_from_ms: int, gone: Stretch | None, kept: Stretch | None
) -> None:
    assert stretch(0, 4).split(kept_from_ms) == (gone, kept)


def test_span_outside__gaps_within_the_window__none() -> None:
    assert windows.span_outside([stretch(1, 2)], (HOUR, HOUR + 4 * HOUR_MS)) is None


def test_span_outside__gaps_beyond__their_edges() -> None:
    found = windows.span_outside(
        [stretch(-3, -2), stretch(1, 2), stretch(-1, 1)], (HOUR, HOUR + 4 * HOUR_MS)
    )
    assert found == (HOUR - 3 * HOUR_MS, HOUR + HOUR_MS)
