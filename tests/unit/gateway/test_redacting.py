"""A planted secret is in no log and no answer."""

from __future__ import annotations

import logging

import pytest
import structlog
from fastapi import Body, Request
from fastapi.testclient import TestClient

from leverageguard.gateway import redacting
from tests import gateway_world as world
from tests.gateway_world import API, HOST

PLANTED = "planted-Secret-0123456789"
KEY = "lgk_" + "k" * 40


@pytest.fixture
def written(capsys, caplog):
    """Everything that was written so far: structlog's output, the library's records, stderr."""
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        output = capsys.readouterr()
        return output.out + output.err + caplog.text

    return read


@pytest.fixture
def client(settings, written):
    app = world.app(settings)
    caplog_handlers = logging.getLogger().handlers
    for handler in caplog_handlers:
        assert any(type(one).__name__ == "_Filter" for one in handler.filters)

    def fails(request: Request, body: dict = Body()):  # noqa: B008
        quoted = f"the venue said no to {body['api_secret']} of {request.headers['authorization']}"
        logging.getLogger("some.library").warning("sent %s", body["api_secret"])
        logging.getLogger("uvicorn.access").info('"%s %s"', "GET", f"/x?signature={PLANTED}")
        structlog.get_logger().warning("asked", body=body, header=request.headers["authorization"])
        raise RuntimeError(quoted)

    app.add_api_route("/fails", fails, methods=["POST"])
    return TestClient(app, f"http://{HOST}", raise_server_exceptions=False)


def test_planted_secret__in_body_and_header__is_in_no_log_and_no_answer(client, written):
    answer = client.post(
        "/fails",
        json={"api_key": "an-api-key-of-somebody", "api_secret": PLANTED},
        headers={"Authorization": f"Bearer {KEY}"},
    )

    said = written()
    assert answer.status_code == 500
    for secret in (PLANTED, KEY, "an-api-key-of-somebody"):
        assert secret not in said and secret not in answer.text
    assert said.count(redacting.MASK) >= 4
    assert "the venue said no to [masked]" in said


def test_planted_secret__as_a_wrong_type__is_not_quoted_back(client, written):
    answer = client.post(f"{API}/auth/sign-in", json={"message": 1, "signature": PLANTED})

    assert answer.status_code == 422
    assert PLANTED not in answer.text and PLANTED not in written()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        "key lgk_" + "x" * 30,
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIweDEifQ.c2lnbmF0dXJl",
        f"GET /v5/order?api_key={PLANTED}&signature={PLANTED}",
    ],
)
def test_masked__what_looks_like_a_secret__is_gone(text):
    said = redacting.masked(text)

    assert redacting.MASK in said
    assert not any(secret in said for secret in (KEY, "x" * 30, "eyJzdWIi", PLANTED))


def test_masked__hashes_and_plain_words__stay():
    text = "claim clm_1 of 0x" + "ab" * 32 + " is PAID, secretly"

    assert redacting.masked(text) == text
