"""Every arrival suite passes a good row and names the column of a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock, config
from leverageguard.quality import landed, suites, validator
from leverageguard.quality.failures import Failure
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS, RAW_TABLES
from tests.expectations.raw_folder import AT, BODY, GOOD, HOUR, file_name, row, window

pytestmark = pytest.mark.slow

TOO_PRECISE = "0.1234567890123456789"
BAD: list[tuple[str, str, Any]] = [
    ("okx/orders", "account_id", None),
    ("okx/orders", "ordId", ""),
    ("okx/orders", "category", "liquidated_somehow"),
    ("okx/orders", "category", None),
    ("okx/orders", "side", "long"),
    ("okx/orders", "state", None),
    ("okx/orders", "accFillSz", "1e3"),
    ("okx/orders", "avgPx", TOO_PRECISE),
    ("okx/orders", "lever", "100x"),
    ("okx/orders", "cTime", "2026-01-05"),
    ("okx/orders", "reply_sha256", "SCREENSHOT"),
    ("okx/fills", "tradeId", None),
    ("okx/fills", "fillSz", "0.00"),
    ("okx/fills", "fillSz", "-1"),
    ("okx/fills", "fillPx", "0"),
    ("okx/fills", "fillPx", None),
    ("okx/fills", "fee", "none"),
    ("okx/fills", "reply_sha256", None),
    ("okx/bills", "billId", None),
    ("okx/bills", "type", None),
    ("okx/bills", "subType", "full"),
    ("okx/bills", "pnl", "-7,1"),
    ("okx/bills", "posBalChg", TOO_PRECISE),
    ("okx/positions", "posId", ""),
    ("okx/positions", "type", "9"),
    ("okx/positions", "triggerPx", "?"),
    ("okx/positions", "cTime", ""),
    ("okx/account_configs", "uid", None),
    ("okx/account_configs", "account_id", ""),
    ("okx/order_lookups", "outcome", "timeout"),
    ("okx/order_lookups", "attempt_no", 0),
    ("okx/order_lookups", "looked_up_at_ms", None),
    ("okx/instruments", "ctVal", None),
    ("okx/instruments", "ctVal", "0"),
    ("okx/instruments", "ctType", "quanto"),
    ("okx/mark_candles", "l", "0"),
    ("okx/mark_candles", "c", "n/a"),
    ("okx/mark_candles", "h", "100"),
    ("okx/mark_candles", "o", "1"),
    ("exchanges/fetch_windows", "window_to_ms", HOUR + 2 * HOUR_MS),
    ("exchanges/fetch_windows", "is_complete", None),
    ("exchanges/fetch_windows", "endpoint", None),
    ("exchanges/replies", "body", BODY + " "),
    ("exchanges/replies", "body", None),
    ("exchanges/replies", "http_status", 0),
    ("intake/accounts", "wallet", "0x12"),
    ("intake/bindings", "signer", None),
    ("intake/quotes", "quote_id", "q1"),
    ("intake/quotes", "max_payout_micro_usdc", 0),
    ("intake/quotes", "principal_micro_usdc", None),
    ("intake/quotes", "payout_rate_ppm", 500_001),
    ("intake/claims", "claimed_by", "me"),
    ("intake/claims", "policy_id", None),
    ("chain/policy_purchases", "premium_micro_usdc", -1),
    ("chain/policy_purchases", "tx_hash", None),
    ("chain/deposits", "amount_micro_usdc", None),
    ("chain/batch_settlements", "paid_micro_usdc", 6),
    ("chain/payouts", "amount_micro_usdc", 0),
    ("chain/payouts", "is_paid", None),
    ("chain/payouts", "recipient", "0x" + "g" * 40),
    ("settlement/batches", "claim_count", 0),
    ("settlement/payouts", "amount_micro_usdc", 0),
    ("settlement/payouts", "claim_index", None),
    ("settlement/payouts", "recipient", None),
]
SUITES = {
    suite.table: suite for suite in suites.load(config.REPO_DIR / "expectations" / "arrivals")
}
WINDOW = "exchanges/fetch_windows"
UNJUDGED = {"chain/fetch_windows"}


def good_row(table: str) -> dict[str, Any]:
    return window("acc-1", "fills") if table == WINDOW else row(table)


def job(settings: config.Settings, table: str, number: int, *rows: dict[str, Any]) -> validator.Job:
    """The rows as landed, whatever their hour says, in a file of their own."""
    import pyarrow as pa

    name = f"{file_name(table) if table != WINDOW else 'okx'}-{number}"
    path = landing.file_path(settings, table, HOUR, name)
    landing.write_parquet(path, pa.Table.from_pylist(list(rows), schema=RAW_TABLES[table].schema))
    file = str(path.relative_to(settings.raw_dir))
    return validator.Job(SUITES[table], landed.frame(settings, SUITES[table], [file]))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, list[Failure]]:
    """What the suites say of every good row, and of every good row beside a bad one."""
    patch = pytest.MonkeyPatch()
    folder: Path = tmp_path_factory.mktemp("data")
    patch.setenv("LEVERAGEGUARD_DATA", str(folder))
    clock.set_world(HOUR + 2 * HOUR_MS)
    settings = config.load()
    good = [*GOOD, WINDOW]
    late = {"ts": str(AT + HOUR_MS), "uTime": str(AT + HOUR_MS)}
    future = {"ts": str(HOUR + 3 * HOUR_MS)}
    jobs = {(table, "good"): job(settings, table, 0, good_row(table)) for table in good}
    for number, (table, column, value) in enumerate(BAD, start=1):
        bad = {**good_row(table), column: value}
        jobs[table, column, value] = job(settings, table, number, good_row(table), bad)
    for number, (table, column, change) in enumerate(
        [("okx/fills", "ts", late), ("okx/orders", "uTime", late), ("okx/bills", "ts", future)],
        start=1000,
    ):
        bad = {**good_row(table), column: change[column]}
        jobs[table, column, "hour"] = job(settings, table, number, good_row(table), bad)
    found = validator.validate(settings, list(jobs.values()))
    patch.undo()
    return dict(zip(jobs, found, strict=True))


def test_arrival_suites__every_raw_table__has_one() -> None:
    assert set(SUITES) == set(RAW_TABLES) - UNJUDGED


@pytest.mark.parametrize("table", [*GOOD, WINDOW])
def test_arrival_suite__good_row__passes(judged, table):
    assert judged[table, "good"] == []


@pytest.mark.parametrize(("table", "column", "value"), BAD)
def test_arrival_suite__bad_value__names_column_and_row(judged, table, column, value):
    failures = judged[table, column, value]
    derived = {
        "body": "body_sha256",
        "h": "high",
        "o": "lowest_body",
        "c": "highest_body",
        "l": "low",
        "window_to_ms": "width_ms",
    }
    named = {name for failure in failures for name in failure.columns}
    assert named & {column, derived.get(column, column)}
    assert {failure.rows for failure in failures} == {(1,)}
    assert all(failure.reason and not failure.error for failure in failures)


@pytest.mark.parametrize(
    ("table", "column"), [("okx/fills", "ts"), ("okx/orders", "uTime"), ("okx/bills", "ts")]
)
def test_arrival_suite__time_of_another_hour__is_refused(judged, table, column):
    failures = judged[table, column, "hour"]
    assert ("row_hour", "landed_hour") in [failure.columns for failure in failures]


def test_arrival_suite__time_after_now__is_refused(judged):
    failures = judged["okx/bills", "ts", "hour"]
    assert ("latest_ms", "at_ms") in [failure.columns for failure in failures]
