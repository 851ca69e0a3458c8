"""Every arrival suite passes good rows and names the column of a bad one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock, config
from leverageguard.quality import landed, suites, validator
from leverageguard.quality.failures import Failure
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS, RAW_TABLES
from tests.expectations.raw_folder import AT, BODY, GOOD, HOUR, SHA, file_name, row

pytestmark = pytest.mark.slow

NOW = HOUR + 2 * HOUR_MS
NO_DECIMALS = ("1e3", "0.1234567890123456789", "-7,1", "NaN", "٣")
HOURS = ("row_hour", "landed_hour")
# Time columns of the evidence, and whether a row may come without one.
TIMES = {
    "exchanges/orders": ("created_at_ms", "filled_at_ms", "updated_at_ms"),
    "exchanges/fills": ("filled_at_ms",),
    "exchanges/ledger": ("recorded_at_ms",),
    "exchanges/positions": ("opened_at_ms", "updated_at_ms"),
    "exchanges/stops": ("created_at_ms", "updated_at_ms"),
    "exchanges/account_configs": ("taken_at_ms",),
    "exchanges/leverages": ("taken_at_ms",),
    "exchanges/order_lookups": ("looked_up_at_ms",),
    "exchanges/instruments": ("taken_at_ms",),
    "exchanges/candles": ("minute_at_ms",),
}
NOT_ALWAYS_SAID = {("exchanges/positions", "opened_at_ms")}


@dataclass(frozen=True)
class Case:
    """A row of a table with some columns changed; a bad one is caught by exactly one guard."""

    table: str
    changed: dict[str, Any]
    guard: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.table}-{'-'.join(f'{name}={each}' for name, each in self.changed.items())}"


def bad(table: str, columns: str, *values: Any, guard: tuple[str, ...] = (), **beside: Any):
    """A case for each of the columns and values."""
    return [
        Case(table, {**beside, column: value}, guard or (column,))
        for column in columns.split()
        for value in values
    ]


def times() -> list[Case]:
    """No time, seconds for milliseconds, times to come, and another hour than the folder's."""
    cases = []
    for table, columns in TIMES.items():
        for column in columns:
            if (table, column) not in NOT_ALWAYS_SAID:
                cases += bad(table, column, None)
            cases += bad(table, column, AT // 1000, 0, -AT)
            cases += bad(table, column, NOW + HOUR_MS, 2**63 - 1, guard=("latest_ms", column))
        if RAW_TABLES[table].hour_column:
            hour_column = RAW_TABLES[table].hour_column
            cases += bad(table, hour_column, AT + HOUR_MS, AT - HOUR_MS, guard=HOURS)
    return cases


BAD: list[Case] = [
    *(
        each
        for table in (*TIMES, "exchanges/endpoints")
        for each in bad(table, "exchange", "", None)
    ),
    *(
        each
        for table in (*TIMES, "exchanges/endpoints")
        if table != "exchanges/order_lookups"
        for each in bad(table, "endpoint", "", None)
    ),
    *(each for table in TIMES for each in bad(table, "reply_sha256", "SCREENSHOT", SHA[1:], None)),
    *times(),
    *bad("exchanges/orders", "account_id inst_id order_id", "", None, " "),
    *bad("exchanges/orders", "forced_kind", "liquidated_somehow"),
    *bad("exchanges/orders", "marker", None, "", guard=("has_marker",)),
    *bad("exchanges/orders", "order_side", "long", None),
    *bad("exchanges/orders", "position_slot", "both"),
    *bad("exchanges/orders", "margin_mode", "cash"),
    *bad("exchanges/orders", "state", None),
    *bad(
        "exchanges/orders", "ordered_qty_contracts filled_qty_contracts", *NO_DECIMALS, "-1", None
    ),
    *bad("exchanges/orders", "average_price", *NO_DECIMALS, "-1"),
    *bad("exchanges/orders", "leverage", "100x", "-100"),
    *bad("exchanges/orders", "fee pnl", *NO_DECIMALS),
    *bad("exchanges/fills", "account_id inst_id order_id fill_id", "", None),
    *bad("exchanges/fills", "forced_kind", "liquidated_somehow"),
    *bad("exchanges/fills", "marker", None, guard=("has_marker",)),
    *bad("exchanges/fills", "order_side", "S", None),
    *bad("exchanges/fills", "position_slot", "both"),
    *bad("exchanges/fills", "price qty_contracts", *NO_DECIMALS, "0.00", "-1", None),
    *bad("exchanges/fills", "fee pnl", *NO_DECIMALS),
    *bad("exchanges/ledger", "account_id entry_id", "", None, " "),
    *bad("exchanges/ledger", "entry_kind", "5", None),
    *bad("exchanges/ledger", "forced_kind", "liquidation"),
    *bad("exchanges/ledger", "marker", None, guard=("has_marker",)),
    *bad("exchanges/ledger", "currency", None),
    *bad("exchanges/ledger", "qty_contracts pnl fee margin_change amount", *NO_DECIMALS),
    *bad("exchanges/ledger", "price", *NO_DECIMALS, "-1"),
    *bad("exchanges/ledger", "qty_contracts", "-0.64", guard=("closed_qty",)),
    *bad("exchanges/ledger", "qty_contracts", "-1", guard=("closed_qty",), entry_kind="adl"),
    *bad("exchanges/positions", "account_id inst_id position_id", "", None),
    *bad("exchanges/positions", "forced_kind", "6"),
    *bad("exchanges/positions", "marker", None, guard=("has_marker",)),
    *bad("exchanges/positions", "position_side", "net", None),
    *bad("exchanges/positions", "margin_mode", "portfolio"),
    *bad("exchanges/positions", "leverage trigger_price qty_contracts", *NO_DECIMALS, "-1"),
    *bad("exchanges/positions", "pnl", *NO_DECIMALS),
    *bad("exchanges/stops", "account_id inst_id stop_id", "", None),
    *bad("exchanges/stops", "position_side", "net", None),
    *bad("exchanges/stops", "trigger_price", *NO_DECIMALS, "-1"),
    *bad("exchanges/stops", "state", "effective", None),
    *bad("exchanges/account_configs", "account_id", "", None),
    *bad("exchanges/account_configs", "uid", "", None, guard=("said_uid",)),
    *bad("exchanges/account_configs", "environment", "testnet", None),
    *bad("exchanges/account_configs", "reply_sha256", f"{SHA},", f"{SHA} {SHA}"),
    *bad("exchanges/leverages", "account_id inst_id", "", None),
    *bad("exchanges/leverages", "position_slot", "both"),
    *bad("exchanges/leverages", "margin_mode", "portfolio"),
    *bad("exchanges/leverages", "leverage", *NO_DECIMALS, "-1"),
    *bad("exchanges/order_lookups", "filing_id account_id inst_id order_id", "", None),
    *bad("exchanges/order_lookups", "outcome", "timeout", None),
    *bad("exchanges/order_lookups", "attempt_no", 0, None),
    *bad("exchanges/instruments", "inst_id inst_type base_asset settle_currency", "", None),
    *bad("exchanges/instruments", "contract_size", *NO_DECIMALS, "0", "-1", None),
    *bad("exchanges/instruments", "contract_type", "quanto", None),
    *bad("exchanges/instruments", "max_leverage", "100x", "-1"),
    *bad("exchanges/candles", "inst_id", "", None),
    *bad("exchanges/candles", "kind", "index", None),
    *bad(
        "exchanges/candles", "open_price high_price low_price close_price", "0", "n/a", "-1", None
    ),
    *bad("exchanges/candles", "high_price", "100", guard=("high", "highest_body")),
    *bad("exchanges/candles", "close_price", "116601", guard=("high", "highest_body")),
    *bad("exchanges/candles", "low_price", "116495", guard=("lowest_body", "low")),
    *bad("exchanges/candles", "open_price", "1", guard=("lowest_body", "low")),
    *bad("exchanges/candles", "quote_volume", "12", guard=("mark_volume",)),
    *bad(
        "exchanges/candles",
        "quote_volume",
        *NO_DECIMALS,
        "-1",
        None,
        guard=("traded_volume",),
        kind="trade",
    ),
    *bad("exchanges/candles", "is_final", None),
    *bad("exchanges/candles", "minute_at_ms", AT + 1, guard=("second_ms",)),
    *bad("exchanges/endpoints", "scope", "accounts", None),
    *bad("exchanges/fetch_windows", "exchange account_id endpoint", "", None),
    *bad("exchanges/fetch_windows", "window_to_ms", HOUR + 2 * HOUR_MS, guard=("width_ms",)),
    *bad("exchanges/fetch_windows", "is_complete", None),
    *bad("exchanges/fetch_windows", "row_count", -1),
    *bad("exchanges/replies", "exchange endpoint", None),
    *bad("exchanges/replies", "sha256", "SCREENSHOT"),
    *bad("exchanges/replies", "body", BODY + " ", None, guard=("sha256", "body_sha256")),
    *bad("exchanges/replies", "http_status", 0),
    *bad("intake/accounts", "wallet", "0x12"),
    *bad("intake/bindings", "signer", None),
    *bad("intake/quotes", "quote_id", "q1"),
    *bad("intake/quotes", "max_payout_micro_usdc", 0),
    *bad("intake/quotes", "expected_loss_micro_usdc", -1),
    *bad("intake/quotes", "principal_micro_usdc", None),
    *bad("intake/quotes", "payout_rate_ppm", 500_001),
    *bad("intake/endorsements", "policy_id account_id inst_id signer effective_at_ms", None),
    *bad("intake/endorsements", "endorsement_no leverage", 0, None),
    *bad("intake/claims", "claimed_by", "me"),
    *bad("intake/claims", "policy_id", None),
    *bad("intake/claim_actions", "action_id claim_id", None),
    *bad("intake/claim_actions", "action", "pay", None),
    *bad("intake/claim_actions", "actor", "", None),
    *bad("intake/claim_actions", "evidence_root", "0x12"),
    *bad("intake/claim_actions", "acted_at_ms", None),
    *bad("lifecycle/claim_txns", "claim_id to_state rule_id actor", None),
    *bad("lifecycle/claim_txns", "txn_no", 0, None),
    *bad("lifecycle/claim_txns", "policy_id inputs_hash", "0x12"),
    *bad("lifecycle/claim_txns", "at_ms", None),
    *bad("lifecycle/claim_txns", "reserve_micro_usdc", -1, None),
    *bad("chain/policy_purchases", "premium_micro_usdc", -1),
    *bad("chain/policy_purchases", "tx_hash", None),
    *bad("chain/deposits", "amount_micro_usdc", None),
    *bad("chain/policy_cancellations", "refund_micro_usdc", -1),
    *bad("chain/policy_cancellations", "quote_id", "0x07"),
    *bad("chain/token_receipts", "amount_micro_usdc", 0),
    *bad("chain/token_receipts", "payer", None),
    *bad("chain/withdrawals", "amount_micro_usdc", 0),
    *bad(
        "chain/batch_settlements",
        "paid_micro_usdc",
        6,
        guard=("total_micro_usdc", "paid_micro_usdc"),
    ),
    *bad("chain/payouts", "amount_micro_usdc", 0),
    *bad("chain/payouts", "is_paid", None),
    *bad("chain/payouts", "recipient", "0x" + "g" * 40),
    *bad("settlement/batches", "claim_count", 0),
    *bad("settlement/batches", "chain_id", None),
    *bad("settlement/payouts", "chain_id", None),
    *bad("settlement/payouts", "amount_micro_usdc", 0),
    *bad("settlement/payouts", "claim_index", None),
    *bad("settlement/payouts", "recipient", None),
    *bad("lifecycle/policy_txns", "txn_no", 0, None),
    *bad("lifecycle/policy_txns", "policy_id to_state rule_id actor inputs_hash at_ms", None),
    *bad("lifecycle/payment_exceptions", "amount_micro_usdc", -1, None),
    *bad("lifecycle/payment_exceptions", "payment_id tx_hash payer reason_code paid_at_ms", None),
    *bad("fund/ledger_entries", "entry_id", "0x12", None),
    *bad("fund/ledger_entries", "leg_no amount_micro_usdc", 0, None),
    *bad("fund/ledger_entries", "kind account source occurred_at_ms", None),
    *bad("fund/ledger_runs", "run_at_ms booked_count reversed_count waiting_count", -1, None),
    *bad("fund/valuations", "valuation_id inputs_hash", "0x12", None),
    *bad("fund/valuations", "valued_at_ms scr_1d_micro_usdc payable_micro_usdc", -1, None),
    *bad("fund/valuations", "own_funds_micro_usdc model_version details", None),
    *bad("fund/valuations", "paths", 199, None),
    *bad("risk/models", "model_version", None),
    *bad("risk/models", "kind", "guess", None),
    *bad("risk/models", "data_source", "real", None),
    *bad("risk/models", "metrics", "", None),
    *bad("risk/models", "created_at_ms", -1, None),
    *bad("risk/promotions", "promotion_id promoted_at_ms", -1, None),
    *bad("risk/promotions", "model_version replaced", "", None),
    *bad("risk/promotions", "promoted_by", None),
    *bad("evidence/verdicts", "claim_id", None),
    *bad("evidence/verdicts", "verdict", "paid", None),
    *bad("evidence/verdicts", "verdict_no", 0, None),
    *bad("evidence/verdicts", "decided_at_ms", None),
    *bad("evidence/verdicts", "evidence_root", "0x12"),
]
# What some venue does not say, or says in its own way.
UNSAID = {
    "exchanges/orders": "position_slot forced_kind marker margin_mode leverage average_price fee "
    "pnl client_order_id",
    "exchanges/fills": "forced_kind marker position_slot pnl fee",
    "exchanges/ledger": "inst_id forced_kind order_id fill_id qty_contracts price pnl fee "
    "margin_change amount",
    "exchanges/positions": "order_id margin_mode leverage forced_kind trigger_price qty_contracts "
    "pnl opened_at_ms",
    "exchanges/stops": "trigger_price",
    "exchanges/account_configs": "root_uid permissions is_read_only position_mode",
    "exchanges/leverages": "position_slot margin_mode leverage",
    "exchanges/instruments": "max_leverage state",
}
FINE: list[Case] = [
    *(Case(table, {}) for table in GOOD),
    *(Case(table, dict.fromkeys(names.split())) for table, names in UNSAID.items()),
    Case("exchanges/orders", {"forced_kind": "own_close", "position_slot": "net", "pnl": "0"}),
    Case("exchanges/orders", {"state": "canceled", "filled_qty_contracts": "0", "fee": "0.1"}),
    Case("exchanges/ledger", {"entry_kind": "transfer", "qty_contracts": "-5", "amount": "-5"}),
    Case("exchanges/ledger", {"entry_id": "1760119507:dnw:transfer from spot:12"}),
    Case("exchanges/account_configs", {"environment": "demo", "uid": None, "reply_sha256": SHA}),
    Case("exchanges/candles", {"kind": "trade", "quote_volume": "0", "is_final": False}),
    Case("exchanges/candles", dict.fromkeys(("open_price", "high_price", "close_price"), "9.5")),
]
SUITES = {
    suite.table: suite for suite in suites.load(config.REPO_DIR / "expectations" / "arrivals")
}
# A check lands the last two itself.
UNJUDGED = {"chain/fetch_windows", "quality/checks", "quality/quarantine"}
EVIDENCE = set(TIMES) - {"exchanges/instruments"} | {"exchanges/replies"}
GUARDED = sorted(table for table in SUITES if table.startswith("exchanges/"))


def job(settings: config.Settings, table: str, rows: list[dict[str, Any]]) -> validator.Job:
    """The rows as landed, whatever their hour says."""
    import pyarrow as pa

    path = landing.file_path(settings, table, HOUR, file_name(table, rows[0]))
    landing.write_parquet(path, pa.Table.from_pylist(rows, schema=RAW_TABLES[table].schema))
    file = str(path.relative_to(settings.raw_dir))
    return validator.Job(SUITES[table], landed.frame(settings, SUITES[table], [file]))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Failure]]:
    """What the suites say of every case, by its place in FINE and BAD."""
    patch = pytest.MonkeyPatch()
    folder: Path = tmp_path_factory.mktemp("data")
    patch.setenv("LEVERAGEGUARD_DATA", str(folder))
    clock.set_world(NOW)
    settings = config.load()
    of_table: dict[str, list[Case]] = {}
    for case in [*FINE, *BAD]:
        of_table.setdefault(case.table, []).append(case)
    jobs = [
        job(settings, table, [row(table, **case.changed) for case in cases])
        for table, cases in of_table.items()
    ]
    found = validator.validate(settings, jobs)
    patch.undo()
    assert not [failure for failures in found for failure in failures if failure.error]
    return {
        id(case): [failure for failure in failures if number in failure.rows]
        for cases, failures in zip(of_table.values(), found, strict=True)
        for number, case in enumerate(cases)
    }


def test_arrival_suites__every_raw_table__has_one() -> None:
    assert set(SUITES) == set(RAW_TABLES) - UNJUDGED


@pytest.mark.parametrize("table", sorted(SUITES))
def test_arrival_suite__evidence__names_its_fetch_window(table: str) -> None:
    window = SUITES[table].window
    assert (window is not None) == (table in EVIDENCE)
    if window is not None:
        assert {window.endpoint, window.account} - {"*"} <= set(RAW_TABLES[table].schema.names)


@pytest.mark.parametrize("case", FINE, ids=str)
def test_arrival_suite__good_row__passes(judged, case):
    assert judged[id(case)] == []


@pytest.mark.parametrize("case", BAD, ids=str)
def test_arrival_suite__bad_value__one_guard_names_the_column(judged, case):
    failures = judged[id(case)]
    assert [failure.columns for failure in failures].count(case.guard) == 1
    assert all(failure.reason for failure in failures)


@pytest.mark.parametrize("table", GUARDED)
def test_arrival_suite__every_guard__has_a_row_that_breaks_it(judged, table):
    broken = {
        (failure.expectation, failure.columns)
        for case in BAD
        for failure in judged[id(case)]
        if case.table == table and failure.columns == case.guard
    }
    guards = set()
    for each in SUITES[table].expectations:
        kwargs = each["kwargs"]
        columns = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
        guards.add((each["type"], tuple(columns)))
    assert guards == broken


def test_arrival_suite__any_row_of_a_packages_context__stops_the_run(judged):
    tables = [table for table in SUITES if table.startswith("evidence/")]
    tables.remove("evidence/verdicts")
    assert len(tables) == 7
    for table in tables:
        suite = SUITES[table]
        assert suite.stops
        assert suite.derived == {"landed_rows": 1}
        assert suite.expectations[0]["kwargs"] == {"column": "landed_rows", "value_set": [0]}
