"""Packages over HTTP: the holder's to take, everybody's to check."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest
from eth_account import Account

from leverageguard import config
from leverageguard.simulator import scenario as scenarios
from leverageguard.store import base
from leverageguard.store.intake_tables import Quote
from leverageguard.warehouse import packages
from tests import gateway_world as world
from tests.gateway_world import API, STRANGER


@pytest.fixture
def client(sealed, own_data_folder):
    return world.client(config.load())


@pytest.fixture
def paid(sealed):
    return sealed.paid()[0]


@pytest.fixture
def holder(sealed, client, paid):
    """The headers of the wallet whose claim it is."""
    [row] = [one for one in sealed.world.claims("true") if one["claim_id"] == paid]
    with base.session(sealed.world.settings) as session:
        wallet = session.get(Quote, row["policy_id"]).wallet
    keys = {one.wallet: scenarios.wallet_key(one.wallet) for one in sealed.world.scenario.accounts}
    accounts = [Account.from_key(key) for key in keys.values()]
    return world.trader(client, next(a for a in accounts if a.address.lower() == wallet))


def verify(client, content):
    return client.post(
        f"{API}/proofs/verify", content=content, headers={"Content-Type": "application/zip"}
    )


def repacked(content, name, change):
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for one in old.namelist():
            new.writestr(one, change(old.read(one)) if one == name else old.read(one))
    return made.getvalue()


def test_evidence__of_the_holder__is_right_line_for_line_wherever_it_is_checked(
    client, holder, paid, sealed
):
    answer = client.get(f"{API}/claims/{paid}/evidence", headers=holder)
    assert answer.headers["ETag"] == f'"{sealed.roots()[paid]}"'

    checked = verify(client, answer.content).json()

    assert checked["is_right"], [one for one in checked["lines"] if one["result"] == "WRONG"]
    assert {"verdict", "amount", "root"} <= {one["what"] for one in checked["lines"]}
    assert any(one["seen"] for one in checked["lines"])


def test_evidence__of_a_stranger__is_not_found(client, paid):
    headers = world.trader(client, STRANGER)

    for path in ("", "/evidence", "/proof"):
        assert client.get(f"{API}/claims/{paid}{path}", headers=headers).status_code == 404


def test_verify__one_byte_changed__is_named(client, holder, paid):
    content = client.get(f"{API}/claims/{paid}/evidence", headers=holder).content
    changed = repacked(content, "fills.json", lambda text: text.replace(b"1", b"2", 1))

    checked = verify(client, changed).json()

    assert not checked["is_right"] and checked["wrong"] > 0
    assert "document fills.json" in {
        one["what"] for one in checked["lines"] if one["result"] == "WRONG"
    }


def test_verify__claim_that_is_only_named__tells_results_alone(client, paid):
    checked = client.post(f"{API}/proofs/verify", json={"claim_id": paid}).json()

    assert checked["is_right"]
    assert {one["seen"] for one in checked["lines"]} == {""}


def test_proof__of_the_holder__leads_to_the_batchs_root(client, holder, paid):
    told = client.get(f"{API}/claims/{paid}/proof", headers=holder).json()

    assert told["document"]["claim_id"] == paid
    assert told["proof"]["name"] == paid


def test_claim__of_the_holder__shows_the_sealed_checks(client, holder, paid):
    told = client.get(f"{API}/claims/{paid}", headers=holder).json()

    assert told["verdict"] == "verified"
    assert len(told["checks"]) > 15 and {one["result"] for one in told["checks"]} == {"pass"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("policy.json", lambda _: b'{"rules_version": "core-v0"}'),
        ("claim.json", lambda _: b"[]"),
        ("claim.json", lambda _: b"[" * 100_000),
        ("context.json", lambda _: b"null"),
        ("inclusion.json", lambda text: text.replace(b'"batch_no":', b'"batch_no":-')),
        ("inclusion.json", lambda text: text.replace(b'"claim_index":"', b'"claim_index":"x')),
        ("inclusion.json", lambda _: json.dumps({"batch_no": 1e999}).encode()),
        ("inclusion.json", lambda _: b"[" * 100_000),
    ],
)
def test_verify__hostile_documents__are_wrong_and_no_failure(client, holder, paid, name, change):
    content = client.get(f"{API}/claims/{paid}/evidence", headers=holder).content

    answer = verify(client, repacked(content, name, change))

    assert answer.status_code in (200, 422), answer.text
    assert answer.status_code == 422 or not answer.json()["is_right"]


def test_evidence__package_that_was_changed__is_unavailable(client, holder, paid, sealed):
    path = packages.folder_of(sealed.world.settings, sealed.roots()[paid]) / "fills.json"
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    try:
        answer = client.get(f"{API}/claims/{paid}/evidence", headers=holder)
    finally:
        path.write_bytes(before)

    assert (answer.status_code, answer.json()["code"]) == (503, "EVIDENCE_LOST")
