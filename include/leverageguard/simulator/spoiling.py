"""A good answer spoiled: what a fault of each kind puts on the wire instead.

It works on any venue's body: the rows are the body itself when that is a list, else the first list
inside it, else the body is the one row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leverageguard.simulator.venue import Answer, Venue

PAGE = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
HTML = "text/html"
JSON = "application/json"
IDS = re.compile(r"(^|_)(id|oid|tid|hash)$|Id$|ID$")
TIMES = re.compile(r"(^|_)(ts|t|time|time_ms)$|Time$|time$|Ts$")
DIGITS = re.compile(r"\d+(\.\d+)?")
MARK = "spoiled here"


@dataclass(frozen=True)
class Wire:
    """What goes over the network."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def wire(answer: Answer) -> Wire:
    """An answer as it should be sent."""
    return Wire(_bytes(answer.body), answer.status, headers=answer.headers)


def spoiled(answer: Answer, kind: str, venue: Venue) -> Wire:
    """The same answer after a fault of `kind`; kinds of the connection and of paging change none"""
    if kind in _INSTEAD:
        return _INSTEAD[kind]
    if kind in _SAID:
        return wire(_SAID[kind](venue))
    if kind in _BYTES:
        good = wire(answer)
        return Wire(_BYTES[kind](good.body), answer.status, headers=answer.headers)
    if kind == "wrong_content_type":
        return Wire(_bytes(answer.body), answer.status, "text/plain", answer.headers)
    if kind == "bad_gzip":
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        return Wire(b"\x1f\x8b" + _bytes(answer.body), answer.status, headers=headers)
    if kind in _BODIES:
        return Wire(_BODIES[kind](answer.body), answer.status, headers=answer.headers)
    return wire(answer)


def _bytes(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _place(body: Any) -> list[str]:
    """The keys that lead to the first list of the body; none when it is one or has none."""
    if isinstance(body, dict):
        for key, value in body.items():
            if isinstance(value, list):
                return [key]
        for key, value in body.items():
            if isinstance(value, dict) and (inner := _place(value)):
                return [key, *inner]
    return []


def _with_rows(change: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    """The body with `change` applied to its rows (a list, or the one row)."""

    def replaced(body: Any, place: list[str]) -> Any:
        if not place:
            return change(body)
        return {**body, place[0]: replaced(body[place[0]], place[1:])}

    return lambda body: _bytes(replaced(body, _place(body)))


def _changed_row(at: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Rows with one changed; a body that is no list is the row."""

    def changed(rows: Any) -> Any:
        if not isinstance(rows, list):
            return change(rows)
        if not rows:
            return [change({})]
        copy = list(rows)
        copy[at] = change(copy[at])
        return copy

    return changed


def _without(names: re.Pattern[str]) -> Callable[[Any], Any]:
    """A row without the fields of such a name; a row of cells loses its first."""

    def lacking(row: Any) -> Any:
        if isinstance(row, dict):
            return {key: value for key, value in row.items() if not names.search(key)}
        return row[1:] if isinstance(row, list) else None

    return lacking


def _scientific(body: Any) -> bytes:
    """The last number of the first row as a bare JSON number, its value unchanged."""
    found: list[str] = []

    def change(row: Any) -> Any:
        cells = list(row.items() if isinstance(row, dict) else enumerate(row or []))
        for key, cell in reversed(cells):
            if isinstance(cell, str) and DIGITS.fullmatch(cell):
                found.append(cell)
                copy = row.copy()
                copy[key] = MARK
                return copy
        return row

    text = _with_rows(_changed_row(0, change))(body)
    if not found:
        return text
    whole, _, fraction = found[0].partition(".")
    number = f"{int(whole + fraction)}E-{len(fraction)}".encode()
    return text.replace(json.dumps(MARK).encode(), number)


def _duplicate_key(body: Any) -> bytes:
    """The first row (or, of lists, the body) says its last key again with another value."""
    inner: list[bytes] = []

    def change(row: Any) -> Any:
        if not isinstance(row, dict) or not row:
            return row
        again = _bytes({list(row)[-1]: "0"})
        inner.append(_bytes(row)[:-1] + b"," + again[1:])
        return MARK

    text = _with_rows(_changed_row(0, change))(body)
    if inner:
        return text.replace(json.dumps(MARK).encode(), inner[0])
    return b'{"data":' + text + b',"data":[]}'


def _empty_of_the_other_kind(body: Any) -> bytes:
    return b"{}" if isinstance(body, list) else b"[]"


_INSTEAD: Mapping[str, Wire] = {
    "http_400": Wire(b'{"error":"Bad Request"}', 400),
    "http_403": Wire(PAGE.replace("Bad gateway", "Access denied").encode(), 403, HTML),
    "http_404": Wire(PAGE.replace("Bad gateway", "Not found").encode(), 404, HTML),
    "http_418": Wire(b'{"error":"banned"}', 418, headers={"Retry-After": "2"}),
    "http_502": Wire(PAGE.encode(), 502, HTML),
    "http_503": Wire(b"", 503),
    "http_504": Wire(PAGE.replace("Bad gateway", "Gateway time-out").encode(), 504, HTML),
    "html": Wire(PAGE.encode(), 200, HTML),
    "empty": Wire(b""),
    "null": Wire(b"null"),
    "empty_object": Wire(b"{}"),
}
_SAID: Mapping[str, Callable[[Venue], Answer]] = {
    "http_429": lambda venue: venue.too_many_requests(),
    "http_500": lambda venue: venue.server_error(),
    "transient": lambda venue: venue.transient_error(),
}
_BYTES: Mapping[str, Callable[[bytes], bytes]] = {
    "truncated": lambda body: body[: len(body) // 2],
    "bad_utf8": lambda body: body[: len(body) // 2] + b"\xff" + body[len(body) // 2 :],
    "bom": lambda body: b"\xef\xbb\xbf" + body,
}
_BODIES: Mapping[str, Callable[[Any], bytes]] = {
    "empty_list": _empty_of_the_other_kind,
    "data_null": _with_rows(lambda _: None),
    "data_object": _with_rows(lambda _: {}),
    "wrong_json_type": _with_rows(lambda _: "none"),
    "row_text": _with_rows(_changed_row(0, lambda _: "row")),
    "row_without_id": _with_rows(_changed_row(-1, _without(IDS))),
    "row_without_time": _with_rows(_changed_row(-1, _without(TIMES))),
    "scientific": _scientific,
    "duplicate_key": _duplicate_key,
}
