"""Every test runs against a data folder of its own, never the developer's stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from leverageguard import config

TESTS = Path(__file__).parent
# What is dear to make and shared by the tests of these places; one worker makes it once.
SHARED = (
    "dbt/test_worlds.py",
    "dbt/test_rebuild.py",
    "evidence",
    "expectations/test_arrival_suites.py",
    "unit/simulator/test_frauds.py",
    "unit/simulator/test_world.py",
    "unit/simulator/test_world_of_venues.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of tests that must stay together when several workers share the tests."""
    for item in items:
        place = str(item.path.relative_to(TESTS))
        group = next((each for each in SHARED if place.startswith(each)), None)
        if "small" in getattr(item, "fixturenames", ()):
            group = "small"
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    data = tmp_path / "data"
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(data))
    monkeypatch.delenv("LEVERAGEGUARD_STARTED", raising=False)
    for venue in config.VENUES:
        monkeypatch.delenv(f"LEVERAGEGUARD_{venue.upper()}_URL", raising=False)
    yield data


@pytest.fixture
def settings(own_data_folder: Path) -> config.Settings:
    loaded = config.load()
    loaded.secrets_dir.mkdir(parents=True)
    (loaded.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
    return loaded
