"""Write a seeded world as a scenario folder, with its ground truth beside it.

python -m leverageguard.simulator.world FOLDER [--kind default|fraud|mixed] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from leverageguard.simulator.seeded import plots, writing
from leverageguard.simulator.seeded.stage import Stage
from leverageguard.simulator.venue import Twin
from leverageguard.simulator.venues import twins

START_MS = 1_767_571_200_000
TRUTH_FILE = writing.TRUTH_FILE
ABOUT = (
    "A made-up day of {count} insured accounts on {venues}, from seed {seed}: mark prices with fat "
    "tails, jumps and a common factor; traders who win, lose and are liquidated, and some who "
    "claim what they should not. Every row is constructed, in the venue's wire format."
)


def write(
    folder: Path | str, seed: int = 7, accounts: int = 200, hours: int = 24,
    venues: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Write the world of `seed` into `folder`; the same arguments give the same bytes.

    Accounts are spread over `venues` (default: all there are). Raises ValueError when there are
    too few accounts or hours for every kind of event, and CannotStage when the seed's market never
    moves as an event needs.
    """
    needed = sum(count for _, count in plots.PLOTS)
    if accounts < needed or not 24 <= hours <= 72:
        raise ValueError(f"a world needs at least {needed} accounts and 24 to 72 hours")
    stage = play(seed, accounts, hours, _chosen(venues))
    about = ABOUT.format(count=len(stage.traders), seed=seed, venues=", ".join(stage.twins))
    writing.write(Path(folder), stage, f"seeded-{seed}", about)


def _chosen(venues: Sequence[str] | None) -> Mapping[str, Twin]:
    known = twins()
    return known if venues is None else {name: known[name] for name in sorted(venues)}


def play(seed: int, accounts: int, hours: int, venues: Mapping[str, Twin]) -> Stage:
    """The default world on its stage: accounts cast at random, the others trade as usual."""
    stage = Stage(seed, START_MS, hours, venues)
    numbers = list(range(accounts))
    random.Random(f"cast {seed}").shuffle(numbers)
    for plot, count in plots.PLOTS:
        cast, numbers = sorted(numbers[:count]), numbers[count:]
        plot(stage, cast)
    plots.ordinary(stage, sorted(numbers))
    return stage


def main() -> int:
    """The command line; 0 when the folder is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--hours", type=int, default=24)
    options = parser.parse_args()
    write(options.folder, options.seed, options.accounts, options.hours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
