"""Who trades where: which venues show what an event is about, and how many accounts each gets.

An event is staged only on a venue whose public rows can tell of it. What a venue lacks here is a
fact about the venue, not about its twin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Need = Literal["margin", "root", "key", "hedge", "stops"]

LACKS: dict[str, frozenset[Need]] = {
    # Margin moved by hand leaves no row; a sub-account's key does not name the main account.
    "bybit": frozenset({"margin"}),
    "gate": frozenset({"margin", "root"}),
    "binanceusdm": frozenset({"root"}),
    # Everything is public by address, so there is no key; one side of a coin at a time.
    "hyperliquid": frozenset({"margin", "key", "hedge"}),
}
# Turns of a round in which every venue is named as often as it gets accounts.
ROUND = ("okx", "bybit", "binanceusdm", "okx", "gate", "bybit", "okx", "binanceusdm", "gate")
# A venue whose budget of weight lets about four accounts a minute be read takes only a few.
FEW = {"hyperliquid": (17, 6)}


def venue_of(number: int, venues: Sequence[str], *needs: Need) -> str:
    """The venue of an account number among those present; the same number gives the same one.

    Raises ValueError when no venue shows what is needed.
    """
    able = [venue for venue in venues if not LACKS.get(venue, frozenset()) & set(needs)]
    if not able:
        raise ValueError(f"no venue of {', '.join(venues)} shows {', '.join(needs)}")
    for venue, (every, most) in FEW.items():
        if venue in able and number % every == every - 1 and number // every < most:
            return venue
    often = [venue for venue in ROUND if venue in able]
    often += [venue for venue in able if venue not in ROUND and venue not in FEW]
    turn = number + number // len(ROUND)
    return often[turn % len(often)] if often else able[0]
