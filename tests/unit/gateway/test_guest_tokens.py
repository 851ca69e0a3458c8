"""A trader's token for the dashboards is over that trader's rows, whatever the request says."""

from __future__ import annotations

import jwt
import pytest

from leverageguard import clock
from leverageguard.gateway import guest_tokens
from tests import gateway_world as world
from tests.gateway_shop import shop_fixture  # noqa: F401
from tests.gateway_world import STRANGER, TRADER

KEY = "k" * 48
PATH = "/me/guest-token"


@pytest.fixture(autouse=True)
def key(shop) -> None:
    (shop.settings.secrets_dir / guest_tokens.SECRET).write_text(KEY)


def said(answer) -> dict:
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()["token"], KEY, ["HS256"], audience=guest_tokens.AUDIENCE)


def wallets(answer) -> list[dict]:
    return said(answer)["rls_rules"]


def test_guest_token__of_a_trader__is_one_clause_over_the_wallet_that_signed_in(shop):
    answer = shop.call("POST", PATH, shop.trader)

    own = TRADER.address.lower()
    assert wallets(answer) == [{"clause": f"wallet = '{own}'"}]
    told = answer.json()
    assert (told["wallet"], told["dataset"]) == (own, "rpt_wallet_claims")
    assert 0 < said(answer)["exp"] - clock.real_ms() // 1000 <= guest_tokens.SECONDS


@pytest.mark.parametrize("where", ["body", "query", "header"])
def test_guest_token__request_that_names_another_wallet__shows_only_the_callers(shop, where):
    theirs = TRADER.address.lower()
    named = {"wallet": theirs, "rls_rules": [{"clause": "1 = 1"}], "seconds": 10**6}
    path = f"{PATH}?wallet={theirs}&actor={theirs}" if where == "query" else PATH
    headers = dict(shop.stranger) | ({"X-Wallet": theirs} if where == "header" else {})
    body = named if where == "body" else {}

    answer = shop.call("POST", path, headers, json=body)

    assert wallets(answer) == [{"clause": f"wallet = '{STRANGER.address.lower()}'"}]
    assert theirs not in answer.text


def test_guest_token__in_place_of_a_traders_token__signs_nobody_in(shop):
    token = shop.call("POST", PATH, shop.trader).json()["token"]

    answer = shop.call("GET", "/me", {"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


@pytest.mark.parametrize("who", ["operator", "admin"])
def test_guest_token__operator__has_no_wallet_and_gets_none(shop, who):
    assert shop.call("POST", PATH, world.person(who)).status_code == 403


def test_guest_token__no_dashboards_here__says_so(shop):
    (shop.settings.secrets_dir / guest_tokens.SECRET).unlink()

    assert shop.call("POST", PATH, shop.trader).json()["code"] == "NOT_SET_UP"
