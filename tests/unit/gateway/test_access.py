"""Role by endpoint, all of them, and what a trader gets who asks for another's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from leverageguard.gateway.app import API
from leverageguard.gateway.host import Person
from leverageguard.gateway.service_accounts import SCOPES
from tests import gateway_world as world
from tests.gateway_shop import shop_fixture  # noqa: F401
from tests.gateway_world import STRANGER

TABLE = Path(__file__).with_name("access.txt")
CLAIM = "clm_" + "0a" * 12
NOBODYS = {
    "quote_id": "0x" + "00" * 32,
    "policy_id": "0x" + "00" * 32,
    "claim_id": "clm_" + "00" * 12,
    "account_id": "svc_0000000000000000",
    "name": "nothing",
    "report": "daily-2026-01-05",
    "file": "report.pdf",
}
LETTERS = {"U": "user", "O": "operator", "P": "approver", "A": "auditor", "X": "admin"}
OF_AIRFLOW = {
    "operator": "operator",
    "approver": "approver1",
    "auditor": "viewer",
    "admin": "admin",
}


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    roles: frozenset[str]
    scope: str | None
    is_public: bool

    @property
    def address(self) -> str:
        return self.path.format(**NOBODYS)


def table() -> Iterator[Row]:
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            method, path, who, scope = line.split()
            letters = "" if who in ("public", "anyone") else who
            everybody = set(LETTERS.values()) | {"service", "no role"}
            roles = everybody if who == "anyone" else {LETTERS[letter] for letter in letters}
            yield Row(method, path, frozenset(roles), scope.strip("-") or None, who == "public")


ROWS = list(table())


def routes(app):
    return {
        (method, route.path.removeprefix(API))
        for route in app.routes
        if getattr(route, "path", "").startswith(API)
        for method in route.methods - {"HEAD"}
    }


def test_table__every_endpoint_of_the_app__has_its_row(shop):
    told = [(row.method, row.path) for row in ROWS]

    assert sorted(told) == sorted(routes(shop.client.app))


def headers_of(shop, who):
    if who == "nobody":
        return {}
    if who == "user":
        return shop.trader
    if who == "no role":
        world.PEOPLE["token-of-somebody"] = Person("somebody", "user")
        return world.person("somebody")
    return world.person(OF_AIRFLOW[who])


def outcome(shop, row, headers):
    body = None if row.method in ("GET", "DELETE") else {}
    return shop.call(row.method, row.address, headers, json=body).status_code


@pytest.mark.parametrize(
    "who", ["nobody", "user", "operator", "approver", "auditor", "admin", "no role"]
)
def test_endpoints__every_role__gets_what_the_table_says(shop, who):
    headers = headers_of(shop, who)
    denied = [row for row in ROWS if not row.is_public and who not in row.roles]
    before = shop.counts()

    refusals = {(row.method, row.path): outcome(shop, row, headers) for row in denied}

    expected = 401 if who == "nobody" else 403
    assert {key: got for key, got in refusals.items() if got != expected} == {}
    assert shop.counts() == before
    answers = {
        (row.method, row.path): outcome(shop, row, headers) for row in ROWS if row not in denied
    }
    assert {key: got for key, got in answers.items() if got in (401, 403, 500)} == {}


def test_endpoints__service_account_with_one_scope__gets_what_that_scope_opens(shop):
    asked = [row for row in ROWS if not row.is_public]

    for scope in SCOPES:
        headers = world.service(shop.settings, scope, name=scope.replace(":", "-"))
        for row in asked:
            is_open = row.scope == scope or "service" in row.roles
            got = outcome(shop, row, headers)
            assert (got not in (401, 403)) == is_open, (scope, row.method, row.path, got)


def test_scopes__all_that_a_key_can_have__open_something():
    assert {row.scope for row in ROWS} - {None} == set(SCOPES)


@pytest.fixture
def theirs(shop):
    """What the trader has, for a stranger to try: by the name of the path's parameter."""
    policy = shop.policy()
    filing = shop.file(policy)
    shop.open(CLAIM, policy, ("NOTIFIED", "NOTICE"))
    return {"quote_id": [policy], "policy_id": [policy], "claim_id": [filing, CLAIM]}


SIGNED = "0x" + "5a" * 64 + "1b"
BODIES = {
    "/policies/{policy_id}/endorsements": {
        "account_id": "acc-3", "inst_id": "BTC-USDT-SWAP", "leverage": 20, "number": 1,
        "signature": SIGNED,
    },
    "/claims/{claim_id}/withdraw": {"signature": SIGNED},
    "/claims/{claim_id}/appeal": {"statement": "look again", "signature": SIGNED},
}  # fmt: skip


def test_stranger__every_resource_of_another__is_not_there(shop, theirs):
    """Whatever a path names: the same answer as for what does not exist, and nothing written."""
    before, asked = shop.counts(), 0
    for row in ROWS:
        parameter = next((name for name in theirs if f"{{{name}}}" in row.path), None)
        if parameter is None or "user" not in row.roles:
            continue
        options = {"json": BODIES[row.path]} if row.method == "POST" else {}
        nothing = shop.call(row.method, row.address, "stranger", **options)
        for key in theirs[parameter]:
            path = row.path.format(**{parameter: key})
            answer = shop.call(row.method, path, "stranger", **options)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), (
                row.method, path, answer.text,
            )  # fmt: skip
            assert answer.json()["detail"] == nothing.json()["detail"], path
            asked += 1

    assert asked >= 8
    assert shop.counts() == before


@pytest.mark.parametrize("path", ["/policies", "/claims", "/accounts"])
def test_stranger__lists__hold_nothing_of_another(shop, theirs, path):
    mine = shop.get(path).json()["items"]
    strangers = shop.get(path, "stranger").json()["items"]

    assert mine and not any(one in mine for one in strangers)
    said = str(strangers)
    assert not any(key in said for keys in theirs.values() for key in keys)


def test_stranger__writes_that_name_anothers_things__are_refused_and_write_nothing(shop, theirs):
    [policy], (_, claim) = theirs["policy_id"], theirs["claim_id"]
    asked = {
        "account_id": "acc-1", "inst_id": "BTC-USDT-SWAP", "leverage": 20,
        "principal_micro_usdc": "100000000", "cover_hours": 24,
    }  # fmt: skip
    tries = [
        ("/quotes", asked),
        ("/claims", shop.filing(policy, "9")),
        ("/claims", shop.filing(policy, "9", STRANGER)),
        ("/signables/filing", {"policy_id": policy, "inst_id": "BTC-USDT-SWAP", "order_id": "9"}),
        ("/signables/withdrawal", {"claim_id": claim}),
        ("/signables/appeal", {"claim_id": claim, "statement": "mine"}),
        (
            "/signables/endorsement",
            {
                "policy_id": policy, "account_id": "acc-3", "inst_id": "BTC-USDT-SWAP",
                "leverage": 20,
            },
        ),
    ]  # fmt: skip
    before = shop.counts()

    for path, body in tries:
        answer = shop.post(path, body, "stranger", "k-1")
        assert answer.status_code == 404, (path, answer.text)
    assert shop.counts() == before
