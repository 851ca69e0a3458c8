"""Who is taken for whom."""

from __future__ import annotations

import pytest

from leverageguard.gateway import service_accounts
from leverageguard.gateway.host import Host, Person
from tests import gateway_world as world
from tests.gateway_world import API


@pytest.fixture
def client(settings):
    return world.client(settings)


def me(client, headers, **options):
    return client.get(f"{API}/me", headers=headers, **options).json()


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("admin", "admin"),
        ("operator", "operator"),
        ("approver1", "approver"),
        ("viewer", "auditor"),
    ],
)
def test_me__user_of_airflow__has_the_role_of_theirs(client, name, role):
    said = me(client, world.person(name))

    assert (said["actor"], said["roles"], said["wallet"]) == (name, [role], None)


def test_me__airflow_user_who_is_no_approver__has_no_role(settings):
    host = Host(operator_of=lambda _request: Person("somebody", "user"))

    assert me(world.client(settings, host), {})["roles"] == []


def test_me__nobody__is_told_to_sign_in(client):
    answer = client.get(f"{API}/me")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["instance"] == answer.headers["X-Request-ID"]


def test_me__cookie_of_airflow__is_enough_to_read(client):
    client.cookies.set("_token", "token-of-viewer")

    assert me(client, {})["actor"] == "viewer"


def test_write__with_the_cookie_alone__is_nobodys(client):
    client.cookies.set("_token", "token-of-admin")
    new = {"name": "desk", "scopes": ["claims:read"]}

    assert client.post(f"{API}/service-accounts", json=new).status_code == 401
    headers = world.person("admin")
    assert client.post(f"{API}/service-accounts", json=new, headers=headers).status_code == 201


def test_me__service_account__has_its_scopes(client, settings):
    said = me(client, world.service(settings, "claims:write", "quotes:write"))

    assert (said["actor"], said["roles"]) == ("service:partner", [])
    assert said["scopes"] == ["claims:write", "quotes:write"]


def test_me__revoked_service_account__is_nobody(client, settings):
    headers = world.service(settings, "claims:write")
    [made] = service_accounts.every_one(settings)

    service_accounts.revoke(settings, made.account_id, "admin")

    assert client.get(f"{API}/me", headers=headers).status_code == 401


def test_me__key_that_is_none__is_nobody(client):
    headers = {"Authorization": "Bearer lgk_guessed"}

    assert client.get(f"{API}/me", headers=headers).status_code == 401


@pytest.mark.parametrize("page", ["dbt", "quality"])
def test_pages__trader__may_not_see_them(client, page):
    assert client.get(f"/{page}/", headers=world.trader(client)).status_code == 403
    assert client.get(f"/{page}/").status_code == 401


def test_pages__viewer__reads_what_a_run_wrote(client, settings):
    folder = settings.pages_dir / "quality"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("all is well")

    assert client.get("/quality/", headers=world.person("viewer")).text.startswith(
        "all is well<script"
    )
    answer = client.get("/quality/../../secrets/gateway_jwt", headers=world.person("viewer"))
    assert answer.status_code == 404
