"""A quote asked for, bought and claimed on over HTTP, against a real pool."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from leverageguard import clock
from leverageguard.settlement.chain import Call
from tests import gateway_shop, pool_stack
from tests import gateway_world as world
from tests.anvil import anvil_fixture  # noqa: F401
from tests.gateway_shop import ASKED
from tests.gateway_world import API, TRADER
from tests.pool_stack import PoolStack, stack_fixture  # noqa: F401

BUYER = pool_stack.signers.KeySigner("0x" + TRADER.key.hex().removeprefix("0x"))


@pytest.fixture
def client(stack: PoolStack):
    secrets = stack.settings.secrets_dir
    (secrets / "chain_quoter").write_text(pool_stack._private_key("quoter"))
    (secrets / "credentials_key").write_bytes(Fernet.generate_key())
    made = world.client(replace(stack.settings))
    gateway_shop.bind(stack.settings, "acc-1", "okx", TRADER)
    clock.set_world(gateway_shop.NOW_MS)
    stack.anvil.give_gas(BUYER.address)
    stack.send(stack.token.mint(BUYER.address, 100 * pool_stack.USDC))
    return made


def test_purchase__sent_as_told__buys_the_policy_that_is_claimed_on(stack, client):
    headers = world.trader(client)
    key = {"Idempotency-Key": "k-1"}
    quote = client.post(f"{API}/quotes", json=ASKED, headers=headers | key).json()
    path = f"{API}/quotes/{quote['quote_id']}/purchase"
    told = client.get(path, headers=headers).json()
    assert told["balance_micro_usdc"] == str(100 * pool_stack.USDC)

    for one in told["transactions"]:
        call = Call(one["to"], one["data"], one["kind"])
        receipt = stack.chain.send(BUYER, call)
        assert receipt.gas_used < int(one["gas"], 16)

    again = client.get(path, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "ALREADY_BOUGHT")
    policy = client.get(f"{API}/policies/{quote['quote_id']}", headers=headers).json()
    assert (policy["state"], policy["is_bought"]) == ("QUOTED", True)
    left = stack.token.balance_of(BUYER.address)
    assert left == 100 * pool_stack.USDC - int(quote["premium_micro_usdc"])
    said = gateway_shop.Shop(stack.settings, client, None, [], {}, {}).filing(quote["quote_id"])
    answer = client.post(f"{API}/claims", json=said, headers=headers | key)
    assert answer.status_code == 202, answer.text


def test_ask__silent_chain__is_unavailable(stack, client, monkeypatch):
    from leverageguard.settlement import provider

    monkeypatch.setattr(provider, "WAIT_S", 0.01)
    stack.anvil.stop()
    headers = world.trader(client) | {"Idempotency-Key": "k-1"}

    answer = client.post(f"{API}/quotes", json=ASKED, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "CHAIN_UNREACHABLE")
