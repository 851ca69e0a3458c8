"""Pages by cursor: newest first, each page begins after the last item of the one before."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

from fastapi import Query

from leverageguard.gateway.problems import Problem

LARGEST_PAGE = 100
_PLACE = re.compile(r"^(\d{1,15})\|([A-Za-z0-9_.-]{1,80})$")
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many items at most")]
Cursor = Annotated[
    str | None,
    Query(max_length=200, description="`next_cursor` of the page before; none for the first"),
]
Place = tuple[int, str]  # epoch ms and id: items are sorted by both, the highest first


def cursor_of(place: Place) -> str:
    """The cursor after an item."""
    return base64.urlsafe_b64encode(f"{place[0]}|{place[1]}".encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> Place | None:
    """Where a page begins; a Problem for what no page gave."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = _PLACE.match(text)
    if found is None:
        raise Problem(
            422, "CURSOR_UNREADABLE", "cursor must be the next_cursor of a page", field="cursor"
        )
    return int(found[1]), found[2]
