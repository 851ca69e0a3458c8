"""The metrics over HTTP: who may read them, and that requests are counted by route."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import uvicorn
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from leverageguard.config import Settings
from leverageguard.gateway import serving
from tests import gateway_world as world
from tests.gateway_world import API
from tests.monitoring_world import Pool

METRICS = f"{API}/metrics"
NOBODYS = "clm_" + "0b" * 12


@pytest.fixture
def api(settings: Settings) -> TestClient:
    return world.client(settings)


def requests_of(api: TestClient, headers: dict[str, str]) -> dict[tuple[str, str, str], float]:
    answer = api.get(METRICS, headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "leverageguard_http_requests_total"
    }


def test_metrics__with_a_scrapers_key__are_prometheus_text(
    api: TestClient, settings: Settings
) -> None:
    Pool(settings).publish({"own_funds": 9.5})
    answer = api.get(METRICS, headers=world.service(settings, "metrics:read"))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "\nleverageguard_own_funds_usdc 9.5\n" in answer.text
    assert 'leverageguard_metrics_failed{part="store"} 0.0' in answer.text


def test_metrics__with_another_scope_or_none__are_not_told(
    api: TestClient, settings: Settings
) -> None:
    other = world.service(settings, "reports:read")

    assert api.get(METRICS).status_code == 401
    assert api.get(METRICS, headers=other).status_code == 403
    assert api.get(METRICS, headers=world.trader(api)).status_code == 403


def test_requests__are_counted_by_the_routes_pattern_and_status(
    api: TestClient, settings: Settings
) -> None:
    key = world.service(settings, "metrics:read", "claims:read")
    before = requests_of(api, key)
    for _ in range(3):
        api.get(f"{API}/claims/{NOBODYS}", headers=key)
    api.get(f"{API}/no-such-thing")
    api.get("/assets/mark.svg")
    after = requests_of(api, key)

    grown = {name: n - before.get(name, 0) for name, n in after.items()}
    assert grown["GET", f"{API}/claims/{{claim_id}}", "404"] == 3
    assert grown["GET", "none", "404"] == 1
    assert grown["GET", "/assets", "200"] == 1
    assert grown["GET", METRICS, "200"] == 1
    assert not [route for _, route, _ in after if NOBODYS in route]


def test_requests__one_that_breaks__counts_as_an_error_of_ours(settings: Settings) -> None:
    app = world.app(settings)

    def broken() -> None:
        raise RuntimeError("nobody foresaw it")

    app.add_api_route("/broken", broken)
    api = TestClient(app, f"http://{world.HOST}", raise_server_exceptions=False)
    key = world.service(settings, "metrics:read")
    before = requests_of(api, key).get(("GET", "/broken", "500"), 0)
    api.get("/broken")

    assert requests_of(api, key)["GET", "/broken", "500"] - before == 1


COUNT = """
from leverageguard.gateway import counting
counting.count({"method": "GET", "type": "http"}, 200, 0.1)
"""
TELL = "from leverageguard.gateway import counting; print(counting.exposition().decode())"


def test_requests__of_several_workers__are_told_by_whichever_is_asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: seen.update(os.environ))
    serving.run(replace(settings, rate_limits="redis://nowhere"), 8080, 2)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], env=seen, check=True)
    told = subprocess.run(
        [sys.executable, "-c", TELL], env=seen, check=True, capture_output=True, text=True
    ).stdout

    line = 'leverageguard_http_requests_total{method="GET",route="none",status="200"} 2.0'
    assert line in told
    serving.run(settings, 8080, 1)
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
