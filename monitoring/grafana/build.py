"""Writes Grafana's dashboards: `.venv/bin/python monitoring/grafana/build.py` after a change.

Built with Grafana's own library, whose types are generated from Grafana's schemas. What a figure
means is told by the metric's help.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
UNITS = {"usdc": "currencyUSD", "s": "s", "%": "percent", "n": "short", "/s": "reqps", "B": "bytes"}
RED, ORANGE, GREEN = "red", "orange", "green"


@dataclass(frozen=True)
class Figure:
    """One number; `bad_from` colours it red from there on, `bad_below` below there."""

    title: str
    query: str
    unit: str = "n"
    bad_from: float | None = None
    bad_below: float | None = None


@dataclass(frozen=True)
class Lines:
    """A chart of lines over time: each query with the text of its legend."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "n"


Part = str | Figure | Lines
P = "leverageguard_"
BOARDS: dict[str, tuple[str, tuple[Part, ...]]] = {
    "money": ("LeverageGuard: money and claims", (
        "What must be so",
        Figure("Alerts firing", 'count(ALERTS{alertstate="firing"}) or vector(0)', bad_from=1),
        Figure("Open incidents", f"sum({P}incidents_open)", bad_from=1),
        Figure("Halting thresholds", f'sum({P}fund_alerts_open{{action!="tell"}})', bad_from=1),
        Figure("Unreconciled batches", f"{P}unreconciled_batches", bad_from=1),
        Figure("Oldest unpaid approval", f"{P}approved_unpaid_oldest_seconds", "s", bad_from=900),
        Figure("Solvency", f"{P}solvency_ratio_percent", "%", bad_below=150),
        "The pool",
        Lines("Cash, held back and own funds", (
            (f"{P}cash_usdc", "cash"), (f"{P}reserved_cash_usdc", "held back"),
            (f"{P}own_funds_usdc", "own funds"),
        ), "usdc"),
        Lines("Liabilities", (
            (f"{P}case_reserves_usdc", "case reserves"), (f"{P}ibnr_usdc", "IBNR"),
            (f"{P}payable_usdc", "payable"), (f"{P}unearned_premium_usdc", "unearned premium"),
        ), "usdc"),
        "Claims",
        Lines("Claims by state", ((f"{P}claims_in_state", "{{state}}"),)),
        Lines("Claims by verdict", (
            (f"{P}claims_verified", "verified"), (f"{P}claims_rejected", "rejected"),
            (f"{P}claims_undetermined", "undetermined"),
        )),
        Lines("From notice to payment", (
            (f"{P}time_to_pay_p50_seconds", "half within"),
            (f"{P}time_to_pay_p90_seconds", "9 of 10 within"),
        ), "s"),
        Lines("What waits longest", (
            (f"{P}approved_unpaid_oldest_seconds", "approved, unpaid"),
            (f"{P}undetermined_oldest_seconds", "undetermined"),
            (f"{P}filings_waiting_oldest_seconds", "filed, undecided"),
            (f"{P}outbox_oldest_seconds", "sent, no receipt"),
        ), "s"),
        "On the chain",
        Lines("Payouts by state", ((f"{P}payouts_in_state", "{{chain_id}} {{state}}"),)),
        Lines("Gas by payout", ((f"{P}gas_per_claim", "gas"),)),
        Lines("Quotes and refusals an hour", (
            (f"increase({P}quotes_total[1h])", "quotes"),
            (f"increase({P}quote_refusals_total[1h])", "refused {{reason}}"),
        )),
        Lines("Messages to traders", ((f"{P}notifications", "{{channel}} {{state}}"),)),
    )),
    "data": ("LeverageGuard: data and chains", (
        "Fresh",
        Figure("Age of what people see", f"{P}snapshot_age_seconds", "s", bad_from=9000),
        Figure("Stalest listing", f"max({P}source_read_age_seconds)", "s", bad_from=7200),
        Figure("Hours with gaps", f"{P}fetch_gaps"),
        Figure("Hours read to the end", f"{P}fetch_completeness_percent", "%"),
        Figure("Rows taken out", f"{P}rows_quarantined"),
        Figure("Blocks not read", f"max({P}chain_lag_blocks)"),
        "Sources",
        Lines("Since the last reading", (
            (f"{P}source_read_age_seconds", "{{source}} {{endpoint}}"),
        ), "s"),
        Lines("Gaps by reason", ((f"{P}source_gap_windows", "{{source}}: {{reason}}"),)),
        Lines("Rows taken out, rules broken", (
            (f"{P}rows_quarantined", "rows"), (f"{P}boundary_rules_failed", "rules"),
        )),
        "Chains",
        Lines("Blocks not read", ((f"{P}chain_lag_blocks", "{{chain_id}}"),)),
        Lines("Age of the newest block", ((f"{P}chain_head_age_seconds", "{{chain_id}}"),), "s"),
        Lines("Nodes that answer", ((f"{P}chain_up", "{{chain_id}}"),)),
    )),
    "platform": ("LeverageGuard: platform", (
        "Running",
        Figure("Gateway", 'up{job="leverageguard"}', bad_below=1),
        Figure("Scheduler", f'{P}airflow_healthy{{component="scheduler"}}', bad_below=1),
        Figure("Heartbeat", f'{P}airflow_heartbeat_age_seconds{{component="scheduler"}}', "s",
               bad_from=60),
        Figure("Parts not read", f"sum({P}metrics_failed)", bad_from=1),
        "Requests",
        Lines("By status", ((f"sum by (status) (rate({P}http_requests_total[$__rate_interval]))",
                             "{{status}}"),), "/s"),
        Lines("By route", ((f"topk(10, sum by (route) (rate({P}http_requests_total"
                            "[$__rate_interval])))", "{{route}}"),), "/s"),
        Lines("19 of 20 within", ((
            "histogram_quantile(0.95, sum by (le, route) "
            f"(rate({P}http_request_seconds_bucket[$__rate_interval])))", "{{route}}"),), "s"),
        "Processes",
        Lines("Parts of Airflow", ((f"{P}airflow_healthy", "{{component}}"),)),
        Lines("Memory of the gateway", ((f"{P}process_resident_memory_bytes", "resident"),), "B"),
        Lines("Reading the metrics", ((f"{P}metrics_seconds", "{{part}}"),), "s"),
    )),
}  # fmt: skip


def boards() -> Iterator[tuple[str, str]]:
    """Name and JSON of each dashboard."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    for name, (title, parts) in BOARDS.items():
        yield name, encoder.encode(_board(name, title, parts).build()) + "\n"


def _board(name: str, title: str, parts: tuple[Part, ...]) -> Dashboard:
    made = Dashboard(title).uid(f"leverageguard-{name}").tags(["leverageguard"]).readonly()
    made = made.refresh("30s").time("now-6h", "now").timezone("utc")
    for number, part in enumerate(parts, start=1):
        if isinstance(part, str):
            made = made.with_row(Row(part).id(number))
        else:
            panel = _figure(part) if isinstance(part, Figure) else _lines(part)
            made = made.with_panel(panel.id(number))
    return made


def _figure(part: Figure) -> Stat:
    made = Stat().title(part.title).datasource(SOURCE).unit(UNITS[part.unit]).height(4).span(4)
    if part.bad_from is not None:
        made = made.thresholds(_steps((None, GREEN), (part.bad_from, RED)))
    elif part.bad_below is not None:
        made = made.thresholds(_steps((None, RED), (part.bad_below, GREEN)))
    else:
        made = made.thresholds(_steps((None, GREEN)))
    made = made.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    return made.with_target(Dataquery().expr(part.query).instant())


def _lines(part: Lines) -> Timeseries:
    legend = VizLegendOptions().show_legend(True).placement(LegendPlacement.BOTTOM)
    legend = legend.display_mode(LegendDisplayMode.LIST)
    made = Timeseries().title(part.title).datasource(SOURCE).unit(UNITS[part.unit])
    made = made.height(8).span(12).legend(legend).fill_opacity(5)
    for query, told in part.queries:
        made = made.with_target(Dataquery().expr(query).legend_format(told))
    return made


def _steps(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


if __name__ == "__main__":
    for board, content in boards():
        (FOLDER / f"{board}.json").write_text(content)
