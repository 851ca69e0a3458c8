"""The cluster profile: what it adds to a stack, in the order in which it must be there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from leverageguard import cluster_settings, config
from leverageguard.config import Settings
from leverageguard.stack import processes, superset
from leverageguard.stack.cluster import certificates, nginx, postgresql, rabbitmq, redis, servers
from leverageguard.stack.progress import Progress, StackError
from leverageguard.store import base

SERVERS = (postgresql.SERVER, rabbitmq.EPMD, rabbitmq.SERVER, redis.SERVER, nginx.SERVER)
SPOKEN_BY_OURS = ("airflow", "gateway", superset.NAME)
GATEWAY = "gateway"


def check(settings: Settings) -> None:
    """Raises StackError when this data folder or this machine cannot take the profile."""
    known = cluster_settings.remembered(settings.data_dir)
    before = known or (cluster_settings.EMBEDDED if settings.store_path.exists() else None)
    if before not in (None, settings.profile):
        raise StackError(
            f"the stack in {settings.data_dir} is {before}, not {settings.profile}: its store and "
            "runs would stay behind. Choose another folder with --data"
        )
    if settings.is_cluster:
        servers.require(SERVERS)
        servers.require_entrance(settings, SERVERS)
    (settings.data_dir / cluster_settings.PROFILE_FILE).write_text(f"{settings.profile}\n")


def ports(settings: Settings) -> list[tuple[str, int]]:
    """Which process wants which port; nothing where there is no cluster."""
    if not settings.is_cluster:
        return []
    behind = (
        *zip(("airflow-api-1", "airflow-api-2"), settings.api_server_ports, strict=True),
        *zip(_gateways(), settings.gateway_worker_ports, strict=True),
    )
    public = (settings.airflow_port, settings.superset_port, settings.gateway_port)
    return [
        (postgresql.SERVER.name, settings.postgresql_port),
        (rabbitmq.EPMD.name, settings.epmd_port),
        (rabbitmq.SERVER.name, settings.rabbitmq_port),
        (redis.SERVER.name, settings.redis_port),
        *((nginx.SERVER.name, port) for port in public),
        (superset.NAME, settings.superset_server_port),
        *behind,
    ]


def start(settings: Settings, say: Progress) -> None:
    """Start the servers that are not running yet, and wait for them."""
    if not settings.is_cluster:
        return
    certificates.authority(settings)
    for name in SPOKEN_BY_OURS:
        certificates.of_server(settings, name)
    certificates.of_client(settings, cluster_settings.CLIENT)
    rabbitmq.remember_url(settings)
    broker = rabbitmq.start(settings)
    database = postgresql.start(settings)
    cache = redis.start(settings)
    balancer = nginx.start(settings)
    postgresql.create_databases(settings, database)
    servers.wait(settings, cache, settings.redis_port)
    servers.wait(settings, balancer, settings.airflow_port)
    servers.wait(settings, broker, settings.rabbitmq_port)
    say("PostgreSQL, RabbitMQ, Redis and nginx are up, over TLS")


def start_gateways(settings: Settings) -> None:
    """Start the gateways of their own that are not running yet; the balancer finds them."""
    if not settings.is_cluster:
        return
    alive = processes.running(settings)
    for name, port in zip(_gateways(), settings.gateway_worker_ports, strict=True):
        if name in alive:
            continue
        command = [sys.executable, "-m", "leverageguard.cli", "gateway", "--port", str(port)]
        argv = processes.kept_alive(name, command)
        processes.start(settings, name, argv, config.child_environment(settings))


def _gateways() -> tuple[str, str]:
    return f"{GATEWAY}-1", f"{GATEWAY}-2"


@contextmanager
def database(settings: Settings) -> Iterator[None]:
    """The PostgreSQL alone with its databases, up for as long as the block lasts."""
    servers.require((postgresql.SERVER,))
    servers.require_entrance(settings, (postgresql.SERVER,))
    certificates.authority(settings)
    process = postgresql.start(settings)
    try:
        postgresql.create_databases(settings, process)
        yield
    finally:
        base.engine(settings).dispose()
        processes.stop_all(settings)
