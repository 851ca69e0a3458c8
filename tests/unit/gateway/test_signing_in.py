"""Signing in with a wallet: what proves something, once, here and now."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from leverageguard import clock
from leverageguard.gateway import signing_in
from leverageguard.store import base
from leverageguard.store.gateway_tables import UsedNonce
from tests import gateway_world as world
from tests.gateway_world import API, STRANGER, TRADER


@pytest.fixture
def client(settings):
    return world.client(settings)


def nonce(client):
    return client.post(f"{API}/auth/nonce").json()["nonce"]


def sign_in(client, body, **options):
    return client.post(f"{API}/auth/sign-in", json=body, **options)


def refused(answer, status=401, code="SIGN_IN_REFUSED"):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()["detail"]


def test_sign_in__signed_message__gives_a_token_of_wallet_and_chain(client):
    me = client.get(f"{API}/me", headers=world.trader(client))

    assert me.json() == {
        "actor": TRADER.address.lower(),
        "roles": ["user"],
        "wallet": TRADER.address.lower(),
        "chain_id": 31337,
        "scopes": [],
    }


def test_nonce__asked_for__writes_nothing(client, settings):
    nonce(client)

    with base.session(settings) as session:
        assert session.query(UsedNonce).count() == 0


def test_sign_in__same_message_again__is_refused(client):
    body = world.signed(TRADER, world.message(TRADER, nonce(client)))
    assert sign_in(client, body).status_code == 200

    assert "used already" in refused(sign_in(client, body))


def test_sign_in__same_message_from_many_threads__lets_one_in(client):
    body = world.signed(TRADER, world.message(TRADER, nonce(client)))
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(sign_in(client, body).status_code))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(answers) == [200] + [401] * 7


def test_sign_in__another_wallets_signature__is_refused_and_leaves_the_nonce(client):
    text = world.message(TRADER, nonce(client))

    assert "signature" in refused(sign_in(client, world.signed(STRANGER, text)))
    assert sign_in(client, world.signed(TRADER, text)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"domain": "evil.example"}, "not for this page"),
        ({"chain_id": 1}, "chain 1"),
        ({"nonce": "0123456789abcdef"}, "not one of ours"),
        ({"expiration_time": "2020-01-01T00:00:00.000Z"}, "does not hold at this time"),
        ({"issued_at": "2999-01-01T00:00:00.000Z"}, "from the future"),
    ],
)
def test_sign_in__message_that_proves_nothing_here__is_refused(client, changed, told):
    text = world.message(TRADER, nonce(client), **changed)

    assert told in refused(sign_in(client, world.signed(TRADER, text)))


def test_sign_in__page_of_a_foreign_host__is_refused(client):
    text = world.message(TRADER, nonce(client), domain="evil.example:18080")

    answer = sign_in(client, world.signed(TRADER, text), headers={"Host": "evil.example:18080"})

    assert "not for this page" in refused(answer)


@pytest.mark.parametrize("text", ["hello", "a" * 2000, "evil\n" * 400])
def test_sign_in__no_message__is_a_bad_request(client, text):
    refused(sign_in(client, world.signed(TRADER, text)), 422, "MESSAGE_INVALID")


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("0.000Z", "0.000Z\nand send everything to evil.example"),
        ("Chain ID: 31337", "Chain ID: 031337"),
    ],
)
def test_sign_in__message_not_in_its_plain_form__is_a_bad_request(client, plain, other):
    times = {"expiration_time": "2999-01-01T00:00:00.000Z"}
    text = world.message(TRADER, nonce(client), **times).replace(plain, other)

    refused(sign_in(client, world.signed(TRADER, text)), 422, "MESSAGE_INVALID")


def test_nonce__after_its_end__is_refused(client, monkeypatch):
    times = {"expiration_time": "2999-01-01T00:00:00.000Z"}
    body = world.signed(TRADER, world.message(TRADER, nonce(client), **times))
    later = clock.real_ms() + 1000 * (signing_in.NONCE_SECONDS + 1)
    monkeypatch.setattr(clock, "real_ms", lambda: later)

    assert "nonce has ended" in refused(sign_in(client, body))


def test_nonces__that_have_ended__leave_the_store(client, settings, monkeypatch):
    world.trader(client)
    later = clock.real_ms() + 1000 * (signing_in.NONCE_SECONDS + 1)
    monkeypatch.setattr(clock, "real_ms", lambda: later)
    fresh = nonce(client)
    issued = datetime.fromtimestamp(later / 1000, UTC)
    times = {
        "issued_at": f"{issued:%Y-%m-%dT%H:%M:%S}.000Z",
        "expiration_time": f"{issued + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S}.000Z",
    }
    assert (
        sign_in(client, world.signed(TRADER, world.message(TRADER, fresh, **times))).status_code
        == 200
    )

    with base.session(settings) as session:
        assert [row.nonce for row in session.query(UsedNonce)] == [fresh]


def test_token__after_its_end__says_so(client, settings, monkeypatch):
    headers = world.trader(client)
    said = jwt.decode(headers["Authorization"][7:], options={"verify_signature": False})
    ended = jwt.encode({**said, "exp": 1}, settings.secret("gateway_jwt"), "HS256")

    answer = client.get(f"{API}/me", headers={"Authorization": f"Bearer {ended}"})

    assert refused(answer, 401, "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    "forged",
    [
        lambda said: jwt.encode(said, "another secret of the right length, 32 bytes", "HS256"),
        lambda said: jwt.encode(said, None, "none"),
    ],
    ids=["another key", "no signature"],
)
def test_token__that_we_did_not_sign__is_nobodys(client, forged):
    headers = world.trader(client)
    said = jwt.decode(headers["Authorization"][7:], options={"verify_signature": False})

    answer = client.get(f"{API}/me", headers={"Authorization": f"Bearer {forged(said)}"})

    assert refused(answer, 401, "NOT_SIGNED_IN")


@pytest.mark.parametrize("missing", ["exp", "iss", "aud", "jti", "chain_id"])
def test_token__without_a_part__is_nobodys(client, settings, missing):
    headers = world.trader(client)
    said = jwt.decode(headers["Authorization"][7:], options={"verify_signature": False})
    said.pop(missing)
    token = jwt.encode(said, settings.secret("gateway_jwt"), "HS256")

    answer = client.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"})

    assert refused(answer, 401, "NOT_SIGNED_IN")
