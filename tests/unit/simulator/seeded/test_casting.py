"""Who trades where: shares are kept, and nothing is staged where it cannot be seen."""

from __future__ import annotations

from collections import Counter

import pytest

from leverageguard.simulator.seeded.casting import SHARES_OF, lacks, venue_of
from leverageguard.simulator.venues import twins


def test_venue_of__two_hundred_numbers__keep_every_share() -> None:
    counts = Counter(venue_of(number, twins()) for number in range(SHARES_OF))
    shared = {twin.name: twin.share for twin in twins().values() if twin.share}
    assert {name: counts[name] for name in shared} == shared
    assert sum(counts.values()) == SHARES_OF


def test_venue_of__more_numbers__leave_the_slow_venues_alone() -> None:
    later = {venue_of(number, twins()) for number in range(SHARES_OF, 3 * SHARES_OF)}
    assert all(twins()[name].share == 0 for name in later)


@pytest.mark.parametrize("need", ["margin", "root", "key", "hedge"])
def test_venue_of__a_need__is_never_met_where_it_is_lacking(need: str) -> None:
    for number in range(SHARES_OF):
        assert not lacks(twins()[venue_of(number, twins(), need)], need)


def test_venue_of__leverage__only_where_it_is_sold() -> None:
    for number in range(SHARES_OF):
        twin = twins()[venue_of(number, twins(), leverage=100)]
        assert max(symbol.max_leverage for symbol in twin.symbols.values()) >= 100


def test_venue_of__nowhere_to_be_seen__refused() -> None:
    keyless = {name: twin for name, twin in twins().items() if twin.is_keyless}
    assert keyless
    with pytest.raises(ValueError, match="shows key"):
        venue_of(1, keyless, "key")
