"""Whole scenario folders decided by dbt alone, from the rows a perfect ingestion would land."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from leverageguard import clock, config
from leverageguard.simulator import scenario
from leverageguard.simulator import world as seeded
from leverageguard.warehouse import connect, dbt_runner
from tests.dbt.dbt_world import from_scenario

pytestmark = pytest.mark.slow
FOLDERS = sorted(path.parent for path in Path("tests/scenarios").glob("*/world.yaml"))


@pytest.fixture
def data(dbt_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One data folder for all scenarios, emptied: dbt then parses the project only once."""
    folder = dbt_data / "scenarios"
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(folder))
    for name in ("raw", "warehouse"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder


def decided(folder: Path) -> dict[tuple, tuple]:
    world = scenario.load(folder)
    settings = config.load()
    clock.set_world(world.now_ms)
    from_scenario(settings, world).land()
    dbt_runner.build()
    rows = connect.rows(settings.warehouse_path, "select * from fct_claims")
    return {
        (row["policy_reference"], row["order_id"], row["filing_reference"]): (
            row["verdict"], row["reasons"], row["hold_reasons"], row["approved_micro_usdc"] or 0,
        )
        for row in rows
    }  # fmt: skip


def expected(claims: list[dict], filing: str) -> dict[tuple, tuple]:
    return {
        (claim["policy"], claim["order_id"], claim.get(filing)): (
            claim["verdict"], ",".join(claim.get("reasons") or []),
            ",".join(claim.get("holds") or []),
            claim.get("payout_micro_usdc") or 0,
        )
        for claim in claims
    }  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario__every_claim__is_decided_as_expected(folder, data):
    wanted = yaml.safe_load((folder / "expected.yaml").read_text())["claims"]

    assert decided(folder) == expected(wanted, "claim")


def test_real_okx_liquidation__small_product__pays_the_formula_to_the_micro_usdc(data):
    folder = Path("tests/scenarios/okx_real_full_liquidation")

    (outcome,) = decided(folder).values()

    # floor(min(10, 7.5272128) x 0.498): 0.25 + (100 - 50) x 0.005 - 10 / 500 x 0.1.
    assert outcome == ("verified", "", "", 7_527_212_800 * 498_000 // 1_000_000_000)


@pytest.mark.parametrize("seed", [7, 11])
def test_seeded_world__every_claim__equals_its_ground_truth(seed, tmp_path, data):
    seeded.write(tmp_path / "world", seed, venues=["okx"])
    truth = json.loads((tmp_path / "world" / seeded.TRUTH_FILE).read_text())

    assert decided(tmp_path / "world") == expected(truth, "filing")
