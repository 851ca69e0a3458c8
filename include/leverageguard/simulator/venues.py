"""The table of simulated venues: a new venue is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from leverageguard.simulator.okx import Okx
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.venue import Venue

VENUES: dict[str, Callable[[Scenario], Venue]] = {
    "okx": Okx,
}
