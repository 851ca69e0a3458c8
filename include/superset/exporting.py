"""Charts, datasets and dashboards as they are in Superset, back into the YAML they came from.

An export that nobody's edit stands behind changes no file: names, order of keys and what is left
out are those of the files, and a number of one installation's database never gets into them.

.venv-superset/bin/python include/superset/exporting.py {export|import} [FOLDER]
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("SUPERSET_CONFIG_PATH", str(HERE / "superset_config.py"))
import bootstrap  # noqa: E402  after its folder is on the path

KINDS = ("charts", "dashboards", "datasets")  # a database's settings are nobody's to edit there
EMPTY = (None, "", "{}", [], {}, False)
# Numbers of this installation, wherever they stand.
OWN_NUMBERS = frozenset({"slice_id", "dashboardId", "dashboards", "datasource", "url_params"})


def export(app: Any, folder: Path, values: dict[str, str]) -> list[str]:
    """Write what was edited into `folder`; the paths of the files that changed."""
    from flask import g
    from superset.commands.export.assets import ExportAssetsCommand

    known = {
        loaded["uuid"]: path
        for path in sorted(folder.rglob("*.yaml"))
        if "uuid" in (loaded := yaml.safe_load(path.read_text()))
    }
    changed = []
    with app.app_context():
        g.user = app.appbuilder.sm.find_user(username="admin")
        for name, content in ExportAssetsCommand().run():
            if name.split("/")[0] in KINDS:
                made = yaml.safe_load(content())
                path = known.get(made["uuid"]) or folder / _file_name(name)
                if _write(path, made, values):
                    changed.append(str(path.relative_to(folder)))
    return sorted(changed)


def _file_name(name: str) -> str:
    """`charts/Title_12.yaml` without the number."""
    kind, *folders, file = name.split("/")
    return "/".join([kind, *folders, re.sub(r"_\d+\.yaml$", ".yaml", file).lower()])


def _write(path: Path, made: dict[str, Any], values: dict[str, str]) -> bool:
    before = yaml.safe_load(path.read_text()) if path.exists() else {}
    clean = _as_before(_without_numbers(_opened(made)), _without_numbers(_opened(before)), values)
    if clean == _without_numbers(_opened(before)):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        yaml.dump(_closed(clean), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    )
    return True


def _opened(asset: dict[str, Any]) -> dict[str, Any]:
    """A chart's stored query as values; it is text in the file."""
    text = asset.get("query_context")
    return {**asset, "query_context": json.loads(text)} if text else dict(asset)


def _closed(asset: dict[str, Any]) -> dict[str, Any]:
    query = asset.get("query_context")
    return {**asset, "query_context": json.dumps(query, indent=2)} if query else asset


def _without_numbers(asset: dict[str, Any]) -> dict[str, Any]:
    """Without numbers of this installation; those of a dashboard's charts come from their uuids."""
    placed = [
        each["meta"]
        for each in (asset.get("position") or {}).values()
        if isinstance(each, dict) and "chartId" in each.get("meta", {})
    ]
    cleaned = dict(_renumbered(asset, {str(one["chartId"]): _number(one) for one in placed}, ""))
    for each in (cleaned.get("position") or {}).values():
        if isinstance(each, dict) and "chartId" in each.get("meta", {}):
            each["meta"]["chartId"] = _number(each["meta"])
    return cleaned


def _number(chart: dict[str, Any]) -> int:
    return int(chart["uuid"][:7], 16)


def _renumbered(value: Any, charts: dict[str, int], key: str) -> Any:
    if isinstance(value, dict):
        if key == "datasource" and "type" in value:
            return {**value, "id": 0}
        return {
            str(charts.get(str(name), name)): _renumbered(each, charts, str(name))
            for name, each in value.items()
            if name not in OWN_NUMBERS or isinstance(each, dict)
        }
    if isinstance(value, list):
        return [_renumbered(each, charts, key) for each in value]
    is_chart = key in ("chartId", "chartsInScope", "excluded", "id") and isinstance(value, int)
    return charts.get(str(value), value) if is_chart else value


def _as_before(made: Any, before: Any, values: dict[str, str]) -> Any:
    """What was made, in the order of the file and with its way of leaving things out."""
    if isinstance(made, dict) and isinstance(before, dict):
        names = [name for name in before if name in made or before[name] in EMPTY]
        names += sorted(name for name in made if name not in before and made[name] not in EMPTY)
        return {
            name: _as_before(made.get(name, before.get(name)), before.get(name), values)
            for name in names
        }
    if isinstance(made, list) and isinstance(before, list):
        return _list_as_before(made, before, values)
    if isinstance(made, str) and isinstance(before, str):
        return before if bootstrap.fill(before, values) == made else made
    return before if made in EMPTY and before in EMPTY else made


def _list_as_before(made: list[Any], before: list[Any], values: dict[str, str]) -> list[Any]:
    """Columns and metrics are sorted as in the file, new ones behind; other lists have an order."""
    key = next((one for one in ("column_name", "metric_name") if _have(made, one)), None)
    if key is None:
        olds = [*before, *[None] * len(made)]
        return [_as_before(each, old, values) for each, old in zip(made, olds, strict=False)]
    places = {each[key]: place for place, each in enumerate(before)}
    ordered = sorted(made, key=lambda each: (places.get(each[key], len(before)), each[key]))
    olds_by_name = {each[key]: each for each in before}
    return [_as_before(each, olds_by_name.get(each[key], {}), values) for each in ordered]


def _have(items: list[Any], key: str) -> bool:
    return bool(items) and all(isinstance(each, dict) and key in each for each in items)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as people write them."""


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)


def main() -> None:
    """Export the edits of this stack's Superset, or overwrite them with what the files say."""
    from superset.app import create_app

    app = create_app()
    data = Path(os.environ["LEVERAGEGUARD_DATA"])
    if sys.argv[1] == "export":
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else bootstrap.ASSETS
        changed = export(app, folder, bootstrap.filled(data))
        sys.stdout.write("".join(f"{path}\n" for path in changed))
        return
    (data / "superset" / "prepared.json").unlink(missing_ok=True)
    bootstrap.prepare(app, data)


if __name__ == "__main__":
    main()
