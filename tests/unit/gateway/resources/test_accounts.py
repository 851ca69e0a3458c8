"""Binding an account: the venue is asked with the key handed in, over HTTP, by the real client."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import yaml
from eth_account import Account as Wallet

from leverageguard import config
from leverageguard.domain import signing
from leverageguard.exchanges import identity, retry
from leverageguard.intake import accounts as intake
from leverageguard.simulator import scenario
from leverageguard.store import base
from leverageguard.store.audit_tables import AuditEvent
from leverageguard.store.intake_tables import Account, Binding
from tests import gateway_world as world
from tests.gateway_world import API, STRANGER, TRADER
from tests.simulators import SCENARIOS, start_simulator  # noqa: F401

UID, SUB, CHAIN = "480022917364051968", "480022917364051969", 31337


def extra(account_id, uid, **more):
    return {"account_id": account_id, "exchange": "okx", "uid": uid, "wallet": "other", **more}


@pytest.fixture
def venue(start_simulator, tmp_path, monkeypatch):  # noqa: F811
    folder = tmp_path / "world"
    shutil.copytree(SCENARIOS / "okx_real_full_liquidation", folder)
    content = yaml.safe_load((folder / "world.yaml").read_text())
    content["accounts"] += [
        extra("sub", SUB, main_uid=UID),
        extra("trading", "51", perm="read_only,trade"),
        extra("demo", "52", key_state="demo"),
        extra("revoked", "53", key_state="revoked"),
    ]
    (folder / "world.yaml").write_text(yaml.safe_dump(content))
    started = start_simulator(folder)
    monkeypatch.setenv("LEVERAGEGUARD_OKX_URL", started.url)
    quick = retry.Policy(attempts=2, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=5)
    monkeypatch.setattr(identity, "PATIENCE", quick)
    return started


@pytest.fixture
def client(settings, venue):
    return world.client(replace(settings, venue_urls=config.load().venue_urls))


def body(account_id="trader-1", uid=UID, wallet=TRADER, nonce=1, **changed):
    key = scenario.credentials(account_id)
    said = signing.Binding("okx", uid, wallet.address, nonce)
    return {
        "exchange": "okx", "uid": uid, "nonce": nonce,
        "signature": signing.sign(said, CHAIN, wallet.key), "api_key": key.api_key,
        "api_secret": key.api_secret, "passphrase": key.passphrase, **changed,
    }  # fmt: skip


def bind(client, given, wallet=TRADER):
    return client.post(f"{API}/accounts", json=given, headers=world.trader(client, wallet))


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def rows(client, table):
    with base.session(client.app.state.settings) as session:
        return session.query(table).all()


def test_bind__read_only_key__is_bound_and_sealed(client):
    answer = bind(client, body())

    assert answer.status_code == 201, answer.text
    key = scenario.credentials("trader-1")
    [account], [binding] = rows(client, Account), rows(client, Binding)
    assert (account.uid, account.root_uid, binding.signer) == (UID, UID, TRADER.address.lower())
    told = answer.text + "".join(f"{row.payload}" for row in rows(client, AuditEvent))
    assert not [one for one in (key.api_key, key.api_secret, key.passphrase) if one in told]
    assert key.api_secret.encode() not in account.encrypted_credentials
    with base.session(client.app.state.settings) as session:
        kept = intake.credentials(session, account.account_id)
    assert (kept.api_key, kept.passphrase) == (key.api_key, key.passphrase)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"account_id": "trading", "uid": "51"}, "KEY_NOT_READ_ONLY"),
        ({"account_id": "demo", "uid": "52"}, "KEY_NOT_LIVE"),
        ({"account_id": "revoked", "uid": "53"}, "KEY_NOT_ACCEPTED"),
        ({"account_id": "nobody"}, "KEY_NOT_ACCEPTED"),
        ({"api_secret": "wrong"}, "KEY_NOT_ACCEPTED"),
        ({"uid": "54"}, "UID_DIFFERS"),
        ({"nonce_signed": 2}, "SIGNATURE_NOT_YOURS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bind__key_or_claim_that_is_not_so__is_refused(client, changed, code):
    given = body(**{key: value for key, value in changed.items() if key != "nonce_signed"})
    given["nonce"] = changed.get("nonce_signed", given["nonce"])

    refused(bind(client, given), 422, code)
    assert rows(client, Account) == []


@pytest.mark.parametrize("kind", ["http_500", "http_403", "http_429", "html", "truncated", "empty"])
def test_bind__venue_that_fails__is_unavailable_and_no_bad_key(client, venue, kind):
    venue.fault("account/config", kind, times=9)

    answer = bind(client, body())

    refused(answer, 503, "VENUE_UNREACHABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert rows(client, Account) == []


def test_bind__venue_that_is_away__is_unavailable(settings, venue):
    nobody = {"okx": "http://127.0.0.1:9"}
    client = world.client(replace(settings, venue_urls=nobody))

    refused(bind(client, body()), 503, "VENUE_UNREACHABLE")


def test_bind__sub_account_of_anothers_main__is_refused(client):
    assert bind(client, body()).status_code == 201

    refused(bind(client, body("sub", SUB, STRANGER), STRANGER), 409, "ACCOUNT_TAKEN")
    refused(bind(client, body(wallet=STRANGER), STRANGER), 409, "ACCOUNT_TAKEN")
    assert bind(client, body("sub", SUB)).status_code == 201


def test_bind__signed_for_another_wallet__is_refused(client):
    refused(bind(client, body(wallet=STRANGER)), 422, "SIGNATURE_NOT_YOURS")


def test_bind__service__hands_in_what_the_holder_signed(client):
    headers = world.service(client.app.state.settings, "accounts:write")

    refused(client.post(f"{API}/accounts", json=body(), headers=headers), 422, "WALLET_NEEDED")
    given = body(wallet=STRANGER) | {"wallet": TRADER.address}
    refused(client.post(f"{API}/accounts", json=given, headers=headers), 422, "SIGNATURE_NOT_YOURS")
    given = body() | {"wallet": TRADER.address}
    assert client.post(f"{API}/accounts", json=given, headers=headers).status_code == 201


def test_bind__again__takes_the_new_key_and_no_old_message(client):
    assert bind(client, body(nonce=5)).status_code == 201
    assert bind(client, body(nonce=5)).status_code == 201
    refused(bind(client, body(nonce=4)), 409, "NONCE_USED")

    assert bind(client, body(nonce=6)).status_code == 201
    assert (len(rows(client, Account)), len(rows(client, Binding))) == (1, 2)


def test_listing__other_readers__see_a_masked_uid_and_strangers_nothing(client):
    bind(client, body())

    mine = client.get(f"{API}/accounts", headers=world.trader(client)).json()["items"]
    theirs = client.get(f"{API}/accounts", headers=world.person("viewer")).json()["items"]
    none = client.get(f"{API}/accounts", headers=world.trader(client, STRANGER)).json()["items"]
    assert [item["uid"] for item in mine] == [UID]
    assert [item["uid"] for item in theirs] == ["…" + UID[-4:]]
    assert none == []


def test_bind__keyless_venue__needs_the_addresss_own_signature(client, monkeypatch):
    owner = Wallet.from_key("0x" + "33" * 32)
    said = signing.Binding("hyperliquid", owner.address.lower(), TRADER.address, 1)
    given = {
        "exchange": "hyperliquid", "uid": said.uid, "nonce": 1,
        "signature": signing.sign(said, CHAIN, TRADER.key), "api_key": said.uid,
    }  # fmt: skip
    found = identity.Identity(said.uid, said.uid, True)
    monkeypatch.setattr(identity, "ask", lambda *_: found)

    refused(bind(client, given), 422, "ACCOUNT_SIGNATURE_NEEDED")
    forged = signing.sign(said, CHAIN, STRANGER.key)
    refused(bind(client, given | {"account_signature": forged}), 422, "ACCOUNT_SIGNATURE_NEEDED")
    proved = signing.sign(said, CHAIN, owner.key)
    assert bind(client, given | {"account_signature": proved}).status_code == 201
