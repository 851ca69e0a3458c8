"""A simulated world two hours old, with and without landed rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from leverageguard import clock, config
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS
from tests.expectations.raw_folder import ENDPOINTS, GOOD, HOUR, land, row, window


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data=odd"))
    clock.set_world(HOUR + 2 * HOUR_MS)
    return config.load()


@pytest.fixture
def landed(settings: config.Settings) -> config.Settings:
    """Two accounts' windows and one good row in every table."""
    landing.ensure_schemas(settings)
    for table in GOOD:
        land(settings, table, row(table))
    accounts = [window(who, what) for who in ("acc-1", "acc-2") for what in ENDPOINTS]
    landing.replace(settings, "exchanges/fetch_windows", HOUR, "okx-group-00", accounts)
    candles = [window("BTC-USDT-SWAP", "mark_candles")]
    landing.replace(settings, "exchanges/fetch_windows", HOUR, "okx-BTC-USDT-SWAP", candles)
    return settings
