"""A claim decided alone, from its account's rows and what the context models say of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leverageguard.warehouse import connect, model_runner, raw_tables
from tests.dbt.dbt_world import DbtWorld

pytestmark = pytest.mark.slow
# What a package takes of each context model, for the claim `c` (a row of int_claims__decided).
FILTERS = {
    "insured_positions": (
        "x.base_asset = c.base_asset and x.position_key <> c.position_key "
        "and abs(x.opened_at_ms - epoch_ms(c.opened_at)) <= 900000"
    ),
    "unread_accounts": (
        "x.base_asset = c.base_asset and x.unread_from_ms <= epoch_ms(c.opened_at) + 900000 "
        "and x.unread_to_ms > epoch_ms(c.opened_at) - 900000"
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


def package(world: DbtWorld, whole: Path, claim: dict[str, Any]) -> dict[str, list[Any]]:
    """The claim's own rows by raw table, and what is said of others."""
    own = {
        table: own_rows(world, table, claim["account_id"], claim["policy_id"])
        for table in list(world.rows)
    }
    context_rows = {f"evidence/{name}": context(whole, claim["claim_id"], name) for name in FILTERS}
    return {**own, **context_rows}


def rows(connection: Any, query: str, claim_id: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query, [claim_id])
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


# Each is decided by what befell others.
CASES = {
    "rich-2": "shares the cap of its wallet and day",
    "exhausted": "shares the policy's sum insured",
    "root-second": "lies under another's root",
    "two-policies": "shares the event with another policy",
    "hedge-own": "has a twin in another account",
    "hedge-unread": "may have a twin in an account that was not read",
    "busy": "is the third liquidation",
}


def replayed(
    models: model_runner.Models, brought: dict[str, list[Any]], claim_id: str
) -> list[Any]:
    """Decision and checks of one claim from a package alone."""
    connection = model_runner.connect()
    model_runner.land(connection, brought)
    models.run(connection, ["fct_claims", "fct_claim_checks"])
    return [rows(connection, query, claim_id) for query in (DECIDED, CHECKS)]


@pytest.mark.parametrize("case", CASES)
def test_claim__replayed_alone__is_decided_the_same(small, claims, case):
    whole, claim = small.settings.warehouse_path, claims[case][-1]
    wanted = [connect.rows(whole, query, [claim["claim_id"]]) for query in (DECIDED, CHECKS)]
    brought = package(small, whole, claim)

    found = replayed(model_runner.compiled(small.settings), brought, claim["claim_id"])

    assert found == wanted


def test_claim__replayed_without_what_is_known_of_others__is_decided_otherwise(small, claims):
    whole, claim = small.settings.warehouse_path, claims["hedge-own"][-1]
    own = {
        table: part
        for table, part in package(small, whole, claim).items()
        if not table.startswith("evidence/")
    }

    (decided, _) = replayed(model_runner.compiled(small.settings), own, claim["claim_id"])

    assert [row["verdict"] for row in decided] == ["verified"]
    assert claim["verdict"] == "rejected"
