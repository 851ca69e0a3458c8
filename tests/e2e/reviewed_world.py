"""A small world in which some claims wait for people, and the people who answer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import yaml

from leverageguard.config import Settings
from leverageguard.simulator import world
from leverageguard.stack import secrets

# Honest claims, paid in one batch, and claims that THIN_MARKET, EDGE_ADD, STOP_MOVED and
# ROOT_UNIQUE hold.
HONEST = ("pol-009", "pol-010", "pol-011")
THIN, EDGE, STOP, ROOT = HELD = ("pol-000", "pol-090", "pol-097", "pol-023")


def write(folder: Path, scratch: Path) -> None:
    """The world of frauds, cut down to these policies."""
    world.write_fraud(scratch)
    told = yaml.safe_load((scratch / "world.yaml").read_text())
    told["policies"] = [each for each in told["policies"] if each["policy"] in HONEST + HELD]
    policies = {each["policy"] for each in told["policies"]}
    accounts = {each["account"] for each in told["policies"]}
    told["accounts"] = [each for each in told["accounts"] if each["account_id"] in accounts]
    told["bindings"] = [each for each in told["bindings"] if each["account"] in accounts]
    told["claims"] = [each for each in told["claims"] if each["policy"] in policies]
    shutil.copytree(
        scratch,
        folder,
        ignore=lambda _, names: [n for n in names if n.startswith("acc-") and n not in accounts],
    )
    (folder / "ground_truth.json").unlink()
    (folder / "world.yaml").write_text(yaml.safe_dump(told, sort_keys=False))


READING_S = 6


class Person:
    """Somebody at Airflow's REST API."""

    def __init__(self, settings: Settings, user: str) -> None:
        self.user = user
        self.base = settings.airflow_url
        self.password = secrets.airflow_password(settings, user)
        self._http = requests.Session()
        answer = self._http.post(
            f"{self.base}/auth/token", json={"username": user, "password": self.password}
        )
        assert answer.status_code == requests.codes.created, answer.text
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str) -> dict[str, Any]:
        answer = self._http.get(self.base + path, timeout=60)
        assert answer.ok, answer.text
        return dict(answer.json())

    def asked(self) -> list[dict[str, Any]]:
        """The questions that wait for an answer."""
        found = self.get(
            "/api/v2/dags/review_claims/dagRuns/~/hitlDetails?response_received=false&limit=100"
        )
        return [
            each for each in found["hitl_details"]
            if each["task_instance"]["state"] == "awaiting_input"
        ]  # fmt: skip

    def question(self, about: str, step: int, seconds: float = 300) -> dict[str, Any]:
        """The question of a step whose text names something; waits until it is asked."""
        task_id = {1: "review.ask_first", 2: "review.ask_second"}[step]

        def look() -> dict[str, Any] | None:
            for each in self.asked():
                is_it = about in each["body"] + each["subject"]
                if is_it and each["task_instance"]["task_id"] == task_id:
                    return each
            return None

        found = wait_for(look, f"question {step} about {about}", seconds)
        # Airflow takes an answer for a lost task that comes before its scheduler saw the question
        # parked: faster than any person reads.
        time.sleep(READING_S)
        return dict(found)

    def answer(self, question: dict[str, Any], option: str, reason: str = "looked at it") -> int:
        """The status of the API's answer."""
        task = question["task_instance"]
        path = (
            f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/"
            f"{task['task_id']}/{task['map_index']}/hitlDetails"
        )
        body = {"chosen_options": [option], "params_input": {"reason": reason}}
        return self._http.patch(self.base + path, json=body, timeout=60).status_code

    def trigger(self, dag_id: str) -> str:
        """Start a run by hand."""
        body = {"logical_date": None}
        answer = self._http.post(f"{self.base}/api/v2/dags/{dag_id}/dagRuns", json=body)
        assert answer.ok, answer.text
        return str(answer.json()["dag_run_id"])


def wait_for(look: Callable[[], Any], what: str, seconds: float = 400) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")
