"""Stylised crash days: how far each asset fell by which hour, as the seed `stress_paths` says.

They are no record of prices: the falls are those that were reported, reached at the end of an hour,
and nothing rises. A stress has no probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.risk.extremes import HOURS
from leverageguard.risk.paths import Floats

SEED = "stress_paths"


class StressIncomplete(ValueError):
    """A stress that does not say what an asset does."""


@dataclass(frozen=True)
class Stresses:
    """The log falls and rises of each stress as if it were a path: hour x asset x stress."""

    names: tuple[str, ...]
    falls: Floats
    rises: Floats


def stresses(settings: Settings, assets: Sequence[str]) -> Stresses:
    """Every stress for these assets; raises StressIncomplete where one says nothing of an asset."""
    told = seeds.rows(settings, SEED)
    names = tuple(sorted({row["stress_id"] for row in told}))
    falls = np.zeros((HOURS, len(assets), len(names)))
    for place, name in enumerate(names):
        for number, asset in enumerate(assets):
            mine = [r for r in told if (r["stress_id"], r["base_asset"]) == (name, asset)]
            if not mine:
                raise StressIncomplete(f"stress {name} says nothing of {asset}")
            for row in mine:
                fall = -float(np.log(int(row["low_price_ppm"]) / 1e6))
                after = falls[int(row["hour"]) - 1 :, number, place]
                np.maximum(after, fall, out=after)
    return Stresses(names, falls, np.zeros_like(falls))
