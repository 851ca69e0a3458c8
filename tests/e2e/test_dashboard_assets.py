"""The dashboards' files agree: Superset would drop charts silently where they do not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from leverageguard import config

ASSETS = config.REPO_DIR / "include" / "superset" / "assets"
OUR_OWN = {"dim_snapshot"}
PHONE = 6  # columns of twelve that fill a phone, as the dashboards' CSS lays them


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
DASHBOARDS = load("dashboards")
(DATABASE,) = load("databases").values()


def placed(dashboard: dict[str, Any]) -> dict[str, str]:
    """uuid → title of every chart the dashboard names."""
    return {
        each["meta"]["uuid"]: each["meta"]["sliceName"]
        for each in dashboard["position"].values()
        if isinstance(each, dict) and each["type"] == "CHART"
    }


def test_dashboards__the_five_of_the_operators_morning() -> None:
    assert {each["slug"] for each in DASHBOARDS.values()} == {
        "operations",
        "loss-and-pricing",
        "fund-and-solvency",
        "risk-and-exposure",
        "data-quality-and-fraud",
    }


def test_dashboards__every_chart_they_name__exists_and_none_is_left_over() -> None:
    named = [chart for each in DASHBOARDS.values() for chart in placed(each)]
    assert sorted(named) == sorted(chart["uuid"] for chart in CHARTS.values())


def test_dashboards__what_a_tile_is_called__is_what_its_chart_is_called() -> None:
    titles = {chart["uuid"]: chart["slice_name"] for chart in CHARTS.values()}
    for dashboard in DASHBOARDS.values():
        assert placed(dashboard) == {uuid: titles[uuid] for uuid in placed(dashboard)}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__every_placed_item__is_on_the_page(name: str) -> None:
    position = DASHBOARDS[name]["position"]
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


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__world_and_freshness__are_told_on_it(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert "__WORLD__" in dashboard["dashboard_title"]
    assert "__WORLD__" in dashboard["position"]["MARKDOWN-about"]["meta"]["code"]
    assert "Published snapshot" in placed(dashboard).values()


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__filters__name_columns_that_are_there_and_figures_come_anew(name: str) -> None:
    metadata = DASHBOARDS[name]["metadata"]
    for native in metadata["native_filter_configuration"]:
        for target in native["targets"]:
            if target:
                columns = DATASETS[target["datasetUuid"]]["columns"]
                assert target["column"]["name"] in {one["column_name"] for one in columns}
    assert metadata["cross_filters_enabled"] is True
    assert metadata["refresh_frequency"] > 0


def charts_of(name: str) -> list[dict[str, Any]]:
    by_uuid = {chart["uuid"]: chart for chart in CHARTS.values()}
    return [by_uuid[uuid] for uuid in placed(DASHBOARDS[name])]


def filters_reaching(chart: dict[str, Any], name: str) -> set[str]:
    """Names of the dashboard's filters that ask for a column of the chart's rows.

    A range of time reaches a chart that says which of its columns is its time.
    """
    columns = {one["column_name"] for one in DATASETS[chart["dataset_uuid"]]["columns"]}
    given = chart["params"].get("adhoc_filters", [])
    has_time = any(one["operator"] == "TEMPORAL_RANGE" for one in given)
    found = set()
    for native in DASHBOARDS[name]["metadata"]["native_filter_configuration"]:
        (target,) = native["targets"]
        if target["column"]["name"] in columns if target else has_time:
            found.add(native["name"])
    return found


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__each_filter__has_the_charts_with_its_column_in_its_scope_and_no_other(
    name: str,
) -> None:
    numbers = {
        each["meta"]["uuid"]: each["meta"]["chartId"]
        for each in DASHBOARDS[name]["position"].values()
        if isinstance(each, dict) and each["type"] == "CHART"
    }
    assert len(set(numbers.values())) == len(numbers)  # the import finds a chart by its number
    for native in DASHBOARDS[name]["metadata"]["native_filter_configuration"]:
        assert native["scope"]["rootPath"] == ["ROOT_ID"]
        reached = {
            chart["slice_name"]
            for chart in charts_of(name)
            if numbers[chart["uuid"]] not in native["scope"]["excluded"]
        }
        assert reached == {
            chart["slice_name"]
            for chart in charts_of(name)
            if native["name"] in filters_reaching(chart, name)
        }
        assert reached


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__a_figure_that_a_filter_does_not_reach__says_so(name: str) -> None:
    natives = DASHBOARDS[name]["metadata"]["native_filter_configuration"]
    chosen = {one["name"] for one in natives if one["targets"][0]}
    for chart in charts_of(name):
        if chart["viz_type"] != "big_number_total":
            continue
        reached = filters_reaching(chart, name)
        said = chart["params"]["subtitle"]
        assert ("whole pool" in said) == (bool(chosen) and not chosen & reached), chart
        for missed in chosen - reached if chosen & reached else ():
            assert missed.lower() in said, chart
        assert ("any time range" in said) == ("Time range" not in reached), chart


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__every_model_behind_it__is_one_step_away(name: str) -> None:
    code = DASHBOARDS[name]["position"]["MARKDOWN-models"]["meta"]["code"]
    linked = re.findall(
        r"\(__AIRFLOW__/leverageguard/dbt/#!/model/model\.leverageguard\.(\w+)\)", code
    )
    shown = {DATASETS[chart["dataset_uuid"]]["table_name"] for chart in charts_of(name)}
    assert linked == sorted(shown)


@pytest.mark.parametrize("name", [name for name in CHARTS if CHARTS[name]["viz_type"] == "table"])
def test_table__its_headings__are_words_of_people(name: str) -> None:
    chart = CHARTS[name]
    columns = {one["column_name"]: one for one in DATASETS[chart["dataset_uuid"]]["columns"]}
    for column in chart["params"]["all_columns"]:
        heading = columns[column]["verbose_name"]
        assert heading and not re.search(r"(?i)\bcount\b|^is |_", heading), heading


@pytest.mark.parametrize(
    ("chart", "column", "address"),
    [
        ("operations_claims_that_wait", "claim_link", "api/v1/claims/' || claim_id"),
        ("operations_claims_that_wait", "policy_link", "api/v1/claims?policy_id=' || policy_id"),
        (
            "operations_batches",
            "batch_link",
            "transparency/#batch-' || chain_id || '-' || coalesce(batch_no::varchar, '')",
        ),
    ],
)
def test_table__what_a_row_is_about__is_one_step_away(
    chart: str, column: str, address: str
) -> None:
    assert column in CHARTS[chart]["params"]["all_columns"]
    dataset = DATASETS[CHARTS[chart]["dataset_uuid"]]
    (found,) = (one for one in dataset["columns"] if one["column_name"] == column)
    assert f'<a href="__AIRFLOW__/leverageguard/{address}' in found["expression"]


@pytest.mark.parametrize("name", [name for name in CHARTS if "x_axis" in CHARTS[name]["params"]])
def test_chart__its_axis__is_not_called_as_one_of_its_figures(name: str) -> None:
    """The browser finds a series by its label: one that is the axis's is not drawn."""
    params, dataset = CHARTS[name]["params"], DATASETS[CHARTS[name]["dataset_uuid"]]
    columns = {one["column_name"]: one["verbose_name"] for one in dataset["columns"]}
    metrics = {one["metric_name"]: one["verbose_name"] for one in dataset["metrics"]}

    assert columns[params["x_axis"]] not in {metrics[one] for one in params.get("metrics", ())}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard__on_a_phone__only_figures_share_its_width(name: str) -> None:
    kinds = {chart["uuid"]: chart["viz_type"] for chart in CHARTS.values()}
    narrow = {
        each["meta"]["sliceName"]
        for each in DASHBOARDS[name]["position"].values()
        if isinstance(each, dict) and each["type"] == "CHART"
        if each["meta"]["width"] < PHONE and kinds[each["meta"]["uuid"]] != "big_number_total"
    }
    assert narrow == set()


@pytest.mark.parametrize("name", [name for name in CHARTS if CHARTS[name]["viz_type"] == "table"])
def test_table__a_day__is_shown_without_an_hour(name: str) -> None:
    params = CHARTS[name]["params"]
    for column in params["all_columns"]:
        if column.endswith("_date"):
            assert params["column_config"][column] == {"d3TimeFormat": "%Y-%m-%d"}


@pytest.mark.parametrize("name", [one for one in CHARTS if one.endswith("_published_snapshot")])
def test_snapshot__its_one_row__is_not_told_to_be_cut_off(name: str) -> None:
    (query,) = json.loads(CHARTS[name]["query_context"])["queries"]
    assert query["row_limit"] > 1


@pytest.mark.parametrize("name", [one for one in CHARTS if "heatmap" in CHARTS[one]["viz_type"]])
def test_heat_map__every_label__has_its_room(name: str) -> None:
    params = CHARTS[name]["params"]
    assert {params["bottom_margin"], params["left_margin"]} == {16}
    assert params["xscale_interval"] == params["yscale_interval"] == 1


@pytest.mark.parametrize("name", CHARTS)
def test_chart__what_it_asks__is_what_its_settings_say(name: str) -> None:
    chart = CHARTS[name]
    context = json.loads(chart["query_context"])
    (query,) = context["queries"]
    params = chart["params"]
    assert context["form_data"] == params
    assert query["metrics"] == params.get(
        "metrics", [params["metric"]] if "metric" in params else []
    )
    assert chart["description"]


@pytest.mark.parametrize("name", [name for name in CHARTS if CHARTS[name]["viz_type"] == "table"])
def test_table__what_its_rows_are_ordered_by__is_one_of_its_columns(name: str) -> None:
    """Asked over the API, rows are grouped by the columns shown: DuckDB refuses another order."""
    (query,) = json.loads(CHARTS[name]["query_context"])["queries"]
    assert {column for column, _ in query["orderby"]} <= set(query["columns"])
    params = CHARTS[name]["params"]
    assert [json.loads(one) for one in params.get("order_by_cols", [])] == query["orderby"]


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
    grouped = params.get("groupby", [])
    grouped = [grouped] if isinstance(grouped, str) else grouped  # a heat map has one
    shown = {*params.get("all_columns", []), *grouped} | (
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
