"""Each metric of dbt's semantic layer becomes one expression, or is refused by name."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from leverageguard.warehouse import metrics
from leverageguard.warehouse.metrics import MetricError

TOLD = {"unit": "USDC", "format": ",.2f", "section": "loss", "owner": "actuary"}


def measure(name: str, agg: str = "sum", expr: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "agg": agg, "expr": expr, **more}


def metric(
    name: str, kind: str = "simple", unit: str = "USDC", **parameters: Any
) -> dict[str, Any]:
    return {
        "name": name, "label": name.capitalize(), "description": "What it is.", "type": kind,
        "type_params": parameters, "config": {"meta": {**TOLD, "unit": unit}},
    }  # fmt: skip


def project(*found: dict[str, Any], time: str = "book_date") -> dict[str, Any]:
    def semantic(report: str, *measures: dict[str, Any]) -> dict[str, Any]:
        return {
            "node_relation": {"alias": report}, "defaults": {"agg_time_dimension": time},
            "measures": list(measures),
        }  # fmt: skip

    days = semantic(
        "rpt_days",
        measure("paid", expr="paid_micro_usdc"),
        measure("earned", expr="earned_micro_usdc"),
        measure("days", "count", "book_date"),
        measure("slow", "percentile", "seconds", agg_params={"percentile": 0.9}),
    )
    other = semantic("rpt_other", measure("elsewhere"))
    return {
        "semantic_models": {"a": days, "b": other},
        "metrics": {one["name"]: one for one in found},
    }


PAID = metric("paid", measure={"name": "paid"})
EARNED = metric("earned", measure={"name": "earned"})
RATIO = metric("ratio", "ratio", "%", numerator={"name": "paid"}, denominator={"name": "earned"})


def shown(*found: dict[str, Any], time: str = "book_date") -> dict[str, metrics.Metric]:
    return {one.metric: one for one in metrics.metrics(project(*found, time=time))}


def value(expression: str) -> Any:
    rows = "(values (date '2026-01-05', 1500000, 4000000, 3), (date '2026-01-06', 500000, 0, 9))"
    columns = "(book_date, paid_micro_usdc, earned_micro_usdc, seconds)"
    return duckdb.sql(f"select {expression} from {rows} as rpt_days {columns}").fetchone()[0]


def test_metrics__money__is_shown_in_usdc_of_its_report() -> None:
    found = shown(PAID)["paid"]

    assert (found.model, found.time_column, found.label) == ("rpt_days", "book_date", "Paid")
    assert value(found.expression) == 2


def test_metrics__ratio__is_of_the_sums_and_a_share_of_nothing_is_unknown() -> None:
    found = shown(PAID, EARNED, RATIO)["ratio"]

    assert value(found.expression) == 50
    assert value(found.expression.replace("earned_micro_usdc", "0")) is None


def test_metrics__derived__replaces_whole_names_alone() -> None:
    parts = [{"name": "paid", "alias": None}, {"name": "days", "alias": None}]
    a_day = metric("a_day", "derived", expr="paid / nullif(days, 0)", metrics=parts)
    found = shown(PAID, metric("days", measure={"name": "days"}), a_day)["a_day"]

    assert value(found.expression) == 1


def test_metrics__percentile__is_of_the_rows() -> None:
    found = shown(metric("slow", unit="s", measure={"name": "slow"}))["slow"]

    assert value(found.expression) == pytest.approx(8.4)


def test_metrics__report_of_an_instant__has_no_time_to_choose_by() -> None:
    assert shown(PAID, time="as_of")["paid"].time_column == ""


def test_metrics__no_rows__sum_to_nothing_and_not_to_unknown() -> None:
    expression = shown(PAID)["paid"].expression
    assert duckdb.sql(
        f"select {expression} from (select 1 as paid_micro_usdc limit 0)"
    ).fetchone() == (0,)


@pytest.mark.parametrize("lacking", ["unit", "format", "section", "owner"])
def test_metrics__not_told_completely__is_refused_by_name(lacking: str) -> None:
    told = {key: value for key, value in TOLD.items() if key != lacking}

    with pytest.raises(MetricError, match=f"metric paid: give its {lacking}"):
        shown({**PAID, "config": {"meta": told}})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({**PAID, "description": ""}, "give its description"),
        ({**PAID, "filter": {"where_filters": []}}, "put its filter into a measure"),
        ({**PAID, "type": "cumulative"}, "must be simple, ratio or derived"),
        ({**PAID, "config": {"meta": {**TOLD, "section": "x"}}}, "its section is one of"),
        (
            metric("mixed", "ratio", numerator={"name": "paid"}, denominator={"name": "other"}),
            "metric mixed is taken over several reports",
        ),
    ],
)
def test_metrics__that_cannot_be_shown__is_refused(found: dict[str, Any], message: str) -> None:
    with pytest.raises(MetricError, match=message):
        shown(PAID, metric("other", measure={"name": "elsewhere"}), found)


def test_write__rows__are_the_metrics() -> None:
    found = tuple(metrics.metrics(project(PAID)))
    with duckdb.connect(":memory:") as connection:
        metrics.write(connection, "dim_metrics", found)
        rows = connection.execute("select metric, unit, expression from dim_metrics").fetchall()

    assert rows == [("paid", "USDC", found[0].expression)]
