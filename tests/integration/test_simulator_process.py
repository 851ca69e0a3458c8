"""The simulator as its own process, started as the README of the scenarios says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from leverageguard import config, ports
from leverageguard.config import Settings
from tests.simulators import SCENARIOS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(data: Path, scenario: Path, *words: str, base: int = 18080) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "leverageguard.simulator", "--scenario", str(scenario)]
    return subprocess.Popen(
        [*argv, *words],
        env={**os.environ, "LEVERAGEGUARD_DATA": str(data), "LEVERAGEGUARD_PORT": str(base)},
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(url: str, process: subprocess.Popen[str]) -> dict[str, object]:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=5) as reply:
                return dict(json.loads(reply.read()))
        except URLError:
            time.sleep(0.1)
    raise AssertionError("the simulator did not answer")


def test_process__scenario_on_its_own__starts_the_world_clock_and_stops_when_told(
    tmp_path: Path,
) -> None:
    port = free_port()
    words = ("--venue", "okx", "--port", str(port))
    process = start(tmp_path, SCENARIOS / "okx_real_full_liquidation", *words)
    try:
        health = answer(f"http://127.0.0.1:{port}/_health", process)
        served = answer(f"http://127.0.0.1:{port}/api/v5/public/time", process)
    finally:
        process.terminate()
        log = process.communicate(timeout=20)[1]
    assert health["simulated"] is True
    assert int(str(health["now_ms"])) // 60_000 == 1760131800000 // 60_000
    assert served["code"] == "0"
    assert "endpoint=public/time" in log


def test_process__no_venue_named__serves_each_on_its_port_of_the_stack(tmp_path: Path) -> None:
    base = free_range(ports.FIRST_VENUE_PORT + len(config.VENUES))
    process = start(tmp_path, SCENARIOS / "okx_real_full_liquidation", base=base)
    served = {
        venue: Settings(tmp_path, port_base=base).venue_port(venue) for venue in config.VENUES
    }
    try:
        said = {
            venue: answer(f"http://127.0.0.1:{port}/_health", process)["venue"]
            for venue, port in served.items()
        }
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert said == {venue: venue for venue in config.VENUES}
    assert process.returncode == 0


def free_range(count: int) -> int:
    """The first of so many free ports in a row."""
    for base in range(23000, 60000, 100):
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports")


def test_process__unusable_scenario__exits_2_and_names_the_file(tmp_path: Path) -> None:
    process = start(tmp_path, tmp_path / "nothing")
    log = process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert "world.yaml: is missing" in log
