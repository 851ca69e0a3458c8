"""Who trades where: which venues show what an event is about, and how many accounts each gets.

An event is staged only on a venue whose rows can tell of it. What a venue lacks here is a fact
about the venue, not about its twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from leverageguard.simulator.venue import Twin

Need = Literal["margin", "root", "key", "hedge"]
LACKS: dict[str, frozenset[Need]] = {
    # Margin moved by hand leaves no row there.
    "bybit": frozenset({"margin"}),
    # Nor does the key of a sub-account name the main account.
    "gate": frozenset({"margin", "root"}),
    "binanceusdm": frozenset({"root"}),
    # One side of a coin at a time.
    "hyperliquid": frozenset({"margin", "hedge"}),
}
SHARES_OF = 200


def lacks(twin: Twin, need: Need) -> bool:
    """True when nothing at the venue shows this."""
    is_keyless = need == "key" and twin.is_keyless
    return is_keyless or need in LACKS.get(twin.name, ())


def venue_of(number: int, twins: Mapping[str, Twin], *needs: Need, leverage: int = 1) -> str:
    """The venue of an account number: one that shows the needs and admits the leverage.

    The same number gives the same venue; venues with a share get about that many of 200 numbers
    and the first 200 only. Raises ValueError when there is none.
    """
    able = [
        twin
        for twin in twins.values()
        if not any(lacks(twin, need) for need in needs)
        and max(symbol.max_leverage for symbol in twin.symbols.values()) >= leverage
    ]
    if not able:
        raise ValueError(f"no venue of {', '.join(twins)} shows {', '.join(needs)}")
    for twin in able:
        every = SHARES_OF // twin.share if twin.share else 0
        if every and number < SHARES_OF and number % every == every - 1:
            return twin.name
    rest = [twin for twin in able if not twin.share] or able
    return rest[(number + number // len(rest)) % len(rest)].name
