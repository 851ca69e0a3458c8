"""Serve one venue of a scenario folder: `python -m leverageguard.simulator --scenario FOLDER`."""

from __future__ import annotations

import argparse
import logging
import sys

from aiohttp import web

from leverageguard import clock, config
from leverageguard.simulator import scenario
from leverageguard.simulator.server import Simulator
from leverageguard.simulator.venues import VENUES

log = logging.getLogger(__name__)


def main() -> int:
    """Serve until stopped; 2 when the scenario cannot be used.

    A folder played on its own has no world clock yet: it then starts at the scenario's `now`.
    """
    parser = argparse.ArgumentParser(prog="python -m leverageguard.simulator", description=__doc__)
    parser.add_argument("--scenario", required=True, help="the scenario folder to replay")
    parser.add_argument("--venue", choices=sorted(VENUES), default="okx")
    parser.add_argument("--port", type=int, help="default: the venue's port of this stack")
    options = parser.parse_args()
    settings = config.load()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        world = scenario.load(options.scenario)
    except scenario.ScenarioError as error:
        log.error("scenario refused: %s", error)
        return 2
    if not clock.is_simulated():
        clock.set_world(world.now_ms)
    port = options.port or settings.venue_port(options.venue)
    log.info("serving venue=%s world=%s port=%s", options.venue, world.name, port)
    app = Simulator(world, VENUES[options.venue](world)).app()
    web.run_app(app, host=settings.host, port=port, access_log=None, print=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
