"""Airflow: its environment, its three processes, and the REST client that triggers and waits."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import requests

from leverageguard.config import Settings
from leverageguard.stack import processes, secrets
from leverageguard.stack.airflow_processes import (
    components,
    environment,
    metadata_file,
    of_one,
)
from leverageguard.stack.progress import Progress, StackError

POOLS = {"warehouse": "dbt writes the private DuckDB file: one at a time"}
INGEST_DAGS = ("ingest_exchanges", "ingest_markets", "ingest_chain", "ingest_claims")
CHAINED_DAGS = ("build_claims", "settle_payouts", "manage_fund", "publish_reports")
# Started by assets or the clock, and not waited for: the main job ends without people.
WATCHING_DAGS = (
    "gather_evidence", "ingest_filings", "reconcile_payouts", "review_claims", "notify_traders",
    "deliver_reports", "train_risk_model",
)  # fmt: skip
READY_SECONDS = 180.0
RUN_SECONDS = 900.0
CALL_TRIES = 8
BACKFILL_TRIES = 8


def migrate(settings: Settings) -> None:
    """Bring Airflow's metadata database up to date and create the pools, unless Airflow runs."""
    if set(components(settings)) <= set(processes.running(settings)):
        return
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    command(settings, ["db", "migrate"])
    if not settings.is_cluster:
        with sqlite3.connect(metadata_file(settings)) as database:
            database.execute("PRAGMA journal_mode=WAL")  # three processes and the tasks write to it
    for name, description in POOLS.items():
        command(settings, ["pools", "set", name, "1", description])


def command(settings: Settings, words: list[str]) -> str:
    """Run one airflow command and return what it printed; raises StackError when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *words],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise StackError(f"airflow {' '.join(words)} failed:\n{tail}")
    return done.stdout


def start(settings: Settings) -> None:
    """Start every component that is not running yet: `components` lists them."""
    alive = processes.running(settings)
    for name, words in components(settings).items():
        if name not in alive:
            argv = processes.kept_alive(name, [sys.executable, "-m", "airflow", *words])
            processes.start(settings, name, argv, environment(settings) | of_one(settings, name))


def run_command(settings: Settings, words: list[str]) -> int:
    """Become one airflow command; a process that waits for signals gets them itself.

    A backfill is created while its DAG is paused, and tried again when the database stayed busy.
    """
    argv = [sys.executable, "-m", "airflow", *words]
    if words[:2] != ["backfill", "create"] or "--dag-id" not in words:
        os.execve(argv[0], argv, environment(settings))  # noqa: S606 - words, no shell
    environ = {**environment(settings), "LEVERAGEGUARD_BEGIN_IMMEDIATE": "1"}
    dag_id = words[words.index("--dag-id") + 1]
    client = Client(settings)
    client.wait_ready()
    client.pause([dag_id], True)
    try:
        for attempt in range(BACKFILL_TRIES):
            done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
            if done.returncode == 0 or "database is locked" not in done.stderr:
                break
            time.sleep(1 + attempt)
    finally:
        client.pause([dag_id], False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


class Client:
    """The Airflow REST API, logged in as the stack's admin."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._base = settings.airflow_url
        self._http = requests.Session()

    def wait_ready(self) -> None:
        """Wait until the API answers and every DAG of the repository is known."""
        alive = processes.running(self._settings)
        wanted = set(INGEST_DAGS + CHAINED_DAGS + WATCHING_DAGS)
        server = alive[next(iter(components(self._settings)))]
        processes.wait_until(self._log_in, server, self._settings, READY_SECONDS)
        parser = alive["airflow-dag-processor"]
        processes.wait_until(lambda: wanted <= self.dag_ids(), parser, self._settings, 120.0)

    def dag_ids(self) -> set[str]:
        """The ids of every DAG the scheduler knows; raises StackError on an import error."""
        errors = self.get("/api/v2/importErrors")["import_errors"]
        if errors:
            raise StackError(f"a DAG file does not import:\n{errors[0]['stack_trace']}")
        return {dag["dag_id"] for dag in self.get("/api/v2/dags")["dags"]}

    def pause(self, dag_ids: Iterable[str], is_paused: bool) -> None:
        """Stop or let the scheduler start runs of these DAGs."""
        for dag_id in dag_ids:
            self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": is_paused})

    def trigger(self, dag_id: str, conf: dict[str, str], run_id: str | None = None) -> str:
        """Start a run by hand and return its id; asking twice for one run id starts one run."""
        name = run_id or f"manual__{time.time_ns()}"
        body = {"logical_date": None, "conf": conf, "dag_run_id": name}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        return name

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of one run."""
        return str(self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The newest runs of a DAG, newest first."""
        query = "order_by=-run_after&limit=50"
        return list(self.get(f"/api/v2/dags/{dag_id}/dagRuns?{query}")["dag_runs"])

    def failures(self, dag_id: str, run_id: str) -> Iterator[str]:
        """The failed tasks of a run with the last error line of their logs."""
        base = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        for task in self.get(base)["task_instances"]:
            if task["state"] == "failed":
                tail = self._log_error(f"{base}/{task['task_id']}/logs/{task['try_number']}", task)
                yield f"{dag_id}.{task['task_id']}: {tail}"

    def get(self, path: str) -> dict[str, Any]:
        """One GET, parsed."""
        return self._call("GET", path)

    def _log_error(self, path: str, task: dict[str, Any]) -> str:
        index = task.get("map_index", -1)
        content = self.get(f"{path}?map_index={index}&full_content=true").get("content", [])
        errors = [line for line in content if isinstance(line, dict) and line.get("error_detail")]
        if errors:
            detail = errors[-1]["error_detail"][0]
            return f"{detail.get('exc_type')}: {detail.get('exc_value')}"
        return str(content[-1]) if content else "no log"

    def _log_in(self) -> bool:
        body = {"username": "admin", "password": secrets.airflow_password(self._settings, "admin")}
        try:
            answer = self._send("POST", "/auth/token", json=body, timeout=10)
        except requests.exceptions.SSLError:
            raise  # waiting does not mend a certificate
        except requests.ConnectionError:
            return False
        if answer.status_code != requests.codes.created:
            return False
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return True

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        # Said with each call: a variable of the environment would win over what a session has.
        return self._http.request(
            method, self._base + path, verify=self._settings.verify, **options
        )

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One call; a server error is tried again, since every call here may be repeated."""
        for attempt in range(CALL_TRIES):
            answer = self._send(method, path, timeout=120, **options)
            if answer.status_code == requests.codes.conflict and attempt:
                return {}
            if answer.status_code < requests.codes.bad_request:
                return dict(answer.json())
            if answer.status_code < requests.codes.server_error:
                break
            time.sleep(1 + attempt)
        raise StackError(f"Airflow refused {method} {path}: {answer.text[:500]}")


def run_main_job(client: Client, window: tuple[str, str], say: Progress) -> None:
    """Trigger ingestion through the scheduler and wait until reports are published.

    The DAGs are chained by assets: the first run that follows is found by its creation time, each
    later one by the run whose event it took, so only what this call set off is waited for. A run
    that was waiting for its turn and began after that one had ended does as well: it reads all of
    it, and the scheduler may start no other. Raises StackError naming the failed task.
    """
    first, *others = CHAINED_DAGS
    known = {run["dag_run_id"] for run in client.runs(first)}
    conf = {"window_start": window[0], "window_end": window[1]}
    client.pause(INGEST_DAGS, True)  # all four start together, once every trigger is recorded
    started = {dag_id: client.trigger(dag_id, conf) for dag_id in INGEST_DAGS}
    client.pause((*WATCHING_DAGS, *CHAINED_DAGS, *INGEST_DAGS), False)
    for dag_id, run_id in started.items():
        _wait_for_run(client, dag_id, run_id)
        say(f"{dag_id} finished")
    run_id = _next_run(client, first, lambda run: run["dag_run_id"] not in known)
    for before, dag_id in zip((None, first, *others), (first, *others), strict=False):
        if before is not None:
            source = client.get(f"/api/v2/dags/{before}/dagRuns/{run_id}")
            run_id = _next_run(client, dag_id, partial(_follows, client, source))
        _wait_for_run(client, dag_id, run_id)
        say(f"{dag_id} finished")


def _follows(client: Client, source: dict[str, Any], run: dict[str, Any]) -> bool:
    """Whether a run took an event of the ended run `source`, or began after its end."""
    if run["start_date"] and _at(run["start_date"]) >= _at(source["end_date"]):
        return True
    path = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents"
    taken = client.get(path)["asset_events"]
    return any(event["source_run_id"] == source["dag_run_id"] for event in taken)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _next_run(client: Client, dag_id: str, is_it: Callable[[dict[str, Any]], bool]) -> str:
    """The oldest of the newest runs that is the one; StackError when none comes."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        for run in reversed(client.runs(dag_id)):
            if is_it(run):
                return str(run["dag_run_id"])
        time.sleep(0.3)
    raise StackError(f"{dag_id} was never started by its assets: ./leverageguard logs shows why")


def _wait_for_run(client: Client, dag_id: str, run_id: str) -> None:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        state = client.run_state(dag_id, run_id)
        if state == "success":
            return
        if state == "failed":
            reasons = "\n".join(client.failures(dag_id, run_id)) or "no task failed"
            raise StackError(f"the run {run_id} of {dag_id} failed:\n{reasons}")
        time.sleep(0.3)
    raise StackError(f"the run {run_id} of {dag_id} did not end within {RUN_SECONDS:.0f} s")
