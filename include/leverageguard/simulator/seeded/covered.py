"""Plots that are paid: liquidations, takeovers and partial ones inside the cover."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from leverageguard.simulator.seeded import margin
from leverageguard.simulator.seeded.book import FULL, OWN, PARTIAL, TAKEOVER
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.people import Cover, Insurance, Trader
from leverageguard.simulator.seeded.records import Kind
from leverageguard.simulator.seeded.stage import (
    EDGE_MINUTES,
    HOUR,
    MAX_TRIES,
    CannotStage,
    Stage,
    stake,
)
from leverageguard.simulator.seeded.truth import Truth

LEVERAGES = (20, 30, 40, 100)
MARGINS = (60, 480)


def sold_leverage(leverage: int) -> int:
    """The smallest insured leverage that admits a position's."""
    return min(level for level in LEVERAGES if level >= leverage)


def full(stage: Stage, numbers: list[int]) -> None:
    """Liquidated inside the cover; every third is filed, the others are detected."""
    for number in numbers:
        liquidated(stage, number, is_filed=number % 3 == 0)


def takeover(stage: Stage, numbers: list[int]) -> None:
    """The venue's fund takes the position over: paid like a liquidation."""
    for place, number in enumerate(numbers):
        liquidated(stage, number, number % 2 == 0, TAKEOVER, is_long=place % 2 == 0)


def margin_added(stage: Stage, numbers: list[int]) -> None:
    """Margin was added after opening; the loss exceeds the first margin, the terms still hold."""
    for number in numbers:
        trader = stage.trader(number, "margin")
        liquidated(stage, number, is_filed=False, added_part=Decimal("0.3"), trader=trader)


def claimed_twice(stage: Stage, numbers: list[int]) -> None:
    """The same liquidation filed twice under one policy: the first is paid."""
    for number in numbers:
        policy, order_id, at_ms = liquidated(stage, number, is_filed=True, suffix="-a")
        again = stage.file(policy, order_id, at_ms + HOUR * MINUTE_MS, "-b")
        stage.expect(policy, order_id, at_ms, "ONCE", filing=again)


def same_wallet(stage: Stage, numbers: list[int]) -> None:
    """Two accounts of one wallet, both liquidated: they share the wallet's cap of the day."""
    for first, second in zip(numbers[::2], numbers[1::2], strict=True):
        for number in (first, second):
            trader = stage.trader(number, wallet=f"trader-{first:03d}")
            liquidated(stage, number, is_filed=False, trader=trader)


def liquidated(
    stage: Stage, number: int, is_filed: bool, kind: Kind = FULL, suffix: str = "",
    added_part: Decimal = Decimal(0), is_long: bool | None = None, trader: Trader | None = None,
    reasons: tuple[str, ...] = (), holds: tuple[str, ...] = (),
) -> tuple[Insurance, str, int]:  # fmt: skip
    """One insured position liquidated in its cover; the policy, the order and its time."""
    trader = trader or stage.trader(number)
    cover = stage.cover(number, 8 if number % 4 == 1 else 24)
    opened = (cover.start + EDGE_MINUTES, min(cover.end, stage.last) - 2 * HOUR)
    closed = (opened[0], stage.until(cover))
    setup, end, added = stage.doomed(
        trader.venue, (20, 25, 30, 40, 50, 100), MARGINS, opened, closed,
        added_part=added_part, is_long=is_long,
    )  # fmt: skip
    policy = stage.insure(
        trader, setup.symbol.inst_id, sold_leverage(setup.leverage),
        stage.rng.randint(50, 500), cover,
    )  # fmt: skip
    position = stage.open(trader, setup, is_early=True)
    if added:
        trader.book.add_margin(position, added, stage.at(setup.minute, 40, 55))
    result = stage.liquidate(trader, setup, position, end, kind, added)
    filing = stage.file(policy, result.order_id, result.at_ms, suffix) if is_filed else None
    if trader.key_state != "revoked":
        stage.expect(
            policy, result.order_id, result.at_ms, *reasons,
            filing=filing, stake=stake(policy, position, result), holds=holds,
        )  # fmt: skip
    else:
        stage.expect(
            policy, result.order_id, result.at_ms, "EVIDENCE_COMPLETE",
            filing=filing, is_undetermined=True,
        )  # fmt: skip
    return policy, result.order_id, result.at_ms


def revoked_key(stage: Stage, numbers: list[int]) -> None:
    """The key was revoked before anything could be read: filed, but undetermined."""
    for number in numbers:
        trader = stage.trader(number, "key", key_state="revoked")
        liquidated(stage, number, is_filed=True, trader=trader)


def partial(stage: Stage, numbers: list[int]) -> None:
    """Half is liquidated, the trader closes the rest: paid pro rata."""
    for place, number in enumerate(numbers):
        _partial(stage, number, False, stage.rng.randint(60, 300), is_long=place % 2 == 0)


def partial_then_full(stage: Stage, numbers: list[int]) -> None:
    """Half is liquidated, later the rest: two claims of one episode; the last uses up the cap."""
    for place, number in enumerate(numbers):
        principal = 400 if number == numbers[-1] else stage.rng.randint(60, 110)
        _partial(stage, number, True, principal, is_long=place % 2 == 0)


def _partial(stage: Stage, number: int, is_then_full: bool, principal: int, is_long: bool) -> None:
    cover = stage.cover(number)
    trader = stage.trader(number, leverage=40)
    setup, first, last = _halving(stage, trader.venue, cover, is_then_full, is_long)
    inst_id, symbol = setup.symbol.inst_id, setup.symbol
    policy = stage.insure(trader, inst_id, sold_leverage(setup.leverage), principal, cover)
    position = stage.open(trader, setup)
    ticks = setup.trigger(margin.TIER_2_MAINTENANCE)
    mark = symbol.price(margin.within_candle(setup.path, first, ticks))
    half = (position.contracts / 2 / symbol.lot).to_integral_value() * symbol.lot
    result = trader.book.close(
        position, PARTIAL, margin.split(half, symbol.lot, 2, mark), stage.at(first), mark
    )
    stage.expect(policy, result.order_id, result.at_ms, stake=stake(policy, position, result))
    if is_then_full:
        result = stage.liquidate(trader, setup, position, last)
        stage.expect(policy, result.order_id, result.at_ms, stake=stake(policy, position, result))
    else:
        price = stage.live_price(setup.path, last)
        fills = margin.split(position.contracts, symbol.lot, 1, price)
        trader.book.close(position, OWN, fills, stage.at(last))


def _halving(
    stage: Stage, venue: str, cover: Cover, is_then_full: bool, is_long: bool
) -> tuple[Setup, int, int]:
    """A position of the second tier, the minute it is halved, and the minute it ends."""
    latest = stage.until(cover)
    opened = (cover.start + EDGE_MINUTES, latest - 2 * HOUR)
    for _ in range(MAX_TRIES):
        big = stage.setup(venue, (40, 50, 100), (600, 1900), opened, is_long)
        notional = big.margin * big.leverage
        if not margin.TIER_1_NOTIONAL < notional < Decimal("1.9") * margin.TIER_1_NOTIONAL:
            continue
        first = stage.touched(big, latest)
        if first is None or first < big.minute + 5 or not stage.is_free(big, first):
            continue
        rest = big.trigger(margin.TIER_1_MAINTENANCE)
        if big.path.first_touch(rest, big.is_long, first, first + 1) is not None:
            continue
        last = big.path.first_touch(rest, big.is_long, first, latest)
        if is_then_full and last is not None:
            return big, first, last
        own = first + stage.rng.randrange(5, 30)
        if not is_then_full and own < latest and (last is None or last > own):
            return big, first, own
    raise CannotStage("no position is halved and then ends as wanted")


def two_liquidations(stage: Stage, numbers: list[int]) -> None:
    """Two positions liquidated under one policy: the second gets what is left of the sum."""
    for number in numbers:
        cover = stage.cover(number)
        trader = stage.trader(number, leverage=40)
        latest = stage.until(cover)
        half = latest // 2
        first, first_end, _ = stage.doomed(
            trader.venue, (40,), (110, 130), (cover.start + EDGE_MINUTES, half),
            (cover.start, half + HOUR),
        )  # fmt: skip
        for _ in range(MAX_TRIES):
            second, second_end, _ = stage.doomed(
                trader.venue, (40,), (110, 130), (first_end + 10, latest),
                (first_end, latest),
            )  # fmt: skip
            if second.path is first.path:
                break
        else:
            raise CannotStage("no second liquidation in the same instrument")
        policy = stage.insure(trader, first.symbol.inst_id, 40, 180, cover)
        for setup, end in ((first, first_end), (second, second_end)):
            position = stage.open(trader, setup)
            result = stage.liquidate(trader, setup, position, end)
            stage.expect(
                policy, result.order_id, result.at_ms, stake=stake(policy, position, result)
            )


def held_last(truths: list[Truth], reason: str) -> list[Truth]:
    """The same truths, the latest event of them held."""
    last = max(truths, key=lambda truth: truth.happened_ms)
    return [replace(each, holds=(reason,)) if each is last else each for each in truths]
