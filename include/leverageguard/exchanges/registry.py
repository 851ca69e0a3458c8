"""The venues this installation can read: every file of `exchanges/venues/`."""

from __future__ import annotations

import importlib
from functools import cache

from leverageguard.config import VENUES
from leverageguard.exchanges.venue import Venue


@cache
def venue(name: str) -> Venue:
    """The venue of that name; KeyError listing the known ones otherwise."""
    if name not in VENUES:
        raise KeyError(f"no exchange {name!r}; known: {', '.join(VENUES)}")
    found = importlib.import_module(f"leverageguard.exchanges.venues.{name}").VENUE
    if not isinstance(found, Venue):
        raise TypeError(f"exchanges/venues/{name}.py: VENUE must be a Venue")
    return found


def venues() -> list[Venue]:
    """Every venue, by name."""
    return [venue(name) for name in VENUES]
