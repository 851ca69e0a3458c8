"""What a venue's own rows become passes the arrival boundary, whatever that venue leaves unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leverageguard import clock
from leverageguard.config import VENUES, Settings
from leverageguard.exchanges import market_steps, steps
from leverageguard.exchanges.limiter import Limiter
from leverageguard.intake import quotes
from leverageguard.quality import quarantine
from leverageguard.quality import steps as quality
from leverageguard.simulator import limits, scenario
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS
from tests.integration.venue_world import START_MS, VenueWorld
from tests.simulators import RunningSimulator

pytestmark = pytest.mark.slow

SHOWN = ("orders", "fills", "ledger", "positions", "stops", "account_configs", "leverages",
         "instruments", "candles", "endpoints", "fetch_windows", "replies")  # fmt: skip


@pytest.fixture(params=VENUES)
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VenueWorld]:
    """Served without limits: the pace has tests of its own."""
    made = VenueWorld(request.param, accounts=1, lives=5, burst=4)
    made.folder = made.write(tmp_path / "world")
    loaded = scenario.load(made.folder)
    clock.set_world(loaded.now_ms)
    simulator = RunningSimulator(loaded, made.exchange)
    inst_ids = [made.symbol.inst_id]
    monkeypatch.setenv(f"LEVERAGEGUARD_{made.exchange.upper()}_URL", simulator.url)
    monkeypatch.setattr(Limiter, "acquire", lambda *_: 0.0)
    monkeypatch.setattr(limits.Limiter, "accepts", lambda *_: True)
    monkeypatch.setattr(quotes, "instruments", lambda _: {made.exchange: inst_ids})
    monkeypatch.setattr(quotes, "instruments_of", lambda _, ids: dict.fromkeys(ids, inst_ids))
    yield made
    simulator.stop()


def pulled(world: VenueWorld) -> Settings:
    settings = world.enrol()
    landing.ensure_schemas(settings)
    for part in steps.plan(iso(START_MS), iso(START_MS + world.hours * HOUR_MS)):
        steps.fetch(part)
    for part in market_steps.plan(iso(START_MS), iso(START_MS + HOUR_MS)):
        if part["exchange"] == world.exchange:
            market_steps.fetch(part)
    return settings


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def test_check_arrivals__rows_of_a_venue__all_pass(world):
    settings = pulled(world)
    empty = [name for name in SHOWN if not landing.scan(settings, f"exchanges/{name}")]
    assert empty == []
    assert quality.check_arrivals()["quarantined"] == 0
    assert quarantine.listing(settings) == []
