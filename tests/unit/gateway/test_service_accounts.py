"""Service accounts and the audit log, over the API and at the terminal."""

from __future__ import annotations

import sqlite3

import pytest

from leverageguard.audit import verifying
from leverageguard.gateway import command, service_accounts
from leverageguard.store import base
from leverageguard.store.gateway_tables import ServiceAccount
from tests import gateway_world as world
from tests.gateway_world import API

ADMIN = world.person("admin")
NEW = {"name": "desk", "scopes": ["claims:write", "claims:read"]}


@pytest.fixture
def client(settings):
    return world.client(settings)


def test_create__by_the_administrator__gives_a_key_once_that_works(client, settings):
    made = client.post(f"{API}/service-accounts", json=NEW, headers=ADMIN)

    assert made.status_code == 201
    key = made.json()["key"]
    said = client.get(f"{API}/me", headers={"Authorization": f"Bearer {key}"}).json()
    assert (said["actor"], said["scopes"]) == ("service:desk", ["claims:read", "claims:write"])
    assert key not in client.get(f"{API}/service-accounts", headers=ADMIN).text
    assert key.encode() not in settings.store_path.read_bytes()


def test_revoke__by_the_administrator__ends_the_key(client):
    made = client.post(f"{API}/service-accounts", json=NEW, headers=ADMIN).json()

    answer = client.delete(f"{API}/service-accounts/{made['id']}", headers=ADMIN)

    assert answer.json()["revoked_by"] == "admin"
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert client.get(f"{API}/me", headers=headers).status_code == 401
    assert client.delete(f"{API}/service-accounts/svc_0", headers=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**NEW, "scopes": ["everything"]}, 409),
        ({**NEW, "scopes": []}, 422),
        ({**NEW, "name": "Desk; drop table"}, 422),
        ({**NEW, "key": "lgk_mine"}, 422),
        ({}, 422),
    ],
)
def test_create__what_is_not_taken__writes_nothing(client, settings, body, status):
    answer = client.post(f"{API}/service-accounts", json=body, headers=ADMIN)

    assert answer.status_code == status
    with base.session(settings) as session:
        assert session.query(ServiceAccount).count() == 0


def test_create__name_that_is_taken__is_refused(client):
    client.post(f"{API}/service-accounts", json=NEW, headers=ADMIN)

    answer = client.post(f"{API}/service-accounts", json=NEW, headers=ADMIN)

    assert (answer.status_code, answer.json()["code"]) == (409, "SERVICE_ACCOUNT_REFUSED")


def test_audit__of_what_was_done_here__names_caller_request_and_what_was_before(client, settings):
    ids = [{**ADMIN, "X-Request-ID": f"request-{number}"} for number in (1, 2)]
    made = client.post(f"{API}/service-accounts", json=NEW, headers=ids[0]).json()
    client.delete(f"{API}/service-accounts/{made['id']}", headers=ids[1])

    page = client.get(f"{API}/audit/events", headers=world.person("viewer")).json()

    revoked, created = page["items"]
    assert (created["action"], created["caller"]) == ("service_accounts.insert", "admin")
    assert (created["request_id"], revoked["request_id"]) == ("request-1", "request-2")
    assert created["before"] is None
    assert revoked["before"] == {"revoked_at_ms": None, "revoked_by": None}
    assert revoked["after"]["revoked_by"] == "admin"
    assert "key_hash" not in created["after"]
    assert verifying.verify(settings).breaks == ()


def test_audit__pages__follow_on_each_other(client, settings):
    for number in range(5):
        service_accounts.create(settings, f"desk-{number}", ["claims:read"], "admin")
    found, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{API}/audit/events", params=query, headers=ADMIN).json()
        found += [one["seq"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("column", ["caller", "request_id", "before"])
def test_audit__tampered_caller_request_or_before__breaks_the_chain(client, settings, column):
    made = client.post(f"{API}/service-accounts", json=NEW, headers=ADMIN).json()
    client.delete(f"{API}/service-accounts/{made['id']}", headers=ADMIN)
    assert verifying.verify(settings).breaks == ()

    with sqlite3.connect(settings.store_path) as database:
        database.execute("drop trigger audit_events_no_update")
        database.execute(f"update audit_events set {column} = null where seq = 2")

    assert [(one.seq, one.what) for one in verifying.verify(settings).breaks] == [
        (2, "what it says was changed")
    ]


def test_command__create_list_and_revoke__do_what_the_api_does(client, settings):
    made = command.lines(
        settings, {"action": "create", "name": "night", "scope": ["claims:read,quotes:read"]}
    )
    key = made[1].rpartition(" ")[2]
    account_id = made[0].partition(" ")[0]

    assert client.get(f"{API}/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    [line] = command.lines(settings, {"action": None})
    assert "night" in line and "in force" in line and key not in line
    [line] = command.lines(settings, {"action": "revoke", "account_id": account_id})
    assert "revoked" in line
    with pytest.raises(ValueError, match="no service account"):
        command.lines(settings, {"action": "revoke", "account_id": "svc_0"})
