"""CPU of a full verification: our models against other engines, the same answers, in one run.

A seeded world of so many fills is landed as hourly Parquet: one fill in a hundred of a forced
close, one in five hundred of a claimed order, with re-read rows, late corrections and gaps. Every
contender answers every claim with a verdict and an amount, which must be equal; what the compared
answer covers stands in `_verification/rules.py`. `scan` is the floor: only reading the columns of
the fills that the models read. One new hour is the same pipeline bounded to the filing window of
eight days, on a short and on a long history. CPU seconds are compared, as they are less troubled
by a busy machine than time is. Run it with `./leverageguard bench verification`; the sizes can be
chosen by calling this file with `--sizes 100000,1000000`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard.config import Settings
from leverageguard.warehouse import model_runner
from tests.bench._verification import contender, world
from tests.bench._verification.contender import Measured

SIZES = (100_000, 1_000_000, 10_000_000)
# Rows as Python objects: measured, a fill with its share of orders and entries.
DICT_BYTES_OF_FILL = 1_900
GIGABYTE = 1024**3
SLOWEST_MODELS = 8


def main() -> None:
    """Print the tables and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of fills")
    parser.add_argument("--data", type=Path, help="keep the worlds here and take those there are")
    parser.add_argument("--profile", action="store_true", help="show the slowest models")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.sizes.split(","))
    with tempfile.TemporaryDirectory() as folder:
        result = measure(sizes, options.data or Path(folder), options.profile)
    if options.json:
        print(json.dumps(result))


def measure(sizes: list[int], folder: Path, is_profiled: bool = False) -> dict[str, Any]:
    """All contenders at all sizes, the largest size's numbers on top."""
    compile_cpu_s = compile_models(folder)
    print(f"compiling the models: {compile_cpu_s:.1f} CPU-s, in none of the numbers below")
    by_size = []
    for size in sizes:
        data_dir = landed(folder, size)
        found = contend(data_dir, size)
        by_size.append(numbers(size, found))
        show(by_size[-1], found, is_profiled)
    ratio = by_size[-1]["ours_cpu_s"] / by_size[0]["ours_cpu_s"]
    print(
        f"one new hour, everything decided again: {by_size[0]['ours_cpu_s']:.2f} CPU-s on "
        f"{sizes[0]:,} fills, {by_size[-1]['ours_cpu_s']:.2f} on {sizes[-1]:,}: ratio {ratio:.2f}"
    )
    is_whole = (sizes[0], sizes[-1]) == (SIZES[0], SIZES[-1])
    return {
        **by_size[-1],
        "compile_cpu_s": round(compile_cpu_s, 2),
        "hour_cpu_ratio_10m_to_100k": round(ratio, 2) if is_whole else None,
        "sizes": by_size,
    }


def landed(folder: Path, size: int) -> Path:
    """Where the world of that size lies; made when it is not there yet."""
    data_dir = folder / str(size)
    done = data_dir / "landed"
    if not done.exists():
        world.land(Settings(data_dir=data_dir), world.Size(size))
        done.touch()
    return data_dir


def compile_models(folder: Path) -> float:
    """Compile for the contenders, so that none's memory holds what dbt needs; CPU seconds."""
    started = time.process_time()
    model_runner.compiled(Settings(data_dir=folder))
    return time.process_time() - started


def contend(data_dir: Path, size: int) -> dict[str, Measured]:
    """Every contender that can run here, each in its own process; their answers are equal."""
    found: dict[str, Measured] = {}
    for name in contender.NAMES:
        needed = size * DICT_BYTES_OF_FILL if name == "dict" else 0
        if needed > _free_memory():
            print(f"{name} is left out: it needs some {needed / GIGABYTE:.0f} GB of memory")
            continue
        measured = contender.measure(name, data_dir)
        if measured.skipped:
            print(f"{name} is left out: {measured.skipped}")
            continue
        found[name] = measured
    for name, measured in found.items():
        if name not in contender.SCANS:
            check_equal(name, measured, found["ours"])
    return found


def check_equal(name: str, theirs: Measured, mine: Measured) -> None:
    """Raise ValueError naming the first claims on which two contenders differ."""
    claims = sorted(theirs.answer.keys() | mine.answer.keys())
    different = [
        f"{claim}: {name} {theirs.answer.get(claim)}, ours {mine.answer.get(claim)}"
        for claim in claims
        if theirs.answer.get(claim) != mine.answer.get(claim)
    ]
    if different or not claims:
        raise ValueError(f"{len(different)} of {len(claims)} answers differ: {different[:5]}")


def numbers(size: int, found: dict[str, Measured]) -> dict[str, Any]:
    """What is printed as JSON for one size; null where a contender could not run."""
    result: dict[str, Any] = {"n": size, "claims": len(found["ours"].answer)}
    for name in contender.NAMES:
        measured = found.get(name)
        result[f"{name}_cpu_s"] = round(measured.cpu_s, 2) if measured else None
        result[f"{name}_peak_mb"] = round(measured.peak_mb) if measured else None
    return result


def show(result: dict[str, Any], found: dict[str, Measured], is_profiled: bool) -> None:
    """One size as a table."""
    verdicts = [verdict for verdict, _ in found["ours"].answer.values()]
    counted = ", ".join(f"{verdicts.count(name)} {name}" for name in sorted(set(verdicts)))
    print(f"\n{result['n']:,} fills, {result['claims']:,} claims, all equal: {counted}")
    print(f"{'':<10}{'CPU-s':>9}{'wall s':>9}{'peak MB':>9}{'x floor':>9}{'x ours':>9}")
    floor, mine = found["scan"].cpu_s, found["ours"].cpu_s
    for name, used in found.items():
        print(
            f"{name:<10}{used.cpu_s:>9.2f}{used.wall_s:>9.1f}{used.peak_mb:>9.0f}"
            f"{used.cpu_s / floor:>9.2f}{used.cpu_s / mine:>9.2f}"
        )
    for cpu_s, model in sorted(found["ours"].profile, reverse=True)[: SLOWEST_MODELS * is_profiled]:
        print(f"{cpu_s:>12.2f} {model}")


def _free_memory() -> int:
    pages: int = os.sysconf("SC_AVPHYS_PAGES")
    lines = Path("/proc/meminfo").read_text().splitlines()
    said = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    return said[0] if said else pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
