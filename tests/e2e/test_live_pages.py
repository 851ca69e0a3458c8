"""Overview and transparency in a real browser: what is published shows without a reload."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import pytest
import uvicorn
from playwright.sync_api import Page, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount

from leverageguard import clock, config
from leverageguard.gateway.app import PREFIX
from leverageguard.warehouse import snapshot
from tests import gateway_world
from tests.unit.gateway.resources.test_transparency import MARTS, NOW

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Both pages ask within 15 s.
PATIENCE_MS = 30_000


@dataclass
class Live:
    """A gateway of the test's own, a page on it, and how it was answered."""

    settings: config.Settings
    url: str
    page: Page
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def see(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)


@pytest.fixture
def live() -> Iterator[Live]:
    settings = config.load()
    clock.set_world(NOW)
    app = Starlette(routes=[Mount(PREFIX, gateway_world.app(settings))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            found = Live(settings, f"http://127.0.0.1:{port}{PREFIX}", page)
            page.on("response", lambda got: found.answers.update([(got.url, got.status)]))
            yield found
            browser.close()
    finally:
        server.should_exit = True
        thread.join()


def publish(live: Live, more: str = "") -> str:
    live.settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    live.settings.warehouse_path.unlink(missing_ok=True)
    with duckdb.connect(str(live.settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(MARTS + more)
    return snapshot.publish(live.settings)


def test_overview__published_meanwhile__shows_it_without_a_reload(live: Live) -> None:
    live.page.goto(f"{live.url}/")
    live.see("nothing is published yet")
    live.page.evaluate("window.wasHere = true")

    version = publish(live)

    live.see(version)
    live.see("How far each source was read")
    live.see("2 h behind")
    assert live.page.evaluate("window.wasHere") is True
    live.page.screenshot(path=live.settings.data_dir / "overview.png", full_page=True)
    live.page.set_viewport_size({"width": 390, "height": 844})
    live.page.screenshot(path=live.settings.data_dir / "overview_phone.png", full_page=True)
    assert live.page.evaluate("document.documentElement.scrollWidth") <= 390
    asked = f"{live.url}/api/v1/overview"
    live.page.wait_for_event(
        "response",
        lambda got: (got.url, got.status) == (asked, 304),
        timeout=PATIENCE_MS,
    )


def test_transparency__published_meanwhile__shows_it_and_keeps_what_was_opened(live: Live) -> None:
    publish(live)
    live.page.goto(f"{live.url}/transparency/")
    live.see("Batch 3")
    live.see("Figures as published 6 Jan 2026")
    live.page.locator("summary", has_text="Payouts and their proofs").first.click()
    assert "1,927" not in live.page.inner_text("#main")

    publish(
        live,
        "insert into fct_pool_movements values "
        "('deposit', timestamptz '2026-01-06 01:40:00+00', 1000000000);",
    )

    live.see("1,927")
    assert live.page.locator("#main details[open]").count() == 1


def test_transparency__address_of_a_batch__shows_that_batch(live: Live) -> None:
    publish(live)
    live.page.set_viewport_size({"width": 1440, "height": 500})
    live.page.goto(f"{live.url}/transparency/#batch-31337-2")
    live.see("Batch 2")

    live.page.wait_for_function(
        "(() => { const at = document.getElementById('batch-31337-2').getBoundingClientRect();"
        " return window.scrollY > 0 && at.top >= 0 && at.top < innerHeight; })()",
        timeout=PATIENCE_MS,
    )
