"""Superset from nothing to a page in a real browser, over a small snapshot with known figures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import duckdb
import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from leverageguard import clock, config
from leverageguard.warehouse import connect, dbt_runner, snapshot
from tests.dbt import small_world
from tests.dbt.dbt_world import DbtWorld
from tests.e2e import superset_server
from tests.e2e.superset_server import PYTHON, SERVE, Running, chart_rows, session

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SLUGS = (
    "operations",
    "loss-and-pricing",
    "fund-and-solvency",
    "risk-and-exposure",
    "data-quality-and-fraud",
)


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
    """Publish the small world with one claim that was paid `paid` USDC, and no other."""
    if not settings.warehouse_path.exists():
        world = DbtWorld(settings, hours=48)
        clock.set_world(world.start + 48 * small_world.HOUR)
        small_world.build(world)
        world.land()
        dbt_runner.build()
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            "update fct_claims set paid_micro_usdc = if(claim_id = (select min(claim_id) "
            "from fct_claims where verdict = 'verified'), ?, 0)",
            [paid * 1_000_000],
        )
    snapshot.publish(settings)


def figures(settings: config.Settings) -> dict[str, tuple[str, str, float | None]]:
    """Metric → its report, its label and what a direct query of the snapshot says."""
    found = {}
    with connect.read_only(snapshot.current(settings)) as connection:
        rows = connection.execute("select metric, model, label, expression from dim_metrics")
        for metric, model, label, expression in rows.fetchall():
            asked = connection.execute(f"select {expression} from {model}").fetchone()
            found[metric] = (model, label, None if asked[0] is None else float(asked[0]))
    return found


def log_in(page: Page, running: Running) -> None:
    page.goto(f"{running.url}/login/")
    page.fill("#username", "viewer")
    page.fill("#password", running.password("viewer"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/welcome/**")


def test_dashboard__before_the_first_publish__says_so(world: Running) -> None:
    opened = session(world, "viewer")
    for slug in SLUGS:
        found = opened.get(f"{world.url}/api/v1/dashboard/{slug}", timeout=60).json()
        assert found["result"]["dashboard_title"].endswith(" · Simulated world")
    charts = opened.get(f"{world.url}/api/v1/chart/", timeout=60).json()["result"]
    answer = opened.get(f"{world.url}/api/v1/chart/{charts[0]['id']}/data/", timeout=60)
    assert "nothing is published yet" in answer.text


def test_dashboards__published__show_their_figures_in_a_browser_and_ask_no_other_host(
    world: Running,
) -> None:
    publish(world.settings, paid=1234)
    known = figures(world.settings)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 3300})
        reached = set()
        page.on("response", lambda answer: reached.add(answer.url.split("/")[2]))
        log_in(page, world)
        for slug in SLUGS:
            page.goto(f"{world.url}/superset/dashboard/{slug}/")
            page.locator("canvas").first.wait_for(timeout=120_000)
            page.wait_for_load_state("networkidle", timeout=120_000)
            text = page.inner_text("body")
            assert "Simulated world" in text and "Published snapshot" in text
            assert "Error" not in text and "Unexpected" not in text
            if slug == "operations":
                assert "1,234.00" in text
                assert f"{known['claims'][2]:,.0f}" in text
            page.screenshot(path=world.settings.data_dir / f"{slug}.png")
        browser.close()
    assert {host for host in reached if host} == {world.url.removeprefix("http://")}


def test_dashboards__on_a_phone__no_tile_is_wider_than_the_page_or_too_small_to_read(
    world: Running,
) -> None:
    publish(world.settings, paid=5)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 900})
        log_in(page, world)
        page.goto(f"{world.url}/superset/dashboard/operations/")
        page.get_by_text("Claims paid", exact=True).first.wait_for(timeout=120_000)
        tiles = page.locator(".dashboard-component-chart-holder")
        boxes = [tile.bounding_box() for tile in tiles.all()[:12]]
        browser.close()
    assert len(boxes) == 12
    for box in boxes:
        assert box and box["width"] >= 160
    assert max(box["x"] + 160 for box in boxes if box) <= 390


def test_dashboard__published_again__shows_the_new_figures(world: Running) -> None:
    opened = session(world, "viewer")
    for paid in (100, 200, 300):
        publish(world.settings, paid=paid)
        (row,) = chart_rows(opened, world, "Paid on claims, USDC")
        assert float(str(row["paid_on_claims"])) == paid


def test_dashboards__every_metric__is_what_a_direct_query_says(world: Running) -> None:
    publish(world.settings, paid=5)
    opened = session(world, "admin")
    asked = opened.get(f"{world.url}/api/v1/security/csrf_token/", timeout=60).json()
    head = {"X-CSRFToken": asked["result"], "Referer": world.url}
    query = f"{world.url}/api/v1/dataset/?q=(page_size:100,columns:!(id,table_name))"
    numbers = {
        each["table_name"]: each["id"] for each in opened.get(query, timeout=60).json()["result"]
    }
    known = figures(world.settings)
    shown = {}
    for metric, (model, _, _) in known.items():
        body = {
            "datasource": {"id": numbers[model], "type": "table"},
            "queries": [{"columns": [], "metrics": [metric], "filters": [], "row_limit": 10}],
            "result_format": "json",
            "result_type": "full",
        }
        answer = opened.post(f"{world.url}/api/v1/chart/data", json=body, headers=head, timeout=60)
        assert answer.ok, (metric, answer.text)
        (row,) = answer.json()["result"][0]["data"]
        shown[metric] = row[metric]
    assert len(known) > 100
    for metric, (_, _, expected) in known.items():
        value = shown[metric]
        assert (value is None) == (expected is None), metric
        if expected is not None:
            assert float(value) == pytest.approx(expected, rel=1e-9), metric


def test_dashboard__every_chart__answers_over_the_api(world: Running) -> None:
    opened = session(world, "viewer")
    query = f"{world.url}/api/v1/chart/?q=(page_size:100,page:%s)"
    charts = [
        chart for page in (0, 1) for chart in opened.get(query % page, timeout=60).json()["result"]
    ]
    assert len(charts) == len(list((SERVE.parent / "assets" / "charts").glob("*.yaml")))
    for chart in charts:
        answer = opened.get(f"{world.url}/api/v1/chart/{chart['id']}/data/", timeout=60)
        assert answer.ok, (chart["slice_name"], answer.text)


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
