"""`./leverageguard rebuild-books`: the fund's books again, from chains, policies and claims.

What is in the books stays; what is missing is written as it was: an entry's id is made of what
caused it. Only what was booked and undone since is not made again, for it moved nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leverageguard.config import Settings
from leverageguard.fund import booking, ledger_command
from leverageguard.policies import rebooking
from leverageguard.store import base


def lines(settings: Settings, _options: Mapping[str, Any]) -> Iterator[str]:
    """What the command prints, a line at a time."""
    with base.writing(settings) as session:
        legs = rebooking.rebook(session)
    yield f"{legs} legs booked again of what policies moved"
    # Killed here, the next run of manage_fund does what is left.
    counts = booking.book(settings)
    yield f"{counts['booked']} entries booked of chains, claims and valuations"
    yield f"{counts['reversed']} entries undone that stood for what was missing"
    if counts["waiting"]:
        yield f"{counts['waiting']} settled batches wait for the price of their gas"
    yield from ledger_command.balances(settings, None, None)
