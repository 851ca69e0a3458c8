"""What befalls the traders: one function a kind of event, each noting its own truth.

A plot gets the stage and the numbers of the accounts it may use, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from leverageguard.simulator.seeded import margin
from leverageguard.simulator.seeded.book import ADL, FULL, OWN, PARTIAL, TAKEOVER, CloseKind
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.stage import (
    EDGE_MINUTES,
    HOUR,
    MAX_TRIES,
    CannotStage,
    Insurance,
    Stage,
    stake,
)

LEVERAGES = (20, 30, 40, 100)
MARGINS = (60, 480)
Plot = Callable[[Stage, list[int]], None]


def sold_leverage(leverage: int) -> int:
    """The smallest insured leverage that admits a position's."""
    return min(level for level in LEVERAGES if level >= leverage)


def full(stage: Stage, numbers: list[int]) -> None:
    """Liquidated inside the cover; every third is filed, the others are detected."""
    for number in numbers:
        _liquidated(stage, number, is_filed=number % 3 == 0)


def takeover(stage: Stage, numbers: list[int]) -> None:
    """The venue's fund takes the position over: paid like a liquidation."""
    for number in numbers:
        _liquidated(stage, number, is_filed=number % 2 == 0, kind=TAKEOVER)


def margin_added(stage: Stage, numbers: list[int]) -> None:
    """Margin was added after opening; the loss exceeds the first margin, the terms still hold."""
    for number in numbers:
        _liquidated(stage, number, is_filed=False, added_part=Decimal("0.3"))


def claimed_twice(stage: Stage, numbers: list[int]) -> None:
    """The same liquidation filed twice under one policy: the first is paid."""
    for number in numbers:
        policy, order_id, at_ms = _liquidated(stage, number, is_filed=True, suffix="-a")
        again = stage.file(policy, order_id, at_ms + HOUR * MINUTE_MS, "-b")
        stage.expect(policy, order_id, at_ms, "ONCE", filing=again)


def same_wallet(stage: Stage, numbers: list[int]) -> None:
    """Two accounts of one wallet, both liquidated: they share the wallet's cap of the day."""
    for first, second in zip(numbers[::2], numbers[1::2], strict=True):
        for number in (first, second):
            _liquidated(stage, number, is_filed=False, wallet=f"trader-{first:03d}")


def _liquidated(
    stage: Stage, number: int, is_filed: bool, kind: CloseKind = FULL, suffix: str = "",
    added_part: Decimal = Decimal(0), wallet: str = "", key_state: str = "active",
) -> tuple[Insurance, str, int]:  # fmt: skip
    trader = stage.trader(number, wallet, key_state)
    cover = stage.cover(number, 8 if number % 4 == 1 else 24)
    opened = (cover.start + EDGE_MINUTES, min(cover.end, stage.last) - 2 * HOUR)
    closed = (opened[0], min(cover.end - EDGE_MINUTES, stage.last))
    setup, end, added = stage.doomed(
        (20, 25, 30, 40, 50, 100), MARGINS, opened, closed, added_part=added_part
    )
    policy = stage.insure(
        trader, setup.symbol.inst_id, sold_leverage(setup.leverage),
        stage.rng.randint(50, 500), cover,
    )  # fmt: skip
    position = stage.open(trader, setup, is_early=True)
    if added:
        trader.book.add_margin(position, added, stage.at(setup.minute, 40, 55))
    result = stage.liquidate(trader, setup, position, end, kind, added)
    filing = stage.file(policy, result.order_id, result.at_ms, suffix) if is_filed else None
    if key_state == "active":
        stage.expect(
            policy, result.order_id, result.at_ms,
            filing=filing, stake=stake(policy, position, result),
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
        _liquidated(stage, number, is_filed=True, key_state="revoked")


def partial(stage: Stage, numbers: list[int]) -> None:
    """Half is liquidated, the trader closes the rest: paid pro rata."""
    for number in numbers:
        _partial(stage, number, is_then_full=False, principal=stage.rng.randint(60, 300))


def partial_then_full(stage: Stage, numbers: list[int]) -> None:
    """Half is liquidated, later the rest: two claims of one episode; the last uses up the cap."""
    for number in numbers:
        principal = 400 if number == numbers[-1] else stage.rng.randint(60, 110)
        _partial(stage, number, is_then_full=True, principal=principal)


def _partial(stage: Stage, number: int, is_then_full: bool, principal: int) -> None:
    cover = stage.cover(number)
    setup, first, last = _halving(stage, cover.start + EDGE_MINUTES, is_then_full)
    trader = stage.trader(number)
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


def _halving(stage: Stage, earliest: int, is_then_full: bool) -> tuple[Setup, int, int]:
    """A position of the second tier, the minute it is halved, and the minute it ends."""
    for _ in range(MAX_TRIES):
        big = stage.setup((40, 50, 100), (600, 1900), (earliest, stage.last - 2 * HOUR))
        notional = big.margin * big.leverage
        if not margin.TIER_1_NOTIONAL < notional < Decimal("1.9") * margin.TIER_1_NOTIONAL:
            continue
        first = stage.touched(big, stage.last)
        if first is None or first < big.minute + 5:
            continue
        rest = big.trigger(margin.TIER_1_MAINTENANCE)
        if big.path.first_touch(rest, big.is_long, first, first + 1) is not None:
            continue
        last = big.path.first_touch(rest, big.is_long, first, stage.last)
        if is_then_full and last is not None:
            return big, first, last
        own = first + stage.rng.randrange(5, 30)
        if not is_then_full and own < stage.last and (last is None or last > own):
            return big, first, own
    raise CannotStage("no position is halved and then ends as wanted")


def deleveraged(stage: Stage, numbers: list[int]) -> None:
    """The venue reduces a winning position (ADL): detected, and excluded by the terms."""
    for number in numbers:
        cover = stage.cover(number)
        setup, minute = _closable(stage, cover.start + EDGE_MINUTES, (Decimal("0.4"), 9))
        trader = stage.trader(number)
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
        setup, minute = _closable(stage, cover.start + EDGE_MINUTES, (Decimal("-0.8"), -0.3))
        trader = stage.trader(number)
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
    stage: Stage, earliest: int, profit: tuple[Decimal | float, Decimal | float]
) -> tuple[Setup, int]:
    """A position not liquidated until its profit over margin lies in `profit`, and that minute."""
    for _ in range(MAX_TRIES):
        setup = stage.setup((20, 30, 40), MARGINS, (earliest, stage.last - 3 * HOUR))
        minute = setup.minute + stage.rng.randrange(10, 150)
        end = stage.touched(setup, stage.last)
        if end is not None and end <= minute + 5:
            continue
        sign = 1 if setup.is_long else -1
        move = sign * (stage.live_price(setup.path, minute) / setup.entry - 1)
        if profit[0] <= move * setup.leverage <= profit[1] and _is_calm(setup, minute):
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
        setup, end, _ = stage.doomed(
            (40, 50, 100), MARGINS, (HOUR, stage.last), (2 * HOUR, stage.last)
        )
        bought_ms = stage.start_ms + (end - stage.rng.randrange(5, 20)) * MINUTE_MS
        _outside(stage, number, setup, end, bought_ms, 24)


def after_the_end(stage: Stage, numbers: list[int]) -> None:
    """Opened inside an 8-hour cover, liquidated after it ended."""
    for number in numbers:
        for _ in range(MAX_TRIES):
            setup, end, _ = stage.doomed(
                (20, 25, 30, 40), MARGINS, (2 * HOUR, stage.last), (10 * HOUR, stage.last), HOUR
            )
            bought = end - 8 * HOUR - 15 - stage.rng.randrange(10, 30)
            if bought + 15 + EDGE_MINUTES <= setup.minute:
                break
        else:
            raise CannotStage("no position outlives a cover")
        _outside(stage, number, setup, end, stage.start_ms + bought * MINUTE_MS, 8)


def before_cover(stage: Stage, numbers: list[int]) -> None:
    """Opened before the cover started (bought after or just before), liquidated inside it."""
    for number in numbers:
        setup, end, _ = stage.doomed(
            (20, 25, 30, 40, 50), MARGINS, (HOUR, stage.last), (3 * HOUR, stage.last), 75
        )
        bought = setup.minute + (15 if number % 2 else -10)
        _outside(stage, number, setup, end, stage.start_ms + bought * MINUTE_MS, 24)


def _outside(stage: Stage, number: int, setup: Setup, end: int, bought_ms: int, hours: int) -> None:
    trader = stage.trader(number)
    cover = stage.cover_from(bought_ms, hours)
    policy = stage.insure(
        trader, setup.symbol.inst_id, sold_leverage(setup.leverage),
        stage.rng.randint(50, 500), cover,
    )  # fmt: skip
    position = stage.open(trader, setup)
    result = stage.liquidate(trader, setup, position, end)
    filing = None
    if number % 2:
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
    opened = (cover.start + EDGE_MINUTES, stage.last - HOUR)
    setup, end, _ = stage.doomed(traded, MARGINS, opened, (opened[0], stage.last))
    inst_id = setup.symbol.inst_id
    if is_other_symbol:
        inst_id = stage.rng.choice(sorted(set(stage.paths) - {inst_id}))
    trader = stage.trader(number)
    policy = stage.insure(trader, inst_id, insured, stage.rng.randint(50, 500), cover)
    position = stage.open(trader, setup)
    result = stage.liquidate(trader, setup, position, end)
    stage.expect(policy, result.order_id, result.at_ms, "TERMS")


def stolen_account(stage: Stage, numbers: list[int]) -> None:
    """Somebody insures "his" account with a victim's key and files the victim's liquidation."""
    for victim_number, number in zip(numbers[::2], numbers[1::2], strict=True):
        victim, order_id, at_ms = _liquidated(stage, victim_number, is_filed=False)
        thief = stage.trader(number)
        declared = thief.uid
        thief.book = victim.trader.book
        thief.uid, thief.main_uid = victim.trader.uid, victim.trader.main_uid
        stage.bindings.append({"account": thief.account_id, "uid": declared})
        cover = stage.cover_from(victim.cover.bought_ms + 7_000, victim.cover.hours)
        policy = stage.insure(thief, victim.inst_id, victim.leverage, 300, cover)
        filing = stage.file(policy, order_id, at_ms)
        stage.expect(policy, order_id, at_ms, "ACCOUNT_BOUND", filing=filing)


def foreign_order(stage: Stage, numbers: list[int]) -> None:
    """A claim that names an order of somebody else's account."""
    victims = [truth for truth in stage.truths if truth.verdict == "verified"]
    for number in numbers:
        ordinary(stage, [number])
        policy = stage.policies[-1]
        victim = stage.rng.choice(victims)
        at_ms = max(victim.happened_ms, stage.start_ms + policy.cover.start * MINUTE_MS)
        filing = stage.file(policy, victim.order_id, at_ms)
        stage.expect(policy, victim.order_id, at_ms, "ORDER_EXISTS", filing=filing)


def two_liquidations(stage: Stage, numbers: list[int]) -> None:
    """Two positions liquidated under one policy: the second gets what is left of the sum."""
    for number in numbers:
        cover = stage.cover(number)
        trader = stage.trader(number)
        half = stage.last // 2
        first, first_end, _ = stage.doomed(
            (40,), (110, 130), (cover.start + EDGE_MINUTES, half), (cover.start, half + HOUR)
        )
        for _ in range(MAX_TRIES):
            second, second_end, _ = stage.doomed(
                (40,), (110, 130), (first_end + 10, stage.last), (first_end, stage.last)
            )
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


def ordinary(stage: Stage, numbers: list[int]) -> None:
    """A day of trading; whoever the market liquidates on the way is paid like anyone."""
    for number in numbers:
        trader = stage.trader(number)
        cover = stage.cover(number, 8 if number % 3 == 1 else 24)
        symbol = stage.rng.choice(list(stage.paths))
        insured = stage.rng.choice((20, 30, 40))
        policy = stage.insure(trader, symbol, insured, stage.rng.randint(50, 500), cover)
        minute = cover.start + EDGE_MINUTES
        end = min(cover.end - EDGE_MINUTES, stage.last)
        for _ in range(stage.rng.randint(1, 4)):
            minute = _episode(stage, policy, minute + 5, end)
            if minute + 40 >= end:
                break


def _episode(stage: Stage, policy: Insurance, earliest: int, end: int) -> int:
    """One position from open to close; returns the minute of its end."""
    rng, trader = stage.rng, policy.trader
    leverage = rng.choice([level for level in (3, 5, 10, 20) if level <= policy.leverage])
    setup = margin.sized(
        stage.paths[policy.inst_id], rng.random() < 0.5, leverage,
        Decimal(rng.randint(*MARGINS)), rng.randrange(earliest, end - 20), rng.choice((1, 2)),
    )  # fmt: skip
    planned = min(setup.minute + rng.randrange(10, 300), end - 1)
    position = stage.open(trader, setup)
    touched = stage.touched(setup, planned)
    if touched is not None:
        result = stage.liquidate(trader, setup, position, touched)
        stage.expect(policy, result.order_id, result.at_ms, stake=stake(policy, position, result))
        return touched
    price = stage.live_price(setup.path, planned)
    fills = margin.split(position.contracts, setup.symbol.lot, rng.choice((1, 2)), price)
    trader.book.close(position, OWN, fills, stage.at(planned))
    return planned


PLOTS: tuple[tuple[Plot, int], ...] = (
    (full, 12),
    (takeover, 4),
    (margin_added, 2),
    (partial, 4),
    (partial_then_full, 4),
    (deleveraged, 4),
    (own_close, 4),
    (in_waiting_time, 3),
    (after_the_end, 3),
    (before_cover, 4),
    (over_leverage, 3),
    (other_symbol, 2),
    (claimed_twice, 3),
    (same_wallet, 4),
    (two_liquidations, 2),
    (revoked_key, 2),
    (stolen_account, 6),
    (foreign_order, 3),
)
