"""What the dashboards' files say because other files say it: written by `dashboards sync`.

A dataset's metrics are those that dbt's project takes over its report. A filter reaches the tiles
whose rows have its column, and a figure that a filter does not reach says so below itself. Each
dashboard leads to the models behind it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from leverageguard.config import Settings
from leverageguard.warehouse import model_runner
from leverageguard.warehouse.metrics import Metric

ASSETS = Path("include") / "superset" / "assets"
MODELS = "MARKDOWN-models"  # the item of a dashboard that leads to the models behind it
DOCS = "__AIRFLOW__/leverageguard/dbt/#!/model/model.leverageguard."
FIGURE = "big_number_total"
Asset = dict[str, Any]


def sync(settings: Settings, folder: Path | None, *, is_check: bool) -> Iterator[str]:
    """The files that are not as they follow from others, each written unless this is a check."""
    root = folder or settings.repo_dir / ASSETS
    loaded = {path: yaml.safe_load(path.read_text()) for path in sorted(root.rglob("*.yaml"))}
    _tell(list(loaded.values()), model_runner.compiled(settings).metrics)
    for path, asset in loaded.items():
        text = yaml.dump(asset, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
        if text != path.read_text():
            if not is_check:
                path.write_text(text)
            yield str(path.relative_to(root))


def _tell(assets: list[Asset], metrics: Iterable[Metric]) -> None:
    """Put into each asset what follows from the others."""
    datasets = {one["uuid"]: one for one in assets if "table_name" in one}
    charts = {one["uuid"]: one for one in assets if "slice_name" in one}
    for dataset in datasets.values():
        told = [one for one in metrics if one.model == dataset["table_name"]]
        if told:
            dataset["metrics"] = [_metric(one) for one in sorted(told, key=lambda one: one.metric)]
    for board in (one for one in assets if "position" in one):
        placed = _placed(board)
        for uuid in placed:
            charts[uuid]["columns"] = _reachable(charts[uuid], datasets)
        _scope(board, charts, placed)
        tables = {datasets[charts[uuid]["dataset_uuid"]]["table_name"] for uuid in placed}
        _document(board, sorted(tables))
        for uuid in placed:
            _say(charts[uuid], board)
            del charts[uuid]["columns"]


def _metric(metric: Metric) -> Asset:
    unit = "" if metric.unit == "count" else f", {metric.unit}"
    return {
        "metric_name": metric.metric,
        "verbose_name": metric.label + unit,
        "expression": metric.expression,
        "description": metric.description,
        "metric_type": None,
        "d3format": metric.format,
    }


def _placed(board: Asset) -> list[str]:
    """Its charts, each with a number of its own: the import finds a chart in a scope by that."""
    found = []
    for item in board["position"].values():
        if isinstance(item, dict) and item["type"] == "CHART":
            item["meta"]["chartId"] = _number(item["meta"]["uuid"])
            found.append(item["meta"]["uuid"])
    return found


def _number(uuid: str) -> int:
    return int(uuid[:7], 16)


def _reachable(chart: Asset, datasets: dict[str, Asset]) -> set[str]:
    """Columns of a chart's rows that a filter may name; "" where a range of time reaches it."""
    given = chart["params"].get("adhoc_filters", [])
    times = {"" for one in given if one["operator"] == "TEMPORAL_RANGE"}
    columns = datasets[chart["dataset_uuid"]]["columns"]
    return {one["column_name"] for one in columns} | times


def _column(native: Asset) -> str:
    """What a filter asks for: a column, or "" for a range of time."""
    return str(native["targets"][0].get("column", {}).get("name", ""))


def _scope(board: Asset, charts: dict[str, Asset], placed: list[str]) -> None:
    for native in board["metadata"]["native_filter_configuration"]:
        native["scope"]["excluded"] = [
            _number(uuid) for uuid in placed if _column(native) not in charts[uuid]["columns"]
        ]


def _document(board: Asset, tables: list[str]) -> None:
    """The way from a dashboard to what dbt says of each model behind it."""
    pages = (f"[{one}]({DOCS}{one})" for one in tables)
    item = board["position"].get(MODELS)
    if item is not None:
        item["meta"]["code"] = f"Where the figures come from: {' · '.join(pages)}"


def _say(chart: Asset, board: Asset) -> None:
    """Below a figure: which filters of its dashboard leave it as it is."""
    if chart["viz_type"] != FIGURE:
        return
    natives = board["metadata"]["native_filter_configuration"]
    told = unreached(chart["columns"], {one["name"]: _column(one) for one in natives})
    query = json.loads(chart["query_context"])
    if told and query["form_data"]["subtitle"] != told:
        chart["params"]["subtitle"] = query["form_data"]["subtitle"] = told
        chart["query_context"] = json.dumps(query, indent=2) + "\n"


def unreached(columns: set[str], filters: dict[str, str]) -> str:
    """In words, the filters (name → column, "" for time) that have none of the columns; or ""."""
    chosen = [name for name, column in filters.items() if column]
    missed = [name for name in chosen if filters[name] not in columns]
    told = []
    if missed:
        each = " and ".join(name.lower() for name in missed)
        told.append("whole pool" if missed == chosen else f"every {each}")
    if "" in filters.values() and "" not in columns:
        told.append("for any time range")
    return ", ".join(told)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as people write them."""


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)
