"""Metrics of Airflow's runs: the DAGs whose newest run failed, asked of its API as its viewer.

An Airflow that cannot be reached tells nothing here: that its scheduler is silent is told already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests
from prometheus_client.metrics_core import Metric

from leverageguard.config import Settings
from leverageguard.monitoring.families import Family

SECONDS = 2.0
USER = "viewer"
FAILED = Family("airflow_last_run_failed", "1 for a DAG whose newest run failed.", ("dag_id",))
PATH = "/api/v2/dags?last_dag_run_state=failed&limit=100"
_tokens: dict[str, str] = {}  # by server, kept by the process for as long as they are taken


def read(settings: Settings) -> Iterator[Metric]:
    """The DAGs that are red. Raises where Airflow answers and refuses."""
    try:
        found = _asked(settings, PATH)["dags"]
    except (requests.ConnectionError, requests.Timeout):
        found = []
    yield FAILED.of(((dag["dag_id"],), 1) for dag in found)


def _asked(settings: Settings, path: str) -> dict[str, Any]:
    """One answer; a token that is not taken any more is fetched anew."""
    url = settings.airflow_url
    answer = _get(settings, path) if url in _tokens else None
    if answer is None or answer.status_code == requests.codes.unauthorized:
        _tokens[url] = _log_in(settings)
        answer = _get(settings, path)
    answer.raise_for_status()
    return dict(answer.json())


def _get(settings: Settings, path: str) -> requests.Response:
    url = settings.airflow_url
    headers = {"Authorization": f"Bearer {_tokens[url]}"}
    return requests.get(url + path, headers=headers, timeout=SECONDS, verify=settings.verify)


def _log_in(settings: Settings) -> str:
    """A token of the viewer, who may only read."""
    password = json.loads(settings.secret("airflow_passwords.json"))[USER]
    answer = requests.post(
        f"{settings.airflow_url}/auth/token",
        json={"username": USER, "password": password},
        timeout=SECONDS,
        verify=settings.verify,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])
