"""A settled world for tests: a chain with a funded pool, keys, a store, and approved items.

`PoolStack` lives in LEVERAGEGUARD_DATA of the test, so the package's own entry points find it.
Import two fixtures: `anvil_fixture` of tests.anvil and `stack_fixture` of this module.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict

import duckdb
import pytest
from eth_utils.crypto import keccak

from leverageguard import clock, config
from leverageguard.settlement import chain as chains
from leverageguard.settlement import encode
from leverageguard.settlement.contracts import pool as pool_contract
from leverageguard.settlement.contracts import token as token_contract
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.contracts.token import Token
from leverageguard.settlement.planning import Item
from leverageguard.settlement.signing import signers
from leverageguard.store import base
from leverageguard.warehouse import landing
from tests import sealed
from tests.anvil import STARTED_AT_S, Anvil

USDC = 1_000_000
VERIFIERS = 3


def key(label: str) -> signers.KeySigner:
    """The test key of a label."""
    return signers.KeySigner(_private_key(label))


def recipient(number: int) -> str:
    """The wallet of the n-th claimant."""
    return key(f"claimant {number}").address


def item(
    number: int, group: str = "pending-0001", amount: int | None = None, chain_id: int = 31337
) -> Item:
    """The n-th approved payout, 1 USDC and `number` micro-USDC unless told."""
    return Item(
        group=group,
        claim_id=f"clm_{number:024x}",
        liquidation_event_id=f"okx:uid-{number}:{number}",
        policy_id=f"0x{number:064x}",
        party=recipient(number),
        recipient=recipient(number).lower(),
        amount_micro_usdc=USDC + number if amount is None else amount,
        chain_id=chain_id,
    )


class PoolStack:
    """The parts a settlement needs, deployed on `anvil` and funded with `funded` micro-USDC.

    `settings` speak of that chain where there are several; without them it is the only one.
    """

    def __init__(
        self, anvil: Anvil, funded: int = 1_000 * USDC, settings: config.Settings | None = None
    ) -> None:
        self.anvil = anvil
        if settings is None:
            os.environ["LEVERAGEGUARD_CHAIN_RPC"] = anvil.url
            os.environ["LEVERAGEGUARD_CHAIN_ID"] = str(anvil.chain_id)
        self.settings = settings or config.load()
        self._write_keys()
        clock.set_world((STARTED_AT_S + 60) * 1000)
        base.Base.metadata.create_all(base.engine(self.settings))
        landing.ensure_schemas(self.settings)
        self.chain = chains.connect(self.settings)
        self.admin = key("admin")
        for label in ("admin", "chain_proposer"):
            anvil.give_gas(key(label).address)
        self.token, self.pool = self._deploy()
        self.fund(funded)

    def fund(self, amount: int) -> None:
        """Deposit freshly minted money."""
        if amount:
            self.send(self.token.mint(self.admin.address, amount))
            self.send(self.token.approve(self.pool.address, amount))
            self.send(self.pool.deposit(amount))

    def send(self, call: chains.Call) -> chains.Receipt:
        """Send a call as the admin."""
        return self.chain.send(self.admin, call)

    def buy(
        self, label: str, quote_id: bytes, premium: int, cover_s: int, wait_s: int
    ) -> chains.Receipt:
        """Have somebody buy a policy that pays ten times its premium."""
        buyer = key(label)
        self.anvil.give_gas(buyer.address)
        self.send(self.token.mint(buyer.address, premium))
        self.chain.send(buyer, self.token.approve(self.pool.address, premium))
        deadline = self.chain.next_timestamp() + 3600
        terms = (premium, 10 * premium, cover_s, wait_s, deadline, b"\x08" * 32)
        quote = encode.QuoteMessage(quote_id, buyer.address, *terms)
        domain = encode.PoolDomain(self.settings.chain_id, self.pool.address)
        signature = key("quoter").sign_digest(encode.quote_digest(domain, quote))
        return self.chain.send(buyer, self.pool.buy_policy(quote, signature))

    def plan(self, *items: Item) -> list[str]:
        """Plan items without a warehouse; the ids of the batches made."""
        return sealed.plan(self.settings, items)

    def paid_to(self, number: int) -> int:
        """What the n-th claimant holds, micro-USDC."""
        return self.token.balance_of(recipient(number))

    def publish(self, *items: Item, status: str = "approved") -> None:
        """Publish items as the snapshot's fct_payout_items, their evidence sealed."""
        sealed.seal(self.settings, items)
        folder = self.settings.serve_dir / "v1"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "leverageguard.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "create table fct_payout_items (batch_id text, claim_id text, "
                "liquidation_event_id text, policy_id text, wallet text, recipient text, "
                "amount_micro_usdc bigint, claim_index bigint, status text, chain_id bigint)"
            )
            connection.execute(
                "create table fct_claims (claim_id text, policy_id text, wallet text, notified_at "
                "timestamptz, payout_state text, tx_hash text)"
            )
            for one in items:
                values = [one.group, one.claim_id, one.liquidation_event_id, one.policy_id]
                values += [one.party.lower(), one.recipient.lower()]
                connection.execute(
                    "insert into fct_payout_items values (?, ?, ?, ?, ?, ?, ?, null, ?, ?)",
                    [*values, one.amount_micro_usdc, status, one.chain_id],
                )
        link = self.settings.serve_dir / "current"
        if not link.exists():
            link.symlink_to("v1", target_is_directory=True)

    def _write_keys(self) -> None:
        self.settings.secrets_dir.mkdir(parents=True, exist_ok=True)
        names = [f"chain_verifier_{n}" for n in range(1, VERIFIERS + 1)]
        for name in ["chain_proposer", *names]:
            (self.settings.secrets_dir / name).write_text(_private_key(name))

    def _deploy(self) -> tuple[Token, Pool]:
        first = self.chain.head().number
        token_at = self.send(token_contract.deployment(self.settings)).contract_address or ""
        limits = (100_000 * USDC, 100_000 * USDC, 2)
        made = pool_contract.deployment(self.settings, token_at, self.admin.address, *limits)
        pool_at = self.send(made).contract_address or ""
        deployed = config.Deployment(self.anvil.chain_id, pool_at, token_at, first)
        self.settings.deployment_path.parent.mkdir(exist_ok=True)
        self.settings.deployment_path.write_text(json.dumps(asdict(deployed)))
        pool = Pool(self.chain.web3, self.settings, pool_at)
        roles = {"RESERVER_ROLE": "admin", "PAUSER_ROLE": "admin", "QUOTER_ROLE": "quoter"}
        roles |= {"LISTER_ROLE": "admin", "PROPOSER_ROLE": "chain_proposer"}
        for role, label in roles.items():
            self.send(pool.grant_role(role, key(label).address))
        for number in range(1, VERIFIERS + 1):
            verifier = key(f"chain_verifier_{number}").address
            self.send(pool.grant_role("VERIFIER_ROLE", verifier))
        return Token(self.chain.web3, self.settings, token_at), pool


def _private_key(label: str) -> str:
    return "0x" + keccak(text=f"leverageguard test key|{label}").hex()


@pytest.fixture(name="stack")
def stack_fixture(anvil: Anvil, monkeypatch: pytest.MonkeyPatch) -> Iterator[PoolStack]:
    """A funded pool on a chain of its own; the settings that point to it end with the test."""
    for name in ("LEVERAGEGUARD_CHAIN_RPC", "LEVERAGEGUARD_CHAIN_ID"):
        monkeypatch.setenv(name, "")
    yield PoolStack(anvil)
