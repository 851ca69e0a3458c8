"""How often one may call, and what the one too many is told."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from leverageguard.gateway.limiting import (
    CLASSES,
    PAGES,
    PROOFS,
    QUOTES,
    READS,
    SIGN_IN,
    WRITES,
    class_of,
)
from tests import gateway_world as world
from tests.gateway_world import API, STRANGER

MINUTE_S, ENOUGH_S = 60, 10


@pytest.fixture(autouse=True)
def within_a_minute():
    """Counters begin anew with the minute: a test that crosses one would count less."""
    left = MINUTE_S - time.time() % MINUTE_S
    if left < ENOUGH_S:
        time.sleep(left + 0.1)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/api/v1/auth/nonce", SIGN_IN),
        ("POST", "/api/v1/auth/sign-in", SIGN_IN),
        ("POST", "/api/v1/proofs/verify", PROOFS),
        ("POST", "/api/v1/quotes", QUOTES),
        ("GET", "/api/v1/quotes/q", READS),
        ("POST", "/api/v1/claims", WRITES),
        ("DELETE", "/api/v1/service-accounts/svc_1", WRITES),
        ("GET", "/api/v1/claims", READS),
        ("GET", "/dbt/index.html", PAGES),
    ],
)
def test_class__of_a_request__is_by_what_it_costs(method, path, expected):
    assert class_of(method, path) is expected


def test_classes__dear_ones__take_less_than_reading():
    assert all(one.per_address <= READS.per_address for one in CLASSES)
    assert PROOFS.per_address < WRITES.per_address < READS.per_address


def limited(settings, percent=10):
    """A tenth of every limit: 30 reads a minute of one caller, 6 sign-ins of one address."""
    return world.client(replace(settings, rate_percent=percent))


def test_caller__one_too_many__is_told_when_to_come_again(settings):
    client = limited(settings)
    headers = world.person("viewer")

    answers = [client.get(f"{API}/me", headers=headers) for _ in range(31)]

    assert [one.status_code for one in answers] == [200] * 30 + [429]
    refusal = answers[-1]
    assert refusal.json()["code"] == "TOO_MANY"
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert client.get(f"{API}/me", headers=world.person("admin")).status_code == 200


def test_address__many_callers_behind_it__is_limited_too(settings):
    client = limited(settings, 1)

    answers = [client.get(f"{API}/health").status_code for _ in range(13)]

    assert answers == [200] * 12 + [429]


def test_sign_in__one_address__is_limited_before_any_signature_is_checked(settings):
    client = limited(settings)

    answers = [client.post(f"{API}/auth/nonce").status_code for _ in range(7)]

    assert answers == [200] * 6 + [429]


def test_wallets__each__has_a_count_of_its_own(settings):
    client = limited(settings)
    mine, anothers = world.trader(client), world.trader(client, STRANGER)
    spent = [client.get(f"{API}/me", headers=mine).status_code for _ in range(31)]

    assert spent[-1] == 429
    assert client.get(f"{API}/me", headers=anothers).status_code == 200


def test_service_account__partners_system__may_call_more_often(settings):
    client = limited(settings)
    headers = world.service(settings, "claims:read")

    answers = [client.get(f"{API}/me", headers=headers).status_code for _ in range(100)]

    assert answers == [200] * 100


def test_redis__out_of_reach__is_counted_here_and_nobody_is_turned_away(settings):
    client = world.client(replace(settings, rate_limits="redis://127.0.0.1:1/0", rate_percent=1))

    answers = [client.get(f"{API}/health").status_code for _ in range(13)]

    assert answers == [200] * 12 + [429]
