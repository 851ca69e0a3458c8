"""A worker killed three times at every step, in every kind of trouble: paid once, all paid.

Every cell of the matrix starts a chain of its own with a funded pool and six claims in three
batches, kills a real worker process with SIGKILL three times in a row at one point, restarts it as
a scheduler would (a bounded number of times) and then asks the chain who holds what. The troubles:
a node that fails 30 % of the requests (429, 503, cut before or after it did what was asked, too
slow), reorgs of every depth up to the confirmations between the deaths and while the worker runs,
two workers on one store, two workers with a store each, and all of it together.

`max_tx_ratio` is the largest, over all runs, of the distinct signed transactions that reached the
node divided by 2 * batches + kills; the bound is 1. The same bytes sent again are one transaction.
The naive sender (a transfer a claim, marked as paid afterwards) runs in the same harness: that it
pays twice shows that the harness would see it.

Run it with `./leverageguard bench crash-matrix`; call this file with `--worlds`, `--points` or
`--claims` for a part of it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from leverageguard import config
from tests.bench._crash import naive, points
from tests.bench._crash.run import Result, Run, Template, World

CLAIMS = 6
MIXED = "all together"
NAIVE_POINT = "after sending, not marked"


def worlds(confirmations: int) -> dict[str, World]:
    """Every world by name."""
    made = [
        World("clean chain"),
        World("30 % of requests fail", faulty=True),
        *[World(f"reorg of {n}", reorg_depth=n) for n in range(1, confirmations + 1)],
        World("two workers one store", workers=2),
        World("two workers two stores", workers=2, stores=2),
        World(MIXED, faulty=True, reorg_depth=confirmations, workers=2, stores=2),
    ]
    return {world.name: world for world in made}


@contextmanager
def prepared(claims: int) -> Iterator[tuple[Any, Template, Path]]:
    """A fork server with everything imported, the template, and a folder for the runs."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(REPO), str(REPO / "include")])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.bench._crash.points", "tests.bench._crash.naive"])
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template"
        with config.environment(
            {
                "LEVERAGEGUARD_DATA": str(template),
                "LEVERAGEGUARD_CHAIN_RPC": "",
                "LEVERAGEGUARD_CHAIN_ID": "31337",
            }
        ):
            made = Template(template, claims).make()
            yield context, made, Path(folder)


def measure(
    names: list[str] | None, point_names: list[str], claims: int, jobs: int = 2
) -> dict[str, Any]:
    """The chosen part of the matrix, and the naive sender on a clean chain."""
    with prepared(claims) as (context, template, folder):
        known = worlds(template.confirmations)
        chosen = [world for name, world in known.items() if not names or name in names]
        cells = [
            Run(context, template, world, point, folder / f"run-{number}")
            for number, (world, point) in enumerate(
                (world, point) for world in chosen for point in point_names
            )
        ]
        naively = Run(
            context, template, World("clean chain"), NAIVE_POINT, folder / "naive", naive.work
        )
        found = run_all([*cells, naively], jobs)
    return summed(cells, found)


def run_all(cells: list[Run], jobs: int) -> dict[int, Result]:
    """Every run's result by its place; a line a run as it ends."""
    results: dict[int, Result] = {}
    started = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(cell): place for place, cell in enumerate(cells)}
        for done in as_completed(running):
            place = running[done]
            if done.exception():
                pool.shutdown(cancel_futures=True)
            results[place] = result = done.result()
            cell = cells[place]
            print(
                f"[{time.monotonic() - started:6.1f} s] {len(results):>3}/{len(cells)}  "
                f"{cell.world.name:<24}{cell.point:<32}{result.seconds:5.1f} s  "
                f"{result.kills} kills, {result.sent} sent, {result.faults} faults, "
                f"{result.reorgs} reorgs, {result.double} double, {result.missing} missing"
                f"{'  ' + result.note if result.note else ''}",
                flush=True,
            )
    return results


def summed(cells: list[Run], found: dict[int, Result]) -> dict[str, Any]:
    """The numbers of the whole matrix, and of each world, printed as a table."""
    results = [found[place] for place in range(len(cells))]
    by_world: dict[str, list[Result]] = {}
    for cell, result in zip(cells, results, strict=True):
        by_world.setdefault(cell.world.name, []).append(result)
    print(
        f"\n{'world':<26}{'runs':>5}{'kills':>7}{'faults':>8}{'reorgs':>8}{'sent':>6}"
        f"{'ratio':>7}{'double':>8}{'missing':>9}{'unfinished':>12}"
    )
    for name, group in by_world.items():
        total = totals(group)
        print(
            f"{name:<26}{total['runs']:>5}{total['kills']:>7}{total['faults']:>8}"
            f"{total['reorgs']:>8}{total['sent']:>6}{total['max_tx_ratio']:>7.2f}"
            f"{total['double']:>8}{total['missing']:>9}{total['unfinished']:>12}"
        )
    naive_double = found[len(cells)].double
    print(f"the naive sender, killed as often: {naive_double} payments too many")
    by_name = {name: totals(group) for name, group in by_world.items()}
    return {**totals(results), "naive_double": naive_double, "worlds": by_name}


def totals(results: list[Result]) -> dict[str, Any]:
    """Sums over runs; the ratio is the largest."""
    names = ("double", "missing", "unfinished", "kills", "sent", "faults", "reorgs")
    summed_up = {name: sum(getattr(result, name) for result in results) for name in names}
    ratio = max((result.tx_ratio for result in results), default=0.0)
    return {"runs": len(results), **summed_up, "max_tx_ratio": round(ratio, 3)}


def main() -> None:
    """Print progress and the table and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worlds", help="names, comma separated")
    parser.add_argument("--points", help="names, comma separated")
    parser.add_argument("--claims", type=int, default=CLAIMS)
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    options = parser.parse_args()
    names = options.worlds.split(",") if options.worlds else None
    chosen = options.points.split(",") if options.points else list(points.POINTS)
    started = time.monotonic()
    result = measure(names, chosen, options.claims, options.jobs)
    print(f"{result['runs']} runs in {time.monotonic() - started:.0f} s")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
