"""Reports over HTTP: the published snapshot's, exact, and not sent twice."""

from __future__ import annotations

import csv
import io

import duckdb
import pytest

from tests import gateway_world as world
from tests.gateway_shop import shop_fixture  # noqa: F401


@pytest.fixture
def reports(shop):
    publish(shop, "20260106T000000Z-0001", 12)
    return shop


def publish(shop, version, amount):
    folder = shop.settings.serve_dir / version
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "leverageguard.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create table rpt_pool_balance as select timestamptz '2026-01-06 01:00:00+00' as "
            f"hour_at, {amount}::decimal(38, 0) as balance_micro_usdc, "
            "0.000012::decimal(38, 6) as balance_usdc, 3 as payout_count, null as nothing"
        )
        connection.execute("create table rpt_empty (stage text)")
        connection.execute("create table rpt_wallet_claims as select '0xab' as wallet, 1 as n")
        connection.execute("create table fct_claims (claim_id text)")
        connection.execute(
            "create table dim_snapshot as select ? as version, now() as published_at, "
            "true as is_simulated",
            [version],
        )
    link = shop.settings.serve_dir / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(version, target_is_directory=True)


def test_listing__published__names_the_reports_and_nothing_else(reports):
    told = reports.get("/reports").json()

    assert [one["name"] for one in told["items"]] == ["empty", "pool_balance"]
    assert told["items"][1]["rows"] == 1
    assert told["is_simulated"] is True


def test_reports__about_single_wallets__are_for_staff_and_for_no_trader(reports):
    staff = world.person("viewer")

    assert reports.get("/reports/wallet_claims").status_code == 404
    assert reports.get("/reports/wallet_claims", staff).status_code == 200
    assert "wallet_claims" in {
        one["name"] for one in reports.get("/reports", staff).json()["items"]
    }


def test_listing__nothing_published__is_unavailable(shop):
    answer = shop.get("/reports")

    assert (answer.status_code, answer.json()["code"]) == (503, "NOTHING_PUBLISHED")
    assert "Retry-After" in answer.headers


def test_read__json__writes_money_as_text(reports):
    assert reports.get("/reports/pool_balance").json()["rows"] == [
        {
            "hour_at": "2026-01-06T01:00:00.000Z", "balance_micro_usdc": "12",
            "balance_usdc": "0.000012", "payout_count": 3, "nothing": None,
        }
    ]  # fmt: skip


def test_read__csv__has_the_same_figures(reports):
    answer = reports.get("/reports/pool_balance?format=csv")

    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["balance_micro_usdc"], row["nothing"]) == ("12", "")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="pool_balance.csv"'
    assert reports.get("/reports/empty?format=csv").text == "stage\r\n"


def test_read__known_etag__is_not_sent_again_until_another_publish(reports):
    path = "/reports/pool_balance"
    etag = reports.get(path).headers["ETag"]

    def again(path, given):
        return reports.get(path, headers={"If-None-Match": given})

    assert (again(path, etag).status_code, again(path, etag).content) == (304, b"")
    assert again(path, f'"other", W/{etag}').status_code == 304
    assert again(path + "?format=csv", etag).status_code == 200
    publish(reports, "20260106T000000Z-0002", 13)
    assert again(path, etag).json()["rows"][0]["balance_micro_usdc"] == "13"


@pytest.mark.parametrize("name", ["claims", "fct_claims", "snapshot", "none"])
def test_read__what_is_no_report__is_not_found(reports, name):
    assert reports.get(f"/reports/{name}").status_code == 404


def test_read__without_a_caller_or_scope__is_refused(reports):
    assert reports.get("/reports", None).status_code == 401
    headers = world.service(reports.settings, "claims:write")
    assert reports.get("/reports", headers).status_code == 403
    headers = world.service(reports.settings, "reports:read", name="reader")
    assert reports.get("/reports", headers).status_code == 200
