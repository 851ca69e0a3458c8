"""Limits that several processes count together, in a real Redis."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from tests import gateway_world as world
from tests.gateway_world import API

pytestmark = pytest.mark.slow


@pytest.fixture
def redis_url(tmp_path) -> Iterator[str]:
    server = shutil.which("redis-server")
    assert server, "apt-get install redis-server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            redis.Redis.from_url(url).ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)


def test_two_servers__one_redis__count_together(settings, redis_url):
    shared = replace(settings, rate_limits=redis_url, rate_percent=10)
    one, other = world.client(shared), world.client(shared)
    headers = world.person("viewer")

    answers = [
        client.get(f"{API}/me", headers=headers) for _ in range(20) for client in (one, other)
    ]

    assert [answer.status_code for answer in answers].count(200) == 30
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_two_servers__each_with_its_memory__count_apart(settings):
    apart = replace(settings, rate_percent=10)
    one, other = world.client(apart), world.client(apart)
    headers = world.person("viewer")

    answers = [
        client.get(f"{API}/me", headers=headers).status_code
        for _ in range(20)
        for client in (one, other)
    ]

    assert answers == [200] * 40
