"""One claim whose package decides otherwise: it alone stays unsealed and unpaid, and is named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leverageguard.config import Settings
from leverageguard.evidence import shape, steps, verdicts
from leverageguard.stack import summary
from leverageguard.store import base
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from leverageguard.warehouse import connect, dbt_runner, freezing, landing, packages, snapshot
from tests.evidence.evidence_world import EvidenceWorld

pytestmark = pytest.mark.slow
ORDERS, LATE = "exchanges/orders", "late"


@pytest.fixture
def world(sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvidenceWorld:
    """The decided world once more, nothing sealed, in a folder a test may change."""
    folder = tmp_path / "data"
    shutil.copytree(sealed.built, folder)
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(folder))
    return replace(sealed.world, settings=replace(sealed.world.settings, data_dir=folder))


def payable(world: EvidenceWorld) -> list[dict[str, Any]]:
    return world.claims("approved_micro_usdc > 0")


def alone(world: EvidenceWorld) -> dict[str, Any]:
    """A payable claim of a holder without another: its evidence is nobody else's."""
    wallets = [row["wallet"] for row in world.claims()]
    return next(row for row in payable(world) if wallets.count(row["wallet"]) == 1)


def land_otherwise(settings: Settings, claim: dict[str, Any]) -> int:
    """Land that the order, a minute later, was an ADL; the hour it lies in."""
    found = landing.scan(settings, ORDERS, where={"order_id": [claim["order_id"]]})
    row = max(found, key=lambda row: row["updated_at_ms"])
    later = {**row, "updated_at_ms": row["updated_at_ms"] + 60_000, "forced_kind": "adl"}
    [(hour, rows)] = landing.by_hour(ORDERS, [later]).items()
    landing.replace(settings, ORDERS, hour, LATE, rows)
    return hour


def paid(settings: Settings) -> dict[str, int]:
    with base.session(settings) as session:
        rows = session.scalars(select(PayoutRecord))
        return {row.claim_id: row.amount_micro_usdc for row in rows}


def planned_micro_usdc(settings: Settings) -> int:
    with base.session(settings) as session:
        return sum(session.scalars(select(BatchRecord.total_micro_usdc)))


def test_seal__one_odd_claim__is_unpaid_and_named_and_the_others_are_paid(world):
    settings = world.settings
    due = {row["claim_id"]: row["approved_micro_usdc"] for row in payable(world)}
    claim = alone(world)
    odd = claim["claim_id"]
    hour = land_otherwise(settings, claim)
    # As if the models had decided by other rows than the package holds.
    freezing.freeze(settings)

    counts = steps.seal()
    world.plan()

    assert (counts["refused"], counts["sealed"]) == (1, counts["claims"] - 1)
    others = {claim_id: amount for claim_id, amount in due.items() if claim_id != odd}
    assert paid(settings) == others
    assert planned_micro_usdc(settings) == sum(others.values())
    with pytest.raises(steps.ClaimsUnsealed, match=rf"1 claim\(s\) left.*\n{odd}: verdict is 'ver"):
        steps.report_unsealed()

    counts = steps.seal()
    assert (counts["refused"], counts["sealed"], counts["verdicts"]) == (1, 0, 0)

    landing.replace(settings, ORDERS, hour, LATE, [])
    dbt_runner.build()
    [shown] = connect.rows(settings.warehouse_path, "select * from fct_unsealed_claims")
    assert (shown["claim_id"], shown["payout_state"]) == (odd, "APPROVED")
    assert shown["refusal"].startswith("NOT_SEALED: verdict is 'verified' in the warehouse")
    snapshot.publish(settings)
    assert "unsealed            1  verified by the warehouse" in summary.text(settings)

    counts = steps.seal()
    world.plan()

    assert (counts["refused"], counts["sealed"]) == (0, 1)
    assert steps.report_unsealed() == {"unsealed": 0}
    assert paid(settings) == due
    assert planned_micro_usdc(settings) == sum(due.values())


def test_seal__row_landed_since_the_build__is_no_part_of_what_was_decided(world):
    land_otherwise(world.settings, alone(world))

    counts = steps.seal()

    assert (counts["refused"], counts["sealed"]) == (0, counts["claims"])


def test_seal__damaged_documents_of_packages__are_sealed_again_and_stop_nobody(world):
    settings = world.settings
    steps.seal()
    with base.session(settings) as session:
        roots = {row.claim_id: row.evidence_root for row in verdicts.latest(session).values()}
    world.plan()
    one, other = (row["claim_id"] for row in payable(world)[:2])
    verdict = packages.folder_of(settings, roots[one]) / packages.VERDICT
    context = packages.folder_of(settings, roots[other]) / shape.CONTEXT
    whole = verdict.read_bytes()
    for path in (verdict, context):
        path.write_bytes(path.read_bytes()[:-1])

    counts = steps.seal()

    assert (counts["sealed"], counts["unchanged"]) == (2, counts["claims"] - 2)
    assert verdict.read_bytes() == whole
