"""`./leverageguard containers`: what the containers of docker/compose.yaml need before they start.

Each server there is an image of its own makers; keys, certificates and configurations are those of
the cluster profile, written here into the volumes. Both steps may be repeated.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import yaml

from leverageguard import cluster_settings
from leverageguard.config import ConfigError, Settings
from leverageguard.stack import airflow, monitoring, secrets
from leverageguard.stack.cluster import (
    certificates,
    nginx,
    postgresql,
    profile,
    rabbitmq,
    redis,
    servers,
)  # fmt: skip
from leverageguard.stack.up import migrate_store

# Where this runs as root, as in tests, its folder is nobody's.
GRAFANA = servers.Server("grafana", "grafana", "grafana", "nobody")
# The balancer's ports are published; everything else is on the loopback interface they share.
EVERYWHERE = "0.0.0.0"  # noqa: S104
SUPERSET_TLS = ("superset.crt", "superset.key", "client-superset.crt", "client-superset.key",
                "client-leverageguard.crt", "client-leverageguard.key", "ca.crt")  # fmt: skip


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """One step, told a line at a time; ConfigError where the profile is not the cluster's."""
    if not settings.is_cluster:
        raise ConfigError(f"containers are a cluster: set {cluster_settings.PROFILE}=cluster")
    yield from (prepare if options["action"] == "prepare" else migrate)(settings)


def prepare(settings: Settings) -> Iterator[str]:
    """Before any server runs: secrets, certificates, configurations."""
    for folder in (settings.data_dir, settings.logs_dir, settings.run_dir, settings.serve_dir):
        folder.mkdir(parents=True, exist_ok=True)
    profile_file = settings.data_dir / cluster_settings.PROFILE_FILE
    profile_file.write_text(f"{cluster_settings.CLUSTER}\n")
    secrets.generate(settings)
    certificates.authority(settings)
    for name in profile.SPOKEN_BY_OURS:
        certificates.of_server(settings, name)
    for name in (cluster_settings.CLIENT, *cluster_settings.DATABASES):
        certificates.of_client(settings, name)
    yield f"secrets and certificates are in {settings.secrets_dir}"
    rabbitmq.remember_url(settings)
    rabbitmq.configure(settings)
    redis.configure(settings)
    nginx.configure(settings, listen=EVERYWHERE)
    postgresql.SERVER.tls(settings)
    _once(settings, postgresql.SERVER, "superuser_password")
    GRAFANA.tls(settings)
    _once(settings, GRAFANA, "admin_password")
    _for_superset(settings)
    yield f"servers are configured in {settings.data_dir / 'servers'}"


def migrate(settings: Settings) -> Iterator[str]:
    """Once PostgreSQL answers: the databases' schemas, and what Prometheus reads."""
    airflow.migrate(settings)
    yield "Airflow's database is ready"
    migrate_store(settings)
    yield "the store is ready"
    yield f"Prometheus reads {_for_prometheus(settings)}"


def _once(settings: Settings, server: servers.Server, name: str) -> None:
    """A password that a server's image asks for at its first start, in its own folder."""
    if not (server.folder(settings) / name).exists():
        server.write(settings, name, token_urlsafe(24))


def _for_superset(settings: Settings) -> None:
    """The few secrets of Superset, in a folder without the others: it needs no key that pays."""
    folder = settings.data_dir / "servers" / "superset"
    (folder / "tls").mkdir(parents=True, exist_ok=True)
    files = [*settings.secrets_dir.glob("superset_*"), settings.secrets_dir / redis.PASSWORD]
    targets = {folder / path.name: path for path in files}
    targets |= {folder / "tls" / name: settings.tls_dir / name for name in SUPERSET_TLS}
    for target, source in targets.items():
        shutil.copyfile(source, target)
        target.chmod(0o600)
    folder.chmod(0o700)


def _for_prometheus(settings: Settings) -> Path:
    """monitoring/prometheus.yml for this stack, its key beside it: the same user reads both."""
    folder = settings.data_dir / "monitoring"
    folder.mkdir(parents=True, exist_ok=True)
    made = monitoring.prometheus(settings)
    gateway = made["scrape_configs"][0]
    files = {"credentials_file": gateway["authorization"], "ca_file": gateway["tls_config"]}
    for name, part in files.items():
        source = Path(part[name])
        part[name] = str(folder / source.name)
        (folder / source.name).write_text(source.read_text())
        (folder / source.name).chmod(0o600)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(made, sort_keys=False))
    told = folder / "alertmanager.yml"
    told.write_text(yaml.safe_dump(monitoring.alertmanager(settings), sort_keys=False))
    return path
