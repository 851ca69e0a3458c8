"""A small insured world, ingested by the real client from simulated venues, ready to be decided.

Only the chain is left out: purchases and deposits are landed as the chain's ingestion would land
them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography.fernet import Fernet
from sqlalchemy import select

from leverageguard import clock, config
from leverageguard.claims import advancing
from leverageguard.config import Settings
from leverageguard.exchanges import market_steps, retry
from leverageguard.exchanges import steps as exchange_steps
from leverageguard.intake import steps as intake_steps
from leverageguard.settlement import planning
from leverageguard.settlement.planning import Item
from leverageguard.simulator import scenario, world
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.seeded import covered, plots, refused, writing
from leverageguard.simulator.seeded.stage import Stage
from leverageguard.simulator.venues import twins
from leverageguard.stack import traders
from leverageguard.store import base, evidence_tables, intake_tables, settlement_tables
from leverageguard.store.intake_tables import Quote
from leverageguard.underwriting import quoting
from leverageguard.warehouse import connect, dbt_runner, landing
from tests import sealed
from tests.simulators import RunningSimulator

__all__ = ["evidence_tables", "intake_tables", "settlement_tables"]
VENUES = config.VENUES
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=5)
POOL = "0x" + "9" * 40
HOUR_MS = 3_600_000
CAST = (
    (covered.full, 2),
    (covered.takeover, 1),
    (covered.partial_then_full, 1),
    (refused.own_close, 1),
    (covered.claimed_twice, 1),
    (covered.same_wallet, 2),
    (plots.stolen_account, 2),
    (plots.foreign_order, 1),
)


@dataclass
class EvidenceWorld:
    """The world's settings and scenario; everything landed, nothing decided yet."""

    settings: Settings
    scenario: Scenario

    def build(self) -> dict[str, int]:
        """Decide every claim by dbt."""
        return dbt_runner.build()

    def claims(self, where: str = "true") -> list[dict[str, Any]]:
        """Rows of fct_claims."""
        return connect.rows(
            self.settings.warehouse_path,
            f"select * from fct_claims where {where} order by claim_id",
        )

    def items(self) -> list[Item]:
        """Payout items as the planner reads them from a snapshot."""
        with connect.read_only(self.settings.warehouse_path) as connection:
            rows = connection.execute(
                f"select {planning._COLUMNS} from fct_payout_items where status = 'approved' "
                "order by claim_id"
            ).fetchall()
        return [planning._item(row) for row in rows]

    def plan(self) -> list[str]:
        """Advance the claims that were decided and plan the approved ones; the batches made."""
        advancing.advance(self.settings, self.settings.warehouse_path, is_fresh=True)
        return sealed.plan_sealed(self.settings, self.items())


def write(folder: Path, seed: int = 5) -> Path:
    """A scenario folder with a few of everything, on every venue."""
    stage = Stage(seed, world.START_MS, 24, {name: twins()[name] for name in VENUES})
    first = 0
    for plot, count in CAST:
        plot(stage, list(range(first, first + count)))
        first += count
    # Few accounts are cast on the keyless venue; this number is one of them.
    covered.full(stage, [20])
    writing.write(folder, stage, f"evidence-{seed}", "claims whose evidence is sealed")
    return folder


@contextmanager
def served(folder: Path, monkeypatch: Any) -> Iterator[EvidenceWorld]:
    """The scenario ingested; its venues answer while the block lasts."""
    loaded = scenario.load(folder)
    clock.set_world(loaded.now_ms)
    monkeypatch.setattr(exchange_steps, "POLICY", QUICK)
    monkeypatch.setattr(market_steps, "POLICY", QUICK)
    used = sorted({account.exchange for account in loaded.accounts} | set(VENUES))
    running = {name: RunningSimulator(loaded, name) for name in used}
    try:
        for name, simulator in running.items():
            monkeypatch.setenv(f"LEVERAGEGUARD_{name.upper()}_URL", simulator.url)
        yield ingest(loaded)
    finally:
        for simulator in running.values():
            simulator.stop()


def ingest(loaded: Scenario) -> EvidenceWorld:
    """Enrol the traders, land intake, chain, accounts and markets."""
    settings = config.load()
    settings.secrets_dir.mkdir(parents=True, exist_ok=True)
    (settings.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
    (settings.secrets_dir / "chain_quoter").write_text("0x" + secrets.token_hex(32))
    deployed = {"chain_id": settings.chain_id, "pool": POOL, "token": POOL, "deployed_block": 1}
    settings.deployment_path.parent.mkdir(parents=True, exist_ok=True)
    settings.deployment_path.write_text(json.dumps(deployed))
    base.Base.metadata.create_all(base.engine(settings))
    landing.ensure_schemas(settings)
    traders.register(settings, loaded)
    # No chain is there to be asked: its pool has what the scenario gives it. The fixtures' patches
    # last as long as the session, and other tests ask real pools: this one ends here.
    free = quoting.PoolState(loaded.pool_deposit_micro_usdc, False, frozenset())
    with patch.object(quoting, "pool_state", lambda *_: free):
        traders.quote(settings, loaded)
    traders.file(settings, loaded)
    begin, end = _iso(loaded.start_ms), _iso(loaded.now_ms)
    intake_steps.land(begin, end)
    _land_chain(settings, loaded)
    for part in exchange_steps.plan(begin, end):
        exchange_steps.fetch(part)
    for part in market_steps.plan(begin, end):
        market_steps.fetch(part)
    return EvidenceWorld(settings, loaded)


def _land_chain(settings: Settings, loaded: Scenario) -> None:
    """The purchase of every quote, and the pool's money."""
    with base.session(settings) as session:
        quotes = list(session.scalars(select(Quote).order_by(Quote.created_at_ms, Quote.quote_id)))
    purchases = [
        _event(settings, number, quote.created_at_ms)
        | {
            "quote_id": quote.quote_id,
            "buyer": quote.wallet,
            "premium_micro_usdc": quote.premium_micro_usdc,
            "max_payout_micro_usdc": quote.max_payout_micro_usdc,
            "terms_hash": quote.terms_hash,
        }
        for number, quote in enumerate(quotes)
    ]
    deposit = _event(settings, 1_000, loaded.start_ms) | {
        "depositor": POOL, "amount_micro_usdc": loaded.pool_deposit_micro_usdc,
    }  # fmt: skip
    for table, rows in (("chain/policy_purchases", purchases), ("chain/deposits", [deposit])):
        for hour, of_hour in landing.by_hour(table, rows).items():
            landing.replace(settings, table, hour, "test", of_hour)


def _event(settings: Settings, number: int, at_ms: int) -> dict[str, Any]:
    return {
        "chain_id": settings.chain_id, "pool": POOL, "tx_hash": f"0x{number:064x}",
        "log_index": number, "block_number": 100 + number, "block_hash": f"0xb{number}",
        "block_time_ms": at_ms,
    }  # fmt: skip


def _iso(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
