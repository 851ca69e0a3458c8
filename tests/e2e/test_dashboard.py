"""Superset from nothing to a page in a real browser, over a small snapshot with known figures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from leverageguard import config
from tests.e2e import superset_server
from tests.e2e.superset_server import PYTHON, SERVE, Running, chart_rows, session

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
REPORTS = """
create table rpt_claims_funnel as select * from (values
    (1, 'notified', 4321::bigint, 0::bigint, 0::decimal(38, 6)),
    (2, 'evidence complete', 4000, 0, 0),
    (3, 'verified', 2765, 1, 1), (4, 'approved', 2765, 1, 1), (5, 'planned', 2765, 1, 1),
    (6, 'paid', 2700, {paid}000000, {paid})
) as t (stage_order, stage, claim_count, amount_micro_usdc, amount_usdc);
create table rpt_rejection_reasons as select
    'rejected' as verdict, 'IN_COVER' as reason_code, 9::bigint as claim_count,
    9::bigint as primary_claim_count;
create table rpt_payouts_over_time as select
    timestamptz '2026-01-05 03:00:00+00' as paid_hour_at, 1::bigint as payout_count,
    1::bigint as paid_micro_usdc, 1::decimal(38, 6) as paid_usdc,
    1::bigint as cumulative_paid_micro_usdc, 1::decimal(38, 6) as cumulative_paid_usdc;
create table rpt_pool_balance as select
    timestamptz '2026-01-05 00:00:00+00' + to_hours(n::integer) as hour_at,
    0::bigint as deposits_micro_usdc, 0::bigint as premiums_micro_usdc,
    0::bigint as payouts_micro_usdc, 0::bigint as balance_micro_usdc,
    (98765.43 - n)::decimal(38, 6) as balance_usdc
    from range(3) as t (n);
create table rpt_liquidations_by_symbol as select
    'BTC-USDT-SWAP' as inst_id, 'full' as kind, 'long' as position_side,
    7::bigint as liquidation_count, 7::bigint as insured_count,
    0::bigint as realised_loss_micro_usdc, 0::decimal(38, 6) as realised_loss_usdc;
create table rpt_last_batches as select
    'ab' as batch_id, 17::bigint as batch_no, 'settled' as status, 3 as claim_count,
    1::bigint as total_micro_usdc, 1.234567::decimal(38, 6) as total_usdc,
    1::bigint as paid_micro_usdc, 1.234567::decimal(38, 6) as paid_usdc, 0 as failed_count,
    '0x' || repeat('5e', 32) as tx_hash, 81234::bigint as gas_used,
    timestamptz '2026-01-05 03:00:00+00' as planned_at,
    timestamptz '2026-01-05 03:10:00+00' as settled_at;
"""


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with superset_server.served(tmp_path_factory.mktemp("superset")) as running:
        yield running


@pytest.fixture
def world(superset: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The module's stack, whatever data folder other fixtures chose for this test."""
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(superset.settings.data_dir))
    return superset


def publish(settings: config.Settings, paid: int) -> None:
    superset_server.publish(settings, REPORTS.format(paid=paid))


def read_dashboard(page: Page, running: Running) -> str:
    page.goto(f"{running.url}/login/")
    page.fill("#username", "viewer")
    page.fill("#password", running.password("viewer"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/welcome/**")
    page.goto(f"{running.url}/superset/dashboard/leverageguard/")
    for text in ("4,321", "2,765", "98,763.43", "81,234"):
        page.get_by_text(text, exact=True).first.wait_for(timeout=120_000)
    page.wait_for_function("document.querySelectorAll('canvas').length >= 5", timeout=120_000)
    return page.inner_text("body")


def test_dashboard__before_the_first_publish__says_so(world: Running) -> None:
    opened = session(world, "viewer")
    found = opened.get(f"{world.url}/api/v1/dashboard/leverageguard", timeout=60).json()
    assert found["result"]["dashboard_title"] == "LeverageGuard · Simulated world"
    charts = opened.get(f"{world.url}/api/v1/chart/", timeout=60).json()["result"]
    assert len(charts) == 11
    answer = opened.get(f"{world.url}/api/v1/chart/{charts[0]['id']}/data/", timeout=60)
    assert "nothing is published yet" in answer.text


def test_dashboard__published__shows_the_figures_in_a_browser_and_asks_no_other_host(
    world: Running,
) -> None:
    publish(world.settings, paid=1234)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 2400})
        reached = set()
        page.on("response", lambda answer: reached.add(answer.url.split("/")[2]))
        text = read_dashboard(page, world)
        page.screenshot(path=world.settings.data_dir / "dashboard.png")
        browser.close()
    for shown in (
        "LeverageGuard · Simulated world",
        "Claims funnel",
        "Why claims were not paid",
        "Payouts over time",
        "Pool balance",
        "Liquidations by symbol and kind",
        "Last batches",
        "1,234.00",
        "1.234567",
        "0x" + "5e" * 32,
    ):
        assert shown in text
    assert "Error" not in text
    assert {host for host in reached if host} == {world.url.removeprefix("http://")}


def test_dashboard__published_again__shows_the_new_figures(world: Running) -> None:
    opened = session(world, "viewer")
    for paid in (100, 200, 300):
        publish(world.settings, paid=paid)
        (row,) = chart_rows(opened, world, "USDC paid")
        assert float(str(row["paid_usdc"])) == paid


def test_dashboard__every_chart__answers_over_the_api(world: Running) -> None:
    publish(world.settings, paid=5)
    opened = session(world, "viewer")
    charts = opened.get(f"{world.url}/api/v1/chart/?q=(page_size:100)", timeout=60).json()
    for chart in charts["result"]:
        assert chart_rows(opened, world, chart["slice_name"]), chart["slice_name"]


def test_pages__every_answer__forbids_other_hosts_and_forms_without_a_token(
    world: Running,
) -> None:
    page = requests.get(f"{world.url}/login/", timeout=60)
    assert "http" not in page.headers["Content-Security-Policy"]
    assert "HttpOnly" in page.headers["Set-Cookie"]
    refused = session(world, "admin").post(f"{world.url}/api/v1/chart/", json={}, timeout=60)
    assert refused.status_code == requests.codes.bad_request


def test_serve__second_start__skips_what_is_prepared(world: Running) -> None:
    prepared = world.settings.data_dir / "superset" / "prepared.json"
    before = prepared.stat().st_mtime_ns
    subprocess.run(
        [str(PYTHON), str(SERVE), "--prepare-only"],
        env=dict(os.environ),
        check=True,
        capture_output=True,
    )
    assert prepared.stat().st_mtime_ns == before
