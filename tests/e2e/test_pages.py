"""What the operator sees after `up`: each printed page in a real browser, with its figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.e2e.stacks import REPO, Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HASH = re.compile(r"0x[0-9a-f…]+", re.IGNORECASE)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_context(
            viewport={"width": 1500, "height": 1800}, bypass_csp=True
        ).new_page()
        opened.set_default_timeout(90_000)
        yield opened
        browser.close()


def log_in_to_airflow(page: Page, stack: Stack) -> None:
    passwords = json.loads((stack.data / "secrets" / "airflow_passwords.json").read_text())
    page.goto(stack.status()["urls"]["airflow"])
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", passwords["admin"])
    page.click("button[type=submit]")
    page.wait_for_selector("text=Dags")


def test_superset__dashboard__shows_the_figures_of_the_run(default_stack, page):
    status = default_stack.status()
    page.goto(status["urls"]["superset"])
    page.fill("input#username", "admin")
    password = (default_stack.data / "secrets" / "superset_admin_password").read_text().strip()
    page.fill("input#password", password)
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_function("document.querySelectorAll('canvas').length >= 4")
    paid = f"{status['batches'][0]['total_micro_usdc'] / 1_000_000:,.2f}"
    page.wait_for_function(
        f"document.body.innerText.includes('{status['batches'][0]['tx_hash'][:8]}')"
    )

    text = page.inner_text("body")

    assert "imulated world" in text
    assert paid in text
    assert "Unexpected error" not in text


def test_airflow__pages_behind_its_login__show_docs_and_quality(default_stack, page):
    urls = default_stack.status()["urls"]
    log_in_to_airflow(page, default_stack)

    page.goto(urls["dbt_docs"])
    page.wait_for_function("document.body.innerText.includes('leverageguard')")
    page.goto(urls["data_quality"])
    page.wait_for_function("document.body.innerText.includes('Data quality at the boundaries')")


def test_airflow__not_logged_in__shows_no_page(default_stack):
    import requests

    for name in ("dbt_docs", "data_quality"):
        assert requests.get(default_stack.status()["urls"][name], timeout=30).status_code == 401


def test_readme__sample_output__is_what_is_printed(default_stack):
    """Times, addresses, folders and gas differ from run to run; the rest is the seed's."""
    sample = re.search(r"```text\n(.*?)\n```", (REPO / "README.md").read_text(), re.DOTALL)
    assert sample is not None
    printed = {_comparable(line) for line in default_stack.printed.splitlines()}
    table = [line for line in sample[1].splitlines() if line and "…" not in _comparable(line)]

    missing = [line for line in table if _comparable(line) not in printed]

    assert len(table) > 30
    assert [line for line in missing if not line.startswith("[")] == []
    assert [line for line in missing if "installing" not in line] == []


def _comparable(line: str) -> str:
    line = re.sub(r"^\[ *[\d.]+ s\]", "[]", line)
    line = re.sub(r"gas used +[\d,]+", "gas used", line)
    line = re.sub(r":\d{5}", ":port", line)
    line = re.sub(r"\S+/secrets/", "secrets/", line)
    return HASH.sub("0x", line).rstrip()


def test_readme__every_path_it_names__exists():
    readme = (REPO / "README.md").read_text()
    named = set(
        re.findall(r"`((?:dags|include|dbt_project|tests|plugins|expectations)/[\w/.]*)`", readme)
    )

    assert len(named) > 10
    assert [path for path in sorted(named) if not Path(REPO / path).exists()] == []
