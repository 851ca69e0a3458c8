"""A gateway with something in it: bound accounts, quotes, policies, claims, and no chain to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from leverageguard import clock
from leverageguard.claims import register as claim_register
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.domain.claim_facts import Move
from leverageguard.gateway.host import Host
from leverageguard.intake import accounts
from leverageguard.settlement import errors, purchasing
from leverageguard.store import base
from leverageguard.store.base import Base
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.underwriting import quoting
from tests import gateway_world as world
from tests.gateway_world import API, STRANGER, TRADER

NOW_MS = 1_767_578_400_000
POOL, TOKEN = "0x" + "99" * 20, "0x" + "ab" * 20
CHAIN = 31337
ASKED = {
    "account_id": "acc-1",
    "inst_id": "BTC-USDT-SWAP",
    "leverage": 20,
    "principal_micro_usdc": "100000000",
    "cover_hours": 24,
}
SILENT = errors.ChainUnreachable("nobody answers")


@dataclass
class Chain:
    """What the chain says; `fault` is raised instead of any answer."""

    bought: set[str] = field(default_factory=set)
    is_paused: bool = False
    fault: Exception | None = None

    def pool_state(self, _settings: Settings, *_wallets: str) -> quoting.PoolState:
        self._answer()
        return quoting.PoolState(100_000_000_000, self.is_paused, frozenset())

    def is_bought(self, _settings: Settings, quote_id: str) -> bool:
        self._answer()
        return quote_id in self.bought

    def prepare(self, _settings: Settings, quote: Any, _signature: bytes) -> purchasing.Purchase:
        self._answer()
        sent = tuple(purchasing.Unsent(one, POOL, "0x00", 1) for one in ("approve", "buyPolicy"))
        quote_id = "0x" + quote.quoteId.hex()
        return purchasing.Purchase(sent, 5, quote_id in self.bought, self.is_paused)

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault


@dataclass
class Shop:
    """One trader with two accounts, one stranger with one; `announced` counts announcements."""

    settings: Settings
    client: TestClient
    chain: Chain
    announced: list[int]
    trader: dict[str, str]
    stranger: dict[str, str]

    def call(self, method: str, path: str, who: Any = "trader", **options: Any) -> Any:
        """A request of a caller: "trader", "stranger", None or headers."""
        headers = getattr(self, who) if isinstance(who, str) else (who or {})
        headers = headers | options.pop("headers", {})
        return self.client.request(method, API + path, headers=headers, **options)

    def get(self, path: str, who: Any = "trader", **options: Any) -> Any:
        return self.call("GET", path, who, **options)

    def post(self, path: str, body: Any, who: Any = "trader", key: str = "", **options: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", path, who, json=body, headers=headers, **options)

    def quote(self, key: str = "q-1", who: str = "trader", **changed: Any) -> dict[str, Any]:
        answer = self.post("/quotes", ASKED | changed, who, key)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def policy(self, key: str = "q-1", who: str = "trader", **changed: Any) -> str:
        """A quote that the chain sold."""
        quote_id = str(self.quote(key, who, **changed)["quote_id"])
        self.chain.bought.add(quote_id)
        return quote_id

    def filing(self, policy_id: str, order_id: str = "7", account: Any = TRADER) -> dict[str, str]:
        """The body of POST /claims, signed."""
        said = signing.Filing(policy_id, "BTC-USDT-SWAP", order_id)
        signature = signing.sign(said, CHAIN, account.key)
        return {
            "policy_id": policy_id, "inst_id": said.inst_id, "order_id": order_id,
            "signature": signature,
        }  # fmt: skip

    def file(self, policy_id: str, key: str = "c-1", order_id: str = "7") -> str:
        """A filed claim's id."""
        answer = self.post("/claims", self.filing(policy_id, order_id), key=key)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["filing_id"])

    def open(self, claim_id: str, policy_id: str, *states: tuple[str, str]) -> None:
        """A claim in the register with the moves (state, rule) it made."""
        moves = [Move(state, rule, "tester", clock.now_ms(), 0, {}) for state, rule in states]
        with base.session(self.settings) as session:
            last = claim_register.last_of(session, [claim_id]).get(claim_id)
            claim_register.append(session, self.settings, claim_id, policy_id, moves, last)

    def state(self, policy_id: str, *states: str) -> None:
        """Moves of a policy, recorded without asking for reasons."""
        purchase = {
            "chain_id": CHAIN, "pool": POOL, "tx_hash": "0x" + "1" * 64, "log_index": 0,
            "block_number": 1, "at_ms": clock.now_ms(), "quote_id": policy_id,
            "buyer": TRADER.address.lower(), "premium_micro_usdc": 1, "max_payout_micro_usdc": 1,
            "terms_hash": "0x",
        }  # fmt: skip
        before = None
        with base.session(self.settings) as session:
            for number, state in enumerate(states, start=1):
                session.add(
                    PolicyTxn(
                        policy_id=policy_id, txn_no=number, from_state=before, to_state=state,
                        at_ms=clock.now_ms(), recorded_at_ms=clock.now_ms(), actor="chain",
                        rule_id="TEST", inputs_hash="0x", detail=json.dumps(purchase),
                    )
                )  # fmt: skip
                session.flush()
                before = state

    def counts(self) -> dict[str, int]:
        """How many rows every table of the store has."""
        names = [table.name for table in Base.metadata.sorted_tables]
        counting = " union all ".join(f"select '{name}', count(*) from {name}" for name in names)
        with base.engine(self.settings).connect() as connection:
            return {str(name): int(count) for name, count in connection.execute(text(counting))}


def bind(settings: Settings, account_id: str, exchange: str, holder: Any) -> None:
    """An account bound by its holder's signature."""
    said = signing.Binding(exchange, f"uid-{account_id}", holder.address, 1)
    signature = signing.sign(said, CHAIN, holder.key)
    with base.session(settings) as session:
        account = accounts.BoundAccount(account_id, exchange, said.uid)
        key = accounts.Credentials("k", "s", "p")
        accounts.register(session, account, said.uid, holder.address, key, NOW_MS)
        accounts.bind(session, account_id, said, signature, CHAIN, NOW_MS)


def opened(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop over the test's own data folder."""
    clock.set_world(NOW_MS)
    chain, announced = Chain(), []
    monkeypatch.setattr(quoting, "pool_state", chain.pool_state)
    monkeypatch.setattr(purchasing, "is_bought", chain.is_bought)
    monkeypatch.setattr(purchasing, "prepare", chain.prepare)
    host = Host(world.operator_of, lambda: announced.append(1))
    client = world.client(settings, host)
    deployed = {"chain_id": CHAIN, "pool": POOL, "token": TOKEN, "deployed_block": 1}
    settings.deployment_path.parent.mkdir(parents=True, exist_ok=True)
    settings.deployment_path.write_text(json.dumps(deployed))
    bind(settings, "acc-1", "okx", TRADER)
    bind(settings, "acc-2", "gate", TRADER)
    bind(settings, "acc-3", "okx", STRANGER)
    traders = world.trader(client), world.trader(client, STRANGER)
    return Shop(settings, client, chain, announced, *traders)


@pytest.fixture(name="shop")
def shop_fixture(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Import it in a test module: `from tests.gateway_shop import shop_fixture  # noqa: F401`."""
    yield opened(settings, monkeypatch)
