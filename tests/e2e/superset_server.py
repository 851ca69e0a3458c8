"""A Superset of a test's own, over a snapshot with known figures, asked as its users ask it."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from leverageguard import clock, cluster_settings, config
from leverageguard.stack.secrets import SUPERSET_PASSWORDS
from leverageguard.warehouse import snapshot
from tests.e2e.stacks import free_port_base

PYTHON = config.REPO_DIR / ".venv-superset" / "bin" / "python"
SERVE = config.REPO_DIR / "include" / "superset" / "serve.py"
FORBIDDEN = (requests.codes.forbidden, requests.codes.not_found, requests.codes.method_not_allowed)
SECRETS = ("superset_secret_key", "superset_guest_key", *SUPERSET_PASSWORDS)


@dataclass(frozen=True)
class Running:
    """A Superset of the test's own, and its data folder's settings."""

    settings: config.Settings
    url: str

    def password(self, user: str) -> str:
        return self.settings.secret(f"superset_{user}_password")


@contextmanager
def served(data: Path, variables: dict[str, str] | None = None) -> Iterator[Running]:
    """Started before anything is published, as `up` does."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LEVERAGEGUARD_DATA", str(data))
    patch.setenv("LEVERAGEGUARD_PORT", str(free_port_base(22_500)))
    for name, value in (variables or {}).items():
        patch.setenv(name, value)
    settings = config.load()
    settings.secrets_dir.mkdir()
    for name in SECRETS:
        (settings.secrets_dir / name).write_text(secrets.token_urlsafe(48))
    clock.set_world(1_767_600_000_000)
    url = f"http://127.0.0.1:{settings.superset_port}"
    with (data / "superset.log").open("w") as log:
        process = subprocess.Popen(
            [str(PYTHON), str(SERVE)], env=dict(os.environ), stdout=log, stderr=log
        )
        try:
            wait_healthy(url, process, data / "superset.log")
            yield Running(settings, url)
        finally:
            process.terminate()
            process.wait(timeout=60)
            patch.undo()


def publish(settings: config.Settings, tables: str) -> None:
    """A new snapshot of what the SQL makes, whatever the stack's own warehouse is."""
    settings = replace(settings, profile=cluster_settings.EMBEDDED)
    settings.warehouse_path.parent.mkdir(exist_ok=True)
    settings.warehouse_path.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(tables)
    snapshot.publish(settings)


def wait_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise AssertionError(f"Superset did not answer: {log.read_text()[-3000:]}")


def session(running: Running, user: str) -> requests.Session:
    opened = requests.Session()
    # 50 requests a second are answered, then 429.
    again = Retry(5, status_forcelist=[429], backoff_factor=0.3, allowed_methods=None)
    opened.mount(running.url, HTTPAdapter(max_retries=again))
    page = opened.get(f"{running.url}/login/", timeout=60).text
    token = re.search(r'(?:csrf_token&#34;: &#34;|name="csrf_token"[^>]*value=")([^&"]+)', page)
    assert token
    form = {"username": user, "password": running.password(user), "csrf_token": token[1]}
    head = {"Referer": f"{running.url}/login/"}  # over TLS it is asked for
    answer = opened.post(f"{running.url}/login/", data=form, headers=head, timeout=60)
    assert "/login" not in answer.url
    return opened


def send(
    opened: requests.Session, running: Running, method: str, path: str, **given: Any
) -> requests.Response:
    """A request that changes something, with the token that forms carry."""
    if "X-CSRFToken" not in opened.headers:
        asked = opened.get(f"{running.url}/api/v1/security/csrf_token/", timeout=60)
        assert asked.ok, asked.text
        opened.headers.update({"X-CSRFToken": asked.json()["result"], "Referer": running.url})
    return opened.request(method, f"{running.url}/api/v1/{path}", timeout=60, **given)


def chart_rows(opened: requests.Session, running: Running, name: str) -> list[dict[str, object]]:
    named = f"(filters:!((col:slice_name,opr:eq,value:'{name}')))"
    charts = opened.get(f"{running.url}/api/v1/chart/", params={"q": named}, timeout=60).json()
    number = charts["result"][0]["id"]
    answer = opened.get(f"{running.url}/api/v1/chart/{number}/data/?force=true", timeout=60)
    assert answer.status_code == requests.codes.ok, answer.text
    rows: list[dict[str, object]] = answer.json()["result"][0]["data"]
    return rows


def query(opened: requests.Session, running: Running, sql: str) -> requests.Response:
    """What SQL Lab answers."""
    asked = {"database_id": 1, "sql": sql, "runAsync": False}
    return send(opened, running, "POST", "sqllab/execute/", json=asked)
