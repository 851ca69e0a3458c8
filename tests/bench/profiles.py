"""What a cluster costs on one machine, and what a second worker brings: three whole stacks in turn.

Each of the profiles (embedded; a cluster of one Celery worker; a cluster of two, two tasks at once
each) is brought up fresh with the default world. Then two things are timed by the scheduler's own
clock: the day (from the first task of the main job to the end of the last one), and landing the
same day's orders, fills and positions of every account anew, `ROUNDS` times, as
tasks of venues and account groups. Ratios are to the embedded profile of the same run. With fewer
cores than tasks the second worker can bring little: the processors are shared, not added.
SIMULATED: prices, accounts and money are made up. Run it with `./leverageguard bench profiles`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard import config
from leverageguard.stack import airflow
from tests.e2e.stacks import Stack

FIRST_PORT, ROUNDS, PATIENCE_S = 26_000, 3, 900.0
INGEST = "ingest_exchanges"
DAY = {"window_start": "2026-01-04T23:00:00Z", "window_end": "2026-01-06T02:00:00Z"}
PROFILES = {
    "embedded": {"LEVERAGEGUARD_PROFILE": "embedded"},
    "cluster, 1 worker": {"LEVERAGEGUARD_PROFILE": "cluster", "LEVERAGEGUARD_WORKERS": "1"},
    "cluster, 2 workers": {"LEVERAGEGUARD_PROFILE": "cluster", "LEVERAGEGUARD_WORKERS": "2"},
}


def measure(variables: dict[str, str]) -> dict[str, float]:
    """Seconds of the day and of landing it anew, and the tasks that the latter took."""
    # Servers of a cluster are not root, so they must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="lg-bench-"))
    folder.chmod(0o755)
    stack = Stack(folder / "data", FIRST_PORT, variables)
    try:
        stack.run("up", "--no-superset")
        where = {"LEVERAGEGUARD_DATA": str(stack.data), "LEVERAGEGUARD_PORT": str(stack.port)}
        with config.environment(where):
            return _measure(airflow.Client(config.load()))
    finally:
        stack.run("down", check=False)
        shutil.rmtree(folder)


def _measure(client: airflow.Client) -> dict[str, float]:
    client.wait_ready()
    day = [
        instant
        for dag_id in (*airflow.INGEST_DAGS, *airflow.CHAINED_DAGS)
        for task in _tasks(client, dag_id, "~")
        for instant in _times(task)
    ]
    client.pause((*airflow.WATCHING_DAGS, *airflow.CHAINED_DAGS), True)
    rounds, tasks = [], 0
    for _ in range(ROUNDS):
        run_id = client.trigger(INGEST, DAY)
        _wait(client, run_id)
        done = _tasks(client, INGEST, run_id)
        found = [instant for task in done for instant in _times(task)]
        rounds.append(max(found) - min(found))
        tasks = len(done)
    return {"day_s": max(day) - min(day), "landing_s": statistics.median(rounds), "tasks": tasks}


def _tasks(client: airflow.Client, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=1000"
    return list(client.get(path)["task_instances"])


def _times(task: dict[str, Any]) -> list[float]:
    given = (task["start_date"], task["end_date"])
    return [datetime.fromisoformat(text).timestamp() for text in given if text]


def _wait(client: airflow.Client, run_id: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while (state := client.run_state(INGEST, run_id)) != "success":
        if state == "failed" or time.monotonic() > until:
            raise ValueError(f"{INGEST} {run_id} is {state}")
        time.sleep(0.3)


def with_ratios(found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Each profile's seconds, and how many times the embedded profile's they are."""
    first = found["embedded"]
    return {
        name: {
            **values,
            "day_ratio": values["day_s"] / first["day_s"],
            "landing_ratio": values["landing_s"] / first["landing_s"],
            "tasks_per_minute": 60 * values["tasks"] / values["landing_s"],
        }
        for name, values in found.items()
    }


def main() -> None:
    """Print the table, with --json one object at the end."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    found = {}
    for name, variables in PROFILES.items():
        print(f"{name} …", file=sys.stderr, flush=True)
        found[name] = measure(variables)
    shown = with_ratios(found)
    print(f"{os.cpu_count()} cores; seconds, and ratios to the embedded profile (SIMULATED world)")
    print(f"{'profile':<20}{'day':>8}{'ratio':>7}{'landing':>9}{'ratio':>7}{'tasks/min':>11}")
    for name, one in shown.items():
        print(
            f"{name:<20}{one['day_s']:>8.1f}{one['day_ratio']:>7.2f}{one['landing_s']:>9.1f}"
            f"{one['landing_ratio']:>7.2f}{one['tasks_per_minute']:>11.1f}"
        )
    if asked.json:
        print(json.dumps(shown))


if __name__ == "__main__":
    main()
