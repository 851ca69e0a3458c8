"""Metrics of what stands around: the chains' nodes, what is landed of them, Airflow's health."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import requests
from prometheus_client.metrics_core import Metric

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.monitoring.families import Family, age_s
from leverageguard.settlement import heads
from leverageguard.settlement.chain_steps import WINDOWS_TABLE
from leverageguard.settlement.heads import Head
from leverageguard.warehouse import landing, raw_tables

SECONDS = 2.0
BY_CHAIN = ("chain_id",)
UP = Family("chain_up", "1 while a node of the chain answers.", BY_CHAIN)
HEAD = Family("chain_head_block", "Newest block of the chain.", BY_CHAIN)
HEAD_AGE = Family("chain_head_age_seconds", "Age of the newest block of the chain.", BY_CHAIN)
LANDED = Family("chain_landed_block", "Newest block whose events were read.", BY_CHAIN)
LAG = Family("chain_lag_blocks", "Confirmed blocks whose events were not read yet.", BY_CHAIN)
HEALTHY = Family("airflow_healthy", "1 while a part of Airflow says it works.", ("component",))
HEARTBEAT = Family(
    "airflow_heartbeat_age_seconds", "Since when a part of Airflow gave no sign.", ("component",)
)
COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def read(settings: Settings) -> Iterator[Metric]:
    """The chains', then Airflow's."""
    yield from _chains(settings)
    yield from _airflow(settings)


def _chains(settings: Settings) -> Iterator[Metric]:
    ids = [one.chain_id for one in settings.chains]
    found = {one: heads.newest(settings.on_chain(one)) for one in ids}
    landed = {one: _landed(settings, one) for one in ids}
    now_ms = clock.now_ms()
    yield UP.of(((one,), int(found[one] is not None)) for one in ids)
    yield LANDED.of(((one,), landed[one]) for one in ids)
    there = [(one, head) for one, head in found.items() if head is not None]
    yield HEAD.of(((one,), head.number) for one, head in there)
    yield HEAD_AGE.of(((one,), age_s(now_ms, head.at_s * 1000)) for one, head in there)
    yield LAG.of(((one,), _lag(settings, one, head, landed[one])) for one, head in there)


def _lag(settings: Settings, chain_id: int, head: Head, landed: int | None) -> int | None:
    if landed is None:
        return None
    return max(0, head.number - settings.on_chain(chain_id).confirmations - landed)


def _landed(settings: Settings, chain_id: int) -> int | None:
    """The last block of the newest hour that was landed; None before the first."""
    root = settings.raw_dir / raw_tables.table(WINDOWS_TABLE).path
    name = f"{landing.of_chain(chain_id)}.parquet"
    for day in sorted(root.glob("dt=*"), reverse=True):
        for file in sorted(day.glob(f"hr=*/{name}"), reverse=True):
            at = datetime.fromisoformat(f"{day.name[3:]}T{file.parent.name[3:]}:00:00+00:00")
            hour_ms = int(at.timestamp()) * 1000
            rows = landing.read(settings, WINDOWS_TABLE, hour_ms, landing.of_chain(chain_id))
            if rows:
                return max(int(row["to_block"]) for row in rows)
    return None


def _airflow(settings: Settings) -> Iterator[Metric]:
    """What Airflow's server says of its parts; one that runs nowhere has no status and is left out.

    Heartbeats are of the machine's clock, in a simulated world too.
    """
    said = _health(f"{settings.airflow_url}/api/v2/monitor/health", settings.verify)
    parts = {name: said.get(name) or {} for name in COMPONENTS}
    states = {name: part.get("status") for name, part in parts.items()}
    if not said:
        states["metadatabase"] = states["scheduler"] = "out of reach"
    yield HEALTHY.of(((name,), int(state == "healthy")) for name, state in states.items() if state)
    beats = {name: part.get(f"latest_{name}_heartbeat") for name, part in parts.items()}
    now_ms = clock.real_ms()
    yield HEARTBEAT.of(
        ((name,), age_s(now_ms, clock.parse_ms(beat))) for name, beat in beats.items() if beat
    )


def _health(url: str, verify: str | bool) -> dict[str, Any]:
    try:
        answer = requests.get(url, timeout=SECONDS, verify=verify)
        said = answer.json()
    except (requests.RequestException, ValueError):
        return {}
    return said if answer.ok and isinstance(said, dict) else {}
