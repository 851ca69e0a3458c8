"""What a holder may change before the cover: never a larger risk for the same premium."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account as Wallet
from sqlalchemy import select

from leverageguard.domain import signing
from leverageguard.intake import accounts, quotes
from leverageguard.intake.accounts import IntakeRefused
from leverageguard.policies import endorsing
from leverageguard.store import base
from leverageguard.store.policy_tables import PolicyEndorsement
from tests.policy_world import START, PolicyWorld

KEY, THIEF = "0x" + "11" * 32, "0x" + "22" * 32
HOLDER = Wallet.from_key(KEY).address


@pytest.fixture
def world(settings):
    made = PolicyWorld(settings)
    with base.session(settings) as session:
        for name, exchange in (("acc-2", "okx"), ("acc-3", "gate"), ("unbound", "okx")):
            account = accounts.BoundAccount(name, exchange, f"uid-{name}")
            secret = accounts.Credentials("k", "s", "p")
            accounts.register(session, account, f"uid-{name}", HOLDER, secret, START)
            said = signing.Binding(exchange, account.uid, HOLDER, 1)
            if name != "unbound":
                signature = signing.sign(said, settings.chain_id, KEY)
                accounts.bind(session, name, said, signature, settings.chain_id, START)
        own = signing.Binding("okx", "42", HOLDER, 1)
        signature = signing.sign(own, settings.chain_id, KEY)
        accounts.bind(session, "acc-1", own, signature, settings.chain_id, START)
    return made


@pytest.fixture
def quote(world):
    return world.quote(owner_address=HOLDER.lower(), inst_id="ETH-USDT-SWAP", leverage=30)


def said(quote, **changed):
    plain = signing.Endorsement(quote.quote_id, "acc-1", "ETH-USDT-SWAP", 30, 1)
    return replace(plain, **changed)


def endorse(world, endorsement, key=KEY):
    signature = signing.sign(endorsement, world.settings.chain_id, key)
    return endorsing.endorse(world.settings, endorsement, signature)


def stored(world):
    with base.session(world.settings) as session:
        query = select(PolicyEndorsement).order_by(PolicyEndorsement.endorsement_no)
        return list(session.scalars(query))


@pytest.mark.parametrize(
    "changed",
    [{"account": "acc-2"}, {"inst_id": "BTC-USDT-SWAP"}, {"leverage": 20}],
    ids=lambda changed: next(iter(changed)),
)
def test_endorse__no_larger_risk__is_recorded_as_signed(world, quote, changed):
    endorse(world, said(quote, **changed))

    [row] = stored(world)
    assert (row.policy_id, row.endorsement_no, row.signer) == (quote.quote_id, 1, HOLDER.lower())
    asked = said(quote, **changed)
    assert (row.account_id, row.inst_id, row.leverage) == (
        asked.account,
        asked.inst_id,
        asked.leverage,
    )


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"policy": "0x" + "99" * 32}, "does not exist"),
        ({"account": "nobody"}, "not registered"),
        ({"account": "acc-3"}, "name one on okx"),
        ({"account": "unbound"}, "not bound"),
        ({"leverage": 40}, "only lower"),
        ({"leverage": 25}, "not sold"),
        ({"inst_id": "PEPE-USDT-SWAP"}, "not insured"),
        ({"inst_id": "DOGE-USDT-SWAP"}, "moves more"),
        ({"number": 2}, "next change is 1"),
        ({"number": 0}, "next change is 1"),
    ],
    ids=str,
)
def test_endorse__anything_else__is_refused_and_says_what_to_do(world, quote, changed, says):
    with pytest.raises(IntakeRefused, match=says):
        endorse(world, said(quote, **changed))
    assert stored(world) == []


def test_endorse__another_wallet__is_refused(world, quote):
    with pytest.raises(IntakeRefused, match="sign with the policy's wallet"):
        endorse(world, said(quote), THIEF)


def test_endorse__again__is_the_same_and_the_next_starts_from_it(world, quote):
    first = said(quote, leverage=20)
    assert endorse(world, first) == endorse(world, first)
    with pytest.raises(IntakeRefused, match="only lower"):
        endorse(world, said(quote, leverage=30, number=2))
    endorse(world, said(quote, account="acc-2", leverage=20, number=2))

    assert [row.endorsement_no for row in stored(world)] == [1, 2]


@pytest.mark.parametrize("hours", [0.25, 0.75])
def test_endorse__before_the_cover__is_taken(world, quote, hours):
    world.buy(quote)
    world.at(hours)
    world.read_and_advance()
    endorse(world, said(quote, leverage=20))

    assert len(stored(world)) == 1


def test_endorse__cover_began_though_nobody_registered_it__is_refused(world, quote):
    world.buy(quote)
    world.at(0.9)
    world.read_and_advance()
    assert world.last(quote)[0] == "WAITING"
    world.at(1.0)
    with pytest.raises(IntakeRefused, match="covers already"):
        endorse(world, said(quote, leverage=20))


@pytest.mark.parametrize("state", ["IN_FORCE", "VOID"])
def test_endorse__policy_that_is_past_that__is_refused(world, quote, state):
    world.buy(quote, **({"premium_micro_usdc": 1} if state == "VOID" else {}))
    world.at(2)
    world.read_and_advance()
    with pytest.raises(IntakeRefused, match=f"is {state}"):
        endorse(world, said(quote, leverage=20))


def test_instruments__endorsed__are_read_from_the_venue_too(world, quote):
    endorse(world, said(quote, account="acc-2", inst_id="BTC-USDT-SWAP"))

    with base.session(world.settings) as session:
        assert quotes.instruments(session) == {"okx": ["BTC-USDT-SWAP", "ETH-USDT-SWAP"]}
        assert quotes.instruments_of(session, ["acc-1", "acc-2"]) == {
            "acc-1": ["ETH-USDT-SWAP"],
            "acc-2": ["BTC-USDT-SWAP"],
        }
