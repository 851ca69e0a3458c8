"""Settings: the only reader of the environment, one frozen object.

Standard library only, so that the launcher can use it before anything is installed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

REPO_DIR = Path(__file__).resolve().parents[2]
# Every file there is a venue; their simulated twins take the ports from the third one on.
VENUES = tuple(
    sorted(
        path.stem
        for path in (Path(__file__).parent / "exchanges" / "venues").glob("*.py")
        if not path.stem.startswith("_")
    )
)
FIRST_VENUE_PORT = 3
DEFAULT_PORT = 18080
PORT_FILE = "port"


class ConfigError(Exception):
    """A setting is missing or wrong; the message names it and the fix."""


@dataclass(frozen=True)
class Deployment:
    """Where the pool lives: chain id, pool and token addresses (EIP-55), first block to read."""

    chain_id: int
    pool: str
    token: str
    deployed_block: int


@dataclass(frozen=True)
class Settings:
    """Every setting of one stack; folders hang below `data_dir`, ports above `port_base`."""

    data_dir: Path
    port_base: int = DEFAULT_PORT
    host: str = "127.0.0.1"
    chain_id: int = 31337
    chain_rpc: str | None = None
    confirmations: int = 2
    verifier_count: int = 3
    verifier_threshold: int = 2
    account_group_size: int = 100
    max_batch_size: int = 100
    simulated_pace: int = 20
    venue_urls: Mapping[str, str] = field(default_factory=dict)
    repo_dir: Path = REPO_DIR

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
        """The transactional store's SQLite file."""
        return self.data_dir / "store" / "store.db"

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the transactional store."""
        return f"sqlite:///{self.store_path}"

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

    @property
    def airflow_port(self) -> int:
        """Airflow API server and UI."""
        return self.port_base

    @property
    def superset_port(self) -> int:
        """Superset."""
        return self.port_base + 1

    @property
    def chain_port(self) -> int:
        """The local chain's JSON-RPC."""
        return self.port_base + 2

    @property
    def worker_log_port(self) -> int:
        """Airflow's task-log server."""
        return self.port_base + 15

    def venue_port(self, exchange: str) -> int:
        """The simulator's port for one venue; KeyError for a venue it does not serve."""
        if exchange not in VENUES:
            raise KeyError(f"no exchange {exchange!r}; known: {', '.join(VENUES)}")
        return self.port_base + FIRST_VENUE_PORT + VENUES.index(exchange)

    def venue_url(self, exchange: str) -> str:
        """A venue's REST endpoint; its simulated twin's unless one is set."""
        set_url = self.venue_urls.get(exchange)
        return set_url or f"http://{self.host}:{self.venue_port(exchange)}"

    @property
    def chain_rpc_url(self) -> str:
        """JSON-RPC endpoint of the chain that pays."""
        return self.chain_rpc or f"http://{self.host}:{self.chain_port}"

    @property
    def is_simulated(self) -> bool:
        """True while the stack replays a simulated world."""
        return (self.world_dir / "clock.json").exists()

    def pace(self, exchange: str) -> int:
        """How many times a venue's documented limits may be used: more than once only where the
        venue is our simulated twin."""
        is_twin = self.is_simulated and exchange not in self.venue_urls
        return self.simulated_pace if is_twin else 1

    @property
    def deployment_path(self) -> Path:
        """Where the deployed addresses are kept."""
        return self.data_dir / "deployment.json"

    def secret(self, name: str) -> str:
        """One secret's text; raises ConfigError when it was never generated."""
        path = self.secrets_dir / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            raise ConfigError(
                f"secret {name!r} is missing in {self.secrets_dir}: run ./leverageguard up"
            ) from None

    def deployment(self) -> Deployment:
        """The pool in use; raises ConfigError before it was deployed."""
        try:
            return Deployment(**json.loads(self.deployment_path.read_text()))
        except FileNotFoundError:
            raise ConfigError(
                f"no pool is deployed ({self.deployment_path} is missing): run ./leverageguard up"
            ) from None


def _int(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise ConfigError(f"{name} must be a whole number, not {text!r}") from None


def load() -> Settings:
    """Settings from LEVERAGEGUARD_* variables; raises ConfigError naming a bad one."""
    data = os.environ.get("LEVERAGEGUARD_DATA") or str(REPO_DIR / ".leverageguard")
    port = _int("LEVERAGEGUARD_PORT", remembered_port(Path(data)) or DEFAULT_PORT)
    if not 1024 <= port <= 65500:
        raise ConfigError(f"LEVERAGEGUARD_PORT must lie in 1024..65500, not {port}")
    return Settings(
        data_dir=Path(data).resolve(),
        port_base=port,
        chain_id=_int("LEVERAGEGUARD_CHAIN_ID", 31337),
        chain_rpc=os.environ.get("LEVERAGEGUARD_CHAIN_RPC") or None,
        confirmations=_int("LEVERAGEGUARD_CONFIRMATIONS", 2),
        account_group_size=_int("LEVERAGEGUARD_ACCOUNT_GROUP_SIZE", 100),
        max_batch_size=_int("LEVERAGEGUARD_MAX_BATCH_SIZE", 100),
        simulated_pace=_int("LEVERAGEGUARD_SIMULATED_PACE", 20),
        venue_urls={
            venue: url
            for venue in VENUES
            if (url := os.environ.get(f"LEVERAGEGUARD_{venue.upper()}_URL"))
        },
    )


def remembered_port(data_dir: Path) -> int | None:
    """The first port of the stack that was brought up in this folder, None for a new folder."""
    try:
        return int((data_dir / PORT_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment for a process of this stack: ours, its settings made explicit."""
    return {
        **os.environ,
        "LEVERAGEGUARD_DATA": str(settings.data_dir),
        "LEVERAGEGUARD_PORT": str(settings.port_base),
    }


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for a tool that runs in this process and reads them; taken back afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def command_started() -> float | None:
    """When the launcher was started (epoch seconds), None outside the launcher."""
    text = os.environ.get("LEVERAGEGUARD_STARTED")
    return float(text) if text else None
