"""Tell Airflow that claims were filed, from a gateway that runs outside of Airflow's API server.

Whoever files is answered whether or not this works: the claim is stored before, and a run every ten
minutes takes up what no event told of.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import requests
import structlog

from leverageguard.config import Settings

# The asset of dags/ingest_filings.py.
FILED = "leverageguard://intake/filed_claims"
USER = "operator"
TIMEOUT_S = 10
_log = structlog.get_logger(__name__)


def over_http(settings: Settings, base_url: str | None = None) -> Callable[[], None]:
    """What announces to the API server at `base_url` (default: this stack's); it never raises."""
    airflow = _Airflow(settings, base_url or settings.airflow_url)

    def announce() -> None:
        try:
            airflow.tell()
        except (requests.RequestException, OSError, ValueError, KeyError) as error:
            _log.warning("filing_not_announced", reason=type(error).__name__)

    return announce


class _Airflow:
    """The REST API as the operator; the token and the asset's id are kept while they hold."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        self._settings = settings
        self._base = base_url
        self._asset_id: int | None = None
        self._token = ""

    def tell(self) -> None:
        """Record one event; logs in when there is no token or it is not taken any more."""
        answer = self._post() if self._token else None
        if answer is None or answer.status_code == requests.codes.unauthorized:
            self._log_in()
            answer = self._post()
        answer.raise_for_status()

    def _post(self) -> requests.Response:
        if self._asset_id is None:
            self._asset_id = self._find()
        body = {"asset_id": self._asset_id, "extra": {}}
        return self._call("POST", "/api/v2/assets/events", body)

    def _find(self) -> int:
        """The asset's id; KeyError before the DAG that waits for it was read."""
        answer = self._call("GET", f"/api/v2/assets?uri_pattern={FILED}")
        answer.raise_for_status()
        for asset in answer.json()["assets"]:
            if asset["uri"] == FILED:
                return int(asset["id"])
        raise KeyError(FILED)

    def _log_in(self) -> None:
        password = json.loads(self._settings.secret("airflow_passwords.json"))[USER]
        body = {"username": USER, "password": password}
        answer = self._call("POST", "/auth/token", body)
        answer.raise_for_status()
        self._token = str(answer.json()["access_token"])

    def _call(self, method: str, path: str, body: object = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = self._base + path
        return requests.request(
            method, url, json=body, headers=headers, timeout=TIMEOUT_S,
            verify=self._settings.verify,
        )  # fmt: skip
