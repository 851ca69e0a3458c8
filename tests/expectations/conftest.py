"""A simulated world two hours old, with and without landed rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from leverageguard import clock, config
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS
from tests.expectations.raw_folder import ENDPOINTS, GOOD, HOUR, land, land_windows, row


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data=odd"))
    clock.set_world(HOUR + 2 * HOUR_MS)
    return config.load()


@pytest.fixture
def with_windows(settings: config.Settings) -> config.Settings:
    """Complete windows of two accounts and an instrument, nothing else landed.

    Another venue has an account of the same name.
    """
    landing.ensure_schemas(settings)
    land_windows(settings, "okx", ["acc-1", "acc-2"], *ENDPOINTS)
    land_windows(settings, "okx", ["BTC-USDT-SWAP"], "mark_candles", "trade_candles")
    land_windows(settings, "gate", ["acc-1"], "orders", "liquidations")
    return settings


@pytest.fixture
def landed(with_windows: config.Settings) -> config.Settings:
    """One good row in every table beside the windows."""
    for table in GOOD:
        land(with_windows, table, row(table))
    return with_windows
