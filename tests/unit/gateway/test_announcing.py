"""The event that claims were filed, sent to Airflow over HTTP: never in a trader's way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from leverageguard.gateway import announcing


class Airflow:
    """Airflow's REST API as far as it is asked; a token holds for `lasts` posts."""

    def __init__(self, lasts: int = 99) -> None:
        self.lasts = lasts
        self.logins = self.events = 0
        self._left = 0

    def __call__(self, method: str, url: str, **asked: object) -> requests.Response:
        path = url.removeprefix("http://airflow")
        if path == "/auth/token":
            self.logins, self._left = self.logins + 1, self.lasts
            return answer(201, {"access_token": "t"})
        if path.startswith("/api/v2/assets?"):
            return answer(200, {"assets": [{"uri": "other", "id": 1}, {"uri": announcing.FILED,
                                                                      "id": 7}]})  # fmt: skip
        assert (method, path) == ("POST", "/api/v2/assets/events")
        assert asked["json"] == {"asset_id": 7, "extra": {}}
        self._left -= 1
        if self._left < 0:
            return answer(401, {})
        self.events += 1
        return answer(200, {})


def answer(status: int, body: object) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content = status, json.dumps(body).encode()
    return made


@pytest.fixture
def told(settings, monkeypatch) -> Iterator[tuple]:
    (settings.secrets_dir / "airflow_passwords.json").write_text('{"operator": "p"}')

    def begin(airflow: object):
        monkeypatch.setattr(requests, "request", airflow)
        return announcing.over_http(settings, "http://airflow")

    yield begin


def test_announce__logs_in_once_and_tells_each_time(told):
    airflow = Airflow()
    announce = told(airflow)

    announce()
    announce()

    assert (airflow.logins, airflow.events) == (1, 2)


def test_announce__token_that_ended__is_renewed(told):
    airflow = Airflow(lasts=1)
    announce = told(airflow)

    announce()
    announce()

    assert (airflow.logins, airflow.events) == (2, 2)


def test_announce__airflow_is_down__raises_nothing(told):
    def down(*_: object, **__: object) -> None:
        raise requests.ConnectionError("secret-host")

    told(down)()


def test_announce__no_such_asset_yet__raises_nothing(told):
    def empty(_method: str, url: str, **_: object) -> requests.Response:
        is_login = url.endswith("/auth/token")
        return answer(201, {"access_token": "t"}) if is_login else answer(200, {"assets": []})

    told(empty)()
