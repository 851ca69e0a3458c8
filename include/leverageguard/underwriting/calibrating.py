"""Fit the table of liquidation chances from seeded, SIMULATED paths.

python -m leverageguard.underwriting.calibrating [--check | --write]

The paths are those of `risk.paths`, a touch is what their extremes reach. Each path is asked about
a few random barriers, and pool-adjacent-violators makes the touch frequency fall with z. No real
price is in it: a table fitted to real ones replaces it under another model version.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from leverageguard import config
from leverageguard.domain.money import PPM
from leverageguard.risk import paths
from leverageguard.risk.isotonic import falling
from leverageguard.risk.paths import Floats
from leverageguard.risk.registry import SEED_MODEL

MODEL_VERSION = SEED_MODEL
TABLE = "liquidation_probabilities.csv"
SEED = 20260105
PATHS, MINUTES, HORIZONS = 10_000, 1_440, (480, 1_440)
BARRIERS, MOST_Z, STEP = 20, 6.0, 0.1


def rows() -> list[tuple[int, int]]:
    """The table as (z in thousandths, p in ppm), from the seed alone."""
    random = np.random.Generator(np.random.PCG64(SEED))
    hits, asked = np.zeros(_bins()), np.zeros(_bins())
    for extremes, minutes in _extremes(random):
        scaled = extremes / np.sqrt(minutes)
        z = random.uniform(0, MOST_Z, (BARRIERS, len(scaled)))
        place = np.minimum((z / STEP).astype(int), _bins() - 1)
        np.add.at(asked, place, 1)
        np.add.at(hits, place, (scaled >= z).astype(float))
    # One more touch than seen: what never happened here is rare, not impossible.
    chance = falling(((hits + 1) / (asked + 2)).tolist(), asked.tolist())
    middles = [round((n + 0.5) * STEP * 1000) for n in range(_bins())]
    return [(0, PPM), *((z, _ceil_ppm(p)) for z, p in zip(middles, chance, strict=True))]


def text(table: Sequence[tuple[int, int]]) -> str:
    """The seed file's bytes."""
    lines = [f"{MODEL_VERSION},{z},{p}" for z, p in table]
    return "\n".join(["model_version,z_milli,p_ppm", *lines]) + "\n"


def _bins() -> int:
    return round(MOST_Z / STEP)


def _ceil_ppm(chance: float) -> int:
    return min(PPM, int(chance * PPM) + 1)


def _extremes(random: np.random.Generator) -> list[tuple[Floats, int]]:
    """The furthest each path fell, and rose, within each horizon."""
    at, lowest, highest = np.zeros(PATHS), np.zeros(PATHS), np.zeros(PATHS)
    found: list[tuple[Floats, int]] = []
    for minute, step in enumerate(islice(paths.steps(random, PATHS), MINUTES), start=1):
        lowest = np.minimum(lowest, at + step.low)
        highest = np.maximum(highest, at + step.high)
        at = at + step.move
        if minute in HORIZONS:
            found += [(-lowest, minute), (highest.copy(), minute)]
    return found


def main() -> int:
    """0 when the committed table is what this makes, or was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="compare with the committed table")
    group.add_argument("--write", action="store_true", help="replace the committed table")
    options = parser.parse_args()
    made, path = text(rows()), Path(config.load().dbt_dir) / "seeds" / TABLE
    if options.write:
        path.write_text(made)
    elif options.check:
        is_same = path.read_text() == made
        sys.stdout.write(f"{TABLE} {'is' if is_same else 'is not'} what the seed {SEED} makes\n")
        return 0 if is_same else 1
    else:
        sys.stdout.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
