"""A desk without a chain: a store with one bound account, a quoter's key, a deployment file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
from eth_account import Account

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.intake import accounts
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine, session
from leverageguard.underwriting.asking import Asked
from leverageguard.underwriting.quoting import Desk, PoolState

KEY, QUOTER = "0x" + "11" * 32, "0x" + "22" * 32
WALLET = Account.from_key(KEY).address
OTHER = "0x" + "ab" * 20
NOW_MS = 1_767_578_400_000
POOL = "0x" + "99" * 20
FULL = PoolState(100_000_000_000, False, frozenset())
ASKED = Asked("ref-1", WALLET, "acc-1", "BTC-USDT-SWAP", 20, 100_000_000, 24)


@dataclass
class Shop:
    """What a test sells through."""

    settings: Settings

    def quote(self, at_ms: int = NOW_MS, pool: PoolState = FULL, **changes):
        return Desk(self.settings).quote(replace(ASKED, **changes), at_ms, pool)

    def session(self):
        return session(self.settings)

    def rows(self, model):
        with self.session() as opened:
            return list(opened.query(model))


@pytest.fixture
def shop(settings) -> Shop:
    Base.metadata.create_all(engine(settings))
    (settings.secrets_dir / "chain_quoter").write_text(QUOTER)
    deployed = {"chain_id": 31337, "pool": POOL, "token": OTHER, "deployed_block": 1}
    settings.deployment_path.parent.mkdir(parents=True, exist_ok=True)
    settings.deployment_path.write_text(json.dumps(deployed))
    clock.set_world(NOW_MS)
    made = Shop(settings)
    for account, exchange in (("acc-1", "okx"), ("acc-2", "gate")):
        register(made, account, exchange)
        bind(made, account, exchange, WALLET, KEY)
    return made


def register(shop: Shop, account: str, exchange: str = "okx") -> None:
    with shop.session() as opened:
        of = accounts.BoundAccount(account, exchange, f"uid-{account}")
        accounts.register(opened, of, of.uid, WALLET, accounts.Credentials("k", "s", "p"), NOW_MS)


def bind(shop: Shop, account: str, exchange: str, wallet: str, key: str, nonce: int = 1) -> None:
    said = signing.Binding(exchange, f"uid-{account}", wallet, nonce)
    with shop.session() as opened:
        accounts.bind(
            opened, account, said, signing.sign(said, 31337, key), 31337, NOW_MS - 10 + nonce
        )
