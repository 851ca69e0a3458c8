"""Grafana's dashboards: as built, in Grafana's own types, of metrics that are told."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.gateway import counting
from leverageguard.monitoring import collecting, from_snapshot
from leverageguard.warehouse import model_runner
from tests.monitoring_world import Around, Pool, free_ports

FOLDER = config.REPO_DIR / "monitoring" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("dashboards/*.json")}
OTHERS = {"ALERTS", "up"}


def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", FOLDER / "build.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["build"] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


def queries(board: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]


EVERY = [query for board in BOARDS.values() for query in queries(board)]


def test_dashboards__in_the_repository__are_what_is_built() -> None:
    made = {name: json.loads(content) for name, content in build().boards()}

    assert made == BOARDS


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_dashboard__read_by_grafanas_types__is_the_same_again(name: str) -> None:
    read = Dashboard.from_json(BOARDS[name])

    assert json.loads(JSONEncoder().encode(read)) == BOARDS[name]
    assert read.uid == f"leverageguard-{name}" and read.title


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_dashboard__its_panels__ask_something_and_cover_no_other(name: str) -> None:
    panels = [panel for panel in BOARDS[name]["panels"] if panel["type"] != "row"]
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in BOARDS[name]["panels"]}) == len(BOARDS[name]["panels"])
    for panel in panels:
        assert panel["title"] and panel["targets"] and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}


def test_queries__every_one__is_what_prometheus_takes(tmp_path: Path) -> None:
    rules = [
        {"record": f"q{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(EVERY)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(EVERY) > 40


def test_queries__each_metric__is_told_at_a_scrape(
    model_folder: Settings, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = replace(settings, port_base=free_ports())
    around = Around()
    around.serve(mine.airflow_port, mine.chain_port)
    pool = Pool(mine)
    pool.publish()
    pool.land(1)
    text = (collecting.exposition(mine) + counting.exposition()).decode()
    around.close()
    told = set(re.findall(r"^# HELP (\S+)", text, re.MULTILINE))
    told |= {f"{name}_bucket" for name in told}
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(model_folder.data_dir))
    units = {one.metric: one.unit for one in model_runner.compiled(model_folder).metrics}
    told |= {
        f"leverageguard_{from_snapshot.name_of(name, units[name])}" for name in from_snapshot.SHOWN
    }

    words = {
        word
        for query in EVERY
        for word in re.findall(r"\b(leverageguard_\w+|up|ALERTS)\b", re.sub(r"{[^}]*}", "", query))
    }
    assert words - told - OTHERS == set()


def test_provisioning__leads_from_the_source_to_the_dashboards() -> None:
    [source] = yaml.safe_load(
        (FOLDER / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )["datasources"]
    [provider] = yaml.safe_load(
        (FOLDER / "provisioning" / "dashboards" / "leverageguard.yml").read_text()
    )["providers"]

    assert (source["type"], source["uid"]) == ("prometheus", build().SOURCE.uid)
    assert provider["type"] == "file" and Path(provider["options"]["path"]).is_absolute()
