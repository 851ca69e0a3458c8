"""Plots that are refused: excluded kinds, times outside the cover, terms not kept."""

from __future__ import annotations

from decimal import Decimal

from leverageguard.simulator.seeded import margin
from leverageguard.simulator.seeded.book import ADL, OWN
from leverageguard.simulator.seeded.covered import MARGINS, sold_leverage
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.people import Cover, Trader
from leverageguard.simulator.seeded.stage import (
    EDGE_MINUTES,
    HOUR,
    MAX_TRIES,
    CannotStage,
    Stage,
)


def deleveraged(stage: Stage, numbers: list[int]) -> None:
    """The venue reduces a winning position (ADL): detected, and excluded by the terms."""
    for place, number in enumerate(numbers):
        cover = stage.cover(number)
        profit = (Decimal("0.4"), Decimal(9))
        trader = stage.trader(number)
        setup, minute = _closable(stage, trader.venue, cover, profit, place % 2 == 0)
        policy = stage.insure(
            trader, setup.symbol.inst_id, sold_leverage(setup.leverage), 200, cover
        )
        position = stage.open(trader, setup)
        price = stage.live_price(setup.path, minute)
        lot = setup.symbol.lot
        half = (position.contracts / 2 / lot).to_integral_value() * lot
        result = trader.book.close(
            position, ADL, margin.split(half, lot, 1, price), stage.at(minute), price
        )
        later = minute + 3
        rest = margin.split(position.contracts, lot, 1, stage.live_price(setup.path, later))
        trader.book.close(position, OWN, rest, stage.at(later))
        stage.expect(policy, result.order_id, result.at_ms, "FORCED_KIND")


def own_close(stage: Stage, numbers: list[int]) -> None:
    """The trader closed at a loss and files it; a client order id that pretends proves nothing."""
    for number in numbers:
        cover = stage.cover(number)
        loss = (Decimal("-0.8"), Decimal("-0.3"))
        trader = stage.trader(number)
        setup, minute = _closable(stage, trader.venue, cover, loss)
        policy = stage.insure(
            trader, setup.symbol.inst_id, sold_leverage(setup.leverage), 250, cover
        )
        position = stage.open(trader, setup)
        price = stage.live_price(setup.path, minute)
        fills = margin.split(position.contracts, setup.symbol.lot, 2, price)
        pretended = "fullliquidation" if number % 2 else ""
        result = trader.book.close(position, OWN, fills, stage.at(minute), client_id=pretended)
        filing = stage.file(policy, result.order_id, result.at_ms)
        stage.expect(policy, result.order_id, result.at_ms, "FORCED_KIND", filing=filing)


def _closable(
    stage: Stage,
    venue: str,
    cover: Cover,
    profit: tuple[Decimal, Decimal],
    is_long: bool | None = None,
) -> tuple[Setup, int]:
    """A position not liquidated until its profit over margin lies in `profit`, and that minute."""
    for _ in range(MAX_TRIES):
        opened = (cover.start + EDGE_MINUTES, stage.until(cover) - 3 * HOUR)
        setup = stage.setup(venue, (20, 30, 40), MARGINS, opened, is_long)
        minute = setup.minute + stage.rng.randrange(10, 150)
        end = stage.touched(setup, stage.last)
        if end is not None and end <= minute + 5:
            continue
        sign = 1 if setup.is_long else -1
        move = sign * (stage.live_price(setup.path, minute) / setup.entry - 1)
        is_wanted = profit[0] <= move * setup.leverage <= profit[1] and _is_calm(setup, minute)
        if is_wanted and stage.is_free(setup):
            return setup, minute
    raise CannotStage(f"no position reaches a profit of {profit} of its margin")


def _is_calm(setup: Setup, minute: int) -> bool:
    """True when the price stays within half a percent around a minute."""
    lows, highs = setup.path.lows, setup.path.highs
    around = range(minute - 3, minute + 4)
    low, high = min(lows[i] for i in around), max(highs[i] for i in around)
    return (high - low) * 200 < low


def in_waiting_time(stage: Stage, numbers: list[int]) -> None:
    """Liquidated after the purchase but before the cover starts."""
    for number in numbers:
        trader = stage.trader(number, leverage=40)
        setup, end, _ = stage.doomed(
            trader.venue, (40, 50, 100), MARGINS, (HOUR, stage.last), (2 * HOUR, stage.last)
        )
        bought_ms = stage.start_ms + (end - stage.rng.randrange(5, 20)) * MINUTE_MS
        _outside(stage, trader, setup, end, bought_ms, 24)


def after_the_end(stage: Stage, numbers: list[int]) -> None:
    """Opened inside an 8-hour cover, liquidated after it ended."""
    for number in numbers:
        trader = stage.trader(number)
        for _ in range(MAX_TRIES):
            setup, end, _ = stage.doomed(
                trader.venue, (20, 25, 30, 40), MARGINS, (2 * HOUR, stage.last),
                (10 * HOUR, stage.last), HOUR,
            )  # fmt: skip
            bought = end - 8 * HOUR - 15 - stage.rng.randrange(10, 30)
            if bought + 15 + EDGE_MINUTES <= setup.minute:
                break
        else:
            raise CannotStage("no position outlives a cover")
        _outside(stage, trader, setup, end, stage.start_ms + bought * MINUTE_MS, 8)


def before_cover(stage: Stage, numbers: list[int]) -> None:
    """Opened before the cover started (bought after or just before), liquidated inside it."""
    for number in numbers:
        trader = stage.trader(number)
        setup, end, _ = stage.doomed(
            trader.venue, (20, 25, 30, 40, 50), MARGINS, (HOUR, stage.last),
            (3 * HOUR, stage.last), 75,
        )  # fmt: skip
        bought = setup.minute + (15 if number % 2 else -10)
        _outside(stage, trader, setup, end, stage.start_ms + bought * MINUTE_MS, 24)


def _outside(
    stage: Stage, trader: Trader, setup: Setup, end: int, bought_ms: int, hours: int
) -> None:
    cover = stage.cover_from(bought_ms, hours)
    policy = stage.insure(
        trader, setup.symbol.inst_id, sold_leverage(setup.leverage),
        stage.rng.randint(50, 500), cover,
    )  # fmt: skip
    position = stage.open(trader, setup)
    result = stage.liquidate(trader, setup, position, end)
    filing = None
    if trader.number % 2:
        filing = stage.file(policy, result.order_id, result.at_ms)
    stage.expect(policy, result.order_id, result.at_ms, "IN_COVER", filing=filing)


def over_leverage(stage: Stage, numbers: list[int]) -> None:
    """Opened at more leverage than the policy insures."""
    for number in numbers:
        _against_terms(stage, number, stage.rng.choice((20, 30, 40)), (50, 75, 100))


def other_symbol(stage: Stage, numbers: list[int]) -> None:
    """Liquidated in an instrument the policy does not name."""
    for number in numbers:
        _against_terms(stage, number, 100, (40, 50, 100), is_other_symbol=True)


def _against_terms(
    stage: Stage, number: int, insured: int, traded: tuple[int, ...], is_other_symbol: bool = False
) -> None:
    cover = stage.cover(number)
    latest = stage.until(cover)
    opened = (cover.start + EDGE_MINUTES, latest - HOUR)
    trader = stage.trader(number, leverage=min(traded))
    setup, end, _ = stage.doomed(trader.venue, traded, MARGINS, opened, (opened[0], latest))
    inst_id = setup.symbol.inst_id
    if is_other_symbol:
        inst_id = stage.rng.choice(sorted(set(stage.paths[trader.venue]) - {inst_id}))
    policy = stage.insure(trader, inst_id, insured, stage.rng.randint(50, 500), cover)
    position = stage.open(trader, setup)
    result = stage.liquidate(trader, setup, position, end)
    stage.expect(policy, result.order_id, result.at_ms, "TERMS")
