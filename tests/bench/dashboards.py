"""How long a chart takes over a warehouse of many fills, and what a month's report takes.

The seeded world of `bench verification` is landed, built and published, and a real Superset serves
the dashboards over it. Each chart is asked for once, then five times more through Superset's API,
as a browser asks; beside it the same metric is asked of the same file by DuckDB alone, which is
the floor. That world has claims, policies and evidence, and no batches, books or valuations, so
charts of those are answered without rows and are counted apart. Then a month's report is written
in every format by a process of its own. Run it with `./leverageguard bench dashboards`; other sizes
with `--fills 100000` by calling this file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard import clock, config
from leverageguard.warehouse import connect, dbt_runner, snapshot
from tests.bench import verification
from tests.bench._verification import world
from tests.e2e import superset_server
from tests.e2e.superset_server import Running, session

FILLS, WARM, SLOWEST = 10_000_000, 5, 5
MONTH = "2026-03-01"
PAGE = 100


def measure(fills: int, folder: Path, warm: int = WARM) -> dict[str, Any]:
    """Milliseconds of every chart, their percentiles, and the report's seconds and memory."""
    data = verification.landed(folder, fills)
    with config.environment({"LEVERAGEGUARD_DATA": str(data)}):
        clock.set_world(world.FROM_MS + world.DAYS * 86_400_000)
        started = time.monotonic()
        dbt_runner.build()
        built = time.monotonic()
        path = snapshot.publish()
        _say(f"built in {built - started:.0f} s, published in {time.monotonic() - built:.1f} s")
        with superset_server.served(data) as running:
            clock.set_world(world.FROM_MS + world.DAYS * 86_400_000)
            charts = list(_charts(running, warm))
        report = _report(data)
    floor = _floor(data / "serve" / path / snapshot.FILE_NAME)
    shown = [chart for chart in charts if chart["rows"]]
    slow = sorted(shown, key=lambda chart: chart["warm_p95_ms"], reverse=True)[:SLOWEST]
    everything = [one for chart in shown for one in chart["warm_ms"]]
    return {
        "is_simulated": True,
        "fills": fills,
        "charts": len(charts),
        "charts_without_rows": len(charts) - len(shown),
        "cold_p95_ms": _percentile([chart["cold_ms"] for chart in shown], 95),
        "warm_p50_ms": _percentile(everything, 50),
        "warm_p95_ms": _percentile(everything, 95),
        "duckdb_p95_ms": _percentile(floor, 95),
        "slowest": [{name: chart[name] for name in ("title", "warm_p95_ms")} for chart in slow],
        "report": report,
    }


def _charts(running: Running, warm: int) -> Iterator[dict[str, Any]]:
    opened = session(running, "viewer")
    numbers: list[tuple[int, str]] = []
    for page in range(10):
        query = {"q": f"(page_size:{PAGE},page:{page})"}
        found = opened.get(f"{running.url}/api/v1/chart/", params=query, timeout=60).json()
        numbers += [(one["id"], one["slice_name"]) for one in found["result"]]
    for number, title in numbers:
        url = f"{running.url}/api/v1/chart/{number}/data/"
        times, rows = [], 0
        for _ in range(1 + warm):
            started = time.monotonic()
            answer = opened.get(url, params={"force": "true"}, timeout=300)
            times.append(1000 * (time.monotonic() - started))
            answer.raise_for_status()
            rows = len(answer.json()["result"][0]["data"])
        yield {
            "title": title,
            "rows": rows,
            "cold_ms": round(times[0]),
            "warm_ms": times[1:],
            "warm_p95_ms": round(_percentile(times[1:], 95)),
        }


def _floor(path: Path) -> list[float]:
    """Milliseconds DuckDB alone takes for each metric, asked twice, the second time."""
    with connect.read_only(path) as connection:
        found = connection.execute("select expression, model from dim_metrics").fetchall()
        return [_timed(connection, f"select {one} from {model}") for one, model in found]


def _timed(connection: Any, query: str) -> float:
    connection.execute(query).fetchall()
    started = time.monotonic()
    connection.execute(query).fetchall()
    return 1000 * (time.monotonic() - started)


def _report(data: Path) -> dict[str, float]:
    """A month's report by a process of its own: its seconds, and its largest memory in MB."""
    argv = [sys.executable, "-m", "leverageguard.cli", "report", "--monthly", MONTH, "--again"]
    environment = {**os.environ, "LEVERAGEGUARD_DATA": str(data)}
    started = time.monotonic()
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the report ended with {process.returncode}")
    return {
        "seconds": round(time.monotonic() - started, 1),
        "peak_mb": used.ru_maxrss // 1024,
    }


def _percentile(values: list[float], percent: int) -> float:
    if len(values) == 1:
        return round(values[0], 1)
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def table(found: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [
        f"SIMULATED world, {found['fills']:,} fills, {os.cpu_count()} cores",
        f"{found['charts']} charts, {found['charts_without_rows']} of them without rows here",
        f"warm p50 {found['warm_p50_ms']:.0f} ms, p95 {found['warm_p95_ms']:.0f} ms; "
        f"the first time p95 {found['cold_p95_ms']:.0f} ms; "
        f"DuckDB alone p95 {found['duckdb_p95_ms']:.0f} ms a figure",
        "slowest, warm p95:",
        *(f"  {one['title']:60}{one['warm_p95_ms']:>6} ms" for one in found["slowest"]),
        f"a month's report in six formats: {found['report']['seconds']} s, "
        f"{found['report']['peak_mb']} MB at most",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the figures and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--fills", type=int, default=FILLS)
    parser.add_argument("--data", type=Path, help="keep the world here and take it where it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.fills, options.data or Path(folder))
    print(table(found))
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
