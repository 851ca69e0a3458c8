"""Where builds keep the warehouse: a DuckDB file of the data folder, or a lake many machines share.

A lake is DuckLake: Parquet files in a folder, and a catalogue in PostgreSQL that says which of
them make up which table at which time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leverageguard import cluster_settings
from leverageguard.chain_settings import ConfigError
from leverageguard.cluster_settings import ClusterSettings

CATALOGUE, FILES = "LEVERAGEGUARD_LAKE_CATALOGUE", "LEVERAGEGUARD_LAKE_FILES"
BUILDS = "LEVERAGEGUARD_LAKE_BUILDS"


@dataclass(frozen=True)
class Lake:
    """A lake: its catalogue as libpq is told of it, its folder, and how many builds it keeps."""

    # It may hold a password: nothing that prints a lake says it.
    catalogue: str = field(repr=False)
    files: Path
    builds: int = 3


Warehouse = Path | Lake


@dataclass(frozen=True)
class LakeSettings(ClusterSettings):
    """`lake_catalogue` is a libpq connection string; without one a cluster has its own, and one
    process of each kind keeps the warehouse in a file."""

    lake_catalogue: str | None = field(default=None, repr=False, kw_only=True)
    lake_files: Path | None = field(default=None, kw_only=True)
    lake_builds: int = field(default=3, kw_only=True)

    @property
    def lake_dir(self) -> Path:
        """The lake's Parquet files; every machine that builds or publishes sees this folder."""
        return self.lake_files or self.data_dir / "lake"

    @property
    def lake(self) -> Lake | None:
        """The lake that builds go to, None while they go to a file."""
        own = self.postgresql_words(cluster_settings.LAKE) if self.is_cluster else None
        catalogue = self.lake_catalogue or own
        return Lake(catalogue, self.lake_dir, self.lake_builds) if catalogue else None

    @property
    def warehouse(self) -> Warehouse:
        """What builds fill: the lake, or the private DuckDB file."""
        return self.lake or self.warehouse_path


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    files = environment.get(FILES) or None
    builds = environment.get(BUILDS) or "3"
    if not builds.isdecimal() or int(builds) < 1:
        raise ConfigError(f"{BUILDS} must be a whole number from 1 on, not {builds!r}")
    return {
        "lake_catalogue": environment.get(CATALOGUE) or None,
        "lake_files": Path(files).resolve() if files else None,
        "lake_builds": int(builds),
    }
