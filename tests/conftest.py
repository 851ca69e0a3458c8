"""Every test runs against a data folder of its own, never the developer's stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from cryptography.fernet import Fernet

from leverageguard import config
from leverageguard.store import base
from tests.postgresql import Server

# Machines are noisy: no example fails for having taken long.
hypothesis.settings.register_profile("untimed", deadline=None)
# `pytest --hypothesis-profile=deep` looks ten times longer.
hypothesis.settings.register_profile("deep", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    data = tmp_path / "data"
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(data))
    monkeypatch.delenv("LEVERAGEGUARD_STARTED", raising=False)
    for name in ("STORE_URL", "LAKE_CATALOGUE", "LAKE_FILES", "LAKE_BUILDS"):
        monkeypatch.delenv(f"LEVERAGEGUARD_{name}", raising=False)
    for venue in config.VENUES:
        monkeypatch.delenv(f"LEVERAGEGUARD_{venue.upper()}_URL", raising=False)
    yield data


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server that the tests of one worker share."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, own_data_folder: Path
) -> Iterator[str]:
    """The test runs twice, its store once a SQLite file and once a PostgreSQL database.

    Processes that a test starts find the same store. Ask for it before `settings`.
    """
    if request.param == "sqlite":
        yield request.param
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.database() as url:
        monkeypatch.setenv("LEVERAGEGUARD_STORE_URL", url)
        yield request.param
        base.engine_of(url).dispose()


@pytest.fixture
def settings(own_data_folder: Path) -> config.Settings:
    loaded = config.load()
    loaded.secrets_dir.mkdir(parents=True)
    (loaded.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
    return loaded


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> config.Settings:
    """Settings whose data folder keeps the compiled dbt models for all tests of the session."""
    return config.Settings(data_dir=tmp_path_factory.mktemp("models"))
