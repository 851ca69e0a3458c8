"""The metrics this project tells, each named once: what it is called, counts, and is labelled by.

Figures that people see on dashboards are not here: `from_snapshot` takes those from `dim_metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

PREFIX = "leverageguard"
Value = float | None
Samples = Iterable[tuple[Sequence[object], Value]]


@dataclass(frozen=True)
class Family:
    """One metric; a counter's name ends in `_total`."""

    name: str
    told: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """As Prometheus sees it."""
        return f"{PREFIX}_{self.name}"

    def of(self, samples: Samples) -> Metric:
        """The metric with these values by label values; None is left out, as nobody knows it."""
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        made = kind(self.full_name, self.told, labels=self.labels)
        for labels, value in samples:
            if value is not None:
                made.add_metric([_text(label) for label in labels], value)
        return made

    def one(self, value: Value) -> Metric:
        """The metric of a family without labels."""
        return self.of([((), value)])


def _text(label: object) -> str:
    return "every" if label is None else str(label)


def age_s(now_ms: int, since_ms: int | None) -> Value:
    """Seconds from an instant until now, not below 0; None of no instant."""
    return None if since_ms is None else max(0, now_ms - since_ms) / 1000
