"""The cluster's Redis: counters of the gateways, Superset's cache and its jobs, over TLS alone."""

from __future__ import annotations

from pathlib import Path

from leverageguard.config import Settings
from leverageguard.stack import processes
from leverageguard.stack.cluster import servers

SERVER = servers.Server("redis", "redis-server", "redis-server", "redis")
PASSWORD = "redis_password"
CONFIGURATION = """\
bind {host}
port 0
tls-port {port}
tls-cert-file {certificate}
tls-key-file {key}
tls-ca-cert-file {authority}
tls-auth-clients yes
tls-protocols "TLSv1.2 TLSv1.3"
requirepass {password}
dir {folder}
appendonly yes
save ""
maxmemory 256mb
maxmemory-policy volatile-lru
daemonize no
"""


def start(settings: Settings) -> processes.Running:
    """Start the server."""
    return SERVER.start(settings, ["redis-server", str(configure(settings))])


def configure(settings: Settings) -> Path:
    """Write what the server reads; the file."""
    certificate, key, authority = SERVER.tls(settings)
    return SERVER.write(
        settings,
        "redis.conf",
        CONFIGURATION.format(
            host=settings.host,
            port=settings.redis_port,
            certificate=certificate,
            key=key,
            authority=authority,
            password=settings.secret(PASSWORD),
            folder=SERVER.folder(settings),
        ),
    )
