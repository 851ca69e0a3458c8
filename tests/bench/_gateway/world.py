"""Traders with policies in force, in a store of their own, and filings signed beforehand."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from eth_account import Account

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.intake import accounts
from leverageguard.stack import secrets
from leverageguard.stack.up import migrate_store
from leverageguard.store import base
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.warehouse import landing

INST = "BTC-USDT-SWAP"
NOW_MS = 1_767_578_400_000
HOUR_MS = 3_600_000
STATES = ("PAID", "WAITING", "IN_FORCE")


def traders(count: int) -> list[Any]:
    """Wallets, the same ones every time."""
    return [
        Account.from_key(sha256(f"trader {number}".encode()).digest()) for number in range(count)
    ]


def make(settings: Settings, people: list[Any]) -> None:
    """A SIMULATED world's store in which each of these holds one policy in force."""
    secrets.generate(settings)
    clock.set_world(NOW_MS)
    migrate_store(settings)
    landing.ensure_schemas(settings)
    with base.session(settings) as session:
        for person in people:
            wallet = person.address.lower()
            account = accounts.BoundAccount(f"acc-{wallet}", "okx", wallet)
            secret = accounts.Credentials("k", "s", "p")
            accounts.register(session, account, wallet, wallet, secret, NOW_MS)
            session.add(_policy(wallet))
            session.flush()
            for row in _moves(settings, wallet):
                session.add(row)
                session.flush()


def policy_of(wallet: str) -> str:
    """The one policy of a wallet."""
    return "0x" + sha256(f"policy of {wallet}".encode()).hexdigest()


def filings(settings: Settings, people: list[Any], first: int, count: int) -> list[dict[str, Any]]:
    """Bodies of POST /claims, one an order, by turns of the traders; signing them takes a while."""
    made = []
    for number in range(first, first + count):
        person = people[number % len(people)]
        wallet = person.address.lower()
        said = signing.Filing(policy_of(wallet), INST, str(10_000_000 + number))
        body = {
            "policy_id": said.policy, "inst_id": INST, "order_id": said.order_id,
            "signature": signing.sign(said, settings.chain_id, person.key),
        }  # fmt: skip
        made.append({"wallet": wallet, "key": f"order-{number}", "body": body})
    return made


def _policy(wallet: str) -> Quote:
    return Quote(
        quote_id=policy_of(wallet),
        reference=f"policy of {wallet}",
        wallet=wallet,
        account_id=f"acc-{wallet}",
        product_version="seed-v1",
        terms_hash="0x" + sha256(b"seed-v1").hexdigest(),
        inst_id=INST,
        leverage=20,
        principal_micro_usdc=100_000_000,
        premium_micro_usdc=10_000_000,
        payout_rate_ppm=100_000,
        max_payout_micro_usdc=10_000_000,
        cover_seconds=24 * 3600,
        wait_seconds=1800,
        filing_grace_seconds=24 * 3600,
        created_at_ms=NOW_MS - HOUR_MS,
        expires_at_ms=None,
    )


def _moves(settings: Settings, wallet: str) -> list[PolicyTxn]:
    purchase = {
        "chain_id": settings.chain_id, "pool": "0x" + "9" * 40, "tx_hash": policy_of(wallet),
        "log_index": 0, "block_number": 1, "at_ms": NOW_MS - HOUR_MS,
        "quote_id": policy_of(wallet), "buyer": wallet, "premium_micro_usdc": 10_000_000,
        "max_payout_micro_usdc": 10_000_000, "terms_hash": "0x" + sha256(b"seed-v1").hexdigest(),
    }  # fmt: skip
    return [
        PolicyTxn(
            policy_id=policy_of(wallet),
            txn_no=number,
            from_state=before,
            to_state=state,
            at_ms=NOW_MS - HOUR_MS,
            recorded_at_ms=NOW_MS - HOUR_MS,
            actor="chain",
            rule_id="BENCH",
            inputs_hash="0x",
            detail=json.dumps(purchase),
        )
        for number, (before, state) in enumerate(zip((None, *STATES), STATES, strict=False), 1)
    ]
