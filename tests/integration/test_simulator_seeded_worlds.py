"""The seeded worlds through the whole pipeline: five venues over HTTP, real ingestion, real dbt.

Only the chain's own rows are written by hand, and nobody waits for request limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from leverageguard import clock, config
from leverageguard.exchanges import limiter, market_steps, steps
from leverageguard.intake import accounts as intake_accounts
from leverageguard.intake import quotes
from leverageguard.intake import steps as intake_steps
from leverageguard.simulator import limits, scenario, world
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.venues import hyperliquid, twins
from leverageguard.stack import traders
from leverageguard.store import base
from leverageguard.warehouse import connect, dbt_runner, landing
from tests.dbt.dbt_world import HOUR, POOL, DbtWorld
from tests.simulators import RunningSimulator

pytestmark = pytest.mark.slow
Claim = tuple[str, str, str | None]


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limits, neither kept nor enforced: their tests are elsewhere."""
    monkeypatch.setattr(limiter.Limiter, "acquire", lambda *_: 0.0)
    monkeypatch.setattr(limits.Limiter, "accepts", lambda *_: True)
    monkeypatch.setattr(hyperliquid.Hyperliquid, "_spend", lambda *_: None)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Scenario], None]]:
    """Serve every venue of a world where the ingestion looks for it."""
    running: list[RunningSimulator] = []

    def start(made: Scenario) -> None:
        for venue in twins():
            running.append(RunningSimulator(made, venue))
            monkeypatch.setenv(f"LEVERAGEGUARD_{venue.upper()}_URL", running[-1].url)

    yield start
    for simulator in running:
        simulator.stop()


@pytest.mark.parametrize("write", [world.write_fraud, world.write], ids=["fraud", "default"])
def test_seeded_world__every_claim_of_every_venue__is_decided_as_it_was_made(
    write: Callable[[Path], None],
    serve: Callable[[Scenario], None],
    unhurried: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    write(tmp_path / "world")
    made = scenario.load(tmp_path / "world")
    clock.set_world(made.now_ms)
    serve(made)
    settings = config.load()

    _trade(settings, made)
    _ingest(made)
    _land_chain(settings, made)
    dbt_runner.build()

    truths = json.loads((tmp_path / "world" / world.TRUTH_FILE).read_text())
    assert _decided(settings) == {_claim(row): _wanted(row) for row in truths}


def _trade(settings: config.Settings, made: Scenario) -> None:
    """Accounts, bindings, quotes and filings as the simulated traders make them."""
    settings.secrets_dir.mkdir(parents=True)
    key = settings.secrets_dir / intake_accounts.CREDENTIALS_KEY
    key.write_text(Fernet.generate_key().decode())
    settings.store_path.parent.mkdir(parents=True)
    base.Base.metadata.create_all(base.engine(settings))
    landing.ensure_schemas(settings)
    traders.register(settings, made)
    traders.quote(settings, made)
    traders.file(settings, made)


def _ingest(made: Scenario) -> None:
    window = _iso(made.start_ms - HOUR), _iso(made.now_ms)
    for part in steps.plan(*window):
        steps.fetch(part)
    for part in market_steps.plan(*window):
        market_steps.fetch(part)
    intake_steps.land(*window)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def _land_chain(settings: config.Settings, made: Scenario) -> None:
    """The pool's deposit and every quote bought at its minute."""
    chain = DbtWorld(settings, start=made.start_ms)
    chain.event(
        "chain/deposits", made.start_ms, depositor=POOL,
        amount_micro_usdc=made.pool_deposit_micro_usdc,
    )  # fmt: skip
    with base.session(settings) as session:
        for policy in made.policies:
            quote = quotes.by_reference(session, policy.policy)
            assert quote is not None
            chain.event(
                "chain/policy_purchases", policy.bought_at_ms, quote_id=quote.quote_id,
                buyer=quote.wallet, premium_micro_usdc=quote.premium_micro_usdc,
                max_payout_micro_usdc=quote.max_payout_micro_usdc, terms_hash=quote.terms_hash,
            )  # fmt: skip
    for table, rows in chain.rows.items():
        for hour, of_hour in landing.by_hour(table, rows).items():
            landing.replace(settings, table, hour, "test", of_hour)


def _decided(settings: config.Settings) -> dict[Claim, tuple[Any, ...]]:
    rows = connect.rows(settings.warehouse_path, "select * from fct_claims")
    return {
        (row["policy_reference"], row["order_id"], row["filing_reference"]): (
            row["verdict"], row["reasons"] or "", row["hold_reasons"] or "",
            0 if row["hold_reasons"] else row["approved_micro_usdc"] or 0,
        )
        for row in rows
    }  # fmt: skip


def _claim(row: dict[str, Any]) -> Claim:
    return row["policy"], row["order_id"], row["filing"]


def _wanted(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["verdict"], ",".join(row["reasons"]), ",".join(row["holds"]), row["payout_micro_usdc"],
    )  # fmt: skip
