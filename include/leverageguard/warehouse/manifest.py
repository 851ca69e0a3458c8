"""What dbt wrote down of the compiled project: its models in order, and its tests on data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# dbt names a database after its file; a connection to ":memory:" calls itself the same.
CATALOG = "memory"
REPORTS = "reports/"
_RUN_AS = ("table", "view", "incremental")


@dataclass(frozen=True)
class Model:
    """One compiled model; `parents` are the models and seeds it reads.

    Reports are what lies below `models/reports`: people read them, no decision does.
    """

    name: str
    schema: str
    is_view: bool
    sql: str
    parents: tuple[str, ...]
    is_report: bool = False

    @property
    def relation(self) -> str:
        """The quoted name under which other models read it."""
        return f'"{CATALOG}"."{self.schema}"."{self.name}"'


@dataclass(frozen=True)
class DataTest:
    """One compiled test: a query of rows that must not be, and how dbt judges them.

    `fail_calc` counts them; `error_if` and `warn_if` are conditions on that count, as in "!= 0".
    """

    name: str
    sql: str
    severity: str
    fail_calc: str
    error_if: str
    warn_if: str
    limit: int | None
    parents: tuple[str, ...]


def models(manifest: Mapping[str, Any]) -> dict[str, Model]:
    """Every model by name."""
    nodes = manifest["nodes"].values()
    return {
        node["name"]: Model(
            name=node["name"],
            schema=node["schema"],
            is_view=node["config"]["materialized"] == "view",
            sql=node["compiled_code"],
            parents=tuple(_name(parent) for parent in node["depends_on"]["nodes"]),
            is_report=node["path"].startswith(REPORTS),
        )
        for node in nodes
        if node["resource_type"] == "model" and node["config"]["materialized"] in _RUN_AS
    }


def tests(manifest: Mapping[str, Any]) -> list[DataTest]:
    """Every test on data, by name."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    return [
        DataTest(
            name=node["name"],
            sql=node["compiled_code"],
            severity=node["config"]["severity"].lower(),
            fail_calc=node["config"]["fail_calc"],
            error_if=node["config"]["error_if"],
            warn_if=node["config"]["warn_if"],
            limit=node["config"]["limit"],
            parents=tuple(_name(parent) for parent in node["depends_on"]["nodes"]),
        )
        for node in sorted(nodes, key=lambda node: str(node["name"]))
    ]


def _name(unique_id: str) -> str:
    return unique_id.rsplit(".", 1)[-1]


def in_order(models: Mapping[str, Model]) -> list[Model]:
    """Parents first; dbt itself refuses circles."""
    ordered: dict[str, Model] = {}

    def take(name: str) -> None:
        if name in models and name not in ordered:
            for parent in models[name].parents:
                take(parent)
            ordered[name] = models[name]

    for name in sorted(models):
        take(name)
    return list(ordered.values())
