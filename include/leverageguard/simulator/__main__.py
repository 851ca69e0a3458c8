"""Serve the venues of a scenario folder: `python -m leverageguard.simulator --scenario FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Mapping

from aiohttp import web

from leverageguard import clock, config
from leverageguard.simulator import scenario
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.server import Simulator
from leverageguard.simulator.venues import twins

log = logging.getLogger(__name__)


def main() -> int:
    """Serve until stopped; 2 when the scenario cannot be used.

    Every venue has a port of its own. A folder played on its own has no world clock yet: it then
    starts at the scenario's `now`.
    """
    options = _options()
    settings = config.load()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        world = scenario.load(options.scenario)
    except scenario.ScenarioError as error:
        log.error("scenario refused: %s", error)
        return 2
    if not clock.is_simulated():
        clock.set_world(world.now_ms)
    names = [options.venue] if options.venue else list(twins())
    ports = {name: options.port or settings.venue_port(name) for name in names}
    asyncio.run(_serve(world, settings.host, ports))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m leverageguard.simulator", description=__doc__)
    parser.add_argument("--scenario", required=True, help="the scenario folder to replay")
    parser.add_argument("--venue", choices=sorted(twins()), help="default: every venue")
    parser.add_argument("--port", type=int, help="with --venue; default: its port of this stack")
    options = parser.parse_args()
    if options.port and not options.venue:
        parser.error("--port needs --venue: every venue has a port of its own")
    return options


async def _serve(world: Scenario, host: str, ports: Mapping[str, int]) -> None:
    """Serve each venue on its port until the process is told to stop."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runners = []
    for name, port in ports.items():
        runner = web.AppRunner(Simulator(world, twins()[name].serve(world)).app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        runners.append(runner)
        log.info("serving venue=%s world=%s port=%s", name, world.name, port)
    await stopped.wait()
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
