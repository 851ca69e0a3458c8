"""The servers under load, each a process, and locust beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

REPO = Path(__file__).resolve().parents[3]
PREFIX = "/leverageguard/api/v1"
READY_SECONDS = 60.0


class Server:
    """One process that answers on a port; `stop` ends it, `kill` as a power cut would."""

    def __init__(self, argv: list[str], url: str, environment: Mapping[str, str]) -> None:
        self.url = url
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server
        self._process = subprocess.Popen(
            [sys.executable, *argv],
            env=_environment(environment),
            stdout=subprocess.DEVNULL,
            stderr=self._told,
        )

    def wait(self, path: str) -> Server:
        """Itself, once it answers."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                self._told.seek(0)
                told = self._told.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"the server of {self.url} ended: {told}")
            try:
                if requests.get(self.url + path, timeout=2).ok:
                    return self
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError(f"the server of {self.url} did not answer")

    def kill(self) -> None:
        """End it at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


def hello(port: int) -> Server:
    """The bare app."""
    argv = [str(REPO / "tests/bench/_gateway/hello.py"), str(port)]
    return Server(argv, f"http://127.0.0.1:{port}", {}).wait("/hello")


def gateway(port: int, **variables: str) -> Server:
    """The gateway as `./leverageguard gateway` serves it."""
    argv = ["-m", "leverageguard.cli", "gateway", "--port", str(port)]
    return Server(argv, f"http://127.0.0.1:{port}", variables).wait(f"{PREFIX}/health")


def locust(
    scenario: str, server: Server, users: int, seconds: int, **files: Path
) -> subprocess.Popen[str]:
    """Locust under way; `measured` waits for it."""
    argv = [
        sys.executable, "-m", "locust", "-f", str(REPO / "tests/bench/_gateway/callers.py"),
        "--headless", "-u", str(users), "-r", str(users), "-t", f"{seconds}s", "--json",
        "--host", server.url, "--exit-code-on-error", "0", "--loglevel", "ERROR",
        "--stop-timeout", "30",
    ]  # fmt: skip
    variables = {"SCENARIO": scenario, **{name.upper(): str(path) for name, path in files.items()}}
    return subprocess.Popen(
        argv,
        env={**_environment({}), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def measured(running: subprocess.Popen[str]) -> dict[str, Any]:
    """Requests, failures, throughput and latencies over all of what a locust asked, and by name."""
    output, _ = running.communicate(timeout=600)
    entries = json.loads(output)
    times: dict[float, int] = {}
    for entry in entries:
        for text, count in entry["response_times"].items():
            times[float(text)] = times.get(float(text), 0) + count
    asked = sum(entry["num_requests"] for entry in entries)
    began = min(entry["start_time"] for entry in entries)
    ended = max(entry["last_request_timestamp"] or began for entry in entries)
    return {
        "requests": asked,
        "failures": sum(entry["num_failures"] for entry in entries),
        "seconds": round(ended - began, 1),
        "requests_per_s": round(asked / max(ended - began, 0.001), 1),
        "p50_ms": _percentile(times, 50),
        "p99_ms": _percentile(times, 99),
        "by_name": {
            entry["name"]: {
                "requests": entry["num_requests"],
                "p99_ms": _percentile(
                    {float(text): count for text, count in entry["response_times"].items()}, 99
                ),
            }
            for entry in entries
        },
    }


def _percentile(times: Mapping[float, int], percent: int) -> float:
    """The least time that so many percent of the requests took at most."""
    wanted, seen = sum(times.values()) * percent / 100, 0
    for at in sorted(times):
        seen += times[at]
        if seen >= wanted:
            return at
    return 0.0


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Ours, and this tree's package rather than an installed one."""
    return {**os.environ, "PYTHONPATH": str(REPO / "include"), **variables}
