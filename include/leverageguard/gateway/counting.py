"""Requests of this server, counted by route and status for Prometheus.

A route is told by its pattern, never by the path asked for: that would be a series an address.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import Scope

UNKNOWN = "none"
_own = CollectorRegistry()
REQUESTS = Counter(
    "leverageguard_http_requests_total",
    "Requests answered by the gateway.",
    ("method", "route", "status"),
    registry=_own,
)
SECONDS = Histogram(
    "leverageguard_http_request_seconds",
    "How long requests took.",
    ("route",),
    buckets=(0.005, 0.025, 0.1, 0.25, 1, 5, 30),
    registry=_own,
)
ProcessCollector(namespace="leverageguard", registry=_own)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count(scope: Scope, status: int | None, seconds: float) -> None:
    """Count one request that was answered; None is one that nobody waited for."""
    route = route_of(scope)
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(method, route, str(status or 499)).inc()
    SECONDS.labels(route).observe(seconds)


def route_of(scope: Scope) -> str:
    """The pattern of the route that answered, of files their folder; `none` where none did."""
    return str(getattr(scope.get("route"), "path", UNKNOWN))


def exposition() -> bytes:
    """What was counted in this process, or in all workers of this server."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # no folder is named where workers count together: there is one process
        return generate_latest(_own)
    return generate_latest(registry)
