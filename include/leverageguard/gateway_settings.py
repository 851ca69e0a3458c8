"""What is configured of the gateway: whom it answers, how often and how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.chain_settings import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MEMORY = "memory://"
RATE_LIMITS = "LEVERAGEGUARD_RATE_LIMITS"
STORAGES = (MEMORY, "redis://", "rediss://", "redis+unix://")
LISTS = {
    "cors_origins": "LEVERAGEGUARD_CORS_ORIGINS",
    "public_hosts": "LEVERAGEGUARD_PUBLIC_HOSTS",
}
COUNTS = {
    "token_minutes": "LEVERAGEGUARD_TOKEN_MINUTES",
    "request_seconds": "LEVERAGEGUARD_REQUEST_SECONDS",
    "rate_percent": "LEVERAGEGUARD_RATE_PERCENT",
}


@dataclass(frozen=True)
class GatewaySettings:
    """`rate_limits` is where requests are counted: this process's memory, or a Redis for several;
    `rate_percent` how many of the limits' requests are taken.

    A wallet signs in for a page of the `public_hosts` only (host names without port). Browsers of
    the `cors_origins` may call from their own pages; none may unless named.
    """

    rate_limits: str = MEMORY
    rate_percent: int = 100
    cors_origins: tuple[str, ...] = ()
    public_hosts: tuple[str, ...] = LOOPBACK
    token_minutes: int = 15
    request_seconds: int = 60


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    lists = {
        field: tuple(part for one in environment[name].split(",") if (part := one.strip()))
        for field, name in LISTS.items()
        if environment.get(name)
    }
    counts = {
        field: _count(name, environment[name])
        for field, name in COUNTS.items()
        if environment.get(name)
    }
    if "*" in lists.get("cors_origins", ()):
        raise ConfigError(f"{LISTS['cors_origins']} must name origins: * would let every page call")
    return {**lists, **counts, "rate_limits": _storage(environment.get(RATE_LIMITS) or MEMORY)}


def _storage(url: str) -> str:
    if not url.startswith(STORAGES):
        raise ConfigError(f"{RATE_LIMITS} must begin with one of {', '.join(STORAGES)}")
    return url


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise ConfigError(f"{name} must be a whole number from 1 to 100000, not {text!r}")
    return int(text)
