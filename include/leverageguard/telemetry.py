"""Traces of claims and counters of requests to venues, over OTLP; nothing without an endpoint.

A claim goes through many short processes. Each tells what it did as a finished span whose ids are
derived from the claim, so that parts told by processes that know nothing of each other make one
trace, from the filing to the payout, and a part told twice is the same span. A link leads to the
span of the task that told it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace

from leverageguard import clock
from leverageguard.config import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

SERVICE = "leverageguard"
# The part every other hangs below.
ROOT = "filed"
EXPORT_SECONDS = 2
FLUSH_MS = 2000
Attributes = Mapping[str, str | int]


@dataclass(frozen=True)
class Part:
    """One part of a claim's way, epoch ms; `of` is its filing's id (or its own, of an unfiled
    claim), `key` names the part within the trace."""

    of: str
    key: str
    name: str
    from_ms: int
    to_ms: int
    attributes: Attributes = field(default_factory=dict)


def is_on(settings: Settings) -> bool:
    """Whether anybody is told."""
    return settings.otlp_endpoint is not None


def tell(settings: Settings, parts: Collection[Part]) -> bool:
    """Send the parts, if anybody is told; whether they arrived. It never fails its caller."""
    if settings.otlp_endpoint is None or not parts:
        return False
    from opentelemetry.sdk.trace.export import SpanExportResult

    # A simulated world's time is told as the real time it would be now.
    shift_ms = clock.real_ms() - clock.now_ms()
    spans = [_span(part, shift_ms) for part in parts]
    return _exporter(settings.otlp_endpoint).export(spans) is SpanExportResult.SUCCESS


def trace_id(of: str) -> int:
    """The trace of a filing or a claim."""
    return int.from_bytes(sha256(of.encode()).digest()[:16], "big")


def span_id(of: str, key: str) -> int:
    """The span of a part of it."""
    return int.from_bytes(sha256(f"{of}|{key}".encode()).digest()[:8], "big")


def count_venue(venue: str, outcome: str, status: int | None) -> None:
    """Count one request to a venue; `outcome` is ok or the kind of error it met."""
    _instruments()[0].add(1, {"venue": venue, "outcome": outcome, "http_status": status or 0})


def record_wait(venue: str, seconds: float) -> None:
    """Note how long a request waited for its turn under a venue's limits."""
    _instruments()[1].record(seconds, {"venue": venue})


def flush() -> None:
    """Send what was counted: a task's process ends without waiting for the next minute."""
    provider: Any = metrics.get_meter_provider()
    if hasattr(provider, "force_flush"):
        provider.force_flush(timeout_millis=FLUSH_MS)


@lru_cache(maxsize=1)
def _instruments() -> tuple[metrics.Counter, metrics.Histogram]:
    """Of the provider that Airflow sets where metrics are on; else they do nothing."""
    meter = metrics.get_meter(SERVICE)
    return (
        meter.create_counter(f"{SERVICE}.venue.requests", description="Requests to venues."),
        meter.create_histogram(
            f"{SERVICE}.venue.wait", unit="s", description="Waits under venues' limits."
        ),
    )


@lru_cache(maxsize=2)
def _exporter(endpoint: str) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=EXPORT_SECONDS)


def _span(part: Part, shift_ms: int) -> ReadableSpan:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

    told_by = trace.get_current_span().get_span_context()
    return ReadableSpan(
        name=part.name,
        context=_context(part.of, part.key),
        parent=None if part.key == ROOT else _context(part.of, ROOT),
        resource=Resource.create({"service.name": SERVICE}),
        attributes={f"{SERVICE}.{name}": value for name, value in part.attributes.items()},
        links=[trace.Link(told_by)] if told_by.is_valid else [],
        start_time=(part.from_ms + shift_ms) * 1_000_000,
        end_time=(max(part.to_ms, part.from_ms) + shift_ms) * 1_000_000,
    )


def _context(of: str, key: str) -> trace.SpanContext:
    sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    return trace.SpanContext(trace_id(of), span_id(of, key), is_remote=False, trace_flags=sampled)
