"""What every request passes: sizes, times, ids, headers, and errors nobody foresaw."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
import structlog
from fastapi.testclient import TestClient

from leverageguard.gateway.app import LARGEST_BODY
from tests import gateway_world as world
from tests.gateway_world import API, HOST


@pytest.fixture
def app(settings):
    return world.app(settings)


@pytest.fixture
def client(app):
    return TestClient(app, f"http://{HOST}", raise_server_exceptions=False)


def parts(size, count):
    for _ in range(count):
        yield b"x" * size


def test_body__says_it_is_too_large__is_refused_unread(client):
    answer = client.post(f"{API}/auth/sign-in", content=b"x" * (LARGEST_BODY + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_body__in_chunks_without_a_length__is_refused_as_it_comes(client):
    answer = client.post(f"{API}/auth/sign-in", content=parts(64 * 1024, 5))

    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_body__in_small_chunks__is_read(client):
    answer = client.post(f"{API}/auth/sign-in", content=parts(10, 5))

    assert answer.status_code == 422


def test_handler__that_takes_too_long__is_left_and_says_so(settings):
    app = world.app(replace(settings, request_seconds=1))
    app.add_api_route("/slow", lambda: time.sleep(4))
    client = TestClient(app, f"http://{HOST}", raise_server_exceptions=False)

    began = time.monotonic()
    answer = client.get("/slow")

    assert (answer.status_code, answer.json()["code"]) == (504, "TIMED_OUT")
    assert answer.headers["Retry-After"]
    assert time.monotonic() - began < 4


def test_handler__that_fails__tells_its_id_and_nothing_of_the_cause(app, client):
    def fail():
        raise RuntimeError("the password is hunter2")

    app.add_api_route("/fails", fail)

    answer = client.get("/fails")

    assert (answer.status_code, answer.json()["code"]) == (500, "FAILED")
    assert "hunter2" not in answer.text and "Traceback" not in answer.text
    assert answer.json()["instance"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("given", ["trace-0001", "a" * 64])
def test_request_id__given_by_the_caller__is_kept(client, given):
    answer = client.get(f"{API}/health", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "has a space", "<script>alert(1)</script>"])
def test_request_id__that_could_spoil_a_log__is_replaced(client, given):
    answer = client.get(f"{API}/health", headers={"X-Request-ID": given})

    assert len(answer.headers["X-Request-ID"]) == 36


@pytest.mark.parametrize("path", [f"{API}/health", f"{API}/me", "/nowhere", "/api/docs/"])
def test_answers__all__carry_the_headers_of_a_careful_server(client, path):
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'") and "frame-ancestors 'none'" in policy
    assert "script-src" not in policy and "unsafe-eval" not in policy


def test_answers__of_the_api__are_not_kept_by_caches(client):
    assert client.get(f"{API}/health").headers["Cache-Control"] == "no-store"


ORIGIN = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}


def test_cors__nothing_configured__lets_no_page_of_another_origin_call(client):
    answer = client.options(f"{API}/claims", headers=ORIGIN)

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_cors__configured_origin__may_call_and_no_other(settings):
    client = world.client(replace(settings, cors_origins=("https://app.example",)))

    mine = client.options(f"{API}/claims", headers=ORIGIN)
    others = client.options(f"{API}/claims", headers={**ORIGIN, "Origin": "https://evil.example"})

    assert mine.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Credentials" not in mine.headers
    assert "Access-Control-Allow-Origin" not in others.headers


@pytest.mark.parametrize("path", ["/nowhere", f"{API}/nowhere"])
def test_unknown_path__any__is_a_problem(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_invalid_body__with_a_secret_in_it__is_not_repeated(client):
    answer = client.post(
        f"{API}/auth/sign-in", json={"message": ["hunter2-hunter2"], "signature": "hunter2-hunter2"}
    )

    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"body.message", "body.signature"}
    assert "hunter2" not in answer.text


def test_docs__all__come_from_here(client):
    page = client.get("/api/docs/").text
    document = client.get("/api/openapi.json")

    assert "http" not in page.replace("https://www.w3.org", "")
    assert client.get("/api/docs/swagger-ui-bundle.js").status_code == 200
    assert client.get("/api/docs/initializer.js").status_code == 200
    assert json.loads(document.text)["servers"] == [{"url": "/leverageguard"}]


def test_openapi__every_operation__documents_its_refusals_as_problems(client):
    document = client.get("/api/openapi.json").json()

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            refusals = {s: r for s, r in operation["responses"].items() if s >= "400"}
            assert {"422", "429", "500", "503"} <= set(refusals), (method, path)
            assert ("401" in refusals) >= bool(operation.get("security")), (method, path)
            for told in refusals.values():
                assert set(told["content"]) == {"application/problem+json"}, (method, path)


def test_logs__of_a_request__carry_its_id_in_whichever_thread(app, capsys):
    def chatty() -> None:
        structlog.get_logger("test").info("looked", at="something")

    app.add_api_route("/chatty", chatty)
    client = TestClient(app, f"http://{HOST}")
    for request_id in ("first-request", "second-request"):
        client.get("/chatty", headers={"X-Request-ID": request_id})

    lines = [line for line in capsys.readouterr().out.splitlines() if "looked" in line]
    assert ["first-request" in line for line in lines] == [True, False]
    assert ["second-request" in line for line in lines] == [False, True]
