"""Where a stack keeps things: every folder and file below its data folder.

Standard library only, as config.py is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

REPO_DIR = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Folders:
    """The folders of one stack, all below `data_dir`, and those of the code in `repo_dir`."""

    data_dir: Path
    repo_dir: Path = field(default=REPO_DIR, kw_only=True)

    @property
    def raw_dir(self) -> Path:
        """Immutable hourly Parquet as it arrived."""
        return self.data_dir / "raw"

    @property
    def build_raw_dir(self) -> Path:
        """The raw files as the last build of the models read them."""
        return self.data_dir / "dbt" / "raw"

    @property
    def quarantine_dir(self) -> Path:
        """Rows that failed an expectation, with the reason."""
        return self.data_dir / "quarantine"

    @property
    def warehouse_path(self) -> Path:
        """The private DuckDB file; dbt alone opens it."""
        return self.data_dir / "warehouse" / "leverageguard.duckdb"

    @property
    def serve_dir(self) -> Path:
        """Published read-only snapshots; `current` points at the newest."""
        return self.data_dir / "serve"

    @property
    def store_path(self) -> Path:
        """The transactional store's SQLite file, unless it is a PostgreSQL database."""
        return self.data_dir / "store" / "store.db"

    @property
    def secrets_dir(self) -> Path:
        """Generated secrets, mode 0600."""
        return self.data_dir / "secrets"

    @property
    def logs_dir(self) -> Path:
        """One log file a process."""
        return self.data_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """Pid files of the running stack."""
        return self.data_dir / "run"

    @property
    def pages_dir(self) -> Path:
        """Static pages: `dbt` (dbt docs) and `quality` (Data Docs)."""
        return self.data_dir / "pages"

    @property
    def world_dir(self) -> Path:
        """The simulated world in use: a scenario folder and its clock."""
        return self.data_dir / "world"

    @property
    def airflow_home(self) -> Path:
        """Airflow's metadata database and logs."""
        return self.data_dir / "airflow"

    @property
    def dbt_dir(self) -> Path:
        """The dbt project."""
        return self.repo_dir / "dbt_project"

    @property
    def contracts_dir(self) -> Path:
        """Solidity sources and committed artefacts."""
        return self.repo_dir / "include" / "contracts"
