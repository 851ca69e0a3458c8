"""Simulated venues for tests: a world's venue on a free port, on the world's clock.

Use the fixture in a test module or a conftest:  `from tests.simulators import start_simulator`
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from aiohttp import web

from leverageguard import clock
from leverageguard.simulator import scenario
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.server import Simulator
from leverageguard.simulator.venues import twins

SCENARIOS = Path(__file__).parent / "scenarios"


class RunningSimulator:
    """One venue served from a thread; `url` is its base, `core` the object being served."""

    def __init__(self, world: Scenario, venue: str = "okx") -> None:
        self.scenario = world
        self.core = Simulator(world, twins()[venue].serve(world))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = web.AppRunner(self.core.app(), access_log=None)
        port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        self.url = f"http://127.0.0.1:{port}"

    async def _start(self) -> int:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def fault(self, endpoint: str, kind: str, **more: Any) -> None:
        """Ask for a fault, e.g. `fault("trade/fills-history", "truncated", times=2)`."""
        self.ask("POST", "/_faults", {"endpoint": endpoint, "kind": kind, **more})

    def clear_faults(self) -> None:
        self.ask("DELETE", "/_faults")

    def stats(self) -> dict[str, dict[str, int]]:
        """Requests by endpoint and refusals by code."""
        return self.ask("GET", "/_stats")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, method=method)
        with urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())


@pytest.fixture
def start_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., RunningSimulator]]:
    """Start a scenario folder's venue with the world clock at the scenario's `now`.

    The stack's data folder becomes `tmp_path / "data"`; everything stops after the test.
    """
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    running: list[RunningSimulator] = []

    def start(folder: Path, venue: str = "okx") -> RunningSimulator:
        world = scenario.load(folder)
        clock.set_world(world.now_ms)
        running.append(RunningSimulator(world, venue))
        return running[-1]

    yield start
    for simulator in running:
        simulator.stop()
