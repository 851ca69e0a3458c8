"""The metrics of dbt's semantic layer, each as one expression of SQL over one report.

A figure has one definition: a metric in the project's YAML. Dashboards, report files and the API
all take its expression from the table `dim_metrics`, which every build writes, and evaluate it
over the rows they show. dbt's own query engine for metrics is a service; what it would ask DuckDB
is this expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

TABLE = "dim_metrics"
SECTIONS = ("operations", "loss", "fund", "risk", "quality")
# What the time dimension of a report is called that speaks of one instant: no range applies.
OF_AN_INSTANT = "as_of"
_AGGREGATES = {
    "sum": "coalesce(sum({}), 0)",
    "count": "count({})",
    "count_distinct": "count(distinct {})",
    "average": "avg({})",
    "min": "min({})",
    "max": "max({})",
    "median": "median({})",
}
# From what is counted to what is shown: money is counted in micro-USDC, a share as a fraction.
_SHOWN = {"USDC": "({}) / 1e6", "%": "100.0 * ({})"}


class MetricError(Exception):
    """A metric of the project cannot be shown; the message names it and what to mend."""


@dataclass(frozen=True)
class Metric:
    """One figure: `expression` over the rows of `model` gives it in `unit`.

    `time_column` is where a range of time applies, empty for reports of one instant; `format` is a
    d3 format; `section` one of SECTIONS.
    """

    metric: str
    label: str
    description: str
    unit: str
    model: str
    expression: str
    time_column: str
    format: str
    section: str
    owner: str


def metrics(manifest: Mapping[str, Any]) -> list[Metric]:
    """Every metric by name. Raises MetricError for one that is not told completely."""
    return _Project(manifest).metrics()


class _Project:
    """The semantic layer of one compiled project."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._metrics = {node["name"]: node for node in manifest.get("metrics", {}).values()}
        self._measures: dict[str, tuple[str, str, str]] = {}
        for model in manifest.get("semantic_models", {}).values():
            report = model["node_relation"]["alias"]
            time = model["defaults"]["agg_time_dimension"]
            column = "" if time == OF_AN_INSTANT else time
            for measure in model["measures"]:
                self._measures[measure["name"]] = (report, column, self._aggregate(measure))

    def metrics(self) -> list[Metric]:
        return [self._metric(self._metrics[name]) for name in sorted(self._metrics)]

    def _metric(self, node: Mapping[str, Any]) -> Metric:
        name = node["name"]
        told = {**(node.get("meta") or {}), **(node["config"].get("meta") or {})}
        missing = {"unit", "format", "section", "owner"} - set(told)
        if missing or not node["description"]:
            lacking = ", ".join(sorted(missing)) or "description"
            raise MetricError(f"metric {name}: give its {lacking} in the YAML beside its model")
        if told["section"] not in SECTIONS:
            raise MetricError(f"metric {name}: its section is one of {', '.join(SECTIONS)}")
        sources = {(model, time) for model, time, _ in self._leaves(name)}
        if len(sources) != 1:
            raise MetricError(f"metric {name} is taken over several reports: {sorted(sources)}")
        [(model, time)] = sources
        return Metric(
            metric=name,
            label=node["label"] or name,
            description=node["description"],
            unit=told["unit"],
            model=model,
            expression=_SHOWN.get(told["unit"], "{}").format(self._counted(name)),
            time_column=time,
            format=told["format"],
            section=told["section"],
            owner=told["owner"],
        )

    def _leaves(self, name: str) -> list[tuple[str, str, str]]:
        """The measures a metric rests on."""
        parameters = self._metrics[name]["type_params"]
        if parameters.get("measure"):
            return [self._measures[parameters["measure"]["name"]]]
        return [leaf for part in self._parts(name) for leaf in self._leaves(part)]

    def _parts(self, name: str) -> list[str]:
        parameters = self._metrics[name]["type_params"]
        if parameters.get("numerator"):
            return [parameters["numerator"]["name"], parameters["denominator"]["name"]]
        return [part["name"] for part in parameters["metrics"]]

    def _counted(self, name: str) -> str:
        """A metric as SQL in what it is counted in: micro-USDC, fractions, numbers."""
        node = self._metrics[name]
        parameters = node["type_params"]
        if node.get("filter"):
            raise MetricError(f"metric {name}: put its filter into a measure's expression")
        if node["type"] == "simple":
            return self._measures[parameters["measure"]["name"]][2]
        if node["type"] == "ratio":
            above, below = (self._counted(part) for part in self._parts(name))
            return f"1.0 * ({above}) / nullif({below}, 0)"
        if node["type"] == "derived":
            names = {part["alias"] or part["name"]: part["name"] for part in parameters["metrics"]}
            return re.sub(
                r"\b[a-z_][a-z0-9_]*\b(?!\()",
                lambda word: f"({self._counted(names[word[0]])})" if word[0] in names else word[0],
                parameters["expr"],
            )
        raise MetricError(f"metric {name}: it must be simple, ratio or derived")

    @staticmethod
    def _aggregate(measure: Mapping[str, Any]) -> str:
        expression = measure.get("expr") or measure["name"]
        if measure["agg"] == "percentile":
            share = measure["agg_params"]["percentile"]
            return f"quantile_cont({expression}, {share})"
        return _AGGREGATES[measure["agg"]].format(expression)


def write(connection: Any, table: str, found: tuple[Metric, ...]) -> None:
    """Create `table` with a row a metric."""
    names = [field.name for field in fields(Metric)]
    connection.execute(f"create table {table} ({', '.join(f'{n} varchar' for n in names)})")
    if found:
        row = ", ".join("?" for _ in names)
        connection.executemany(
            f"insert into {table} values ({row})", [list(asdict(one).values()) for one in found]
        )
