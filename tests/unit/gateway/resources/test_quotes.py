"""Quotes over HTTP: asked for once, explained, and bought with what the chain can be sent."""

from __future__ import annotations

import pytest

from leverageguard import clock
from leverageguard.store import base
from leverageguard.store.sales_tables import QuoteRefusal
from tests import gateway_world as world
from tests.gateway_shop import ASKED, NOW_MS, SILENT, shop_fixture  # noqa: F401
from tests.gateway_world import STRANGER, TRADER


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_ask__sound_request__is_signed_and_explained(shop):
    quote = shop.quote()

    price = quote["price"]
    expected = price["p_ppm"] * int(quote["max_payout_micro_usdc"])
    loaded = -(-expected * (1_000_000 + price["load_ppm"]) // 10**12)
    premium = loaded + int(price["expense_micro_usdc"])
    assert int(quote["premium_micro_usdc"]) == premium
    assert (quote["wallet"], quote["state"]) == (TRADER.address.lower(), "QUOTED")
    assert shop.get(f"/quotes/{quote['quote_id']}").json() == quote


def test_ask__same_key_and_body__is_the_same_quote(shop):
    assert shop.quote() == shop.quote()


def test_ask__same_key_and_other_body__is_refused(shop):
    shop.quote()

    refused(shop.post("/quotes", ASKED | {"leverage": 19}, key="q-1"), 409,
            "IDEMPOTENCY_KEY_REUSED")  # fmt: skip


def test_ask__same_key_of_another_wallet__is_another_quote(shop):
    mine, theirs = shop.quote(), shop.quote(who="stranger", account_id="acc-3")

    assert mine["quote_id"] != theirs["quote_id"]


def test_ask__unsold_leverage__is_refused_with_its_code_and_kept(shop):
    refused(shop.post("/quotes", ASKED | {"leverage": 41}, key="q-9"), 409, "LEVERAGE_NOT_SOLD")

    with base.session(shop.settings) as session:
        assert [row.reason_code for row in session.query(QuoteRefusal)] == ["LEVERAGE_NOT_SOLD"]


def test_ask__silent_chain__is_unavailable_and_no_refusal(shop):
    shop.chain.fault = SILENT

    answer = shop.post("/quotes", ASKED, key="q-1")

    refused(answer, 503, "CHAIN_UNREACHABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert shop.counts()["quote_refusals"] == 0


def test_ask__service__names_the_wallet_it_asks_for(shop):
    headers = world.service(shop.settings, "quotes:write")

    refused(shop.post("/quotes", ASKED, headers, "q-1"), 422, "WALLET_NEEDED")
    made = shop.post("/quotes", ASKED | {"wallet": TRADER.address}, headers, "q-1")
    assert made.json()["wallet"] == TRADER.address.lower()
    foreign = shop.post("/quotes", ASKED | {"wallet": STRANGER.address}, headers, "q-2")
    refused(foreign, 404, "ACCOUNT_NOT_FOUND")


def test_look__foreign_quote__is_not_found(shop):
    quote = shop.quote()

    refused(shop.get(f"/quotes/{quote['quote_id']}", "stranger"), 404, "NOT_FOUND")
    refused(shop.get(f"/quotes/{quote['quote_id']}/purchase", "stranger"), 404, "NOT_FOUND")
    assert shop.get(f"/quotes/{quote['quote_id']}", world.person("viewer")).status_code == 200


def test_purchase__quote_that_holds__is_two_transactions(shop):
    quote = shop.quote()

    made = shop.get(f"/quotes/{quote['quote_id']}/purchase").json()

    assert [one["kind"] for one in made["transactions"]] == ["approve", "buy_policy"]
    assert {one["value"] for one in made["transactions"]} == {"0x0"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("expired", 409, "QUOTE_EXPIRED"),
        ("bought", 409, "ALREADY_BOUGHT"),
        ("paused", 409, "SALES_PAUSED"),
        ("silent", 503, "CHAIN_UNREACHABLE"),
    ],
)
def test_purchase__cannot_be_bought__says_why(shop, change, status, code):
    quote = shop.quote()
    if change == "expired":
        clock.set_world(NOW_MS + 1_000_000)
    elif change == "bought":
        shop.chain.bought.add(quote["quote_id"])
    elif change == "paused":
        shop.chain.is_paused = True
    else:
        shop.chain.fault = SILENT

    trader = world.trader(shop.client)
    refused(shop.get(f"/quotes/{quote['quote_id']}/purchase", trader), status, code)
