"""What the fund's capital costs to work out: 1, 10 and 100 thousand policies on 10,000 paths.

Ours sorts the policies once and looks every path up; the peer compares each policy with all paths
at once, a NumPy loop over policies x paths, at the sizes it can bear. Both replay the same
SIMULATED paths, and a run fails unless every path's loss of one day and of ten is equal.
Time is CPU, memory the peak of a process of its own, the paths' extremes in it (made before, once).
Run it with `./leverageguard bench capital`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from leverageguard import config
from leverageguard.fund import backtesting, capital
from leverageguard.fund.chances import Chances
from leverageguard.risk import extremes
from leverageguard.risk.extremes import Extremes
from leverageguard.store import base, every_table  # noqa: F401 - registers tables

SIZES, PATHS, SEED = (1_000, 10_000, 100_000), 10_000, 7
LARGEST_LOOP = 100_000
HOUR_MS, USDC = 3_600_000, 1_000_000
Ints = capital.Ints


def policies(count: int, assets: tuple[str, ...]) -> list[capital.AtRisk]:
    """A made-up book: every asset, side and leverage that is sold, covers of all ages."""
    random = np.random.default_rng(SEED)
    found = []
    for _ in range(count):
        cover = int(random.choice([8, 24])) * HOUR_MS
        insured = int(random.integers(5, 51)) * USDC
        found.append(
            capital.AtRisk(
                base_asset=str(random.choice(assets)),
                side=str(random.choice(["long", "short"])),
                leverage=int(random.integers(1, 41)),
                maintenance_ppm=4_000,
                left_ms=int(random.integers(1, cover + 1)),
                cover_ms=cover,
                left_micro_usdc=insured,
                sum_micro_usdc=insured,
                premium_micro_usdc=insured // 10,
            )
        )
    return found


def in_a_loop(of: capital.Book, world: Extremes, earned: int) -> capital.Losses:
    """The same losses, each policy compared with all paths."""
    one_day = np.full(world.paths, -earned, dtype=np.int64)
    ten_days = np.zeros(world.paths, dtype=np.int64)
    for number in range(len(of)):
        asset, side = of.asset[number], of.side[number]
        far, cover = of.far[side, number], of.cover[number]
        is_long = side == capital.LONG
        first = (world.hour_falls if is_long else world.hour_rises)[of.hours[number] - 1, asset]
        one_day += (first >= far) * of.left[number]
        again = (world.cover_falls if is_long else world.cover_rises)[1:, cover, asset]
        ten_days += (again >= far).sum(axis=0) * of.total[number]
    days = len(world.cover_falls) - 1
    return capital.Losses(one_day, ten_days + one_day - days * of.premium)


METHODS: dict[str, Callable[[capital.Book, Extremes, int], capital.Losses]] = {
    "ours": capital.losses,
    "loop": in_a_loop,
}


def _one(name: str, count: int, paths: int, data: str, told: Any) -> None:
    """Seconds, peak megabytes and the losses of one method, in this process."""
    with mock.patch.dict(os.environ, {"LEVERAGEGUARD_DATA": data}):
        settings = config.load()
        assets = extremes.assets(settings, Chances(settings).sigma_minute_ppb)
        world = extremes.kept(settings, assets, paths, SEED)
    made = policies(count, world.assets)
    began = time.process_time()
    book = capital.book(made, world.assets)
    columns, began = time.process_time() - began, time.process_time()
    losses = METHODS[name](book, world, 0)
    seconds = time.process_time() - began
    told.put(
        {
            "columns_s": columns,
            "seconds": seconds,
            "peak_mb": _peak_mb(),
            "scr_1d": capital.quantile(losses.one_day),
            "scr_10d": capital.quantile(losses.ten_days),
            "losses": [losses.one_day.tolist(), losses.ten_days.tolist()],
        }
    )


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measured(name: str, count: int, paths: int, data: Path) -> dict[str, Any]:
    """One method in a process of its own."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=_one, args=(name, count, paths, str(data), told))
    process.start()
    found: dict[str, Any] = told.get(timeout=1_200)
    process.join()
    return found


def measure(sizes: Sequence[int] = SIZES, paths: int = PATHS) -> dict[str, Any]:
    """Every size with both methods; raises where they do not agree."""
    result: dict[str, Any] = {"paths": paths, "sizes": {}}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with mock.patch.dict(os.environ, {"LEVERAGEGUARD_DATA": folder}):
            settings = config.load()
            base.Base.metadata.create_all(base.engine(settings))
            began = time.process_time()
            assets = extremes.assets(settings, Chances(settings).sigma_minute_ppb)
            extremes.kept(settings, assets, paths, SEED)
            result["paths_s"] = time.process_time() - began
        for count in sizes:
            names = [name for name in METHODS if name == "ours" or count <= LARGEST_LOOP]
            found = {name: measured(name, count, paths, data) for name in names}
            losses = [each.pop("losses") for each in found.values()]
            if any(each != losses[0] for each in losses):
                raise RuntimeError(f"{count} policies: the methods lose differently")
            result["sizes"][count] = found
        with mock.patch.dict(os.environ, {"LEVERAGEGUARD_DATA": folder}):
            result["back_test"] = back_test(paths)
    return result


def back_test(paths: int, policies_count: int = 10_000) -> dict[str, Any]:
    """Kupiec's test, on days of another seed, of the common figure and of independent draws."""
    settings = config.load()
    assets = extremes.assets(settings, Chances(settings).sigma_minute_ppb)
    said = extremes.simulate(assets, paths, SEED, days=1)
    later = extremes.simulate(assets, paths, SEED + 1, days=1)
    book = capital.book(policies(policies_count, said.assets), said.assets)
    # As the later days have it: every policy whole, from the day's start.
    book = replace(book, left=book.total, hours=np.array(extremes.COVER_HOURS)[book.cover])
    figures = capital.figures(book, said, 0)
    days = backtesting.days_of(book, later, 0)
    found = {"common": figures.scr_1d, "independent": figures.independent_1d}
    return {
        name: {"usdc": figure / USDC, **asdict(backtesting.kupiec(days, figure))}
        for name, figure in found.items()
    }


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"{result['paths']:,} SIMULATED paths of ten days, made once: {result['paths_s']:.1f} s",
        f"{'policies':>9}  {'method':<6}{'columns s':>11}{'replay s':>10}"
        f"{'ours = 1':>10}{'peak MB':>9}",
    ]
    for count, found in result["sizes"].items():
        for name, each in found.items():
            ratio = each["seconds"] / found["ours"]["seconds"]
            lines.append(
                f"{count:>9,}  {name:<6}{each['columns_s']:>11.3f}{each['seconds']:>10.3f}"
                f"{ratio:>10.1f}{each['peak_mb']:>9,}"
            )
    first, last = min(result["sizes"]), max(result["sizes"])
    grown = result["sizes"][last]["ours"]["seconds"] / result["sizes"][first]["ours"]["seconds"]
    lines.append(f"{last // first} times the policies cost ours {grown:.1f} times the CPU")
    for name, each in result["back_test"].items():
        lines.append(
            f"10,000 policies, 99.5 % of one day, {name:<11} {each['usdc']:>12,.0f} USDC: exceeded "
            f"on {each['exceeded']} of {each['days']:,} later days, {float(each['expected']):.0f} "
            f"expected, p = {each['p_value']:.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure()
    print(table(result))
    if options.json:
        print(json.dumps(result, default=float))


if __name__ == "__main__":
    main()
