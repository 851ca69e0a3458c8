"""Settings: the only reader of the environment, one frozen object.

Standard library only, so that the launcher can use it before anything is installed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from leverageguard import (
    chain_settings,
    cluster_settings,
    fund_settings,
    gateway_settings,
    keys_settings,
    lake_settings,
    monitoring_settings,
    people_settings,
    reporting_settings,
    secrets_settings,
)  # fmt: skip
from leverageguard.chain_settings import ChainSettings, ConfigError, Deployment
from leverageguard.folders import REPO_DIR
from leverageguard.gateway_settings import GatewaySettings
from leverageguard.keys_settings import KeysSettings
from leverageguard.lake_settings import LakeSettings
from leverageguard.monitoring_settings import MonitoringSettings
from leverageguard.people_settings import APPROVALS_NEEDED, APPROVERS, PeopleSettings
from leverageguard.ports import DEFAULT_PORT, VENUES
from leverageguard.reporting_settings import ReportingSettings

__all__ = [
    "APPROVALS_NEEDED", "APPROVERS", "DEFAULT_PORT", "REPO_DIR", "VENUES", "ChainSettings",
    "ConfigError", "Deployment", "Settings", "child_environment", "command_started", "environment",
    "load", "remembered_port",
]  # fmt: skip

PORT_FILE = "port"
CHAINS_FILE = "chains.toml"
PARTS = (
    people_settings, fund_settings, gateway_settings, keys_settings, monitoring_settings,
    reporting_settings, secrets_settings, cluster_settings, lake_settings,
)  # fmt: skip
ONE_CHAIN = tuple(f"LEVERAGEGUARD_{name}" for name in ("CHAIN_ID", "CHAIN_RPC", "CONFIRMATIONS"))


@dataclass(frozen=True)
class Settings(
    fund_settings.FundSettings,
    GatewaySettings,
    KeysSettings,
    MonitoringSettings,
    PeopleSettings,
    ReportingSettings,
    LakeSettings,
):
    """Every setting of one stack; folders hang below `data_dir`, ports above `port_base`.

    It speaks of one chain at a time, the first one until `on_chain` names another.
    """

    chain_id: int = 31337
    chain_rpc: str | None = None
    confirmations: int = 2
    chain_blocks: tuple[ChainSettings, ...] = ()
    verifier_count: int = 3
    verifier_threshold: int = 2
    account_group_size: int = 100
    max_batch_size: int = 100
    simulated_pace: int = 20
    venue_urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def signing_dir(self) -> Path:
        """Where signing requests and signatures are exchanged; verifiers may share it alone."""
        return self.signing_folder or self.data_dir / "signing"

    def venue_url(self, exchange: str) -> str:
        """A venue's REST endpoint; its simulated twin's unless one is set."""
        return self.venue_urls.get(exchange) or f"http://{self.host}:{self.venue_port(exchange)}"

    @property
    def counting_url(self) -> str:
        """Where the gateway counts requests: as configured, in a cluster in its Redis."""
        if self.is_cluster and self.rate_limits == gateway_settings.MEMORY:
            return self.redis_url(cluster_settings.COUNTERS)
        return self.rate_limits

    @property
    def chains(self) -> tuple[ChainSettings, ...]:
        """Every chain that pays; the first one's id is in the signatures given off the chain."""
        return self.chain_blocks or (
            ChainSettings("local", self.chain_id, confirmations=self.confirmations),
        )

    @property
    def chain(self) -> ChainSettings:
        """What is configured of the chain these settings speak of."""
        plain = ChainSettings(str(self.chain_id), self.chain_id, confirmations=self.confirmations)
        return next((one for one in self.chains if one.chain_id == self.chain_id), plain)

    def on_chain(self, which: int | str) -> Settings:
        """The settings of one chain by id or name; raises ConfigError when none is configured."""
        found = next((one for one in self.chains if which in (one.chain_id, one.name)), None)
        if found is None:
            known = ", ".join(f"{one.name} ({one.chain_id})" for one in self.chains)
            raise ConfigError(f"chain {which} is not configured; known: {known}")
        # An endpoint set by hand goes with the chain it was set for.
        rpc = self.chain_rpc if found.chain_id == self.chain_id else None
        return replace(
            self, chain_id=found.chain_id, chain_rpc=rpc, confirmations=found.confirmations
        )

    @property
    def chain_rpc_urls(self) -> tuple[str, ...]:
        """JSON-RPC endpoints of the chain, best first; those kept as secrets are looked up."""
        if self.chain_rpc:
            return tuple(url for part in self.chain_rpc.split(",") if (url := part.strip()))
        secret = chain_settings.SECRET
        named = (
            self.secret(url.removeprefix(secret)) if url.startswith(secret) else url
            for url in self.chain.rpc
        )
        return tuple(named) or (f"http://{self.host}:{self.chain_port}",)

    @property
    def chain_rpc_url(self) -> str:
        """The chain's first JSON-RPC endpoint."""
        return self.chain_rpc_urls[0]

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
        """Where the addresses deployed on this chain are kept."""
        return self.data_dir / "deployments" / f"{self.chain_id}.json"

    def deployment(self) -> Deployment:
        """The chain's pool; raises ConfigError before it was deployed."""
        named = self.chain.deployment()
        if named is not None:
            return named
        try:
            return Deployment(**json.loads(self.deployment_path.read_text()))
        except FileNotFoundError:
            raise ConfigError(
                f"no pool is deployed on chain {self.chain_id} ({self.deployment_path} is "
                "missing): run ./leverageguard up, or name it in chains.toml"
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
        profile=cluster_settings.profile(os.environ, Path(data)),
        **_chains(Path(data).resolve()),
        account_group_size=_int("LEVERAGEGUARD_ACCOUNT_GROUP_SIZE", 100),
        max_batch_size=_int("LEVERAGEGUARD_MAX_BATCH_SIZE", 100),
        simulated_pace=_int("LEVERAGEGUARD_SIMULATED_PACE", 20),
        venue_urls={
            venue: url
            for venue in VENUES
            if (url := os.environ.get(f"LEVERAGEGUARD_{venue.upper()}_URL"))
        },
        **{name: value for part in PARTS for name, value in part.read(os.environ).items()},
    )


def _chains(data_dir: Path) -> dict[str, Any]:
    """The chains of the file, else the one that variables describe."""
    named = os.environ.get("LEVERAGEGUARD_CHAINS")
    path = Path(named) if named else data_dir / CHAINS_FILE
    if not named and not path.exists():
        return {
            "chain_id": _int("LEVERAGEGUARD_CHAIN_ID", 31337),
            "chain_rpc": os.environ.get("LEVERAGEGUARD_CHAIN_RPC") or None,
            "confirmations": _int("LEVERAGEGUARD_CONFIRMATIONS", 2),
        }
    both = [name for name in ONE_CHAIN if os.environ.get(name)]
    if both:
        raise ConfigError(f"{path} says which chains pay: unset {', '.join(both)}")
    blocks = chain_settings.read(path)
    return {
        "chain_id": blocks[0].chain_id,
        "confirmations": blocks[0].confirmations,
        "chain_blocks": blocks,
    }


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
        cluster_settings.PROFILE: settings.profile,
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
