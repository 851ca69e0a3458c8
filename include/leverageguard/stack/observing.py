"""What Airflow's processes are told of traces, metrics and logs."""

from __future__ import annotations

from leverageguard import config
from leverageguard.config import Settings


def airflow(settings: Settings) -> dict[str, str]:
    """The environment for Airflow's own traces, metrics and logs, where they are asked for.

    Over HTTP: the exporter for gRPC, which is the default, waits long for a collector it cannot
    talk to. What is set of OTEL_* by hand stays.
    """
    told: dict[str, str] = {}
    if settings.are_logs_json:
        told["AIRFLOW__LOGGING__JSON_LOGS"] = "True"
    if settings.otlp_endpoint is not None:
        told |= {
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_SERVICE_NAME": "airflow",
        }
    by_hand = config.child_environment(settings)
    return {
        name: by_hand.get(name, value) if name.startswith("OTEL_") else value
        for name, value in told.items()
    }
