"""What is configured of the transactional store: a file of the data folder, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leverageguard.chain_settings import ConfigError
from leverageguard.ports import Ports

STORE, POSTGRESQL = "LEVERAGEGUARD_STORE_URL", "postgresql+psycopg://"


@dataclass(frozen=True)
class StoreSettings(Ports):
    """`store_database` is a PostgreSQL database's URL; None keeps the store in a SQLite file."""

    # A URL may hold a password: nothing that prints settings says it.
    store_database: str | None = field(default=None, repr=False, kw_only=True)

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the transactional store."""
        return self.store_database or f"sqlite:///{self.store_path}"

    @property
    def has_store(self) -> bool:
        """False before the first `up` made the store's file."""
        return self.store_database is not None or self.store_path.exists()


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    url = environment.get(STORE) or None
    if url is not None and not url.startswith(POSTGRESQL):
        raise ConfigError(f"{STORE} must begin with {POSTGRESQL}")
    return {"store_database": url}
