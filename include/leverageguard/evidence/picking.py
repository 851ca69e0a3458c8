"""Which of several readings of the same thing a package holds: the first that said it."""

from __future__ import annotations

import re
from typing import Any

from leverageguard.evidence.claims import Claim

Row = dict[str, Any]
MINUTE_MS = 60_000
# How far around the close a price is looked at; the mark on the own venue also since the position
# was weakened.
PRICES_AROUND_MS = 4 * MINUTE_MS
_SIGNATURE = re.compile(r"(signature|sign)=[^&\s]*")


def versions(readings: list[Row], claim: Claim) -> list[Row]:
    """Of each instrument the first reading of every version of its terms that the span met."""
    kept = []
    by_inst: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(readings, key=lambda row: (row["taken_at_ms"], row["reply_sha256"] or "")):
        by_inst.setdefault((row["exchange"], row["inst_id"]), []).append(row)
    for rows in by_inst.values():
        starts = [
            row for at, row in enumerate(rows) if not at or _terms(row) != _terms(rows[at - 1])
        ]
        ends = [row["taken_at_ms"] for row in starts[1:]] + [None]
        kept += [
            row
            for at, (row, end) in enumerate(zip(starts, ends, strict=True))
            if (end is None or end > claim.span[0])
            and (not at or row["taken_at_ms"] < claim.span[1])
        ]
    return kept


def prices_span(claim: Claim) -> tuple[int, int]:
    """From when to when (epoch ms) the prices of a claim with a close are looked at."""
    assert claim.liquidated_ms is not None
    first_ms = claim.liquidated_ms - PRICES_AROUND_MS
    weakened_ms = first_ms if claim.weakened_ms is None else claim.weakened_ms
    return min(first_ms, weakened_ms - MINUTE_MS), claim.liquidated_ms + PRICES_AROUND_MS


def is_looked_at(candle: Row, claim: Claim) -> bool:
    """Whether a price of the span is part of a claim's evidence."""
    assert claim.liquidated_ms is not None
    is_around = bool(candle["minute_at_ms"] >= claim.liquidated_ms - PRICES_AROUND_MS)
    return is_around or is_own_mark(candle, claim)


def is_own_mark(row: Row, claim: Claim) -> bool:
    """Whether a candle is of the mark price the claim's own venue closed at."""
    own = (claim.exchange, claim.inst_id, "mark")
    return (row["exchange"], row["inst_id"], row["kind"]) == own


def _terms(row: Row) -> Row:
    times = ("taken_at_ms", "reply_sha256", "endpoint")
    return {name: value for name, value in row.items() if name not in times}


def each_once(rows: list[Row]) -> list[Row]:
    """Rows without repetitions, in their order."""
    return [row for at, row in enumerate(rows) if row not in rows[:at]]


def configs(readings: list[Row], claim: Claim, leverages: list[Row]) -> list[Row]:
    """The account reading a claim was decided on, and the last one before each setting's."""
    last = claim.span[1]
    deciding = [row for row in readings if row["reply_sha256"] == claim.config_reply_sha256]
    chosen = [_last_at(deciding, last) or _first(deciding)]
    chosen += [_last_at(readings, row["taken_at_ms"]) for row in leverages]
    return each_once([row for row in chosen if row is not None])


def _last_at(rows: list[Row], at_ms: int) -> Row | None:
    return _newest([row for row in rows if row["taken_at_ms"] <= at_ms])


def _newest(rows: list[Row]) -> Row | None:
    return max(rows, key=lambda row: row["taken_at_ms"], default=None)


def _first(rows: list[Row]) -> Row | None:
    return min(rows, key=lambda row: row["taken_at_ms"], default=None)


def request(row: Row) -> Row:
    """How a reply was got; the request's signature is left out."""
    kept = ("exchange", "account_id", "endpoint", "http_status", "fetched_at_ms", "server_time_ms")
    unsigned = _SIGNATURE.sub(r"\1=", row["request"] or "")
    return {**{name: row[name] for name in kept}, "request": unsigned}


def first_of_each(reply: Row) -> Row:
    """One request an endpoint and owner: that it was asked again says nothing more."""
    first: dict[tuple[Any, ...], Row] = {}
    for asked in reply["requests"]:
        first.setdefault((asked["exchange"], asked["account_id"], asked["endpoint"]), asked)
    return {**reply, "requests": list(first.values())}


def received(row: Row) -> tuple[Any, ...]:
    """Replies in the order they came; of equal times in a fixed one."""
    return row["fetched_at_ms"], row["exchange"], row["account_id"], row["endpoint"], row["request"]
