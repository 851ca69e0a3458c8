"""The days a report speaks of: whole UTC days, from the first to before the last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

KINDS = ("daily", "weekly", "monthly", "range")
LONGEST_DAYS = 366


class RangeError(ValueError):
    """No report can be written for what was asked; the message names the field and the fix."""


@dataclass(frozen=True)
class Range:
    """Days from `first`, and before `until`; `kind` one of KINDS."""

    kind: str
    first: date
    until: date

    @property
    def name(self) -> str:
        """What its folder is called."""
        if self.kind == "range":
            return f"range-{self.first}-{self.until - timedelta(days=1)}"
        return f"{self.kind}-{self.first}"

    @property
    def title(self) -> str:
        """What people read."""
        last = self.until - timedelta(days=1)
        days = str(self.first) if last == self.first else f"{self.first} to {last}"
        return f"{self.kind.capitalize()} report, {days} (UTC)" if self.kind != "range" else (
            f"Report, {days} (UTC)"
        )  # fmt: skip

    @property
    def before(self) -> Range:
        """As many days right before."""
        return Range(self.kind, self.first - (self.until - self.first), self.first)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Its first instant, and the first one after it."""
        return _midnight(self.first), _midnight(self.until)

    def is_over(self, now_ms: int) -> bool:
        """Whether its last day has ended, so that its figures stay as they are."""
        return self.bounds[1].timestamp() * 1000 <= now_ms


def daily(day: date) -> Range:
    """One day."""
    return Range("daily", day, day + timedelta(days=1))


def weekly(day: date) -> Range:
    """The week of a day, from its Monday."""
    monday = day - timedelta(days=day.weekday())
    return Range("weekly", monday, monday + timedelta(days=7))


def monthly(day: date) -> Range:
    """The month of a day."""
    first = day.replace(day=1)
    return Range("monthly", first, (first + timedelta(days=31)).replace(day=1))


def asked(kind: str, first: str, last: str | None = None) -> Range:
    """The range of a kind at an ISO day, or from a first to a last day. Raises RangeError."""
    if kind not in KINDS:
        raise RangeError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    day = _day("from", first)
    if kind != "range":
        return {"daily": daily, "weekly": weekly, "monthly": monthly}[kind](day)
    if last is None:
        raise RangeError("to: a range needs its last day, as in --to 2026-01-31")
    until = _day("to", last) + timedelta(days=1)
    if until <= day:
        raise RangeError(f"to: {last} lies before {first}")
    if (until - day).days > LONGEST_DAYS:
        raise RangeError(f"to: a report speaks of {LONGEST_DAYS} days at most, not {until - day}")
    return Range("range", day, until)


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RangeError(f"{field}: {text!r} is no day; write it as 2026-01-31") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
