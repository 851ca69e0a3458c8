"""OKX v5's answers, refusals and paging: what its listings share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leverageguard.simulator.replies import Row
from leverageguard.simulator.venue import Answer, Call, Refusal

MINUTE_MS = 60_000
MAX_ROWS = 100


def answer(rows: list[Any]) -> Answer:
    """Rows in the envelope of a reply."""
    return Answer({"code": "0", "data": rows, "msg": ""})


def refusal(code: str, message: str, status: int) -> Refusal:
    """A refusal with OKX's code and words."""
    return Refusal(code, Answer({"code": code, "data": [], "msg": message}, status))


def require(call: Call, name: str) -> str:
    """A parameter that must be given; refuses with 50014."""
    value = call.params.get(name, "")
    if not value:
        raise refusal("50014", f"Parameter {name} can not be empty", 400)
    return value


def number(call: Call, name: str) -> int | None:
    """A parameter as a whole number, None when left out; refuses with 51000."""
    text = call.params.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise refusal("51000", f"Parameter {name} error", 400)
    return int(text)


def matches(row: Row, call: Call, names: tuple[str, ...]) -> bool:
    """True when the row is what each given parameter asks for."""
    return all(
        row.get(name) == call.params[name] for name in names if call.params.get(name, "") != ""
    )


def minutes(rows: list[Any], call: Call, newest: int | None, rewind: int) -> Answer:
    """Closed one-minute candles, newest first."""
    if call.params.get("bar", "1m") != "1m":
        raise refusal("51000", "Parameter bar error", 400)
    closed = [row for row in rows if int(row[0]) + MINUTE_MS <= call.now_ms]
    closed.sort(key=lambda row: int(row[0]), reverse=True)
    return page(closed[:newest], call, lambda row: int(row[0]), rewind)


def listing(
    rows: list[Row], call: Call, filters: tuple[str, ...], time: str, cursor: str, rewind: int
) -> Answer:
    """Rows of the asked time span, newest id first."""
    begin, end = number(call, "begin"), number(call, "end")
    kept = [
        row
        for row in rows
        if matches(row, call, filters)
        and (begin is None or int(row[time]) >= begin)
        and (end is None or int(row[time]) <= end)
    ]
    kept.sort(key=lambda row: int(row[cursor]), reverse=True)
    return page(kept, call, lambda row: int(row[cursor]), rewind)


def page(rows: list[Any], call: Call, position: Callable[[Any], int], rewind: int) -> Answer:
    """The newest rows older than `after` and newer than `before`, both excluded."""
    after, before = number(call, "after"), number(call, "before")
    limit = number(call, "limit")
    limit = MAX_ROWS if limit is None else limit
    if not 1 <= limit <= MAX_ROWS:
        raise refusal("51000", "Parameter limit error", 400)
    if before is not None:
        rows = [row for row in rows if position(row) > before]
    start = 0 if after is None else sum(1 for row in rows if position(row) >= after)
    if not rewind:
        return answer(rows[start : start + limit])
    if after is not None:
        start = max(0, start - min(rewind, limit))
        return answer(rows[start : start + limit])
    page = rows[:limit]
    repeated = page if rewind >= MAX_ROWS else page[-1:]
    return answer(sorted(page + repeated, key=position, reverse=True))
