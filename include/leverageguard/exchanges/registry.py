"""The venues this installation can read."""

from __future__ import annotations

from leverageguard.exchanges import okx
from leverageguard.exchanges.venue import Venue

VENUES: dict[str, Venue] = {okx.VENUE.name: okx.VENUE}


def venue(name: str) -> Venue:
    """The venue of that name; KeyError listing the known ones otherwise."""
    try:
        return VENUES[name]
    except KeyError:
        raise KeyError(f"no exchange {name!r}; known: {', '.join(sorted(VENUES))}") from None
