"""The gateway alone: Airflow is asked who its users are, and several workers count together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from fastapi.testclient import TestClient

from leverageguard.config import ConfigError
from leverageguard.gateway import serving
from tests import gateway_world as world
from tests.gateway_world import API, HOST

AIRFLOWS = {"Authorization": "Bearer header.claims.signature"}


class Airflow:
    """Airflow's own gateway as it answers GET /me."""

    def __init__(self, status, said):
        self.status, self.said, self.asked = status, said, []

    def get(self, url, headers, timeout, verify):
        self.asked.append((url, headers))
        made = requests.Response()
        made.status_code = self.status
        made.json = lambda: self.said
        return made


@pytest.fixture
def client(settings):
    world.app(settings)
    return TestClient(serving.served(), f"http://{HOST}")


def answer_with(monkeypatch, status, said=None):
    airflow = Airflow(status, said)
    monkeypatch.setattr(requests, "get", airflow.get)
    return airflow


def me(client, **options):
    return client.get(f"/leverageguard{API}/me", **options)


@pytest.mark.parametrize("role", ["admin", "operator", "auditor", "approver"])
def test_operator__token_of_airflow__is_whom_airflow_says(client, monkeypatch, role):
    name = "approver1" if role == "approver" else "ann"
    airflow = answer_with(monkeypatch, 200, {"actor": name, "roles": [role]})

    said = me(client, headers=AIRFLOWS).json()

    assert (said["actor"], said["roles"]) == (name, [role])
    [(url, sent)] = airflow.asked
    assert url.endswith("/leverageguard/api/v1/me") and sent == AIRFLOWS


def test_operator__cookie__is_passed_on_alone(client, monkeypatch):
    airflow = answer_with(monkeypatch, 200, {"actor": "ann", "roles": ["auditor"]})

    said = me(client, headers={"Cookie": "_token=a.b.c; other=secret"}).json()

    assert said["actor"] == "ann"
    assert airflow.asked[0][1] == {"Cookie": "_token=a.b.c"}


def test_operator__airflow_knows_nobody__is_nobody(client, monkeypatch):
    answer_with(monkeypatch, 401)

    assert me(client, headers=AIRFLOWS).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer lgk_none"}])
def test_operator__nothing_of_airflows__does_not_ask_airflow(client, monkeypatch, headers):
    airflow = answer_with(monkeypatch, 200, {"actor": "ann", "roles": ["admin"]})

    assert me(client, headers=headers).status_code == 401
    assert airflow.asked == []


def test_operator__airflow_is_down__is_told_so_and_not_let_in(client, monkeypatch):
    def fail(*_words, **_options):
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests, "get", fail)

    answer = me(client, headers=AIRFLOWS)

    assert (answer.status_code, answer.json()["code"]) == (503, "AIRFLOW_UNREACHABLE")
    assert answer.headers["Retry-After"]


def test_run__several_workers_without_a_redis__is_refused(settings):
    with pytest.raises(ConfigError, match="LEVERAGEGUARD_RATE_LIMITS"):
        serving.run(replace(settings, rate_limits="memory://"), 1, 2)
