"""A filed claim taken up: its account and its neighbours pulled, beside what was landed before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.exchanges import market_steps, steps
from leverageguard.filings import taking_up, waiting
from leverageguard.store.base import session
from leverageguard.store.intake_tables import FiledClaim, Quote
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.warehouse import landing
from tests.integration.exchange_world import (
    HOUR_MS,
    INSTRUMENT,
    QUICK,
    START_MS,
    World,
    enrol,
)
from tests.simulators import RunningSimulator, start_simulator

__all__ = ["start_simulator"]
pytestmark = pytest.mark.slow
FILED_MS = START_MS + 5 * HOUR_MS
WALLET = "0x" + "11" * 20


@pytest.fixture
def world() -> World:
    made = World(hours=6)
    made.trade("filer", START_MS + 2 * HOUR_MS + 1, 1)
    made.trade("hedger", START_MS + 2 * HOUR_MS + 2, 2)
    made.trade("hedger", START_MS + 4 * HOUR_MS, 3)
    made.trade("stranger", START_MS + 2 * HOUR_MS + 3, 4)
    return made


@pytest.fixture
def settings(
    world: World, tmp_path: Path, start_simulator: Callable[[Path], RunningSimulator],
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:  # fmt: skip
    simulator = start_simulator(world.write(tmp_path / "world"))
    monkeypatch.setenv("LEVERAGEGUARD_OKX_URL", simulator.url)
    monkeypatch.setattr(steps, "POLICY", QUICK)
    monkeypatch.setattr(market_steps, "POLICY", QUICK)
    monkeypatch.setattr(market_steps, "reference", lambda _exchange: [])
    monkeypatch.setattr(taking_up, "_land_purchases", lambda *_: None)
    monkeypatch.setattr(waiting, "_published", lambda _settings: {})
    made = enrol(world)
    insure(made, "filer", START_MS + HOUR_MS)
    insure(made, "hedger", START_MS + HOUR_MS)
    file(made, "filer", world.accounts["filer"]["orders"][0]["ordId"])
    return made


def insure(settings: Settings, account: str, from_ms: int) -> None:
    with session(settings) as opened:
        opened.add(
            Quote(
                quote_id=policy(account), reference=account, wallet=WALLET, account_id=account,
                product_version="seed-v1", terms_hash="0x", inst_id=INSTRUMENT, leverage=40,
                principal_micro_usdc=1, premium_micro_usdc=1, payout_rate_ppm=1,
                max_payout_micro_usdc=1, cover_seconds=3 * 3600, wait_seconds=0,
                filing_grace_seconds=86_400, created_at_ms=from_ms, base_asset="BTC",
            )
        )  # fmt: skip
        opened.flush()
        opened.add(
            PolicyTxn(
                policy_id=policy(account), txn_no=1, to_state="PAID", at_ms=from_ms,
                recorded_at_ms=from_ms, actor="a", rule_id="r", inputs_hash="0x", detail="{}",
            )
        )  # fmt: skip


def file(settings: Settings, account: str, order_id: str) -> None:
    with session(settings) as opened:
        opened.add(
            FiledClaim(
                filing_id=f"fil_{account}", reference=account, policy_id=policy(account),
                claimed_by=WALLET, inst_id=INSTRUMENT, order_id=order_id, signature="0x",
                filed_at_ms=FILED_MS, created_at_ms=FILED_MS,
            )
        )  # fmt: skip


def policy(account: str) -> str:
    return "0x" + account.encode().hex().ljust(64, "0")


def fills(settings: Settings) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in landing.scan(settings, "exchanges/fills"):
        found[row["account_id"]] = found.get(row["account_id"], 0) + 1
    return found


def windows(settings: Settings, account: str) -> set[int]:
    """Hours since the world's start of which every listing of the account is complete."""
    rows = [
        row
        for row in landing.scan(settings, "exchanges/fetch_windows")
        if row["account_id"] == account
    ]
    open_ = {row["window_from_ms"] for row in rows if not row["is_complete"]}
    return {(row["window_from_ms"] - START_MS) // HOUR_MS for row in rows} - {
        (hour - START_MS) // HOUR_MS for hour in open_
    }


def test_take_up__account_in_its_cover__neighbour_around_the_fill__stranger_not(
    settings: Settings,
) -> None:
    counts = taking_up.take_up()

    assert (counts["filings"], counts["gaps"]) == (1, 0)
    assert windows(settings, "filer") == {0, 1, 2, 3, 4}
    assert windows(settings, "hedger") == {1, 2}
    assert fills(settings) == {"filer": 1, "hedger": 1}
    prices = landing.scan(settings, "exchanges/fetch_windows", where={"account_id": [INSTRUMENT]})
    assert {(row["window_from_ms"] - START_MS) // HOUR_MS for row in prices} == {1, 2, 3}
    assert [row["filing_id"] for row in landing.scan(settings, "intake/claims")] == ["fil_filer"]


def test_take_up__what_others_landed_under_the_groups_names__stays(settings: Settings) -> None:
    [part] = steps.plan("2026-01-05T02:00:00Z", "2026-01-05T03:00:00Z")
    steps.fetch(part)
    before = fills(settings)
    replies = len(landing.scan(settings, "exchanges/replies"))

    taking_up.take_up()

    assert before == fills(settings) == {"filer": 1, "hedger": 1, "stranger": 1}
    assert len(landing.scan(settings, "exchanges/replies")) > replies
    assert windows(settings, "stranger") == {2}


def test_take_up__again__asks_for_no_complete_hour(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking_up.take_up()
    asked: list[Any] = []
    monkeypatch.setattr(steps, "_pull", lambda *task: asked.append(task))
    monkeypatch.setattr(market_steps, "fetch", lambda part: asked.append(part))

    taking_up.take_up()

    assert asked == []


def test_take_up__killed_while_it_pulls__no_build_sees_the_filing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(market_steps, "price", killed)
    with pytest.raises(KeyboardInterrupt):
        taking_up.take_up()
    assert landing.scan(settings, "intake/claims") == []
    assert [filed.filing_id for filed in waiting.filings(settings)] == ["fil_filer"]


def test_take_up__order_that_nobody_knows__is_looked_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(settings, "hedger", "999")
    monkeypatch.setattr(clock, "sleep", lambda _seconds: None)
    taking_up.take_up()
    # Once everything else is landed too.
    taking_up.take_up()

    rows = landing.scan(settings, "exchanges/order_lookups")
    assert {(row["order_id"], row["outcome"]) for row in rows} == {("999", "not_found")}
    assert len(rows) > 3


@pytest.mark.parametrize(
    ("verdicts", "passed_ms", "waits"),
    [
        (None, 0, False),  # nothing was ever published: the first main job pulls everything
        ({}, 0, True),
        ({"fil_filer": "verified"}, 0, False),
        ({"fil_filer": "rejected"}, 0, False),
        ({"fil_filer": "undetermined"}, 0, True),
        ({"fil_filer": "undetermined"}, 2 * HOUR_MS, False),
    ],
)
def test_filings__published_or_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, verdicts: dict[str, str] | None,
    passed_ms: int, waits: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(waiting, "_published", lambda _settings: verdicts)
    clock.set_world(FILED_MS + 60_000 + passed_ms)

    assert bool(waiting.filings(settings)) is waits


@pytest.mark.parametrize(("after_ms", "is_quiet"), [(0, False), (59_999, False), (60_000, True)])
def test_is_quiet__a_minute_after_the_last_filing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, after_ms: int, is_quiet: bool
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: FILED_MS + after_ms)

    assert waiting.is_quiet() is is_quiet
