"""Metrics of the published snapshot: figures of `dim_metrics`, how fresh, what is missing.

Each figure is the expression the dashboards show; a snapshot never changes, so it is asked once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.monitoring.families import Family, age_s
from leverageguard.warehouse import connect, metrics, snapshot

# A metric is called leverageguard_<metric>_<unit>; its meaning is the description in dim_metrics.
SHOWN = (
    "batch_gas", "batches_waiting", "boundary_rules_failed", "capacity_used", "case_reserves",
    "cash", "cash_difference", "check_pass_rate", "claims", "claims_paid", "claims_rejected",
    "claims_undetermined", "claims_verified", "combined_ratio", "covers_in_force",
    "fetch_completeness", "fetch_gaps", "fetch_windows", "fraud_held", "free_cash",
    "gas_per_claim", "ibnr", "in_force_sum", "liquidity_coverage", "loss_ratio",
    "oldest_open_claim", "open_claims", "own_funds", "paid_loss", "payable", "payouts_refused",
    "policies_sold", "reserved_cash", "rows_quarantined", "scr_10d", "scr_1d", "solvency_ratio",
    "stalest_source", "time_to_pay_p50", "time_to_pay_p90", "time_to_pay_p99", "trial_balance",
    "unearned_premium", "unreconciled_amount", "unreconciled_batches", "written_premium",
)  # fmt: skip
_UNITS = {"USDC": "usdc", "%": "percent", "s": "seconds", "count": "", "x": ""}

IS_THERE = Family("snapshot_published", "1 once a snapshot was published.")
AGE = Family("snapshot_age_seconds", "Age of the published snapshot.")
SIMULATED = Family("world_simulated", "1 in a simulated world, whose time runs by itself.")
SOURCES = Family(
    "source_read_age_seconds", "Since when a source's listing was not read.", ("source", "endpoint")
)
GAPS = Family(
    "source_gap_windows", "Hours of a source not read to the end, by reason.", ("source", "reason")
)
LONGEST_REASON = 60


def name_of(metric: str, unit: str) -> str:
    """What a figure is called as a metric, without the prefix."""
    word = _UNITS.get(unit, unit)
    return f"{metric}_{word}" if word and word not in metric.split("_") else metric


def read(settings: Settings) -> Iterator[Metric]:
    """All of them; before the first snapshot only that there is none."""
    yield SIMULATED.one(int(settings.is_simulated))
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        yield IS_THERE.one(0)
        return
    yield IS_THERE.one(1)
    found, now_ms = _of(path), clock.now_ms()
    yield AGE.one(age_s(now_ms, found["published_at_ms"]))
    yield from found["figures"]
    yield SOURCES.of(
        ((row["source_name"], row["endpoint"]), age_s(now_ms, row["fetched_at_ms"]))
        for row in found["sources"]
    )
    yield GAPS.of(((row["source_name"], row["reason"]), row["gap_count"]) for row in found["gaps"])


@lru_cache(maxsize=2)
def _of(path: Path) -> Mapping[str, Any]:
    """What one snapshot says."""
    with connect.read_only(path) as connection:
        tables = {name for (name,) in connection.execute("show tables").fetchall()}
        [(published_at_ms,)] = connection.execute(
            f"select epoch_ms(published_at) from {snapshot.INFO_TABLE}"
        ).fetchall()
        figures = list(_figures(connection)) if metrics.TABLE in tables else []
        sources = gaps = []
        if "fct_fetch_days" in tables:
            sources = _rows(
                connection,
                "select source_name, endpoint, epoch_ms(max(fetched_at)) as fetched_at_ms "
                "from fct_fetch_days group by all",
            )
            gaps = _rows(
                connection,
                f"select source_name, left(gap_reason, {LONGEST_REASON}) as reason, "
                "sum(window_count - complete_count) as gap_count from fct_fetch_days "
                "group by all having gap_count > 0",
            )
    return {
        "published_at_ms": published_at_ms, "figures": figures, "sources": sources, "gaps": gaps,
    }  # fmt: skip


def _figures(connection: Any) -> Iterator[Metric]:
    """The figures of SHOWN the snapshot defines; one that has no value now is left out."""
    defined = connection.execute(
        f"select metric, unit, description, model, expression from {metrics.TABLE} order by metric"
    ).fetchall()
    for metric, unit, told, model, expression in defined:
        if metric in SHOWN:
            [(value,)] = connection.execute(f"select {expression} from {model}").fetchall()
            yield Family(name_of(metric, unit), told).one(None if value is None else float(value))


def _rows(connection: Any, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
