"""Figures against thresholds: what opens, what holds while it is open, what ends it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from leverageguard.fund import figures, holding_back, watching
from leverageguard.fund.figures import Figure, PoolMoney
from leverageguard.fund.valuing import Valuation
from leverageguard.notifications import alerts
from leverageguard.settlement import incidents, thresholds
from leverageguard.store import base
from leverageguard.store.fund_tables import FundAlert
from leverageguard.store.intake_tables import Quote
from leverageguard.underwriting import capacity
from leverageguard.underwriting.capacity import Exposure
from leverageguard.underwriting.refusals import QuoteRefused
from tests.policy_world import CHAIN, HOUR, START, USDC, PolicyWorld

ONE = PoolMoney(CHAIN, 1_000 * USDC, 0)


@pytest.fixture
def world(settings) -> PolicyWorld:
    return PolicyWorld(settings)


def rows(world: PolicyWorld) -> dict[str, FundAlert]:
    with base.session(world.settings) as session:
        return {row.threshold_id: row for row in session.scalars(select(FundAlert))}


def refused(world: PolicyWorld, leverage: int, chain_id: int = CHAIN) -> str:
    wanted = Exposure("BTC", "long", leverage, USDC)
    with base.session(world.settings) as session:
        try:
            capacity.check_halts(session, wanted, chain_id)
        except QuoteRefused as refusal:
            return refusal.code
    return ""


def figure(name: str, value: int, count: int = 100, chain_id: int | None = None) -> Figure:
    return Figure(name, chain_id, value, count, "as measured")


def test_hold__figure_at_its_threshold__crosses_nothing(world):
    found = [
        figure("free_micro_usdc", 100 * USDC, chain_id=CHAIN),
        figure("cash_over_reserve_micro_usdc", 0, chain_id=CHAIN),
        figure("liquidation_rate_ppm", 300_000),
        figure("unreconciled_payouts", 0),
    ]
    assert watching.hold(world.settings, found) == {"opened": 0, "closed": 0, "open": 0}
    assert refused(world, 40) == ""


def test_hold__pool_under_its_minimum__stops_sales_on_that_chain_until_it_is_not(world):
    low = figure("free_micro_usdc", 100 * USDC - 1, chain_id=CHAIN)
    assert watching.hold(world.settings, [low])["opened"] == 1
    assert watching.hold(world.settings, [low]) == {"opened": 0, "closed": 0, "open": 1}
    assert refused(world, 20) == "FUND_HALTED"
    assert refused(world, 20, chain_id=1) == ""
    enough = replace(low, figure=100 * USDC)
    assert watching.hold(world.settings, [enough]) == {"opened": 0, "closed": 1, "open": 0}
    assert refused(world, 20) == ""


def test_hold__many_liquidations__pause_high_leverage_everywhere(world):
    watching.hold(world.settings, [figure("liquidation_rate_ppm", 300_001, count=10)])
    assert [refused(world, lev, chain_id=7) for lev in (29, 30, 40)] == [
        "", "FUND_HALTED", "FUND_HALTED",
    ]  # fmt: skip


def test_hold__rate_over_too_few_policies__says_nothing(world):
    watching.hold(world.settings, [figure("liquidation_rate_ppm", 1_000_000, count=9)])
    assert rows(world) == {}


def test_hold__figure_that_could_not_be_taken__leaves_the_alert_open(world):
    watching.hold(world.settings, [figure("solvency_ratio_ppm", 900_000)])
    assert watching.hold(world.settings, []) == {"opened": 0, "closed": 0, "open": 2}
    assert refused(world, 20) == "FUND_HALTED"
    watching.hold(world.settings, [figure("solvency_ratio_ppm", 1_200_000)])
    assert refused(world, 20) == ""
    assert rows(world)["solvency_target"].closed_at_ms is None


def test_hold__what_only_tells__halts_nothing(world):
    watching.hold(world.settings, [figure("loss_ratio_ppm", 2_000_000)])
    assert rows(world)["loss_ratio"].severity == "warning"
    assert refused(world, 40) == ""


def test_tell__webhook_that_fails__is_tried_again_and_told_once(world, monkeypatch):
    told = []
    answers = iter([False, True])
    monkeypatch.setattr(
        alerts, "tell_of_fund", lambda _settings, alert: told.append(alert) or next(answers)
    )
    watching.hold(world.settings, [figure("unreconciled_payouts", 1)])
    assert [watching.tell(world.settings) for _ in range(3)] == [0, 1, 0]
    assert [alert.threshold_id for alert in told] == ["unreconciled_payouts"] * 2


def test_pool__less_than_it_should_hold_back__is_under_its_reserve():
    found = {one.name: one.figure for one in figures.of_pool(PoolMoney(CHAIN, 5, 7))}
    assert found == {"free_micro_usdc": 0, "cash_over_reserve_micro_usdc": -2}


def of_fund(world: PolicyWorld) -> dict[str, Figure]:
    return {one.name: one for one in figures.of_fund(world.settings, [ONE])}


def test_fund__policies_with_claims__are_the_liquidation_rate_of_a_day(world):
    quotes = [world.quote(f"P-{number}") for number in range(4)]
    for quote in quotes:
        world.buy(quote)
    world.at(2)
    world.read_and_advance()
    world.claim(quotes[0], "NOTIFIED", hours=1.5, claim="clm_a")
    world.claim(quotes[1], "NOTIFIED", "NOT_ELIGIBLE", hours=1.5, claim="clm_b")
    rate = of_fund(world)["liquidation_rate_ppm"]
    assert (rate.figure, rate.count) == (250_000, 4)
    with base.session(world.settings) as session:
        session.execute(
            update(Quote).values(base_asset="BTC", side="long", expires_at_ms=START + HOUR)
        )
    exposure = of_fund(world)["open_share_of_free_ppm"]
    assert (exposure.figure, exposure.count) == (40_000, 1)
    world.at(26)
    assert "liquidation_rate_ppm" not in of_fund(world)


def test_fund__open_incident_of_the_books__is_unreconciled(world):
    assert of_fund(world)["unreconciled_payouts"].figure == 0
    incidents.open_incident(world.settings, "books_differ", "batch 1: amount", "1 x")
    incidents.open_incident(world.settings, "final_batch_lost", "batch 1", "gone")
    assert of_fund(world)["unreconciled_payouts"].figure == 1


def valuation(**other) -> Valuation:
    owed = {"referral_owed_micro_usdc": 7, "unanswered_payments_micro_usdc": 8}
    given = {
        "block_number": 9, "earned_micro_usdc": 10, "case_reserve_micro_usdc": 2,
        "payable_micro_usdc": 3, "ibnr_cl_micro_usdc": 4, "own_funds_micro_usdc": 100 * USDC,
        "scr_1d_micro_usdc": 60 * USDC, "solvency_ratio_ppm": 1_666_666,
        "unearned_micro_usdc": 5, "unearned_hazard_micro_usdc": 6, "details": json.dumps(owed),
    }  # fmt: skip
    zero = {each.name: 0 for each in fields(Valuation)}
    return Valuation(**zero | given | other)


def test_fund__valued__has_loss_and_solvency_ratio(world, monkeypatch):
    quote = world.quote()
    world.pay(quote, 1, 0)
    monkeypatch.setattr(figures.valuing, "newest", lambda _settings: valuation())
    found = of_fund(world)
    assert found["loss_ratio_ppm"].figure == 1_000_000
    assert found["solvency_ratio_ppm"].figure == 1_666_666
    unread = valuation(block_number=0)
    monkeypatch.setattr(figures.valuing, "newest", lambda _settings: unread)
    assert "solvency_ratio_ppm" not in of_fund(world)


@pytest.mark.parametrize(("wanted", "code"), [(40 * USDC, ""), (40 * USDC + 1, "CAPACITY")])
def test_capacity__own_funds__bear_the_capital_and_what_was_quoted_since(
    world, monkeypatch, wanted, code
):
    monkeypatch.setattr(capacity.valuing, "newest", lambda _settings: valuation(valued_at_ms=0))
    with base.session(world.settings) as session:
        exposure = Exposure("BTC", "long", 20, wanted)
        if not code:
            capacity.check_solvency(world.settings, session, exposure, 0)
            return
        with pytest.raises(QuoteRefused, match=code):
            capacity.check_solvency(world.settings, session, exposure, 0)


def test_held_back__valuation__is_all_that_is_owed_but_approved_claims():
    assert holding_back.owed_micro_usdc(valuation()) == 6 + 2 + 4 + 7 + 8


@pytest.mark.parametrize(
    ("sums", "parts"),
    [({1: 0, 2: 0}, {1: 10, 2: 0}), ({1: 1, 2: 2}, {1: 4, 2: 7}), ({1: 0, 2: 5}, {1: 0, 2: 10})],
)
def test_held_back__several_chains__share_it_and_none_is_lost(sums, parts):
    assert holding_back.by_chain(10, sums) == parts


def test_thresholds__a_row_that_cannot_be_read__is_named(settings, tmp_path, monkeypatch):
    (tmp_path / "seeds").mkdir()
    header = (settings.dbt_dir / "seeds" / f"{thresholds.SEED}.csv").read_text().splitlines()[0]
    for row in ("a,b,below,1,0,,pause_leverage,warning", "a,b,under,1,0,,tell,warning"):
        (tmp_path / "seeds" / f"{thresholds.SEED}.csv").write_text(f"{header}\n{row}\n")
        with pytest.raises(thresholds.ConfigError, match="unusable row"):
            thresholds.load(SimpleNamespace(dbt_dir=tmp_path))
    (tmp_path / "seeds" / f"{thresholds.SEED}.csv").write_text(f"{header}\n")
    with pytest.raises(thresholds.ConfigError, match="minimum_solvency"):
        thresholds.minimum_micro_usdc(SimpleNamespace(dbt_dir=tmp_path))
