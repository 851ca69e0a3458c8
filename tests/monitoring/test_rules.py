"""The alert rules: each fires and clears by promtool, rests on metrics there are, has a runbook."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from leverageguard import cli, config
from leverageguard.config import Settings
from leverageguard.gateway import counting
from leverageguard.monitoring import collecting
from leverageguard.settlement import thresholds
from leverageguard.stack import airflow_processes, secrets
from tests.monitoring_world import Around, Pool, free_ports

FOLDER = config.REPO_DIR / "monitoring"
RUNBOOKS = config.REPO_DIR / "docs" / "runbooks"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
}
# Of Prometheus itself.
OTHERS = {"up"}


def run(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules__all_of_them__are_what_promtool_takes() -> None:
    run("promtool", "check", "rules", *RULES)


def test_alertmanager__its_configuration__is_what_amtool_takes() -> None:
    run("amtool", "check-config", FOLDER / "alertmanager.yml")


def test_prometheus__its_configuration__is_what_promtool_takes(tmp_path: Path) -> None:
    told = (FOLDER / "prometheus.yml").read_text()
    (tmp_path / "prometheus_key").write_text("key")
    (tmp_path / "rules").symlink_to(FOLDER / "rules")
    (tmp_path / "prometheus.yml").write_text(told)

    run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert told.count(":18080") == 1  # the default ports, as the README has them
    defaults = Settings(tmp_path)
    assert f":{defaults.prometheus_port}" in told and f":{defaults.alertmanager_port}" in told


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules__of_each_file__fire_and_clear(path: Path) -> None:
    run("promtool", "test", "rules", FOLDER / "tests" / path.name)


def test_rules__each_alert__is_seen_quiet_firing_and_quiet_again() -> None:
    seen: dict[str, list[list[bool]]] = {}
    for path in (FOLDER / "tests").glob("*.yml"):
        for one in yaml.safe_load(path.read_text())["tests"]:
            asked = one["promql_expr_test"]
            assert all(one["name"] in each["expr"] for each in asked)
            fires = [bool(each["exp_samples"]) for each in asked]
            seen.setdefault(one["name"], []).append(fires)

    assert set(seen) == set(ALERTS)
    assert [name for name, runs in seen.items() if [False, True, False] not in runs] == []


def test_rules__each_metric_they_name__is_told_at_a_scrape(settings: Settings) -> None:
    mine = replace(settings, port_base=free_ports())
    secrets.generate(mine)
    pool, around = Pool(mine), Around()
    around.serve(mine.airflow_port, mine.chain_port)
    pool.publish()
    pool.land(1)
    text = (collecting.exposition(mine) + counting.exposition()).decode()
    around.close()
    told = set(re.findall(r"^# HELP (\S+)", text, re.MULTILINE))

    named = {
        word
        for rule in ALERTS.values()
        for word in re.findall(r"\b(leverageguard_\w+|up)\b", re.sub(r"{[^}]*}", "", rule["expr"]))
    }
    assert named - told - OTHERS == set()


def test_solvency__warning__is_the_funds_own_target(settings: Settings) -> None:
    target = thresholds.named(settings, "solvency_target").value
    assert f"< {target // 10_000}" in ALERTS["SolvencyLow"]["expr"]


def test_runbooks__each_alert__has_one_and_each_is_of_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
        text = (RUNBOOKS / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n")
        assert "\n## Look at\n" in text and "\n## Do\n1. " in text


def commands() -> list[tuple[str, str]]:
    """Every command of the project that a runbook gives, with the runbook's name."""
    return [
        (path.stem, found)
        for path in sorted(RUNBOOKS.glob("*.md"))
        for found in re.findall(r"`\./leverageguard ([^`]+)`", path.read_text())
    ]


def test_runbooks__their_commands__are_commands_of_this_project() -> None:
    dags = {path.stem for path in (config.REPO_DIR / "dags").glob("*.py")}
    known = {*airflow_processes.components(config.load()), "chain"}
    assert len(commands()) > 50
    for name, command in commands():
        # IDs stand for numbers.
        words = [re.sub(r"^ID$", "1", word) for word in shlex.split(command)]
        options = cli.parser().parse_args(words)
        if options.command == "airflow" and options.airflow_args[0] == "dags":
            assert options.airflow_args[-1] in dags, (name, command)
        if options.command == "logs":
            assert options.name in known, (name, command)


def test_runbooks__dags_and_metrics_they_name__are_there(settings: Settings) -> None:
    Pool(settings).publish()
    text = (collecting.exposition(settings) + counting.exposition()).decode()
    for path in RUNBOOKS.glob("*.md"):
        for metric in re.findall(r"`(leverageguard_\w+)`", path.read_text()):
            assert f"# HELP {metric} " in text or metric.endswith("smtp"), (path.stem, metric)
