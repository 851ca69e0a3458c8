"""Everything that is told at a scrape, part by part: one that fails leaves the others told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from leverageguard.config import Settings
from leverageguard.monitoring import from_around, from_runs, from_snapshot, from_store
from leverageguard.monitoring.families import Family

Part = Callable[[Settings], Iterable[Metric]]
PARTS: dict[str, Part] = {
    "store": from_store.read,
    "snapshot": from_snapshot.read,
    "around": from_around.read,
    "runs": from_runs.read,
}
FAILED = Family("metrics_failed", "1 where a part of the metrics could not be read.", ("part",))
TOOK = Family("metrics_seconds", "How long a part of the metrics took to read.", ("part",))
_log = structlog.get_logger(__name__)


class PoolCollector(Collector):
    """Asks store, snapshot, chains and Airflow whenever it is asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """Every metric, and which part of them could not be read."""
        failed, took = [], []
        for name, part in PARTS.items():
            began = time.perf_counter()
            found, is_whole = self._of(name, part)
            yield from found
            failed.append(((name,), int(not is_whole)))
            took.append(((name,), time.perf_counter() - began))
        yield FAILED.of(failed)
        yield TOOK.of(took)

    def _of(self, name: str, part: Part) -> tuple[list[Metric], bool]:
        found = []
        try:
            for metric in part(self._settings):
                found.append(metric)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are told
            _log.exception("metrics_failed", part=name, exc_info=error)
            return found, False
        return found, True


def exposition(settings: Settings) -> bytes:
    """The pool's metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PoolCollector(settings))
    return generate_latest(registry)
