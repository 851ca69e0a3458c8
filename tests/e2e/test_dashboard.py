"""Superset from nothing to a page in a real browser, over a small snapshot with known figures."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from leverageguard import clock, config
from leverageguard.warehouse import snapshot

pytestmark = pytest.mark.slow

PYTHON = config.REPO_DIR / ".venv-superset" / "bin" / "python"
SERVE = config.REPO_DIR / "include" / "superset" / "serve.py"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SECRETS = (
    "superset_secret_key",
    "superset_guest_key",
    "superset_admin_password",
    "superset_viewer_password",
)
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


@dataclass(frozen=True)
class Running:
    """A Superset of the test's own, and its data folder's settings."""

    settings: config.Settings
    url: str

    def password(self, user: str) -> str:
        return self.settings.secret(f"superset_{user}_password")


def free_port_base() -> int:
    """A port base whose Superset port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1]) - 1


def publish(settings: config.Settings, paid: int) -> None:
    settings.warehouse_path.parent.mkdir(exist_ok=True)
    settings.warehouse_path.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(REPORTS.format(paid=paid))
    snapshot.publish(settings)


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Started before anything is published, as `up` does."""
    data = tmp_path_factory.mktemp("superset")
    base = free_port_base()
    patch = pytest.MonkeyPatch()
    patch.setenv("LEVERAGEGUARD_DATA", str(data))
    patch.setenv("LEVERAGEGUARD_PORT", str(base))
    settings = config.load()
    settings.secrets_dir.mkdir()
    for name in SECRETS:
        (settings.secrets_dir / name).write_text(secrets.token_urlsafe(16))
    clock.set_world(1_767_600_000_000)
    url = f"http://127.0.0.1:{settings.superset_port}"
    with (data / "superset.log").open("w") as log:
        process = subprocess.Popen(
            [str(PYTHON), str(SERVE)], env=dict(os.environ), stdout=log, stderr=log
        )
        try:
            wait_healthy(url, process, data / "superset.log")
            yield Running(settings, url)
        finally:
            process.terminate()
            process.wait(timeout=60)
            patch.undo()


def wait_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise AssertionError(f"Superset did not answer: {log.read_text()[-3000:]}")


@pytest.fixture
def world(superset: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The module's stack, whatever data folder other fixtures chose for this test."""
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(superset.settings.data_dir))
    return superset


def session(running: Running, user: str) -> requests.Session:
    opened = requests.Session()
    page = opened.get(f"{running.url}/login/", timeout=60).text
    token = re.search(r'(?:csrf_token&#34;: &#34;|name="csrf_token"[^>]*value=")([^&"]+)', page)
    assert token
    form = {"username": user, "password": running.password(user), "csrf_token": token[1]}
    answer = opened.post(f"{running.url}/login/", data=form, timeout=60)
    assert "/login" not in answer.url
    return opened


def chart_rows(opened: requests.Session, running: Running, name: str) -> list[dict[str, object]]:
    charts = opened.get(f"{running.url}/api/v1/chart/?q=(page_size:100)", timeout=60).json()
    number = next(each["id"] for each in charts["result"] if each["slice_name"] == name)
    answer = opened.get(f"{running.url}/api/v1/chart/{number}/data/?force=true", timeout=60)
    assert answer.status_code == requests.codes.ok, answer.text
    rows: list[dict[str, object]] = answer.json()["result"][0]["data"]
    return rows


def query(opened: requests.Session, running: Running, sql: str) -> requests.Response:
    asked = opened.get(f"{running.url}/api/v1/security/csrf_token/", timeout=60).json()
    return opened.post(
        f"{running.url}/api/v1/sqllab/execute/",
        json={"database_id": 1, "sql": sql, "runAsync": False},
        headers={"X-CSRFToken": asked.get("result") or "", "Referer": running.url},
        timeout=60,
    )


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


def test_viewer__sql_lab_and_edits__are_refused(world: Running) -> None:
    opened = session(world, "viewer")
    assert query(opened, world, "select 1").status_code == requests.codes.forbidden
    assert opened.get(f"{world.url}/sqllab/", timeout=60).status_code == requests.codes.forbidden
    asked = opened.get(f"{world.url}/api/v1/security/csrf_token/", timeout=60).json()
    head = {"X-CSRFToken": asked["result"], "Referer": world.url}
    gone = opened.delete(f"{world.url}/api/v1/dashboard/1", headers=head, timeout=60)
    assert gone.status_code in (requests.codes.forbidden, requests.codes.not_found)


def test_stranger__without_login__sees_nothing(world: Running) -> None:
    answer = requests.get(f"{world.url}/api/v1/chart/1/data/", timeout=60, allow_redirects=False)
    assert answer.status_code in (401, 302, 404)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/passwd')",
        "attach '/tmp/another.duckdb' as another",
        "copy (select 1) to '/tmp/out_of_superset.csv'",
        "set memory_limit = '10GB'",
        "insert into rpt_last_batches default values",
        "install httpfs",
    ],
)
def test_admin__sql_beyond_the_snapshot__is_refused(world: Running, sql: str) -> None:
    publish(world.settings, paid=5)
    answer = query(session(world, "admin"), world, sql)
    assert answer.status_code != requests.codes.ok
    assert not Path("/tmp/out_of_superset.csv").exists()


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
