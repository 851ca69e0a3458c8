"""The simulated world of a stack: its folder, its clock and the venues that replay it."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import requests

from leverageguard import clock, config
from leverageguard.config import VENUES, Settings
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator.scenario import Scenario
from leverageguard.stack import processes
from leverageguard.stack.progress import StackError

HOUR_MS = 3_600_000
SEED = 7
SIMULATOR = "simulator"


def prepare(settings: Settings, wanted: Path | None) -> Scenario:
    """The world of this stack: made at the first call, the same one after that.

    Its clock begins an hour before its start, time to deploy the pool before the first purchase.
    Raises StackError when another scenario is asked for than the one the data folder holds.
    """
    chosen = settings.world_dir / "chosen.json"
    asked = str(wanted.resolve()) if wanted else None
    if chosen.exists():
        kept = json.loads(chosen.read_text())["scenario"]
        if asked is not None and kept != asked:
            raise StackError(
                f"the data folder {settings.data_dir} already holds the world {kept or 'default'}: "
                "choose another folder with --data"
            )
    else:
        _make(settings, wanted)
        chosen.write_text(json.dumps({"scenario": asked}))
    scenario = scenarios.load(settings.world_dir / "scenario")
    if not (settings.world_dir / "clock.json").exists():
        clock.set_world(scenario.start_ms - HOUR_MS)
    return scenario


def come_to_now(scenario: Scenario) -> None:
    """Let the world's time reach the moment from which its past is looked at."""
    if clock.now_ms() < scenario.now_ms:
        clock.set_world(scenario.now_ms)


def window(settings: Settings, scenario: Scenario) -> tuple[str, str]:
    """The hours of the main job, ISO 8601, the last full hour included.

    The first job covers the world from an hour before its start; a later one goes on where the
    one before ended, with two hours of overlap for what arrived late. Open gaps are asked again
    whatever the window.
    """
    first = scenario.start_ms // HOUR_MS * HOUR_MS - HOUR_MS
    last = max(clock.now_ms(), scenario.now_ms) // HOUR_MS * HOUR_MS
    done = _window_file(settings)
    if done.exists():
        first = max(first, int(json.loads(done.read_text())["until_ms"]) - 2 * HOUR_MS)
    return _iso(first), _iso(last)


def window_is_done(settings: Settings, window_end: str) -> None:
    """Remember how far the main job came."""
    until = {"until_ms": clock.parse_ms(window_end)}
    _window_file(settings).write_text(json.dumps(until))


def _window_file(settings: Settings) -> Path:
    return settings.world_dir / "main_job.json"


def start_venues(settings: Settings) -> None:
    """Start the simulator unless it runs, and wait until every venue answers."""
    if SIMULATOR in processes.running(settings):
        return
    folder = settings.world_dir / "scenario"
    command = [sys.executable, "-m", "leverageguard.simulator", "--scenario", str(folder)]
    argv = processes.kept_alive(SIMULATOR, command)
    process = processes.start(settings, SIMULATOR, argv, config.child_environment(settings))
    for venue in VENUES:
        url = f"http://{settings.host}:{settings.venue_port(venue)}/_health"
        processes.wait_until(lambda url=url: _answers(url), process, settings, 60.0)  # type: ignore[misc]


def _make(settings: Settings, wanted: Path | None) -> None:
    settings.world_dir.mkdir(parents=True, exist_ok=True)
    target = settings.world_dir / "scenario"
    shutil.rmtree(target, ignore_errors=True)
    if wanted is None:
        from leverageguard.simulator import world
        from leverageguard.simulator.seeded import visitors

        world.write(target, seed=SEED, visitors=visitors.COUNT)
        return
    source = scenarios.load(wanted)
    shutil.copytree(source.replies_folder, target)
    shutil.copy(wanted / scenarios.WORLD_FILE, target / scenarios.WORLD_FILE)
    _drop_reference(target / scenarios.WORLD_FILE)


def _drop_reference(file: Path) -> None:
    """The copy holds the replies itself, so it names no other folder."""
    kept = [
        line
        for line in file.read_text().splitlines(keepends=True)
        if not line.startswith("replies_from:")
    ]
    file.write_text("".join(kept))


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
