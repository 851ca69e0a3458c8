"""Quotes against a real pool: what the desk signs the contract sells, and only that."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from leverageguard import cli, clock
from leverageguard.domain import signing
from leverageguard.intake import accounts
from leverageguard.settlement.contracts.pool import SALES
from leverageguard.settlement.errors import CallRefused
from leverageguard.stack import local_chain, secrets, traders, up, world
from leverageguard.stack.deployment import deploy
from leverageguard.store import every_table  # noqa: F401
from leverageguard.store.base import Base, engine, session
from leverageguard.store.intake_tables import Quote
from leverageguard.store.sales_tables import QuoteRefusal
from leverageguard.underwriting import quoting
from leverageguard.underwriting.asking import Asked
from leverageguard.underwriting.refusals import QuoteRefused
from tests import pool_stack
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import PoolStack, stack_fixture  # noqa: F401

BUYER = pool_stack.key("buyer")
OTHER = pool_stack.key("other buyer")


@pytest.fixture
def desk(stack: PoolStack) -> quoting.Desk:
    Base.metadata.create_all(engine(stack.settings))
    quoter = pool_stack._private_key("quoter")
    (stack.settings.secrets_dir / "chain_quoter").write_text(quoter)
    (stack.settings.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
    chain_id, now_ms = stack.settings.chain_id, clock.now_ms()
    with session(stack.settings) as opened:
        account = accounts.BoundAccount("acc-1", "okx", "7")
        keys = accounts.Credentials("k", "s", "p")
        accounts.register(opened, account, "7", BUYER.address, keys, now_ms)
        said = signing.Binding("okx", "7", BUYER.address, 1)
        signature = signing.sign(said, chain_id, pool_stack._private_key("buyer"))
        accounts.bind(opened, "acc-1", said, signature, chain_id, now_ms - 1)
    for one in (BUYER, OTHER):
        stack.anvil.give_gas(one.address)
        stack.send(stack.token.mint(one.address, 1_000 * pool_stack.USDC))
        stack.chain.send(one, stack.token.approve(stack.pool.address, 1_000 * pool_stack.USDC))
    return quoting.Desk(stack.settings)


def asked(reference: str = "ref-1") -> Asked:
    return Asked(reference, BUYER.address, "acc-1", "BTC-USDT-SWAP", 20, 100_000_000, 24)


def buy(stack: PoolStack, quote: Quote, buyer=BUYER, **changes):
    said = quoting.message(quote.quote_id, quote.wallet, quote, quote.expires_at_ms // 1000)
    call = stack.pool.buy_policy(replace(said, **changes), bytes.fromhex(quote.signature[2:]))
    return stack.chain.send(buyer, call)


def test_quote__bought_as_signed__is_sold_by_the_contract(stack, desk):
    quote = desk.quote(asked())
    before = stack.token.balance_of(BUYER.address)

    buy(stack, quote)

    assert stack.pool.is_bought(bytes.fromhex(quote.quote_id[2:]))
    assert before - stack.token.balance_of(BUYER.address) == quote.premium_micro_usdc


@pytest.mark.parametrize(
    "changes", [{"premium": 1}, {"maxPayout": 10**9}, {"waitSeconds": 0}, {"deadline": 2**40}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_quote__any_number_changed__is_refused_by_the_contract(stack, desk, changes):
    quote = desk.quote(asked())

    with pytest.raises(CallRefused):
        buy(stack, quote, **changes)


def test_quote__bought_by_another_or_too_late__is_refused_by_the_contract(stack, desk):
    quote = desk.quote(asked())

    with pytest.raises(CallRefused):
        buy(stack, quote, buyer=OTHER)
    clock.set_world(quote.expires_at_ms + 1_000)
    with pytest.raises(CallRefused):
        buy(stack, quote)


def test_quote__denied_paused_or_beyond_the_pool__is_refused_by_the_desk(stack, desk):
    def code(reference: str) -> str:
        with pytest.raises(QuoteRefused) as refused:
            desk.quote(asked(reference))
        return refused.value.code

    stack.send(stack.pool.set_denied({BUYER.address: 2**40}))
    assert code("a") == "PARTY_BLOCKED"
    stack.send(stack.pool.set_denied({BUYER.address: 0}))
    stack.send(stack.pool.set_paused(SALES, True))
    assert code("b") == "SALES_PAUSED"
    stack.send(stack.pool.set_paused(SALES, False))
    stack.send(stack.pool.set_reserved(1_000 * pool_stack.USDC - 1))
    assert code("c") == "CAPACITY"
    with session(stack.settings) as opened:
        assert opened.query(QuoteRefusal).count() == 3


def test_command__quote__prints_what_the_contract_sells(stack, desk, monkeypatch, capsys):
    words = ["--wallet", BUYER.address, "--account", "acc-1", "--inst", "BTC-USDT-SWAP"]
    words += ["--leverage", "20", "--principal", "100", "--hours", "24", "--side", "long"]

    def run(*more: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["./leverageguard", "quote", *words, *more])
        return cli.main(), capsys.readouterr().out

    code, out = run("--reference", "by-hand", "--json")
    told = json.loads(out)
    with session(stack.settings) as opened:
        quote = opened.get(Quote, told["quote_id"])
    assert (code, told["signature"]) == (0, quote.signature)
    buy(stack, quote)

    code, out = run()
    assert code == 0
    assert "premium 0." in out and "USDC, pays at most 10.000000 USDC" in out
    code, out = run("--leverage", "100", "--json")
    assert (code, json.loads(out)["refused"]) == (1, "LEVERAGE_NOT_SOLD")


@pytest.mark.slow
def test_traders__default_world__are_all_sold_and_buy(settings, monkeypatch):
    with_port = replace(settings, port_base=_free_port() - 2)
    secrets.generate(with_port)
    scenario = world.prepare(with_port, None)
    up.migrate_store(with_port)
    local_chain.start(with_port, clock.now_ms())
    try:
        deploy(with_port, scenario.pool_deposit_micro_usdc)
        bought = traders.trade(with_port, scenario)
        again = traders.trade(with_port, scenario)
    finally:
        from leverageguard.stack import processes

        processes.stop_all(with_port)

    assert (bought, again) == (len(scenario.policies), 0)
    with session(with_port) as opened:
        versions = [quote.product_version for quote in opened.query(Quote)]
        assert opened.query(QuoteRefusal).count() == 0
    assert versions.count("actuarial-v2") >= 0.8 * len(versions)
    assert versions.count("seed-v1") > 0


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
