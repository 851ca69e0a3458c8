"""The dashboard's files agree: Superset would drop charts silently where they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from leverageguard import config

ASSETS = config.REPO_DIR / "include" / "superset" / "assets"
OUR_OWN = {"dim_snapshot"}


def load(folder: str) -> dict[str, dict[str, Any]]:
    found = {
        path.stem: yaml.safe_load(path.read_text())
        for path in ASSETS.rglob("*.yaml")
        if folder in path.relative_to(ASSETS).parts
    }
    assert found
    return found


CHARTS = load("charts")
DATASETS = {each["uuid"]: each for each in load("datasets").values()}
(DASHBOARD,) = load("dashboards").values()
(DATABASE,) = load("databases").values()


def placed() -> dict[str, str]:
    """uuid → id of every chart the dashboard names."""
    return {
        each["meta"]["uuid"]: each["id"]
        for each in DASHBOARD["position"].values()
        if isinstance(each, dict) and each["type"] == "CHART"
    }


def test_dashboard__every_chart_it_names__exists() -> None:
    assert set(placed()) == {chart["uuid"] for chart in CHARTS.values()}


def test_dashboard__every_placed_item__is_on_the_page() -> None:
    position = DASHBOARD["position"]
    children = {
        name
        for each in position.values()
        if isinstance(each, dict)
        for name in each.get("children", [])
    }
    assert {each["id"] for each in position.values() if isinstance(each, dict)} - children == {
        "ROOT_ID",
        "HEADER_ID",
    }


def test_dashboard__simulated_world__is_in_its_title_and_header() -> None:
    assert "__WORLD__" in DASHBOARD["dashboard_title"]
    assert "__WORLD__" in DASHBOARD["position"]["MARKDOWN-about"]["meta"]["code"]


@pytest.mark.parametrize("name", CHARTS)
def test_chart__every_column_and_metric__is_in_its_dataset(name: str) -> None:
    chart = CHARTS[name]
    dataset = DATASETS[chart["dataset_uuid"]]
    assert dataset["database_uuid"] == DATABASE["uuid"]
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    (query,) = json.loads(chart["query_context"])["queries"]
    asked = {each if isinstance(each, str) else each["sqlExpression"] for each in query["columns"]}
    assert asked <= columns
    assert set(query["metrics"]) <= metrics
    params = chart["params"]
    shown = {*params.get("all_columns", []), *params.get("groupby", [])} | (
        {params["x_axis"]} if "x_axis" in params else set()
    )
    assert shown <= columns
    assert {*params.get("metrics", []), params.get("metric")} - {None} <= metrics


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda each: each["table_name"])
def test_dataset__its_columns__are_those_of_the_model(dataset: dict[str, Any]) -> None:
    if dataset["table_name"] in OUR_OWN:
        return
    columns = {
        column["column_name"] for column in dataset["columns"] if not column.get("expression")
    }
    assert columns == model_columns(dataset["table_name"])


def model_columns(name: str) -> set[str]:
    """Columns dbt documents for a report."""
    folder: Path = config.REPO_DIR / "dbt_project" / "models" / "reports"
    for path in folder.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            if model["name"] == name:
                return {column["name"] for column in model["columns"]}
    raise AssertionError(f"no report {name} in {folder}")


def test_database__uri__holds_no_machine_path() -> None:
    assert DATABASE["sqlalchemy_uri"] == "duckdb:///published-snapshot"
    assert DATABASE["allow_dml"] is False
