"""Policies over HTTP: by state, as of an instant, changed by their holder alone."""

from __future__ import annotations

import pytest

from leverageguard import clock
from leverageguard.domain import signing
from leverageguard.gateway.models.common import instant
from tests import gateway_world as world
from tests.gateway_shop import CHAIN, NOW_MS, SILENT, shop_fixture  # noqa: F401
from tests.gateway_world import STRANGER, TRADER


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def endorsement(policy, account=TRADER, **changed):
    said = {"account_id": "acc-1", "inst_id": "BTC-USDT-SWAP", "leverage": 10, "number": 1}
    said |= changed
    message = signing.Endorsement(
        policy, said["account_id"], said["inst_id"], said["leverage"], said["number"]
    )
    return said | {"signature": signing.sign(message, CHAIN, account.key)}


def test_listing__by_state__and_by_pages(shop):
    bought, quoted = shop.policy("q-1"), shop.quote("q-2")["quote_id"]
    shop.state(bought, "QUOTED", "PAID", "WAITING")

    def ids(query=""):
        return {item["policy_id"] for item in shop.get(f"/policies{query}").json()["items"]}

    assert ids() == {bought, quoted}
    assert ids("?state=WAITING") == {bought}
    assert ids("?state=QUOTED") == {quoted}
    refused(shop.get("/policies?state=NONE_SUCH"), 422, "STATE_UNKNOWN")
    first = shop.get("/policies?limit=1").json()
    rest = shop.get(f"/policies?limit=1&cursor={first['next_cursor']}").json()
    assert {first["items"][0]["policy_id"], rest["items"][0]["policy_id"]} == {bought, quoted}
    assert rest["next_cursor"] is None
    assert shop.get("/policies", "stranger").json()["items"] == []


def test_look__at_an_instant__is_as_it_stood(shop):
    policy = shop.policy()
    clock.set_world(NOW_MS + 60_000)
    shop.state(policy, "QUOTED", "PAID")

    now = shop.get(f"/policies/{policy}").json()
    before = shop.get(f"/policies/{policy}?at={instant(NOW_MS + 30_000)}").json()

    assert (now["state"], before["state"]) == ("PAID", "QUOTED")
    assert now["cover_start_at"].startswith(instant(NOW_MS + 60_000 + 1_800_000)[:17])
    refused(shop.get(f"/policies/{policy}?at=2020-01-01T00:00:00Z"), 404, "NOT_YET")


@pytest.mark.parametrize(
    ("is_bought", "fault", "told"), [(True, None, True), (False, None, False), (True, SILENT, None)]
)
def test_look__before_the_chain_was_read__the_chain_is_asked(shop, is_bought, fault, told):
    policy = shop.policy() if is_bought else shop.quote()["quote_id"]
    shop.chain.fault = fault

    assert shop.get(f"/policies/{policy}").json()["is_bought"] is told


def test_look__foreign_policy__is_not_found(shop):
    policy = shop.policy()

    refused(shop.get(f"/policies/{policy}", "stranger"), 404, "NOT_FOUND")
    assert shop.get(f"/policies/{policy}", world.person("operator")).status_code == 200


def test_endorse__signed_by_the_holder__insures_the_other(shop):
    policy = shop.policy()

    answer = shop.post(f"/policies/{policy}/endorsements", endorsement(policy))

    assert answer.status_code == 201, answer.text
    shown = shop.get(f"/policies/{policy}").json()
    assert (shown["leverage"], len(shown["endorsements"])) == (10, 1)


def test_endorse__strangers_or_larger_risk__is_refused(shop):
    policy = shop.policy()
    path = f"/policies/{policy}/endorsements"

    refused(shop.post(path, endorsement(policy), "stranger"), 404, "NOT_FOUND")
    forged = endorsement(policy, STRANGER)
    refused(shop.post(path, forged), 409, "ENDORSEMENT_REFUSED")
    refused(shop.post(path, endorsement(policy, leverage=30)), 409, "ENDORSEMENT_REFUSED")
    assert shop.counts()["policy_endorsements"] == 0
