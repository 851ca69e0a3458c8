"""Write a seeded world as a scenario folder, with its ground truth beside it.

python -m leverageguard.simulator.world FOLDER [--kind default|fraud|mixed] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from leverageguard.simulator.seeded import frauds, plots, writing
from leverageguard.simulator.seeded import visitors as guests
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.stage import HOUR, SALE_GAP_MS, Stage
from leverageguard.simulator.venue import Twin
from leverageguard.simulator.venues import twins

START_MS = 1_767_571_200_000
TRUTH_FILE = writing.TRUTH_FILE
ABOUT = (
    "A made-up day of {count} insured accounts on {venues}, from seed {seed}: mark prices with fat "
    "tails, jumps and a common factor; traders who win, lose and are liquidated, and some who "
    "claim what they should not. Every row is constructed, in the venue's wire format."
)
ABOUT_FRAUD = (
    "{count} made-up accounts, from seed {seed}: for every check somebody who tries to be paid "
    "against it and somebody honest who looks alike. Every row is constructed, in the venue's wire "
    "format."
)


def write(
    folder: Path | str, seed: int = 7, accounts: int = 200, hours: int = 24,
    venues: Sequence[str] | None = None, visitors: int = 0,
) -> None:  # fmt: skip
    """Write the world of `seed` into `folder`; the same arguments give the same bytes.

    `visitors` adds so many accounts that nobody bound, and leaves the rest as it is. Accounts are
    spread over `venues` (default: all there are). Raises ValueError when there are too few
    accounts or hours for every kind of event, and CannotStage when the seed's market never moves
    as an event needs.
    """
    needed = sum(count for _, count in plots.PLOTS)
    if accounts < needed or not 24 <= hours <= 72:
        raise ValueError(f"a world needs at least {needed} accounts and 24 to 72 hours")
    stage = play(seed, accounts, hours, _chosen(venues))
    if visitors:
        guests.play(stage, seed, visitors)
    about = ABOUT.format(count=len(stage.traders), seed=seed, venues=", ".join(stage.twins))
    writing.write(Path(folder), stage, f"seeded-{seed}", about)


def write_fraud(folder: Path | str, seed: int = 7) -> None:
    """Write a world of nothing but the frauds and their innocent twins, one plot a check."""
    stage = Stage(seed, START_MS, 24, twins())
    frauds.play(stage, list(range(frauds.COUNT)))
    about = ABOUT_FRAUD.format(count=len(stage.traders), seed=seed)
    writing.write(Path(folder), stage, f"frauds-{seed}", about)


def write_mixed(folder: Path | str, seed: int = 7, accounts: int = 2000, busyness: int = 1) -> None:
    """Write two days of many accounts with every fraud hidden among them.

    `busyness` is how often each honest or clumsy plot is cast. Raises ValueError when there are too
    few accounts for that.
    """
    needed = frauds.COUNT + busyness * sum(count for _, count in plots.PLOTS)
    if accounts < needed:
        raise ValueError(f"such a mixed world needs at least {needed} accounts")
    gap_ms = min(SALE_GAP_MS, 4 * HOUR * MINUTE_MS // accounts)
    stage = Stage(seed, START_MS, 48, twins(), gap_ms)
    numbers = list(range(accounts))
    random.Random(f"cast {seed}").shuffle(numbers)
    frauds.play(stage, numbers[: frauds.COUNT])
    _cast(stage, numbers[frauds.COUNT :], busyness)
    about = ABOUT.format(count=len(stage.traders), seed=seed, venues=", ".join(stage.twins))
    writing.write(
        Path(folder), stage, f"mixed-{seed}", about + " Frauds of every kind are among them."
    )


def _chosen(venues: Sequence[str] | None) -> Mapping[str, Twin]:
    known = twins()
    return known if venues is None else {name: known[name] for name in sorted(venues)}


def play(seed: int, accounts: int, hours: int, venues: Mapping[str, Twin]) -> Stage:
    """The default world on its stage: accounts cast at random, the others trade as usual."""
    stage = Stage(seed, START_MS, hours, venues)
    numbers = list(range(accounts))
    random.Random(f"cast {seed}").shuffle(numbers)
    _cast(stage, numbers)
    return stage


def _cast(stage: Stage, numbers: list[int], busyness: int = 1) -> None:
    """Give every plot its accounts, in the order of the numbers; the rest trade as usual."""
    for plot, once in plots.PLOTS:
        count = once * busyness
        stage.plot = plot.__name__
        cast, numbers = sorted(numbers[:count]), numbers[count:]
        plot(stage, cast)
    stage.plot = plots.ordinary.__name__
    plots.ordinary(stage, sorted(numbers))


def main() -> int:
    """The command line; 0 when the folder is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--kind", choices=("default", "fraud", "mixed"), default="default")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--accounts", type=int, help="default: 200, of the mixed world 2000")
    parser.add_argument("--hours", type=int, default=24, help="of the default world")
    parser.add_argument("--visitors", type=int, default=0, help="of the default world")
    options = parser.parse_args()
    if options.kind == "fraud":
        write_fraud(options.folder, options.seed)
    elif options.kind == "mixed":
        write_mixed(options.folder, options.seed, options.accounts or 2000)
    else:
        write(
            options.folder, options.seed, options.accounts or 200, options.hours,
            visitors=options.visitors,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
