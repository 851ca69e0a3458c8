"""A bad row on arrival: kept with its reason, taken out, its fetch window open, nothing lost."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest

from leverageguard.quality import ExpectationsFailed, quarantine, steps
from leverageguard.quality import landed as landed_files
from leverageguard.warehouse import landing
from tests.expectations import raw_folder
from tests.expectations.raw_folder import BODY, HOUR, gaps, land, row, window

pytestmark = pytest.mark.slow


def orders(settings):
    return [each["ordId"] for each in landing.read(settings, "okx/orders", HOUR, "group-00")]


@pytest.fixture
def with_windows(settings):
    """Two accounts' complete windows, nothing else landed."""
    landing.ensure_schemas(settings)
    whole = [window(who, what) for who in ("acc-1", "acc-2") for what in raw_folder.ENDPOINTS]
    landing.replace(settings, "exchanges/fetch_windows", HOUR, "okx-group-00", whole)
    return settings


def test_check_arrivals__every_table_good__passes_and_shows_the_pages(landed):
    counted = steps.check_arrivals()
    assert (counted["suites"], counted["quarantined"]) == (20, 0)
    page = (landed.pages_dir / "quality" / "index.html").read_text()
    assert "arrivals.okx_orders" in page
    assert not re.search(r"(src=|stylesheet[^>]*href=|url\()[\"']?https?:", page)
    assert steps.check_arrivals()["files"] == 0


def test_check_arrivals__bad_row__is_moved_and_named_and_its_window_is_open(with_windows):
    settings = with_windows
    bad = row("okx/orders", ordId="12", avgPx="cheap")
    land(settings, "okx/orders", row("okx/orders"), bad)
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_arrivals()
    message = str(refused.value)
    for part in (
        "arrivals.okx_orders",
        "expect_column_values_to_match_regex",
        "avgPx",
        "account_id=acc-1",
        "ordId=12",
        "1 row(s) moved",
    ):
        assert part in message
    assert orders(settings) == ["11"]
    assert gaps(settings) == {("acc-1", "orders")}
    opened = raw_folder.windows(settings)["acc-1", "orders"]["gap_reason"]
    assert opened.startswith("quarantined: arrivals.okx_orders")
    kept = quarantine.listing(settings)
    assert [(each["table"], each["ordId"], each["avgPx"]) for each in kept] == [
        ("okx/orders", "12", "cheap")
    ]
    assert kept[0]["reason"] and "avgPx" in kept[0]["rule"]
    assert kept[0]["quarantined_at_ms"] >= HOUR
    path = settings.quarantine_dir / "okx/orders/2026-01-05-01-group-00.parquet"
    assert pq.read_table(path).num_rows == 1


def test_check_arrivals__after_a_quarantine__goes_on_without_the_row(with_windows):
    settings = with_windows
    land(settings, "okx/orders", row("okx/orders"), row("okx/orders", ordId="12", fee="x"))
    with pytest.raises(ExpectationsFailed):
        steps.check_arrivals()
    assert steps.check_arrivals()["quarantined"] == 1
    assert orders(settings) == ["11"]
    (count,) = quarantine.counts(settings)["okx/orders"].values()
    assert count == 1


def test_check_arrivals__same_bad_row_fetched_again__leaves_without_a_second_alarm(with_windows):
    settings = with_windows
    bad = row("okx/orders", ordId="12", fee="x")
    land(settings, "okx/orders", bad)
    with pytest.raises(ExpectationsFailed):
        steps.check_arrivals()
    again = [
        {**each, "is_complete": True, "gap_reason": None}
        for each in raw_folder.windows(settings).values()
    ]
    landing.replace(settings, "exchanges/fetch_windows", HOUR, "okx-group-00", again)
    land(settings, "okx/orders", row("okx/orders"), {**bad, "reply_sha256": "0" * 64})
    assert steps.check_arrivals()["quarantined"] == 1
    assert orders(settings) == ["11"]
    assert gaps(settings) == {("acc-1", "orders")}


def test_check_arrivals__another_bad_row_later__alarms_about_that_one_only(with_windows):
    settings = with_windows
    bad = row("okx/orders", ordId="12", fee="x")
    land(settings, "okx/orders", bad)
    with pytest.raises(ExpectationsFailed):
        steps.check_arrivals()
    land(settings, "okx/orders", bad, row("okx/orders", ordId="13", fee="x"))
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_arrivals()
    assert "ordId=13" in str(refused.value)
    assert "ordId=12" not in str(refused.value)
    assert len(quarantine.listing(settings)) == 2


def test_check_arrivals__row_without_account__opens_that_endpoint_for_everybody(with_windows):
    settings = with_windows
    land(settings, "okx/fills", row("okx/fills"), row("okx/fills", account_id=""))
    with pytest.raises(ExpectationsFailed):
        steps.check_arrivals()
    assert gaps(settings) == {("acc-1", "fills"), ("acc-2", "fills")}


def test_check_arrivals__bad_account_config__opens_every_window_of_the_account(with_windows):
    settings = with_windows
    land(settings, "okx/account_configs", row("okx/account_configs", uid=None))
    with pytest.raises(ExpectationsFailed):
        steps.check_arrivals()
    assert gaps(settings) == {("acc-1", endpoint) for endpoint in raw_folder.ENDPOINTS}


def test_check_arrivals__reply_body_changed__opens_the_hours_it_was_evidence_for(with_windows):
    settings = with_windows
    land(settings, "exchanges/replies", row("exchanges/replies", body=BODY.replace("0", "1")))
    with pytest.raises(ExpectationsFailed, match="no longer has its hash"):
        steps.check_arrivals()
    assert gaps(settings) == {("acc-1", "fills")}


def test_check_arrivals__more_than_ten_bad_rows__names_ten_and_counts_the_rest(with_windows):
    settings = with_windows
    land(settings, "okx/fills", *(row("okx/fills", tradeId=f"t{n}", fee="x") for n in range(13)))
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_arrivals()
    assert "13 row(s):" in str(refused.value)
    assert "and 3 more" in str(refused.value)
    assert len(quarantine.listing(settings)) == 13


@pytest.mark.parametrize("table", ["chain/payouts", "settlement/payouts", "intake/quotes"])
def test_check_arrivals__bad_money_record__stops_every_run_and_stays(with_windows, table):
    settings = with_windows
    column = "max_payout_micro_usdc" if table == "intake/quotes" else "amount_micro_usdc"
    land(settings, table, row(table, **{column: 0}))
    for _ in range(2):
        with pytest.raises(ExpectationsFailed, match=f"{column}.* 1 row"):
            steps.check_arrivals()
    assert len(landing.scan(settings, table)) == 1
    assert quarantine.listing(settings) == []


def test_check_arrivals__file_landed_again_while_checked__is_not_overwritten(
    with_windows, monkeypatch
):
    settings = with_windows
    land(settings, "okx/orders", row("okx/orders", fee="x"))
    validated = steps.arrivals.validator.validate

    def land_meanwhile(*arguments):
        found = validated(*arguments)
        land(settings, "okx/orders", row("okx/orders"), row("okx/orders", ordId="14"))
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
    land(settings, "okx/orders", row("okx/orders"), row("okx/orders", ordId="12", fee="x"))

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "_open_windows", die)
        with pytest.raises(KeyboardInterrupt):
            steps.check_arrivals()
    assert len(quarantine.listing(settings)) == 1
    steps.check_arrivals()
    assert len(quarantine.listing(settings)) == 1
    assert orders(settings) == ["11"]
    assert gaps(settings) == {("acc-1", "orders")}


def test_watermark__suite_changed__looks_at_everything_again(landed):
    from dataclasses import replace

    steps.check_arrivals()
    every = steps.suites.load(landed.repo_dir / "expectations" / "arrivals")
    mark = landed_files.Watermark(landed)
    suite = next(each for each in every if each.table == "okx/orders")
    assert mark.changed(suite) == {}
    assert len(mark.changed(replace(suite, definition="another"))) == 1
