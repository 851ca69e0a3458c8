"""Each invariant of a claim's life holds over an honest life and finds what breaks it.

The tests' own compiled SQL is run over a copy of the built warehouse, into which the violation is
written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

CLAIM, OTHER = "clm_planted", "clm_held"
AT = "timestamptz '2026-01-06 10:{:02d}:00+00'"
# An honest life: reserved at the sum insured, then at what was planned, then not at all.
LIFE = (
    (None, "NOTIFIED", "NOTICE", 50),
    ("NOTIFIED", "EVIDENCE_PENDING", "EVIDENCE_ASKED", 50),
    ("EVIDENCE_PENDING", "VERIFYING", "EVIDENCE_COMPLETE", 50),
    ("VERIFYING", "ELIGIBLE", "CHECKS_PASSED", 40),
    ("ELIGIBLE", "APPROVED", "STRAIGHT_THROUGH", 40),
    ("APPROVED", "BATCHED", "PLANNED", 40),
    ("BATCHED", "SETTLING", "SENT", 40),
    ("SETTLING", "PAID", "PAID", 0),
)
MOVE = "update {{moves}} set {} where claim_id = 'clm_planted' and txn_no = {}"
STATE = "update {{claims}} set claim_state = '{}' where claim_id = 'clm_planted'"
ACTION = (
    "insert into {{actions}} (action_id, claim_id, action, actor, covers, acted_at) "
    "values ('{0}', '{1}', '{2}', '{3}', '{4}', " + AT.format(0) + " + to_minutes({5}))"
)
NEVER_PAID = "update {claims} set payout_state = 'APPROVED' where claim_id = 'clm_planted'"
PAID_TOO = "insert into {items} (claim_id, status) values ('clm_planted', 'paid')"
VIOLATIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "every_move_of_a_claim_is_an_edge": {
        "no such edge": (MOVE.format("edge_description = null", 6),),
    },
    "no_claim_moves_after_nothing": {
        "a gap": ("delete from {moves} where txn_no = 4",),
        "a cut head": ("delete from {moves} where txn_no = 1",),
        "from elsewhere": (MOVE.format("from_state = 'NOTIFIED'", 4),),
        "twice": ("update {moves} set txn_no = 5 where txn_no = 6",),
    },
    "no_claim_is_batched_without_approval": {
        "straight from the rules": (MOVE.format("to_state = 'ELIGIBLE'", 5),),
        "never batched": ("delete from {moves} where txn_no = 6",),
    },
    "a_held_claim_is_paid_only_with_two_approvals": {
        "nobody": ("delete from {actions} where claim_id = 'clm_held'",),
        "one person": ("update {actions} set actor = 'Ann ' where actor = 'bob'",),
        "of another hold": ("update {actions} set covers = 'VELOCITY' where actor = 'bob'",),
        "before a reject": (ACTION.format("a3", OTHER, "reject", "cid", "", 5),),
        "before a look again": (ACTION.format("a3", OTHER, "reverify", "cid", "", 2),),
    },
    "withdrawn_claims_are_never_paid": {
        "to be paid": (ACTION.format("a4", OTHER, "withdraw", "w", "", 5),),
        "planned afterwards": (
            PAID_TOO, ACTION.format("a4", CLAIM, "withdraw", "w", "", 4),
        ),
    },
    "reserves_match_open_claims": {
        "above the sum insured": (MOVE.format("reserve_micro_usdc = 51", 8),),
        "below nothing": (MOVE.format("reserve_micro_usdc = -1", 8),),
        "not what was planned": (
            "delete from {moves} where txn_no = 8",
            MOVE.format("is_latest = true, reserve_micro_usdc = 39", 7),
        ),
    },
    "the_case_reserve_is_gone_when_closed": {
        "kept": (MOVE.format("reserve_micro_usdc = 40", 8),),
    },
    "paid_claims_are_in_a_paid_state": {
        "still under way": (STATE.format("SETTLING"),),
        "never paid": (NEVER_PAID,),
    },
    "each_ledger_entry_balances": {
        "a leg is missing": ("delete from {legs} where account = 'pool:cash'",),
        "a leg is another": ("update {legs} set amount_micro_usdc = 39 where leg_no = 1",),
    },
    "the_ledger_balances_every_day": {
        "on another day": ("update {balances} set booked_on = booked_on + 1 "
                           "where account = 'pool:cash'",),
    },
    "the_ledgers_cash_is_the_pools_money": {
        "less in the books": ("update {booked} set ledger_micro_usdc = -39",),
        "not in the books": ("update {booked} set ledger_micro_usdc = 0",),
        "not on the chain": ("update {booked} set chain_micro_usdc = 0, kind = null",),
    },
    "the_ledger_pays_what_claims_were_paid": {
        "another amount": ("update {claims} set paid_micro_usdc = 41",),
        "another claim": (f"update {{legs}} set claim_id = '{OTHER}'",),
        "no claim": ("update {legs} set claim_id = null",),
    },
}  # fmt: skip
HONEST: dict[str, tuple[str, ...]] = {
    "a_held_claim_is_paid_only_with_two_approvals": (
        ACTION.format("a0", OTHER, "reject", "cid", "", -9),
        ACTION.format("a5", OTHER, "approve", "cid", "OVER_LIMIT|REVIEW", 7),
    ),
    "withdrawn_claims_are_never_paid": (
        PAID_TOO,
        ACTION.format("a4", CLAIM, "withdraw", "w", "", 6),
    ),
    # Mined after the last move was written down: the next build knows more.
    "paid_claims_are_in_a_paid_state": (
        STATE.format("SETTLING"),
        "update {receipts} set block_at = " + AT.format(59) + " where tx_hash = 'planted'",
    ),
    # Undone, or in an hour that the books do not know yet.
    "the_ledger_pays_what_claims_were_paid": (
        "update {legs} set is_standing = false, claim_id = null",
    ),
    # Planned after the last landed move.
    "no_claim_is_batched_without_approval": (
        "delete from {moves} where txn_no >= 6",
        "update {payouts} set planned_at = " + AT.format(59) + " where claim_id = 'clm_planted'",
    ),
}


@pytest.fixture(scope="module")
def compiled(small: Any) -> dict[str, str]:
    """The SQL of every singular test by name, as the build ran it."""
    manifest = json.loads(
        (small.settings.data_dir / "dbt" / "target" / "manifest.json").read_text()
    )
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    return {node["name"]: node["compiled_code"] for node in nodes if "test_metadata" not in node}


@pytest.fixture
def planted(small: Any, tmp_path: Path) -> Iterator[Any]:
    """The built warehouse, with one paid claim, and one held that two people approved."""
    path = tmp_path / small.settings.warehouse_path.name
    shutil.copy(small.settings.warehouse_path, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for number, (before, after, rule, reserve) in enumerate(LIFE, start=1):
            left = f"'{before}'" if before else "null"
            plant(
                connection,
                "insert into {moves} (claim_id, txn_no, policy_id, from_state, to_state, rule_id, "
                "edge_description, recorded_at, reserve_micro_usdc, is_latest) "
                f"values ('{CLAIM}', {number}, 'p', {left}, "
                f"'{after}', '{rule}', 'an edge', {AT.format(number)}, {reserve}, {number == 8})",
            )  # fmt: skip
        for statement in (
            "insert into {policies} (policy_id, max_payout_micro_usdc) values ('p', 50)",
            "insert into {claims} (claim_id, claim_state, payout_state, paid_micro_usdc) "
            f"values ('{CLAIM}', 'PAID', 'PAID', 40), ('{OTHER}', null, 'APPROVED', 0)",
            "insert into {legs} (entry_id, leg_no, kind, account, amount_micro_usdc, claim_id, "
            f"caused_by, is_standing) values "
            f"('e', 1, 'payout', 'claims:paid', 40, '{CLAIM}', '9:planted:0@1', true), "
            f"('e', 2, 'payout', 'pool:cash', -40, '{CLAIM}', '9:planted:0@1', true)",
            "insert into {balances} (account, booked_on, change_micro_usdc) values "
            "('claims:paid', date '2026-01-06', 40), ('pool:cash', date '2026-01-06', -40)",
            "insert into {booked} (movement_id, chain_id, kind, chain_micro_usdc, "
            "ledger_micro_usdc) values ('9:planted:0', 9, 'payout', -40, -40)",
            "insert into {payouts} (claim_id, chain_id, claim_index, amount_micro_usdc, state, "
            f"planned_at) values ('{CLAIM}', 9, 1, 40, 'PAID', {AT.format(5)})",
            "insert into {receipts} (tx_hash, chain_id, claim_index, is_paid, block_at) "
            f"values ('planted', 9, 1, true, {AT.format(6)})",
            f"insert into {{items}} (claim_id, status) values ('{OTHER}', 'approved')",
            "insert into {checks} (claim_id, check_code, result, is_hold) "
            f"values ('{OTHER}', 'OVER_LIMIT', 'fail', true)",
            ACTION.format("a1", OTHER, "approve", "ann", "OVER_LIMIT", 1),
            ACTION.format("a2", OTHER, "approve", "bob", "VELOCITY|OVER_LIMIT", 2),
        ):
            plant(connection, statement)
        yield connection


def plant(connection: Any, statement: str) -> None:
    """Write something into the copied warehouse."""
    connection.execute(
        statement.format(
            moves="main.fct_claim_transactions", claims="main.fct_claims",
            items="main.fct_payout_items", checks="main.fct_claim_checks",
            actions="staging.stg_intake__claim_actions", payouts="staging.stg_settlement__payouts",
            legs="main.fct_ledger_entries", balances="main.fct_ledger_balances",
            booked="intermediate.int_pool_movements__booked",
            receipts="staging.stg_chain__payouts", policies="intermediate.int_policies__bought",
        )
    )  # fmt: skip


def found(connection: Any, compiled: dict[str, str], name: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(compiled[name]).fetchall())


@pytest.mark.parametrize("name", VIOLATIONS)
def test_invariant__over_an_honest_life__finds_nothing(planted, compiled, name):
    assert found(planted, compiled, name) == []

    for statement in HONEST.get(name, ()):
        plant(planted, statement)

    assert found(planted, compiled, name) == []


@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, cases in VIOLATIONS.items() for case in cases]
)
def test_invariant__broken__is_found(planted, compiled, name, case):
    for statement in VIOLATIONS[name][case]:
        plant(planted, statement)

    assert found(planted, compiled, name) != []
