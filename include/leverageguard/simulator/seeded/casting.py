"""Who trades where: which venues show what an event is about, and how many accounts each gets.

An event is staged only on a venue whose rows can tell of it. What a venue lacks here is a fact
about the venue, not about its twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
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

    The same number gives the same venue. A venue with a share gets that many of the first 200
    numbers, for it cannot be read fast enough for more; the others share the rest. Raises
    ValueError when there is none.
    """
    able = [
        twin
        for twin in twins.values()
        if not any(lacks(twin, need) for need in needs)
        and max(symbol.max_leverage for symbol in twin.symbols.values()) >= leverage
    ]
    if not able:
        raise ValueError(f"no venue of {', '.join(twins)} shows {', '.join(needs)}")
    shares = tuple(sorted((twin.share, twin.name) for twin in twins.values() if twin.share))
    placed = _round(shares)[number] if number < SHARES_OF else None
    if placed in {twin.name for twin in able}:
        return str(placed)
    rest = [twin for twin in able if not twin.share] or able
    return rest[(number + number // len(rest)) % len(rest)].name


@cache
def _round(shares: tuple[tuple[int, str], ...]) -> tuple[str | None, ...]:
    """The venue of each of the first numbers, every share spread evenly; None for the rest."""
    slots: list[str | None] = [None] * SHARES_OF
    for share, name in shares:
        for turn in range(share):
            at = (2 * turn + 1) * SHARES_OF // (2 * share)
            while slots[at % SHARES_OF] is not None:
                at += 1
            slots[at % SHARES_OF] = name
    return tuple(slots)
