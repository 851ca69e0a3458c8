"""What befalls the traders: the table of plots, ordinary trading, and dishonest claims.

A plot gets the stage and the numbers of the accounts it may use, in order; each notes its truth.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from leverageguard.simulator.seeded import covered, margin, refused, selling
from leverageguard.simulator.seeded.book import OWN
from leverageguard.simulator.seeded.covered import MARGINS, liquidated
from leverageguard.simulator.seeded.ids import iso
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.people import Insurance
from leverageguard.simulator.seeded.stage import (
    EDGE_MINUTES,
    MAX_TRIES,
    CannotStage,
    Stage,
    stake,
)

Plot = Callable[[Stage, list[int]], None]
# A third liquidation of one person within a month is looked at by a person.
MOST_LIQUIDATIONS = 2


def stolen_account(stage: Stage, numbers: list[int]) -> None:
    """Somebody insures "his" account with a victim's key and files the victim's liquidation."""
    for victim_number, number in zip(numbers[::2], numbers[1::2], strict=True):
        owner = stage.trader(victim_number, "key")
        victim, order_id, at_ms = liquidated(stage, victim_number, is_filed=False, trader=owner)
        thief = stage.trader(number, venue=owner.venue)
        declared = thief.uid
        thief.book = victim.trader.book
        thief.uid, thief.main_uid = victim.trader.uid, victim.trader.main_uid
        signed = {"account": thief.account_id, "uid": declared}
        stage.bindings.append(signed | {"signed_at": iso(stage.start_ms + MINUTE_MS)})
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


def ordinary(stage: Stage, numbers: list[int]) -> None:
    """A day of trading; whoever the market liquidates on the way is paid like anyone."""
    for number in numbers:
        trader = stage.trader(number)
        cover = stage.cover(number, 8 if number % 3 == 1 else 24)
        symbol = stage.rng.choice(list(stage.paths[trader.venue]))
        coin = stage.paths[trader.venue][symbol].symbol.coin
        insured = min(stage.rng.choice((20, 30, 40)), selling.MOST[cover.hours][coin])
        policy = stage.insure(trader, symbol, insured, stage.rng.randint(50, 500), cover)
        minute = cover.start + EDGE_MINUTES
        end = stage.until(cover)
        for _ in range(stage.rng.randint(1, 4)):
            minute = _episode(stage, policy, minute + 5, end)
            if minute + 40 >= end or stage.liquidations[trader.wallet] >= MOST_LIQUIDATIONS:
                break


def _episode(stage: Stage, policy: Insurance, earliest: int, end: int) -> int:
    """One position from open to close; returns the minute of its end."""
    rng, trader = stage.rng, policy.trader
    path = stage.paths[trader.venue][policy.inst_id]
    most = min(policy.leverage, path.symbol.max_leverage)
    for _ in range(MAX_TRIES):
        leverage = rng.choice([level for level in (3, 5, 10, 20) if level <= most])
        setup = margin.sized(
            path, rng.random() < 0.5, leverage, Decimal(rng.randint(*MARGINS)),
            rng.randrange(earliest, end - 20), rng.choice((1, 2)),
        )  # fmt: skip
        planned = min(setup.minute + rng.randrange(10, 300), end - 1)
        touched = stage.touched(setup, planned)
        if stage.is_free(setup, touched):
            break
    else:
        raise CannotStage("no ordinary position without a lookalike")
    position = stage.open(trader, setup)
    if touched is not None:
        result = stage.liquidate(trader, setup, position, touched)
        stage.expect(policy, result.order_id, result.at_ms, stake=stake(policy, position, result))
        return touched
    price = stage.live_price(setup.path, planned)
    fills = margin.split(position.contracts, setup.symbol.lot, rng.choice((1, 2)), price)
    trader.book.close(position, OWN, fills, stage.at(planned))
    return planned


PLOTS: tuple[tuple[Plot, int], ...] = (
    (covered.full, 12),
    (covered.takeover, 4),
    (covered.margin_added, 2),
    (covered.partial, 4),
    (covered.partial_then_full, 4),
    (refused.deleveraged, 4),
    (refused.own_close, 4),
    (refused.in_waiting_time, 3),
    (refused.after_the_end, 3),
    (refused.before_cover, 4),
    (refused.over_leverage, 3),
    (refused.other_symbol, 2),
    (covered.claimed_twice, 3),
    (covered.same_wallet, 4),
    (covered.two_liquidations, 2),
    (covered.revoked_key, 2),
    (stolen_account, 6),
    (foreign_order, 3),
)
