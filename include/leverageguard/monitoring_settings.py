"""What is configured of watching: where traces and counters go, and how logs are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.chain_settings import ConfigError

OTLP, LOGS = "LEVERAGEGUARD_OTLP_ENDPOINT", "LEVERAGEGUARD_LOGS"
FORMATS = ("text", "json")


@dataclass(frozen=True)
class MonitoringSettings:
    """`otlp_endpoint` is a collector's address for OTLP over HTTP (…:4318); None tells nobody."""

    otlp_endpoint: str | None = None
    are_logs_json: bool = False


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    endpoint = (environment.get(OTLP) or "").rstrip("/") or None
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"{OTLP} is an http:// or https:// address, not {endpoint!r}")
    logs = environment.get(LOGS) or FORMATS[0]
    if logs not in FORMATS:
        raise ConfigError(f"{LOGS} is {' or '.join(FORMATS)}, not {logs!r}")
    return {"otlp_endpoint": endpoint, "are_logs_json": logs == "json"}
