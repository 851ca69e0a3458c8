"""The fraud world: every check has its fraud, and the records really are what the plot says."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from leverageguard.simulator import scenario, world
from leverageguard.simulator.seeded import frauds
from leverageguard.simulator.seeded.frauds import FRAUDS
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.people import Trader
from leverageguard.simulator.seeded.records import OrderRecord
from leverageguard.simulator.seeded.stage import Stage
from leverageguard.simulator.seeded.truth import Truth
from leverageguard.simulator.venues import twins

CHECKS = {
    "EVIDENCE_COMPLETE", "KEY_READ_ONLY", "LIVE_ENV", "ROOT_UNIQUE", "ACCOUNT_BOUND",
    "ORDER_EXISTS", "FORCED_KIND", "SOURCES_AGREE", "IN_COVER", "TERMS", "PRICE_TOUCHED",
    "LOSS_CONSISTENT", "NOT_INDUCED", "NOT_HEDGED", "THIN_MARKET", "VELOCITY", "EDGE_ADD",
    "STOP_MOVED", "ONCE",
}  # fmt: skip


@pytest.fixture(scope="module")
def stage() -> Stage:
    made = Stage(7, world.START_MS, 24, twins())
    frauds.play(made, list(range(frauds.COUNT)))
    return made


def of_plot(stage: Stage, plot: Any) -> list[Truth]:
    found = [truth for truth in stage.truths if truth.plot == plot.__name__]
    assert found
    return found


def closing(stage: Stage, truth: Truth) -> tuple[Trader, OrderRecord]:
    """Who lost and the order that did it."""
    policy = next(each for each in stage.policies if each.policy == truth.policy)
    orders = policy.trader.book.records.orders
    return policy.trader, next(order for order in orders if order.order_id == truth.order_id)


def opening(trader: Trader, closed: OrderRecord) -> OrderRecord:
    orders = [o for o in trader.book.records.orders if o.is_opening]
    return next(o for o in orders if o.filled_ms < closed.filled_ms and o.symbol == closed.symbol)


def minute_of(stage: Stage, at_ms: int) -> int:
    return (at_ms - stage.start_ms) // MINUTE_MS


def test_table__every_check__has_a_fraud() -> None:
    assert {fraud.check for fraud in FRAUDS if not fraud.is_innocent} == CHECKS


@pytest.mark.parametrize(
    "check",
    ["THIN_MARKET", "PRICE_TOUCHED", "ROOT_UNIQUE", "FORCED_KIND", "LOSS_CONSISTENT",
     "NOT_INDUCED", "NOT_HEDGED", "VELOCITY", "EDGE_ADD", "STOP_MOVED"],
)  # fmt: skip
def test_table__checks_that_could_hit_the_honest__have_an_innocent(check: str) -> None:
    assert any(fraud.is_innocent for fraud in FRAUDS if fraud.check == check)


@pytest.mark.parametrize("fraud", FRAUDS, ids=lambda fraud: fraud.plot.__name__)
def test_truth__each_plot__says_its_check_or_nothing(stage: Stage, fraud: frauds.Fraud) -> None:
    truths = of_plot(stage, fraud.plot)
    caught = {code for truth in truths for code in (*truth.reasons, *truth.holds)}
    if fraud.is_innocent:
        assert caught == set()
        assert {truth.verdict for truth in truths} == {"verified"}
    else:
        assert caught == {fraud.check}


def test_write__fraud_world__loads_and_names_its_plots(tmp_path: Path) -> None:
    world.write_fraud(tmp_path)
    made = scenario.load(tmp_path)
    rows = json.loads((tmp_path / "ground_truth.json").read_text())
    assert {row["plot"] for row in rows} == {fraud.plot.__name__ for fraud in FRAUDS}
    assert all(row["payout_micro_usdc"] == 0 for row in rows if row["holds"] or row["reasons"])
    assert {account.key_state for account in made.accounts} == {"active", "revoked", "demo"}
    assert any(account.perm == "read_only,trade" for account in made.accounts)


@pytest.mark.parametrize(("plot", "is_induced"), [
    (frauds.meddling.margin_withdrawn, True),
    (frauds.meddling.margin_withdrawn_in_vain, False),
])  # fmt: skip
def test_withdrawn__price_with_the_margin_back__decides(
    stage: Stage, plot: Any, is_induced: bool
) -> None:
    for truth in of_plot(stage, plot):
        trader, closed = closing(stage, truth)
        moves = trader.book.records.margin_moves
        assert [move.amount > 0 for move in moves] == [True, False]
        before_ms = closed.filled_ms - moves[-1].at_ms
        assert 18 * MINUTE_MS < before_ms < 22 * MINUTE_MS
        first = opening(trader, closed)
        coins = first.contracts * first.symbol.contract_value
        sign = 1 if first.is_long else -1
        restored = closed.trigger - sign * moves[0].amount / coins * Decimal("0.99")
        path = stage.paths[trader.venue][first.symbol.inst_id]
        end = minute_of(stage, closed.filled_ms)
        span = range(minute_of(stage, first.filled_ms), min(end + 60, len(path.lows)))
        if first.is_long:
            reached = min(path.symbol.price(path.lows[n]) for n in span) <= restored
        else:
            reached = max(path.symbol.price(path.highs[n]) for n in span) >= restored
        assert reached is not is_induced


@pytest.mark.parametrize(("plot", "low", "high"), [
    (frauds.meddling.thin_minute, "0.05", "0.2"),
    (frauds.meddling.thick_enough, "0.01", "0.05"),
])  # fmt: skip
def test_thin__share_of_the_minutes_volume__is_as_said(
    stage: Stage, plot: Any, low: str, high: str
) -> None:
    for truth in of_plot(stage, plot):
        trader, closed = closing(stage, truth)
        path = stage.paths[trader.venue][closed.symbol.inst_id]
        volume = path.volumes[minute_of(stage, closed.filled_ms)]
        value = closed.average_price * closed.contracts * closed.symbol.contract_value
        assert Decimal(low) < value / volume < Decimal(high)


def test_thin__everybody_elses_minutes__are_far_from_thin(stage: Stage) -> None:
    for truth in stage.truths:
        if truth.plot in ("thin_minute", "thick_enough", "foreign_order"):
            continue
        trader, closed = closing(stage, truth)
        path = stage.paths[trader.venue][closed.symbol.inst_id]
        value = closed.average_price * closed.contracts * closed.symbol.contract_value
        minute = minute_of(stage, closed.filled_ms)
        assert all(value * 20 < path.volumes[n] for n in range(minute - 2, minute + 3))


def test_lone_wick__own_candle_touched__others_stay_over_three_percent_away(stage: Stage) -> None:
    for truth in of_plot(stage, frauds.lone_wick):
        trader, closed = closing(stage, truth)
        minute, coin = minute_of(stage, closed.filled_ms), closed.symbol.coin
        for venue, of_venue in stage.paths.items():
            path = next(path for path in of_venue.values() if path.symbol.coin == coin)
            around = range(minute - 2, minute + 3)
            low = min(path.symbol.price(path.lows[n]) for n in around)
            high = max(path.symbol.price(path.highs[n]) for n in around)
            if venue == trader.venue:
                assert low <= closed.trigger <= high
            else:
                assert low > closed.trigger * Decimal("1.03") or (
                    high < closed.trigger * Decimal("0.97")
                )


def test_untouched__no_candle_around__comes_near_the_trigger(stage: Stage) -> None:
    for truth in of_plot(stage, frauds.untouched):
        trader, closed = closing(stage, truth)
        path = stage.paths[trader.venue][closed.symbol.inst_id]
        minute = minute_of(stage, closed.filled_ms)
        for n in range(minute - 3, minute + 4):
            low, high = path.symbol.price(path.lows[n]), path.symbol.price(path.highs[n])
            assert not low * Decimal("0.99") <= closed.trigger <= high * Decimal("1.01")


@pytest.mark.parametrize(("plot", "is_profitable"), [
    (frauds.hedged_by_itself, True),
    (frauds.hedged_by_a_mirror, True),
    (frauds.hedged_by_a_stranger, True),
    (frauds.lookalike, False),
])  # fmt: skip
def test_hedged__the_twin_on_another_venue__gains_as_said(
    stage: Stage, plot: Any, is_profitable: bool
) -> None:
    for truth in of_plot(stage, plot):
        loser, closed = closing(stage, truth)
        winner = stage.traders[loser.number + 1]
        one = opening(loser, closed)
        other, left = winner.book.records.orders[:2]
        assert (winner.venue != loser.venue) or len(stage.twins) == 1
        assert (winner.wallet == loser.wallet) == (plot is frauds.hedged_by_itself)
        assert one.is_long != other.is_long
        apart_ms, ratio = abs(one.filled_ms - other.filled_ms), notional(one) / notional(other)
        assert apart_ms < 6 * MINUTE_MS
        assert Decimal("0.85") < ratio < Decimal("1.18")
        is_mirror = apart_ms <= MINUTE_MS and Decimal("0.98") < ratio < Decimal("1.02")
        assert is_mirror == (plot in (frauds.hedged_by_itself, frauds.hedged_by_a_mirror))
        share = left.pnl / -closed.pnl
        assert share > Decimal("0.75") if is_profitable else share < Decimal("0.4")


def notional(order: OrderRecord) -> Decimal:
    return order.average_price * order.contracts * order.symbol.contract_value


def test_velocity__third_of_a_wallet__is_held_and_it_is_the_last(stage: Stage) -> None:
    by_wallet: dict[str, list[Truth]] = defaultdict(list)
    for truth in of_plot(stage, frauds.third_liquidation):
        by_wallet[truth.wallet].append(truth)
    for truths in by_wallet.values():
        truths.sort(key=lambda truth: truth.happened_ms)
        assert [truth.holds for truth in truths] == [(), (), ("VELOCITY",)]


def test_edge_add__grew_close_to_the_end_and_to_the_trigger(stage: Stage) -> None:
    for truth in of_plot(stage, frauds.meddling.added_at_the_edge):
        trader, closed = closing(stage, truth)
        added = [order for order in trader.book.records.orders if order.is_opening][1]
        assert closed.filled_ms - added.filled_ms < 8 * MINUTE_MS
        assert abs(added.average_price / closed.trigger - 1) < Decimal("0.02")


def test_stops__taken_away__shortly_or_long_before(stage: Stage) -> None:
    for plot, is_short in (
        (frauds.meddling.stop_taken_away, True),
        (frauds.meddling.stop_taken_away_long_before, False),
    ):
        for truth in of_plot(stage, plot):
            trader, closed = closing(stage, truth)
            (stop,) = trader.book.records.stops
            before_ms = closed.filled_ms - stop.cancelled_ms
            assert stop.placed_ms < stop.cancelled_ms
            assert (before_ms < 25 * MINUTE_MS) if is_short else (before_ms > 120 * MINUTE_MS)
            first = opening(trader, closed)
            low, high = sorted((first.average_price, closed.trigger))
            assert low < stop.trigger < high


def test_roots__two_people__share_one_main_account(stage: Stage) -> None:
    truths = of_plot(stage, frauds.one_root_two_wallets)
    assert [truth.reasons for truth in truths] == [(), ("ROOT_UNIQUE",)] * (len(truths) // 2)
    for one, other in zip(truths[::2], truths[1::2], strict=True):
        first, second = closing(stage, one)[0], closing(stage, other)[0]
        assert first.main_uid == second.main_uid != first.uid
        assert first.wallet != second.wallet


def test_beyond_bankruptcy__loss__exceeds_the_margin_put_in(stage: Stage) -> None:
    for truth in of_plot(stage, frauds.meddling.beyond_bankruptcy):
        assert truth.stake is not None
        assert truth.stake.loss > truth.stake.margin_opened * Decimal("1.1")


@pytest.mark.slow
def test_write__mixed_world__hides_every_fraud_among_many(tmp_path: Path) -> None:
    world.write_mixed(tmp_path, accounts=400)
    rows = json.loads((tmp_path / "ground_truth.json").read_text())
    plots = {row["plot"] for row in rows}
    assert {fraud.plot.__name__ for fraud in FRAUDS} <= plots
    assert len(scenario.load(tmp_path).accounts) == 400


def test_write__mixed_world_too_small__refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a mixed world needs at least"):
        world.write_mixed(tmp_path, accounts=10)
