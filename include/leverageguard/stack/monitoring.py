"""Prometheus and Alertmanager beside a stack: `./leverageguard monitoring`, `up --monitoring`.

Debian's programs, with the files of monitoring/ made over for this stack's addresses and key.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.gateway import service_accounts
from leverageguard.stack import processes
from leverageguard.stack.progress import StackError
from leverageguard.stack.up import migrate_store

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
# What each is called where Debian has put it.
PROGRAMS = {PROMETHEUS: "prometheus", ALERTMANAGER: "prometheus-alertmanager"}
KEY, OWNER, SCOPE = "prometheus_key", "launcher", "metrics:read"
KEPT = "15d"
READY_SECONDS = 60.0


def lines(settings: Settings, _options: Mapping[str, Any]) -> Iterator[str]:
    """Start both unless they run, and say where they are."""
    start(settings)
    yield f"Prometheus    {_url(settings, PROMETHEUS)}/alerts"
    yield f"Alertmanager  {_url(settings, ALERTMANAGER)}"
    if settings.alert_webhook is None:
        yield "nobody is told: set LEVERAGEGUARD_ALERT_WEBHOOK and start them again"


def require_installed() -> None:
    """Raises StackError with the command that installs what is missing."""
    missing = [program for program in PROGRAMS.values() if shutil.which(program) is None]
    if missing:
        raise StackError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed; as "
            f"root: apt-get install -y --no-install-recommends {' '.join(missing)} (and stop the "
            "service Debian starts: a stack runs its own)"
        )


def start(settings: Settings) -> None:
    """Start what is not running, and wait until it answers.

    Raises StackError where a program is missing, or a port taken.
    """
    require_installed()
    folder = _write_files(settings)
    commands = {
        ALERTMANAGER: [
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / ALERTMANAGER}",
            "--cluster.listen-address=",
        ],
        PROMETHEUS: [
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / PROMETHEUS}",
            f"--storage.tsdb.retention.time={KEPT}",
        ],
    }
    alive = processes.running(settings)
    for name, words in commands.items():
        if name in alive:
            continue
        port = _port(settings, name)
        if not processes.port_is_free(settings.host, port):
            raise StackError(f"port {port} for {name} is taken by another program: stop it")
        argv = [PROGRAMS[name], *words, f"--web.listen-address={settings.host}:{port}"]
        started = processes.start(settings, name, argv, config.child_environment(settings))
        processes.wait_until(lambda: _answers(settings, name), started, settings, READY_SECONDS)  # noqa: B023 - called before the next turn


def _port(settings: Settings, name: str) -> int:
    return settings.prometheus_port if name == PROMETHEUS else settings.alertmanager_port


def _url(settings: Settings, name: str) -> str:
    return f"http://{settings.host}:{_port(settings, name)}"


def _answers(settings: Settings, name: str) -> bool:
    try:
        return bool(requests.get(f"{_url(settings, name)}/-/ready", timeout=5).ok)
    except requests.RequestException:
        return False


def _write_files(settings: Settings) -> Path:
    """Both configurations for this stack, in its data folder; the folder."""
    folder = settings.data_dir / "monitoring"
    folder.mkdir(parents=True, exist_ok=True)
    made = {"prometheus.yml": prometheus(settings), "alertmanager.yml": alertmanager(settings)}
    for name, content in made.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


def prometheus(settings: Settings) -> dict[str, Any]:
    """monitoring/prometheus.yml with the addresses of this stack and a key of its own."""
    source = settings.repo_dir / "monitoring"
    made: dict[str, Any] = yaml.safe_load((source / "prometheus.yml").read_text())
    made["rule_files"] = [str(source / "rules" / "*.yml")]
    _aim(made["alerting"]["alertmanagers"][0], settings, settings.alertmanager_port)
    gateway, itself = made["scrape_configs"]
    if settings.is_cluster:
        # Each counts its own requests, so each is asked itself and not through the balancer.
        gateway |= {"scheme": "https", "tls_config": {"ca_file": str(settings.ca_file)}}
        _aim(gateway, settings, *settings.api_server_ports, *settings.gateway_worker_ports)
    else:
        _aim(gateway, settings, settings.airflow_port)
    gateway["authorization"]["credentials_file"] = str(_key_file(settings))
    if settings.is_cluster:
        gateway |= {"scheme": settings.scheme, "tls_config": {"ca_file": str(settings.ca_file)}}
    _aim(itself, settings, settings.prometheus_port)
    return made


def alertmanager(settings: Settings) -> dict[str, Any]:
    """monitoring/alertmanager.yml, with the operator's webhook if there is one."""
    source = settings.repo_dir / "monitoring" / "alertmanager.yml"
    made: dict[str, Any] = yaml.safe_load(source.read_text())
    if settings.alert_webhook is not None:
        [operator] = made["receivers"]
        operator["webhook_configs"] = [{"url": settings.alert_webhook, "send_resolved": True}]
    return made


def _aim(part: dict[str, Any], settings: Settings, *ports: int) -> None:
    part["static_configs"][0]["targets"] = [f"{settings.host}:{port}" for port in ports]


def _key_file(settings: Settings) -> Path:
    """The file with the key of Prometheus' service account; both are made when it is missing."""
    path = settings.secrets_dir / KEY
    if path.exists():
        return path
    migrate_store(settings)
    # Whoever finds the lost key shall open nothing with it.
    for account in service_accounts.every_one(settings):
        if account.created_by == OWNER and account.revoked_at_ms is None:
            service_accounts.revoke(settings, account.account_id, OWNER)
    name = f"{PROMETHEUS}-{secrets.token_hex(4)}"
    _, key = service_accounts.create(settings, name, [SCOPE], OWNER)
    settings.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key)
    return path
