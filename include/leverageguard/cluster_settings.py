"""What is configured of the profile: one process of each kind, or a cluster of servers.

In a cluster whoever calls shows a certificate of the stack's own authority, and so does whoever
answers: databases are entered by certificate alone, without a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from leverageguard import store_settings
from leverageguard.chain_settings import ConfigError
from leverageguard.secrets_settings import SecretsSettings
from leverageguard.store_settings import StoreSettings

PROFILE, WORKERS = "LEVERAGEGUARD_PROFILE", "LEVERAGEGUARD_WORKERS"
EMBEDDED, CLUSTER = PROFILES = ("embedded", "cluster")
PROFILE_FILE = "profile"
# Databases of the PostgreSQL server; each belongs to a role of its name.
AIRFLOW, STORE, SUPERSET, LAKE = DATABASES = ("airflow", "store", "superset", "lake")
# Databases of the Redis.
COUNTERS, CHARTS, CHART_JOBS = range(3)
CLIENT = "leverageguard"
TASKS_A_WORKER = 2


@dataclass(frozen=True)
class ClusterSettings(SecretsSettings, StoreSettings):
    """`workers` is how many Celery workers a cluster runs, `TASKS_A_WORKER` tasks at once each."""

    profile: str = field(default=EMBEDDED, kw_only=True)
    workers: int = field(default=2, kw_only=True)

    @property
    def is_cluster(self) -> bool:
        """True where servers share the work, False for one process of each kind."""
        return self.profile == CLUSTER

    @property
    def scheme(self) -> str:
        """How pages and APIs of this stack are called: a cluster speaks TLS alone."""
        return "https" if self.is_cluster else "http"

    @property
    def airflow_url(self) -> str:
        """Airflow's UI and API, with the gateway's below /leverageguard."""
        return f"{self.scheme}://{self.host}:{self.airflow_port}"

    @property
    def superset_url(self) -> str:
        """Superset."""
        return f"{self.scheme}://{self.host}:{self.superset_port}"

    @property
    def tls_dir(self) -> Path:
        """The cluster's certificates and their keys, the authority's among them."""
        return self.secrets_dir / "tls"

    @property
    def ca_file(self) -> Path:
        """The certificate of the stack's own authority."""
        return self.tls_dir / "ca.crt"

    @property
    def verify(self) -> str | bool:
        """By which authority this stack's own servers are believed, as `requests` takes it."""
        return str(self.ca_file) if self.is_cluster else True

    def certificate(self, name: str) -> tuple[Path, Path]:
        """The files of one certificate and its key."""
        return self.tls_dir / f"{name}.crt", self.tls_dir / f"{name}.key"

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the transactional store."""
        if self.store_database is None and self.is_cluster:
            return self.postgresql_url(STORE)
        return super().store_url

    @property
    def has_store(self) -> bool:
        """False before the first `up` made it."""
        return self.ca_file.exists() if self.is_cluster else super().has_store

    def postgresql_url(self, database: str, driver: str = store_settings.POSTGRESQL) -> str:
        """SQLAlchemy URL of one database of the cluster's PostgreSQL; it holds no password."""
        where = self._postgresql(database)
        told = urlencode({name: where[name] for name in where if name.startswith("ssl")}, safe="/")
        return f"{driver}{database}@{self.host}:{self.postgresql_port}/{database}?{told}"

    def postgresql_words(self, database: str) -> str:
        """The same as libpq's words, for what takes no URL."""
        return " ".join(f"{name}={value}" for name, value in self._postgresql(database).items())

    def _postgresql(self, database: str) -> dict[str, str]:
        certificate, key = self.certificate(f"client-{database}")
        return {
            "host": self.host,
            "port": str(self.postgresql_port),
            "user": database,
            "dbname": database,
            "sslmode": "verify-full",
            "sslrootcert": str(self.ca_file),
            "sslcert": str(certificate),
            "sslkey": str(key),
        }

    def redis_url(self, database: int) -> str:
        """One database of the cluster's Redis; the URL holds its password, so it is never shown."""
        certificate, key = self.certificate(f"client-{CLIENT}")
        told = {
            "ssl_cert_reqs": "required",
            "ssl_ca_certs": self.ca_file,
            "ssl_certfile": certificate,
            "ssl_keyfile": key,
        }
        password = quote(self.secret("redis_password"), safe="")
        where = f"{self.host}:{self.redis_port}/{database}"
        return f"rediss://:{password}@{where}?{urlencode(told, safe='/')}"


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    text = environment.get(WORKERS) or "2"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise ConfigError(f"{WORKERS} must be a whole number from 1 to 64, not {text!r}")
    return {**store_settings.read(environment), "workers": int(text)}


def profile(environment: Mapping[str, str], data_dir: Path) -> str:
    """The profile that is asked for, else the one of this data folder, else embedded."""
    asked = environment.get(PROFILE) or remembered(data_dir) or EMBEDDED
    if asked not in PROFILES:
        raise ConfigError(f"{PROFILE} is {' or '.join(PROFILES)}, not {asked!r}")
    return asked


def remembered(data_dir: Path) -> str | None:
    """The profile of the stack that was brought up in this folder, None for a new folder."""
    try:
        return (data_dir / PROFILE_FILE).read_text().strip()
    except FileNotFoundError:
        return None
