"""A day of a whole stack, hour by hour: what it takes may not grow, and nobody is paid wrongly.

A fresh default world is brought up. In each of 24 rounds an hour of the world passes, visitors buy
cover and file what befell them, every DAG does the hour's work through the real scheduler, and when
nothing runs any more the memory and the open files of every process of the stack are read, and the
size of every part of its data folder. At the end each process has a slope a round; a run fails when
one grows beyond noise, when a run of a DAG failed, or when the chain shows a claim paid twice or
left out. The embedded chain is shown and not judged: it stands for the world outside, and keeps the
state of every block in memory until there are some hundreds. SIMULATED: time, prices, accounts and
money are made up. Run it with `./leverageguard bench soak`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard import config
from leverageguard.stack import airflow, local_chain, visiting
from leverageguard.stack.progress import Progress
from tests.bench._soak import growth, hours, payments, readings
from tests.bench._soak.readings import Taken
from tests.e2e.stacks import Stack

ROUNDS, WARM_UP, FEWEST = 24, 6, 3
FIRST_PORT, MB = 24_300, 1e6
OUTSIDE = (local_chain.NAME,)
Round = tuple[dict[str, Taken], dict[str, int]]


class Silent(Progress):
    """The steps of an hour are not shown."""

    def write(self, text: str) -> None:
        """Show nothing."""


def measure(options: argparse.Namespace, data: Path) -> dict[str, Any]:
    """Bring a stack up, let the hours pass, take it down; what was found."""
    words = ["--profile", options.profile] if options.profile else []
    stack = Stack(data, options.port)
    try:
        stack.run("up", *words)
        variables = {"LEVERAGEGUARD_DATA": str(data), "LEVERAGEGUARD_PORT": str(stack.port)}
        with config.environment(variables):
            return _measure(config.load(), options.rounds, options.minutes)
    finally:
        stack.run("down", check=False)


def _measure(settings: config.Settings, rounds: int, minutes: float) -> dict[str, Any]:
    ends = time.monotonic() + minutes * 60
    client, visitors = airflow.Client(settings), hours.Visitors(settings)
    client.wait_ready()
    hours.until_quiet(client)
    found: list[Round] = []
    for number in range(1, rounds + 1):
        started = time.monotonic()
        if started > ends and number > WARM_UP + FEWEST:
            break
        came = visitors.come()
        visiting.advance(settings, 1)
        filed = visitors.file()
        client.wait_ready()  # its token ends sooner than a long run
        hours.work(settings, client, Silent())
        found.append((readings.of_processes(settings), readings.of_folders(settings)))
        took = time.monotonic() - started
        told = f"hour {number}: {came} bought, {filed} due, {took:.0f} s"
        print(f"{told}; {_told(found[-1][0])}", file=sys.stderr, flush=True)
    return {
        "is_simulated": settings.is_simulated,
        "rounds": len(found),
        "visitors": len(visitors.insured),
        "declined": len(visitors.declined),
        "refused_filings": visitors.refused,
        **payments.counted(settings, visitors.insured),
        "failed_runs": hours.failed(client),
        **judged(found),
    }


def _told(taken: dict[str, Taken]) -> str:
    """One reading in a line: megabytes and open files by process."""
    each = (f"{name} {one.memory_bytes / MB:.1f}/{one.open_files}" for name, one in taken.items())
    return ", ".join(each)


def judged(found: list[Round]) -> dict[str, Any]:
    """Trends by process over the rounds after the warm-up, and bytes a round by folder."""
    counted = found[WARM_UP:]
    every = [name for name in counted[0][0] if all(name in taken for taken, _ in counted)]
    trends = {}
    for name in every:
        series = [taken[name] for taken, _ in counted]
        trends[name] = {
            "processes": series[-1].members,
            "memory": asdict(growth.of_memory([one.memory_bytes for one in series])),
            "open_files": asdict(growth.of_files([one.open_files for one in series])),
        }
    return {
        "processes": trends,
        "gone": sorted({name for taken, _ in found for name in taken} - set(every)),
        "folders": {
            name: {"bytes": size, "a_round": _a_round(name, counted)}
            for name, size in sorted(found[-1][1].items())
        },
    }


def _a_round(name: str, counted: list[Round]) -> float:
    return growth.of_memory([sizes.get(name, 0) for _, sizes in counted]).slope


def is_fine(found: dict[str, Any]) -> bool:
    """Whether nothing grew, nothing ended, no run failed and everybody was paid once."""
    kinds = ("memory", "open_files")
    ours = [one for name, one in found["processes"].items() if name not in OUTSIDE]
    grown = any(one[kind]["grows"] for one in ours for kind in kinds)
    wrong = ("paid_double", "missing", "failed_runs", "refused_filings", "gone")
    return not grown and not any(found[name] for name in wrong)


def table(found: dict[str, Any]) -> str:
    """The figures as text."""
    rows = [
        f"SIMULATED world, {found['rounds']} hours, {os.cpu_count()} cores; {WARM_UP} hours of "
        "warm-up are left out",
        f"{'process':24}{'MB':>8}{'MB/hour':>10}{'95 %':>18}{'files':>8}{'files/hour':>12}",
    ]
    for name, one in found["processes"].items():
        memory, files = one["memory"], one["open_files"]
        bounds = f"{memory['low'] / MB:.2f} to {memory['high'] / MB:.2f}"
        grown = "  GROWS" if memory["grows"] or files["grows"] else ""
        rows.append(
            f"{name:24}{memory['median'] / MB:8.0f}{memory['slope'] / MB:10.2f}{bounds:>18}"
            f"{files['median']:8.0f}{files['slope']:12.2f}{grown}"
        )
    rows.append(f"{'folder':24}{'MB':>8}{'MB/hour':>10}")
    for name, one in found["folders"].items():
        rows.append(f"{name:24}{one['bytes'] / MB:8.1f}{one['a_round'] / MB:10.2f}")
    rows += [f"{name:24}{found[name]:8}" for name in ("visitors", "declined", "claims_paid")]
    for name in ("paid_double", "missing"):
        rows.append(f"{name:24}{len(found[name]):8}  {', '.join(found[name])}".rstrip())
    rows += [f"failed: {run}" for run in found["failed_runs"]]
    rows += [f"refused: {filing}" for filing in found["refused_filings"]]
    rows += [f"not there all the time: {name}" for name in found["gone"]]
    return "\n".join([*rows, "no growth beyond noise" if is_fine(found) else "NOT as it should be"])


def main() -> int:
    """The command line; 0 when nothing grew and everybody was paid once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="hours of the world")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no further hour after so long"
    )
    parser.add_argument("--port", type=int, default=FIRST_PORT, help="first port to try")
    parser.add_argument("--profile", help="the stack's profile, as ./leverageguard up takes it")
    options = parser.parse_args()
    if options.rounds < WARM_UP + FEWEST:
        parser.error(f"--rounds: {WARM_UP} are warm-up, and {FEWEST} more the fewest that tell")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # servers of a cluster are not root and must enter it
        found = measure(options, Path(folder) / "data")
    print(table(found))
    if options.json:
        print(json.dumps(found))
    return 0 if is_fine(found) else 1


if __name__ == "__main__":
    sys.exit(main())
