"""A bad row on arrival: kept with its reason, taken out, its fetch window open, nothing lost."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest

from leverageguard.quality import ExpectationsFailed, quarantine, recording, steps
from leverageguard.quality import landed as landed_files
from leverageguard.warehouse import landing, raw_tables
from leverageguard.warehouse.raw_tables import RAW_TABLES
from tests.expectations import raw_folder
from tests.expectations.raw_folder import BODY, ENDPOINTS, GROUP, HOUR, gaps, land, row

pytestmark = pytest.mark.slow
ORDERS, FILLS = "exchanges/orders", "exchanges/fills"
REPLIES = "exchanges/replies"


def orders(settings):
    rows = landing.read(settings, ORDERS, HOUR, f"{GROUP}-orders")
    return [each["order_id"] for each in rows]


def refuse(why="row"):
    with pytest.raises(ExpectationsFailed, match=why):
        steps.check_arrivals()


def test_check_arrivals__every_table_good__passes_and_shows_the_pages(landed):
    counted = steps.check_arrivals()
    assert (counted["suites"], counted["quarantined"]) == (37, 0)
    steps.show()
    page = (landed.pages_dir / "quality" / "index.html").read_text()
    assert "arrivals.exchanges_orders" in page
    assert not re.search(r"(src=|stylesheet[^>]*href=|url\()[\"']?https?:", page)
    assert steps.check_arrivals()["files"] == 0
    told = landing.scan(landed, recording.CHECKS)
    assert len({each["suite"] for each in told}) == len(told) == 37
    assert all(each["is_passed"] and each["row_count"] for each in told)


def test_check_arrivals__bad_row__is_moved_and_named_and_its_window_is_open(with_windows):
    settings = with_windows
    bad = row(ORDERS, order_id="12", average_price="cheap")
    land(settings, ORDERS, row(ORDERS), bad)
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_arrivals()
    message = str(refused.value)
    for part in (
        "arrivals.exchanges_orders",
        "expect_column_values_to_match_regex",
        "average_price",
        "account_id=acc-1",
        "order_id=12",
        "1 row(s) moved",
    ):
        assert part in message
    assert orders(settings) == ["11"]
    assert gaps(settings) == {("acc-1", "orders")}
    opened = raw_folder.windows(settings)["okx", "acc-1", "orders"]["gap_reason"]
    assert opened.startswith("quarantined: arrivals.exchanges_orders")
    kept = quarantine.listing(settings)
    assert [(each["table"], each["order_id"], each["average_price"]) for each in kept] == [
        (ORDERS, "12", "cheap")
    ]
    assert kept[0]["reason"] and "average_price" in kept[0]["rule"]
    assert kept[0]["quarantined_at_ms"] >= HOUR
    (told,) = landing.scan(settings, recording.CHECKS, where={"raw_table": [ORDERS]})
    assert (told["row_count"], told["failed_row_count"], told["is_passed"]) == (2, 1, False)
    assert "average_price" in told["failed_rules"]
    (taken_out,) = landing.scan(settings, recording.QUARANTINE)
    assert (taken_out["raw_table"], taken_out["exchange"]) == (ORDERS, "okx")
    path = settings.quarantine_dir / f"{ORDERS}/2026-01-05-01-{GROUP}-orders.parquet"
    assert pq.read_table(path).num_rows == 1


def test_check_arrivals__after_a_quarantine__goes_on_without_the_row(with_windows):
    settings = with_windows
    land(settings, ORDERS, row(ORDERS), row(ORDERS, order_id="12", fee="x"))
    refuse()
    assert steps.check_arrivals()["quarantined"] == 1
    assert orders(settings) == ["11"]
    (count,) = quarantine.counts(settings)[ORDERS].values()
    assert count == 1


def test_check_arrivals__same_bad_row_fetched_again__leaves_without_a_second_alarm(with_windows):
    settings = with_windows
    bad = row(ORDERS, order_id="12", fee="x")
    land(settings, ORDERS, bad)
    refuse()
    raw_folder.land_windows(settings, "okx", ["acc-1", "acc-2"], *ENDPOINTS)
    land(settings, ORDERS, row(ORDERS), {**bad, "reply_sha256": "0" * 64})
    assert steps.check_arrivals()["quarantined"] == 1
    assert orders(settings) == ["11"]
    assert gaps(settings) == {("acc-1", "orders")}


def test_check_arrivals__another_bad_row_later__alarms_about_that_one_only(with_windows):
    settings = with_windows
    bad = row(ORDERS, order_id="12", fee="x")
    land(settings, ORDERS, bad)
    refuse()
    land(settings, ORDERS, bad, row(ORDERS, order_id="13", fee="x"))
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_arrivals()
    assert "order_id=13" in str(refused.value)
    assert "order_id=12" not in str(refused.value)
    assert len(quarantine.listing(settings)) == 2


def test_check_arrivals__reply_body_changed__opens_the_hours_it_was_evidence_for(with_windows):
    settings = with_windows
    land(settings, REPLIES, row(REPLIES, body=BODY.replace("0", "1")))
    refuse("no longer has its hash")
    assert gaps(settings) == {("acc-1", "fills")}


def test_check_arrivals__more_than_ten_bad_rows__names_ten_and_counts_the_rest(with_windows):
    settings = with_windows
    land(settings, FILLS, *(row(FILLS, fill_id=f"t{n}", fee="x") for n in range(13)))
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_arrivals()
    assert "13 row(s):" in str(refused.value)
    assert "and 3 more" in str(refused.value)
    assert len(quarantine.listing(settings)) == 13


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("chain/payouts", "amount_micro_usdc", 0),
        ("settlement/payouts", "amount_micro_usdc", 0),
        ("intake/quotes", "max_payout_micro_usdc", 0),
        ("exchanges/endpoints", "scope", "accounts"),
    ],
)
def test_check_arrivals__row_that_must_not_go_missing__stops_every_run_and_stays(
    with_windows, table, column, value
):
    settings = with_windows
    land(settings, table, row(table, **{column: value}))
    for _ in range(2):
        refuse(f"{column}.* 1 row")
    assert len(landing.scan(settings, table)) == 1
    assert quarantine.listing(settings) == []


@pytest.mark.parametrize("table", [each.path for each in raw_tables._CONTEXT])
def test_check_arrivals__any_row_of_a_packages_context__stops_every_run_and_names_the_table(
    with_windows, table
):
    settings = with_windows
    planted = dict.fromkeys(RAW_TABLES[table].schema.names)
    landing.replace(settings, table, HOUR, "planted", [planted])
    for _ in range(2):
        refuse(rf"arrivals\.{table.replace('/', '_')}: .* 1 row\(s\)")
    assert len(landing.scan(settings, table)) == 1
    assert quarantine.listing(settings) == []


def test_check_arrivals__file_landed_again_while_checked__is_not_overwritten(
    with_windows, monkeypatch
):
    settings = with_windows
    land(settings, ORDERS, row(ORDERS, fee="x"))
    validated = steps.arrivals.validator.validate

    def land_meanwhile(*arguments):
        found = validated(*arguments)
        land(settings, ORDERS, row(ORDERS), row(ORDERS, order_id="14"))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(steps.arrivals.validator, "validate", land_meanwhile)
        with pytest.raises(ExpectationsFailed):
            steps.check_arrivals()
    assert orders(settings) == ["11", "14"]
    assert gaps(settings) == set()


def test_check_arrivals__killed_before_the_row_left__is_repeated_without_loss(
    with_windows, monkeypatch
):
    settings = with_windows
    land(settings, ORDERS, row(ORDERS), row(ORDERS, order_id="12", fee="x"))

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "_open_windows", die)
        with pytest.raises(KeyboardInterrupt):
            steps.check_arrivals()
    assert len(quarantine.listing(settings)) == 1
    steps.check_arrivals()
    assert len(quarantine.listing(settings)) == 1
    assert len(landing.scan(settings, recording.QUARANTINE)) == 1
    assert orders(settings) == ["11"]
    assert gaps(settings) == {("acc-1", "orders")}


def test_watermark__suite_changed__looks_at_everything_again(landed):
    from dataclasses import replace

    steps.check_arrivals()
    every = steps.suites.load(landed.repo_dir / "expectations" / "arrivals")
    mark = landed_files.Watermark(landed)
    suite = next(each for each in every if each.table == ORDERS)
    assert mark.changed(suite) == {}
    assert len(mark.changed(replace(suite, definition="another"))) == 1
