"""Positions somebody meddled with before they were liquidated, and the innocent that look alike.

The thresholds live in the rules; these events lie well beyond or well within them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from leverageguard.simulator.seeded import margin
from leverageguard.simulator.seeded.book import FULL, Position
from leverageguard.simulator.seeded.covered import MARGINS, sold_leverage
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.people import Trader
from leverageguard.simulator.seeded.stage import (
    EDGE_MINUTES,
    HOUR,
    MAX_TRIES,
    CannotStage,
    Stage,
    stake,
)

Wanted = Callable[[Setup, int], bool]
Meddle = Callable[[Trader, Setup, Position, int], None]
MODEST = (20, 25, 30, 40)


def fate(
    stage: Stage, trader: Trader, wanted: Wanted, meddle: Meddle,
    reasons: tuple[str, ...] = (), holds: tuple[str, ...] = (), lasting: int = 30,
    beyond: Decimal = Decimal(0), is_isolated: bool = True,
) -> None:  # fmt: skip
    """One insured position that is `wanted`, meddled with, liquidated and judged."""
    cover = stage.cover(trader.number)
    latest = stage.until(cover)
    opened = (cover.start + EDGE_MINUTES, latest - HOUR)
    for _ in range(MAX_TRIES):
        setup, end, _ = stage.doomed(
            trader.venue, MODEST, MARGINS, opened, (opened[0], latest - 10), lasting
        )
        if wanted(setup, end):
            break
    else:
        raise CannotStage("no liquidation is as wanted")
    policy = stage.insure(
        trader, setup.symbol.inst_id, sold_leverage(setup.leverage),
        stage.rng.randint(50, 300), cover,
    )  # fmt: skip
    position = stage.open(trader, setup, is_isolated=is_isolated)
    meddle(trader, setup, position, end)
    result = stage.liquidate(trader, setup, position, end, FULL, beyond=beyond)
    stage.expect(
        policy, result.order_id, result.at_ms, *reasons,
        stake=stake(policy, position, result), holds=holds,
    )  # fmt: skip


def anything(_: Setup, __: int) -> bool:
    """Every liquidation will do."""
    return True


def nothing(_: Trader, __: Setup, ___: Position, ____: int) -> None:
    """Leave the position alone."""


def margin_withdrawn(stage: Stage, numbers: list[int]) -> None:
    """Margin taken out 20 minutes before; with it the price would never have sufficed."""

    def is_induced(setup: Setup, _: int) -> bool:
        restored = stage.touched(setup, stage.last + HOUR, _part(setup, "0.4"))
        return restored is None

    for number in numbers:
        trader = stage.trader(number, "margin")
        fate(stage, trader, is_induced, _in_and_out(stage, "0.4"), ("NOT_INDUCED",), lasting=60)


def margin_withdrawn_in_vain(stage: Stage, numbers: list[int]) -> None:
    """Margin taken out 20 minutes before, but the same minute would have taken all of it."""

    def is_lost_anyway(setup: Setup, end: int) -> bool:
        return stage.touched(setup, end + 1, _part(setup, "0.04")) == end

    for number in numbers:
        trader = stage.trader(number, "margin")
        fate(stage, trader, is_lost_anyway, _in_and_out(stage, "0.04"), lasting=60)


def _part(setup: Setup, share: str) -> Decimal:
    return (setup.margin * Decimal(share)).quantize(Decimal("0.01"))


def _in_and_out(stage: Stage, share: str) -> Meddle:
    """Margin put in soon after the opening and taken out 20 minutes before the end."""

    def meddle(trader: Trader, setup: Setup, position: Position, end: int) -> None:
        amount = _part(setup, share)
        trader.book.add_margin(position, amount, stage.at(setup.minute + 2))
        trader.book.add_margin(position, -amount, stage.at(end - 20))

    return meddle


def thin_minute(stage: Stage, numbers: list[int]) -> None:
    """The position is 8 % of what was traded in the minute that took it."""
    _in_a_minute_of(stage, numbers, 12, ("THIN_MARKET",))


def thick_enough(stage: Stage, numbers: list[int]) -> None:
    """The position is 2 % of what was traded in the minute that took it."""
    _in_a_minute_of(stage, numbers, 50, ())


def _in_a_minute_of(stage: Stage, numbers: list[int], times: int, holds: tuple[str, ...]) -> None:
    def meddle(_: Trader, setup: Setup, __: Position, end: int) -> None:
        path = setup.path
        for minute in range(end - 2, end + 3):
            path = path.thinned(minute, int(setup.notional * times))
        stage.taint(setup, end, path)

    for number in numbers:
        fate(stage, stage.trader(number), stage.is_quiet, meddle, holds=holds)


def added_at_the_edge(stage: Stage, numbers: list[int]) -> None:
    """The position grew six minutes before the end, less than a percent from its trigger."""

    def is_near(setup: Setup, end: int) -> bool:
        return _distance(stage, setup, end - 6) < Decimal("0.01")

    for number in numbers:
        fate(
            stage, stage.trader(number), is_near, _grown(stage, lambda _, end: end - 6),
            holds=("EDGE_ADD",),
        )  # fmt: skip


def added_early(stage: Stage, numbers: list[int]) -> None:
    """The position grew soon after it was opened, hours before the end and far from its trigger."""

    def is_far(setup: Setup, _: int) -> bool:
        return _distance(stage, setup, setup.minute + 3) > Decimal("0.025")

    for number in numbers:
        meddle = _grown(stage, lambda setup, _: setup.minute + 3)
        fate(stage, stage.trader(number), is_far, meddle, lasting=3 * HOUR)


def _distance(stage: Stage, setup: Setup, minute: int) -> Decimal:
    """How far the price is from the trigger, as a share of the trigger."""
    trigger = setup.symbol.price(setup.trigger(setup.maintenance))
    return abs(stage.live_price(setup.path, minute) / trigger - 1)


def _grown(stage: Stage, when: Callable[[Setup, int], int]) -> Meddle:
    """A twentieth more by another order of the same side."""

    def meddle(trader: Trader, setup: Setup, position: Position, end: int) -> None:
        minute, lot = when(setup, end), setup.symbol.lot
        more = max(lot, (position.contracts / 20 / lot).to_integral_value() * lot)
        fills = margin.split(more, lot, 1, stage.live_price(setup.path, minute))
        trader.book.add(position, fills, stage.at(minute))

    return meddle


def stop_taken_away(stage: Stage, numbers: list[int]) -> None:
    """A stop that would have come first was cancelled 20 minutes before."""
    for number in numbers:
        fate(
            stage, stage.trader(number), anything, _stopped(stage, lambda _, end: end - 20),
            holds=("STOP_MOVED",),
        )  # fmt: skip


def stop_taken_away_long_before(stage: Stage, numbers: list[int]) -> None:
    """A stop was cancelled more than three hours before."""
    for number in numbers:
        meddle = _stopped(stage, lambda setup, _: setup.minute + 10)
        fate(stage, stage.trader(number), anything, meddle, lasting=4 * HOUR)


def _stopped(stage: Stage, when: Callable[[Setup, int], int]) -> Meddle:
    def meddle(trader: Trader, setup: Setup, position: Position, end: int) -> None:
        trigger = setup.trigger(setup.maintenance)
        entry = int(setup.entry / setup.symbol.tick)
        price = setup.symbol.price((trigger * 2 + entry) // 3)
        placed = stage.at(setup.minute + 1)
        trader.book.cancelled_stop(position, price, placed, stage.at(when(setup, end)))

    return meddle


def beyond_bankruptcy(stage: Stage, numbers: list[int]) -> None:
    """The loss is larger than the margin: no isolated position can lose that."""
    for number in numbers:
        trader = stage.trader(number, "margin")
        fate(stage, trader, anything, nothing, ("LOSS_CONSISTENT",), beyond=Decimal("0.03"))


def sources_disagree(stage: Stage, numbers: list[int]) -> None:
    """The order was liquidated, says the order; the trader closed it, says the history."""
    for number in numbers:
        trader = stage.trader(number, venue="okx")
        fate(stage, trader, anything, nothing, ("SOURCES_AGREE",))
        closes = trader.book.records.closes
        closes[-1] = replace(closes[-1], kind="own", trigger=None)


def cross_margin(stage: Stage, numbers: list[int]) -> None:
    """The whole account stood behind the position: not what is insured."""
    for number in numbers:
        trader = stage.trader(number, venue="okx")
        fate(stage, trader, anything, nothing, ("TERMS",), is_isolated=False)
