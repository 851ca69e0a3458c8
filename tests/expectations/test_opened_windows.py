"""Which fetch windows are open again once a row of evidence went into quarantine."""

from __future__ import annotations

from typing import Any

import pytest

from leverageguard import config
from leverageguard.quality import quarantine, suites
from leverageguard.quality.quarantine import BadRow
from leverageguard.warehouse import landing
from tests.expectations.raw_folder import ENDPOINTS, HOUR, file_name, gaps, land, row, windows

SUITES = {
    suite.table: suite for suite in suites.load(config.REPO_DIR / "expectations" / "arrivals")
}
FILLS, ORDERS = "exchanges/fills", "exchanges/orders"
EVERY_ENDPOINT = {("acc-1", endpoint) for endpoint in ENDPOINTS}


def move(settings: config.Settings, table: str, **changed: Any) -> None:
    """Land one row as it is and take it into quarantine."""
    bad = row(table, **changed)
    land(settings, table, bad)
    path = landing.file_path(settings, table, HOUR, file_name(table, bad))
    file = str(path.relative_to(settings.raw_dir))
    quarantine.move(settings, SUITES[table], [BadRow(file, 0, "it is wrong", "a rule")])
    assert landing.scan(settings, table, where={"exchange": [bad["exchange"] or "okx"]}) == []


@pytest.mark.parametrize(
    ("table", "endpoint"),
    [
        (ORDERS, "orders"),
        (FILLS, "fills"),
        ("exchanges/ledger", "ledger"),
        ("exchanges/positions", "positions"),
        ("exchanges/stops", "stops"),
        ("exchanges/positions", "fills"),
    ],
)
def test_move__row_of_a_listing__opens_the_window_of_its_endpoint(with_windows, table, endpoint):
    move(with_windows, table, endpoint=endpoint)
    assert gaps(with_windows) == {("acc-1", endpoint)}
    assert gaps(with_windows, "gate") == set()
    window = windows(with_windows)["okx", "acc-1", endpoint]
    assert window["gap_reason"] == "quarantined: a rule"


@pytest.mark.parametrize("account", ["", None])
def test_move__row_without_account__opens_its_endpoint_for_everybody(with_windows, account):
    move(with_windows, FILLS, account_id=account)
    assert gaps(with_windows) == {("acc-1", "fills"), ("acc-2", "fills")}
    assert gaps(with_windows, "gate") == set()


@pytest.mark.parametrize("endpoint", ["", None, "order", "liquidations"])
def test_move__endpoint_without_a_window__opens_every_window_of_the_account(with_windows, endpoint):
    move(with_windows, FILLS, endpoint=endpoint)
    assert gaps(with_windows) == EVERY_ENDPOINT
    assert gaps(with_windows, "gate") == set()


@pytest.mark.parametrize("exchange", ["", None])
def test_move__row_without_exchange__opens_that_account_everywhere(with_windows, exchange):
    move(with_windows, ORDERS, exchange=exchange)
    assert gaps(with_windows) == {("acc-1", "orders")}
    assert gaps(with_windows, "gate") == {("acc-1", "orders")}


def test_move__row_without_exchange__each_venue_by_its_own_endpoints(with_windows):
    move(with_windows, "exchanges/positions", exchange=None, endpoint="liquidations")
    assert gaps(with_windows) == EVERY_ENDPOINT
    assert gaps(with_windows, "gate") == {("acc-1", "liquidations")}


def test_move__row_of_another_exchange__opens_that_exchange_only(with_windows):
    move(with_windows, "exchanges/positions", exchange="gate", endpoint="liquidations")
    assert gaps(with_windows) == set()
    assert gaps(with_windows, "gate") == {("acc-1", "liquidations")}


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("exchanges/account_configs", {"endpoint": "account_config"}),
        ("exchanges/leverages", {"endpoint": "orders"}),
        ("exchanges/order_lookups", {}),
    ],
)
def test_move__snapshot_or_lookup__opens_every_window_of_the_account(with_windows, table, named):
    move(with_windows, table, **named)
    assert gaps(with_windows) == EVERY_ENDPOINT
    assert gaps(with_windows, "gate") == set()


@pytest.mark.parametrize("kind", ["mark", "trade"])
def test_move__candle__opens_that_listing_of_the_instrument(with_windows, kind):
    move(with_windows, "exchanges/candles", endpoint=f"{kind}_candles", kind=kind)
    assert gaps(with_windows) == {("BTC-USDT-SWAP", f"{kind}_candles")}


def test_move__public_reply__opens_its_endpoint_for_every_owner(with_windows):
    move(with_windows, "exchanges/replies", account_id="public", endpoint="mark_candles")
    assert gaps(with_windows) == {("BTC-USDT-SWAP", "mark_candles")}


def test_move__instrument__opens_no_window(with_windows):
    move(with_windows, "exchanges/instruments")
    assert gaps(with_windows) == set()


def test_move__two_rows__open_both_windows_and_the_others_stay(with_windows):
    move(with_windows, FILLS)
    move(with_windows, ORDERS, account_id="acc-2")
    assert gaps(with_windows) == {("acc-1", "fills"), ("acc-2", "orders")}


def test_move__order__kept_then_window_open_then_gone(with_windows, monkeypatch):
    steps: list[str] = []
    kept, opened, written = quarantine._keep, quarantine._open_windows, landing.write_parquet

    def note(name, function):
        def noted(*arguments):
            steps.append(name)
            return function(*arguments)

        return noted

    monkeypatch.setattr(quarantine, "_keep", note("kept", kept))
    monkeypatch.setattr(quarantine, "_open_windows", note("opened", opened))
    land(with_windows, ORDERS, row(ORDERS))
    path = landing.file_path(with_windows, ORDERS, HOUR, file_name(ORDERS, row(ORDERS)))

    def write(at, data):
        if at == path:
            steps.append("removed")
        written(at, data)

    monkeypatch.setattr(landing, "write_parquet", write)
    file = str(path.relative_to(with_windows.raw_dir))
    quarantine.move(with_windows, SUITES[ORDERS], [BadRow(file, 0, "it is wrong", "a rule")])
    assert steps == ["kept", "opened", "removed"]
