"""Fetch windows: for every (account, endpoint, hour), whether the evidence is complete.

A window once complete stays complete: a later pull that fails cannot unsee what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from leverageguard.config import Settings
from leverageguard.exchanges.venue import Row
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

TABLE = "exchanges/fetch_windows"
ACCOUNT_CONFIG = "account_config"
# An open gap older than cover, filing grace and a week's outage can no longer change a claim.
GAP_LOOKBACK_MS = 8 * 24 * HOUR_MS

Window = tuple[str, str, int]


@dataclass(frozen=True)
class Stretch:
    """Consecutive hours of one endpoint to pull in one go, half-open."""

    endpoint: str
    from_ms: int
    to_ms: int

    def split(self, kept_from_ms: int) -> tuple[Stretch | None, Stretch | None]:
        """The hours that began before `kept_from_ms`, and the rest; None for an empty part."""
        cut = min(max(-(-kept_from_ms // HOUR_MS) * HOUR_MS, self.from_ms), self.to_ms)
        gone, kept = replace(self, to_ms=cut), replace(self, from_ms=cut)
        return (gone if gone.from_ms < cut else None), (kept if cut < kept.to_ms else None)


def hours(from_ms: int, to_ms: int) -> list[int]:
    """Starts of all hours that touch the half-open window."""
    first = from_ms - from_ms % HOUR_MS
    return list(range(first, to_ms, HOUR_MS))


def hour_end(at_ms: int) -> int:
    """End of the hour that holds `at_ms`."""
    return at_ms - at_ms % HOUR_MS + HOUR_MS


def recorded(settings: Settings, exchange: str, from_ms: int, to_ms: int) -> dict[Window, bool]:
    """Whether each recorded (account, endpoint, hour) of the window is complete."""
    rows = landing.scan(
        settings,
        TABLE,
        columns=["account_id", "endpoint", "window_from_ms", "is_complete"],
        where={"exchange": [exchange]},
        hours=hours(from_ms, to_ms),
    )
    known: dict[Window, bool] = {}
    for row in rows:
        key = (row["account_id"], row["endpoint"], row["window_from_ms"])
        known[key] = known.get(key, False) or bool(row["is_complete"])
    return known


def open_gaps(
    settings: Settings, exchange: str, from_ms: int, to_ms: int
) -> dict[str, list[Stretch]]:
    """What was asked for and is not complete, by account, joined to the longest stretches."""
    gaps: dict[str, list[Window]] = {}
    for window, is_complete in recorded(settings, exchange, from_ms, to_ms).items():
        if not is_complete:
            gaps.setdefault(window[0], []).append(window)
    return {account: _stretches(open_) for account, open_ in gaps.items()}


def missing(
    known: Mapping[Window, bool], owner: str, endpoints: Iterable[str], from_ms: int, to_ms: int
) -> list[Stretch]:
    """The owner's hours that are not complete, asked for before or not, as longest stretches."""
    return _stretches(
        (owner, endpoint, hour)
        for endpoint in endpoints
        for hour in hours(from_ms, to_ms)
        if not known.get((owner, endpoint, hour))
    )


def span_outside(gaps: Iterable[Stretch], window: tuple[int, int]) -> tuple[int, int] | None:
    """First and last hour edge of the gaps that reach out of the window; None without any."""
    outside = [gap for gap in gaps if gap.from_ms < window[0] or gap.to_ms > window[1]]
    if not outside:
        return None
    return min(gap.from_ms for gap in outside), max(gap.to_ms for gap in outside)


def _stretches(gaps: Iterable[Window]) -> list[Stretch]:
    joined: list[Stretch] = []
    for _, endpoint, hour in sorted(gaps):
        if joined and joined[-1].endpoint == endpoint and joined[-1].to_ms == hour:
            joined[-1] = Stretch(endpoint, joined[-1].from_ms, hour + HOUR_MS)
        else:
            joined.append(Stretch(endpoint, hour, hour + HOUR_MS))
    return joined


def land(settings: Settings, name: str, rows: Iterable[Row]) -> None:
    """Record windows in the file `name` of each hour.

    An incomplete row never replaces a complete one of the same account and endpoint.
    """
    for hour, of_hour in landing.by_hour(TABLE, rows).items():
        old = {_owner(row): row for row in landing.read(settings, TABLE, hour, name)}
        new = {
            _owner(row): row
            for row in of_hour
            if row["is_complete"] or not old.get(_owner(row), {}).get("is_complete")
        }
        landing.replace(settings, TABLE, hour, name, {**old, **new}.values())


def _owner(row: Row) -> tuple[str, str, str]:
    return row["exchange"], row["account_id"], row["endpoint"]
