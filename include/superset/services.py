"""What a Superset of a cluster shares with others, as variables say; without them it is the
embedded one: metadata in a SQLite file, no cache, plain HTTP on the loopback interface.

Nothing crosses the network unsealed: PostgreSQL and Redis are asked over TLS with certificates
checked on both sides, and browsers are answered over HTTPS. A password stands in a file of its
own, never in a variable: those of a process are shown to whoever may look at it.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

PREFIX = "LEVERAGEGUARD_SUPERSET_"
DATABASE, REDIS = f"{PREFIX}DATABASE_URL", f"{PREFIX}REDIS_URL"
PASSWORD_FILE = f"{PREFIX}REDIS_PASSWORD_FILE"
CERTIFICATE, KEY = f"{PREFIX}TLS_CERTIFICATE", f"{PREFIX}TLS_KEY"
PROXY_CA = f"{PREFIX}PROXY_CA"
CACHES, QUEUE = 1, 2  # databases of Redis; the gateway counts its requests in 0
# A chart over "the last hours" moves on without a new snapshot: at most so old.
CHART_SECONDS = 600
WAIT_SECONDS = 5.0
STATE_SECONDS = 7 * 24 * 3600
RESULT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Redis:
    """A Redis behind TLS: where it is, the files of its certificates, its password."""

    host: str
    port: int
    files: Mapping[str, str]
    password: str = field(repr=False)

    def url(self, database: int, *, with_password: bool = False) -> str:
        """For libraries that know no other way to be told."""
        user = f":{quote(self.password, safe='')}@" if with_password else ""
        return f"rediss://{user}{self.host}:{self.port}/{database}"

    @property
    def tls(self) -> dict[str, Any]:
        """The server must be who the authority says it is, under the name it was asked by."""
        checked = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
        return {**self.files, **checked}

    @property
    def options(self) -> dict[str, Any]:
        """For redis-py: a page does not wait for a Redis that says nothing."""
        waits = {"socket_connect_timeout": WAIT_SECONDS, "socket_timeout": WAIT_SECONDS}
        return {"password": self.password, **self.tls, **waits}

    def cache(self, name: str, seconds: int) -> dict[str, Any]:
        """One cache of Superset's."""
        return {
            "CACHE_TYPE": "RedisCache",
            "CACHE_KEY_PREFIX": f"{name}:",
            "CACHE_DEFAULT_TIMEOUT": seconds,
            "CACHE_REDIS_URL": self.url(CACHES),
            "CACHE_REDIS_DB": CACHES,
            "CACHE_OPTIONS": self.options,
        }

    def results(self) -> Any:
        """Where the worker leaves the rows of a query for whoever asked it."""
        import redis
        from cachelib import RedisCache

        client = redis.from_url(self.url(CACHES), **self.options)
        return RedisCache(client, key_prefix="results:", default_timeout=RESULT_SECONDS)

    def celery(self) -> type:
        """Celery's settings: SQL Lab's queries and nothing else; Superset sends no mail here."""
        queue = self.url(QUEUE, with_password=True)
        return type(
            "CeleryConfig",
            (),
            {
                "broker_url": queue,
                "broker_use_ssl": self.tls,
                "broker_connection_retry_on_startup": True,
                "result_backend": queue,
                "redis_backend_use_ssl": self.tls,
                "imports": ("superset.sql_lab",),
                "accept_content": ["json"],
                "worker_prefetch_multiplier": 1,
                "worker_hijack_root_logger": False,
            },
        )


@dataclass(frozen=True)
class Services:
    """What was given; None where the embedded Superset has its own way.

    With a `proxy_ca` nobody is answered but who shows a certificate of that authority: what a
    proxy says of its visitor is believed.
    """

    database: str | None
    redis: Redis | None
    certificate: str | None
    key: str | None
    proxy_ca: str | None
    is_https: bool
    port: int


def read(environment: Mapping[str, str]) -> Services:
    """What the variables say. SystemExit names one that would leave a connection open to others."""
    given = Services(
        database=environment.get(DATABASE) or None,
        redis=_redis(environment),
        certificate=environment.get(CERTIFICATE) or None,
        key=environment.get(KEY) or None,
        proxy_ca=environment.get(PROXY_CA) or None,
        is_https=environment.get(f"{PREFIX}HTTPS") == "1" or bool(environment.get(CERTIFICATE)),
        port=int(environment.get(f"{PREFIX}PORT") or int(environment["LEVERAGEGUARD_PORT"]) + 1),
    )
    if bool(given.certificate) != bool(given.key):
        raise SystemExit(f"{CERTIFICATE} and {KEY} go together")
    if given.proxy_ca and not given.certificate:
        raise SystemExit(f"{PROXY_CA} goes with {CERTIFICATE}")
    if given.database is not None:
        _refuse_open_database(given.database)
    if (given.database or given.redis) and not given.certificate:
        raise SystemExit(f"plain HTTP is for the embedded stack alone: give {CERTIFICATE}")
    return given


def _refuse_open_database(url: str) -> None:
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    wanted = ("sslrootcert", "sslcert", "sslkey")
    if not parts.scheme.startswith("postgresql"):
        raise SystemExit(f"{DATABASE} must begin with postgresql")
    if asked.get("sslmode") != ["verify-full"] or any(len(asked.get(n, "")) != 1 for n in wanted):
        raise SystemExit(f"{DATABASE} must say sslmode=verify-full and {', '.join(wanted)}")
    if parts.password:
        raise SystemExit(f"{DATABASE} holds a password: the client's certificate says who asks")


def _redis(environment: Mapping[str, str]) -> Redis | None:
    url = environment.get(REDIS)
    if not url:
        return None
    parts = urlsplit(url)
    names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
    asked = parse_qs(parts.query)
    if parts.scheme != "rediss" or any(len(asked.get(name, "")) != 1 for name in names):
        raise SystemExit(f"{REDIS} must begin with rediss:// and say {', '.join(names)}")
    if parts.password:
        raise SystemExit(f"{REDIS} holds a password: write it into a file, see {PASSWORD_FILE}")
    try:
        password = Path(environment[PASSWORD_FILE]).read_text().strip()
    except (KeyError, OSError):
        raise SystemExit(f"{PASSWORD_FILE} must name a file with Redis's password") from None
    files = {name: asked[name][0] for name in names}
    return Redis(parts.hostname or "", parts.port or 6379, files, password)
