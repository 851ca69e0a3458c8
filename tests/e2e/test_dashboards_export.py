"""What an operator edits in Superset comes back as YAML, and nothing else of the files moves."""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from leverageguard import config
from leverageguard.dashboards import command as dashboards
from leverageguard.stack.progress import StackError
from tests.e2e import superset_server
from tests.e2e.superset_server import Running, send, session

pytestmark = pytest.mark.slow

ASSETS = config.REPO_DIR / "include" / "superset" / "assets"
CHART, BOARD = "charts/operations_claims_funnel.yaml", "dashboards/operations.yaml"


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with superset_server.served(tmp_path_factory.mktemp("superset")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS, tmp_path / "assets"))


def run(running: Running, action: str, folder: Path | None = None) -> list[str]:
    return dashboards.lines(running.settings, {"action": action, "to": folder})


def differing(folder: Path) -> set[str]:
    """Files of the folder that are not as in the project."""
    files = {path.relative_to(folder) for path in folder.rglob("*.yaml")}
    return {str(one) for one in files if not _is_same(ASSETS / one, folder / one)}


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and filecmp.cmp(one, other, shallow=False)


def charts(running: Running) -> dict[str, int]:
    opened = session(running, "operator")
    found = opened.get(f"{running.url}/api/v1/chart/?q=(page_size:100)", timeout=60).json()
    return {each["slice_name"]: each["id"] for each in found["result"]}


def board_id(running: Running) -> int:
    opened = session(running, "operator")
    found = opened.get(f"{running.url}/api/v1/dashboard/operations", timeout=60).json()
    return int(found["result"]["id"])


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def change(running: Running, path: str, **given: Any) -> None:
    answer = send(session(running, "operator"), running, "PUT", path, json=given)
    assert answer.ok, answer.text


def test_export__nothing_edited__changes_no_file(superset: Running, folder: Path) -> None:
    assert run(superset, "export", folder) == ["no file differs from what Superset shows"]
    assert differing(folder) == set()


def test_export__edits_of_an_operator__change_their_files_and_stay_out_of_the_next_export(
    superset: Running, folder: Path
) -> None:
    before = read(ASSETS / CHART)
    change(superset, f"chart/{charts(superset)[before['slice_name']]}", slice_name="Renamed")
    change(superset, f"dashboard/{board_id(superset)}", css=".edited {}")
    params = {"viz_type": "table", "all_columns": ["claim_id"], "slice_id": 77}
    made = {"slice_name": "Made by hand", "viz_type": "table", "datasource_id": 1,
            "datasource_type": "table", "params": json.dumps(params)}  # fmt: skip
    assert send(session(superset, "operator"), superset, "POST", "chart/", json=made).ok

    told = run(superset, "export", folder)

    expected = {CHART, "charts/made_by_hand.yaml", BOARD}
    assert set(told) == {f"changed: {path}" for path in expected}
    assert differing(folder) == expected
    chart = read(folder / CHART)
    assert chart["slice_name"] == "Renamed"
    assert {**chart, "slice_name": "", "query_context": ""} == {
        **before, "slice_name": "", "query_context": "",
    }  # fmt: skip
    board = read(folder / BOARD)
    assert (board["css"], board["dashboard_title"]) == (".edited {}", "Operations today__WORLD__")
    new = read(folder / "charts" / "made_by_hand.yaml")
    assert "slice_id" not in new["params"]
    assert "datasource" not in new["params"]
    assert run(superset, "export", folder) == ["no file differs from what Superset shows"]


def test_import__after_an_edit__shows_what_the_files_say(superset: Running) -> None:
    name = read(ASSETS / CHART)["slice_name"]
    opened = session(superset, "admin")
    change(superset, f"dashboard/{board_id(superset)}", dashboard_title="Something else")

    run(superset, "import")

    after = opened.get(f"{superset.url}/api/v1/dashboard/operations", timeout=60).json()
    assert after["result"]["dashboard_title"] == "Operations today · Simulated world"
    assert name in charts(superset)


def test_export__before_the_first_start__says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path))
    with pytest.raises(StackError, match="leverageguard up"):
        dashboards.lines(config.load(), {"action": "export", "to": None})
