"""A claim decided alone, from its account's rows and what the context models say of others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from leverageguard import config
from leverageguard.warehouse import connect, dbt_runner, landing, raw_tables
from tests.dbt.dbt_world import DbtWorld

pytestmark = pytest.mark.slow
# What a package takes of each context model, for the claim `c` (a row of int_claims__decided).
FILTERS = {
    "insured_positions": (
        "x.base_asset = c.base_asset and x.position_key <> c.position_key "
        "and abs(x.opened_at_ms - epoch_ms(c.opened_at)) <= 900000"
    ),
    "root_owners": "x.root_key = c.root_key",
    "party_liquidations": (
        "x.party_key = c.party_key and x.liquidated_at_ms <= epoch_ms(c.liquidated_at)"
    ),
    "rival_claims": "x.event_key = c.event_key and x.claim_id <> c.claim_id",
    "prior_payouts": (
        "x.sequence_no < (select sequence_no from intermediate.int_payouts__limited as l "
        "where l.claim_id = c.claim_id)"
    ),
    "pool_balances": "x.claim_id = c.claim_id",
}
DECIDED = (
    "select verdict, reasons, hold_reasons, formula_micro_usdc, approved_micro_usdc, "
    "capped_micro_usdc from fct_claims where claim_id = ?"
)
CHECKS = (
    "select check_code, result, is_hold, is_applicable, observed, expected, evidence_ids "
    "from fct_claim_checks where claim_id = ? order by check_order"
)


def context(path: Path, claim_id: str, name: str) -> list[dict[str, Any]]:
    """The rows of one context model that a claim's package holds, as the raw table wants them."""
    columns = ", ".join(f"x.{c}" for c in raw_tables.table(f"evidence/{name}").schema.names)
    return connect.rows(
        path,
        f"select {columns} from intermediate.int_contexts__{name} as x "
        f"inner join intermediate.int_claims__decided as c on {FILTERS[name]} "
        "where c.claim_id = ?",
        [claim_id],
    )


def own_rows(world: DbtWorld, table: str, account: str, policy: str) -> list[dict[str, Any]]:
    """What of a raw table belongs to the claim: its account's, its policy's, the market's."""
    rows = world.rows[table]
    markets = set(world.symbols)
    if table.startswith("exchanges/"):
        return [r for r in rows if r.get("account_id") in {account, None} | markets]
    if table in ("intake/accounts", "intake/bindings"):
        return [r for r in rows if r["account_id"] == account]
    if table == "intake/claims":
        return [r for r in rows if r["policy_id"] == policy]
    return [r for r in rows if r.get("quote_id") == policy]


def land_alone(settings: config.Settings, world: DbtWorld, whole: Path, claim: dict) -> None:
    landing.ensure_schemas(settings)
    for table in list(world.rows):
        rows = own_rows(world, table, claim["account_id"], claim["policy_id"])
        if raw_tables.table(table).hour_column is None:
            landing.replace(settings, table, world.start, "alone", rows)
            continue
        for hour, of_hour in landing.by_hour(table, rows).items():
            landing.replace(settings, table, hour, "alone", of_hour)
    for name in FILTERS:
        rows = context(whole, claim["claim_id"], name)
        landing.replace(settings, f"evidence/{name}", world.start, "package", rows)


@pytest.mark.parametrize(
    "case",
    # Shares the wallet's cap; shares the policy's sum insured; the root is another's; two policies
    # on one event; a twin in another account; the third liquidation.
    ["rich-2", "exhausted", "root-second", "two-policies", "hedge-own", "busy"],
)
def test_claim__replayed_alone__is_decided_the_same(small, claims, dbt_data, monkeypatch, case):
    whole = small.settings.warehouse_path
    claim = claims[case][-1]
    wanted = [connect.rows(whole, query, [claim["claim_id"]]) for query in (DECIDED, CHECKS)]
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "alone"))
    settings = config.load()
    for folder in (settings.raw_dir, settings.warehouse_path.parent):
        shutil.rmtree(folder, ignore_errors=True)
    land_alone(settings, small, whole, claim)

    dbt_runner.build()

    alone = settings.warehouse_path
    assert [
        connect.rows(alone, query, [claim["claim_id"]]) for query in (DECIDED, CHECKS)
    ] == wanted
