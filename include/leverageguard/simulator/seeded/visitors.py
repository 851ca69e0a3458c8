"""Visitors: accounts nobody bound, whose positions open and are liquidated after the world's now.

Whoever tries a fresh stack can bind one, buy a policy, let the time pass and claim. They are played
last and from the end of the book's market, so the book is the same with and without them.
"""

from __future__ import annotations

from leverageguard.simulator.seeded import market
from leverageguard.simulator.seeded.covered import MARGINS
from leverageguard.simulator.seeded.people import Guest
from leverageguard.simulator.seeded.stage import AFTERMATH_HOURS, HOUR, Stage

COUNT = 36
FIRST_NUMBER = 900
# At these leverages both covers are sold for every coin.
LEVERAGES = (20, 30)
MARKET_HOURS = 13
# Minutes after the world's now within which one opens, and by which it is liquidated: time to buy
# before, and an hour of market after. Every sixth visitor comes later than the others.
SOON, LATE = (90, 300, 400), (400, 600, 690)


def play(stage: Stage, seed: int, count: int = COUNT) -> None:
    """Go on with the market and give each visitor an account and its liquidation."""
    now = stage.last + AFTERMATH_HOURS * HOUR
    stage.paths = market.continued(seed, stage.paths, MARKET_HOURS * HOUR)
    for number in range(1, count + 1):
        first, last, end = (now + minute for minute in (LATE if number % 6 == 0 else SOON))
        _liquidated(stage, number, (first, last), (first, end))


def _liquidated(
    stage: Stage, number: int, opened: tuple[int, int], closed: tuple[int, int]
) -> None:
    name = f"visitor-{number:02d}"
    venue = list(stage.twins)[number % len(stage.twins)]
    trader = stage.account(FIRST_NUMBER + number, name, name, venue=venue)
    setup, end, _ = stage.doomed(trader.venue, LEVERAGES, MARGINS, opened, closed)
    trader.book.set_leverage(setup.symbol, setup.leverage)
    position = stage.open(trader, setup, is_early=True)
    result = stage.liquidate(trader, setup, position, end)
    order = trader.book.records.orders[0]
    stage.guests.append(
        Guest(
            trader, setup.symbol.inst_id, setup.is_long, setup.leverage,
            order.filled_ms, result.at_ms, result.order_id,
        )
    )  # fmt: skip
