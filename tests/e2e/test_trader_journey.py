"""A stranger's way through the trader's page: from a wallet to paid and proved, on a real stack.

It comes after the tests that compare the default world's claims with its ground truth: it adds one
claim and lets hours pass.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.stacks import Stack
from tests.e2e.wallets import Wallet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SHOTS = os.environ.get("LEVERAGEGUARD_TEST_SHOTS")
# A visitor of this world is liquidated within 7 hours of its now.
HOURS = 8
PUBLISHED_SECONDS = 480  # publish_reports lets claims pass for five minutes at most
expect.set_options(timeout=30_000)
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


class Trader:
    """One visitor of the world in a browser of their own."""

    def __init__(self, stack: Stack, page: Page, visitor: dict[str, Any]) -> None:
        self.stack, self.page, self.visitor = stack, page, visitor
        status = stack.status()
        self.urls = status["urls"]
        self.wallet = Wallet(visitor["wallet_private_key"], f"http://127.0.0.1:{stack.port + 2}")
        self.wallet.install(page)
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._listen)

    def _listen(self, message: Any) -> None:
        # A refused request is the browser's to report and the page's to explain.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    @property
    def main(self) -> Any:
        """What the page shows, without what it only says aloud."""
        return self.page.get_by_role("main")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def shot(self, name: str) -> None:
        """The view at both widths, where the variable names a folder to look at them."""
        for size in (DESKTOP, PHONE):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            overflow = "document.documentElement.scrollWidth - window.innerWidth"
            assert self.page.evaluate(overflow) <= 0, f"{name} is wider than {size['width']}"
            if SHOTS:
                path = Path(SHOTS) / f"{name}-{size['width']}.png"
                self.page.screenshot(path=path, full_page=True)

    def usdc(self) -> int:
        """What the wallet holds on the chain, micro-USDC."""
        deployed = json.loads((self.stack.data / "deployments/31337.json").read_text())
        data = "0x70a08231" + self.wallet.address[2:].rjust(64, "0")
        return int(
            self.wallet.call("eth_call", {"to": deployed["token"], "data": data}, "latest"), 16
        )


@pytest.fixture(scope="module")
def trader(default_stack: Stack) -> Iterator[Trader]:
    listed = json.loads(default_stack.run("world", "--json").stdout)
    visitor = next(one for one in listed if one["exchange"] == "okx" and one["passphrase"])
    default_stack.run("world", "fund", visitor["wallet"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport=DESKTOP, locale="en-GB").new_page()  # type: ignore[arg-type]
        page.set_default_timeout(30_000)
        yield Trader(default_stack, page, visitor)
        browser.close()


def test_journey__declined_in_the_wallet__is_told_and_nobody_is_signed_in(trader: Trader) -> None:
    trader.wallet.declines = True
    trader.page.goto(trader.urls["trader"])
    expect(trader.page.get_by_text("SIMULATED")).to_be_visible()
    trader.shot("home")

    trader.press("Connect wallet and sign in")

    expect(trader.page.get_by_role("alert")).to_contain_text("You declined in the wallet")
    trader.wallet.declines = False


def test_journey__signed_in__binds_an_account_once_its_key_is_right(trader: Trader) -> None:
    page, visitor = trader.page, trader.visitor
    trader.press("Connect wallet and sign in")
    page.get_by_label("Exchange").select_option(visitor["exchange"])
    page.get_by_label("Account id (uid)").fill(visitor["uid"])
    page.get_by_label("API key (read-only)").fill(visitor["api_key"])
    page.get_by_label("API secret").fill("not the secret of this key")
    page.get_by_label("Passphrase").fill(visitor["passphrase"])
    trader.press("Sign and bind")
    expect(page.get_by_role("alert")).to_be_visible()
    trader.shot("bind-refused")

    page.get_by_label("API secret").fill(visitor["api_secret"])
    trader.press("Sign and bind")

    expect(page.get_by_role("heading", name="What to insure")).to_be_visible()
    assert visitor["api_secret"] not in page.content()


def test_journey__quoted__sees_parts_that_add_up_to_the_premium(trader: Trader) -> None:
    page, visitor = trader.page, trader.visitor
    page.get_by_label("Instrument").select_option(visitor["inst_id"])
    page.get_by_label("Leverage, at most").fill(str(visitor["leverage"]))
    page.get_by_label("Insured margin").fill("100")
    page.get_by_text("8 h", exact=True).click()
    trader.shot("quote-form")

    trader.press("Get a binding price")

    price = page.locator("section").filter(has=page.get_by_role("heading", name="Your price"))
    named = ("Expected payout", "Risk load", "Costs", "Premium")
    parts = {name: _amount(price, name) for name in named}
    assert parts["Premium"] > 0
    assert sum(parts[name] for name in named[:3]) == parts["Premium"]
    expect(price).to_contain_text("Never covered")
    expect(price).to_contain_text("This price holds for another")
    trader.shot("quote")


def test_journey__bought__pays_exactly_the_premium_by_two_transactions(trader: Trader) -> None:
    page = trader.page
    before = trader.usdc()
    premium = _amount(page.locator("section").filter(has_text="Your price"), "Premium")
    trader.wallet.asked.clear()

    page.get_by_role("button", name=re.compile("^Buy for")).click()

    expect(trader.main.get_by_text("Bought.")).to_be_visible(timeout=60_000)
    assert before - trader.usdc() == premium
    assert trader.wallet.asked.count("eth_sendTransaction") == 2
    trader.shot("bought")
    page.get_by_role("link", name="See my policies").click()
    expect(page.get_by_role("link", name="File a claim")).to_be_visible()
    trader.shot("policies")


def test_journey__liquidated__claims_and_is_paid_to_the_micro_usdc(trader: Trader) -> None:
    page, visitor = trader.page, trader.visitor
    trader.stack.run("world", "advance", "--hours", str(HOURS))
    before = trader.usdc()
    # Hours of the world are seconds of the wallet: the session is still young.
    page.get_by_role("link", name="File a claim").click()
    page.get_by_label("Order id of the liquidation").fill(visitor["order_id"])
    trader.shot("file")

    trader.press("Sign and file")

    expect(page.get_by_role("heading", name="Progress")).to_be_visible()
    trader.shot("claim-received")
    expect(trader.main.get_by_text("paid to your wallet")).to_be_visible(timeout=300_000)
    expect(page.locator(".stages .done")).to_have_count(6)
    outcome = page.locator("section").filter(has=page.get_by_role("heading", name="Outcome"))
    paid = _amount(outcome, "Exactly")
    assert trader.usdc() - before == paid > 0
    claim = _claim_of(trader)
    assert (claim["verdict"], claim["paid_micro_usdc"]) == ("verified", paid)
    assert outcome.get_by_role("button").get_attribute("title") == claim["transaction"]


def test_journey__paid__proof_holds_and_evidence_comes_as_a_file(trader: Trader) -> None:
    page = trader.page

    trader.press("Check the proof")

    expect(trader.main.get_by_text("The proof holds")).to_be_visible(timeout=90_000)
    trader.shot("claim-paid")
    with page.expect_download() as started:
        trader.press("Download evidence")
    assert Path(started.value.path()).read_bytes()[:2] == b"PK"
    page.get_by_role("link", name="Claims", exact=True).click()
    expect(trader.main.get_by_text("Paid", exact=True)).to_be_visible()
    trader.shot("claims")


def test_journey__in_chinese__shows_the_same_figures(trader: Trader) -> None:
    page = trader.page
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("理赔")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    trader.shot("claims-zh")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Claims")


def test_journey__signed_out__leaves_nothing_of_the_session(trader: Trader) -> None:
    trader.press("Sign out")

    expect(trader.page.get_by_role("button", name="Connect wallet and sign in")).to_be_visible()
    assert trader.page.evaluate("sessionStorage.length") == 0
    assert trader.faults == []


def test_transparency__to_anybody__shows_the_pools_figures_and_proves_a_payout(
    trader: Trader,
) -> None:
    page, status = trader.page, trader.stack.status()
    page.goto(trader.urls["transparency"])

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    main = trader.main
    paid = status["pool"]["paid_micro_usdc"]
    expect(main).to_contain_text(f"{paid // 1_000_000:,} USDC")
    expect(main).to_contain_text(f"of {len(status['claims'])} claims")
    for batch in status["batches"]:
        expect(page.get_by_title(batch["tx_hash"])).to_be_visible()
    trader.shot("transparency")
    page.get_by_text(re.compile("^Payouts and their proofs")).first.click()
    page.get_by_role("button", name="Check the proof").first.click()
    expect(trader.main.get_by_text("The proof holds")).to_be_visible(timeout=90_000)
    assert trader.faults == []


def _claim_of(trader: Trader) -> dict[str, Any]:
    """The claim on the visitor's order once its payment is published: the page reads the store and
    is ahead of the snapshot."""
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while True:
        found = trader.stack.status()["claims"]
        [claim] = [one for one in found if one["order_id"] == trader.visitor["order_id"]]
        if claim["paid_micro_usdc"]:
            assert claim["wallet"] == trader.wallet.address
            return dict(claim)
        assert time.monotonic() < deadline, "the payment was not published"
        time.sleep(3)


def _amount(place: Any, name: str) -> int:
    """The micro-USDC beside a name in a list of figures."""
    row = place.locator("dl > div").filter(has_text=re.compile(f"^{name}"))
    text = row.locator("dd").inner_text()
    found = re.fullmatch(r"([\d,]+)\.(\d{2,6}) USDC", text)
    assert found is not None, (name, text)
    return int(found[1].replace(",", "")) * 1_000_000 + int(found[2].ljust(6, "0"))
