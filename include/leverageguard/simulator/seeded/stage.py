"""The stage: traders with accounts, books and policies, and positions run along the market."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from leverageguard.simulator.seeded import margin, market
from leverageguard.simulator.seeded.book import FULL, Book, Closed, Position
from leverageguard.simulator.seeded.casting import Need, lacks, venue_of
from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.market import MINUTE_MS, Path
from leverageguard.simulator.seeded.people import Cover, Guest, Insurance, Trader
from leverageguard.simulator.seeded.records import Kind
from leverageguard.simulator.seeded.selling import product_of
from leverageguard.simulator.seeded.truth import Stake, Truth
from leverageguard.simulator.venue import Twin

HOUR = 60
# The market goes on this long after the last trade: the world's now.
AFTERMATH_HOURS = 2
WAIT_MINUTES = {8: 15, 24: 30}
FIRST_SALE_MINUTE = 35
SALE_GAP_MS = 20_000
EDGE_MINUTES = 15
MAX_TRIES = 20_000
# A little more than what counts as a hedge between two insured accounts.
HEDGE_MINUTES = 16
HEDGE_LOW, HEDGE_HIGH = Decimal("0.75"), Decimal("1.3")


class Opened(NamedTuple):
    """A position somebody opened; the notional in USDT."""

    minute: int
    is_long: bool
    notional: Decimal


class CannotStage(RuntimeError):
    """The market of this seed never does what an event needs."""


class Stage:
    """Everything made so far; all chances come from one seeded source."""

    def __init__(
        self, seed: int, start_ms: int, hours: int, twins: Mapping[str, Twin],
        sale_gap_ms: int = SALE_GAP_MS,
    ) -> None:  # fmt: skip
        self.rng = random.Random(f"stage {seed}")
        self.start_ms = start_ms
        self.last = hours * HOUR
        self.twins = twins
        self._sale_gap_ms = sale_gap_ms
        listings = {venue: twin.symbols.values() for venue, twin in twins.items()}
        self.paths = market.paths(seed, start_ms, self.last + AFTERMATH_HOURS * HOUR, listings)
        self.ids = Ids()
        self.traders: dict[int, Trader] = {}
        self.bindings: list[dict[str, Any]] = []
        self.policies: list[Insurance] = []
        self.claims: list[dict[str, Any]] = []
        self.guests: list[Guest] = []
        self.truths: list[Truth] = []
        self.liquidations: Counter[str] = Counter()
        self.avoided: set[tuple[str, int]] = set()
        self.plot = ""
        self._opened: dict[tuple[str, int], list[Opened]] = defaultdict(list)

    def at(self, minute: int, low_s: int = 5, high_s: int = 55) -> int:
        """A moment (epoch ms) inside a minute of the world."""
        return self.start_ms + minute * MINUTE_MS + self.rng.randrange(low_s * 1000, high_s * 1000)

    def trader(
        self, number: int, *needs: Need, wallet: str = "", key_state: str = "active",
        venue: str = "", leverage: int = 20,
    ) -> Trader:  # fmt: skip
        """A new account of the book, on a venue that shows what the event needs."""
        label = f"{number:03d}"
        made = self.account(
            number, f"acc-{label}", wallet or f"trader-{label}", *needs,
            venue=venue, leverage=leverage, key_state=key_state,
        )  # fmt: skip
        self.traders[number] = made
        return made

    def account(
        self, number: int, account_id: str, wallet: str, *needs: Need, key_state: str = "active",
        venue: str = "", leverage: int = 20,
    ) -> Trader:  # fmt: skip
        """An account with money on it that nobody insures yet.

        Every tenth is a sub-account where its venue names the main account, every fifth is in
        net mode.
        """
        venue = venue or venue_of(number, self.twins, *needs, leverage=leverage)
        twin = self.twins[venue]
        uid = main = twin.uid(self.rng.randrange(4 * 10**17, 7 * 10**17))
        if number % 10 == 3 and not lacks(twin, "root"):
            main = twin.uid(self.rng.randrange(1 * 10**17, 4 * 10**17))
        is_net = number % 5 == 2 or lacks(twin, "hedge")
        book = Book(self.ids, is_net, Decimal(5000), self.at(1))
        book.records.uid = uid
        return Trader(number, account_id, venue, wallet, uid, main, book, key_state)

    def cover(self, number: int, hours: int = 24) -> Cover:
        """A cover bought in the morning (24 h) or some time in the day (8 h)."""
        bought_ms = self.start_ms + FIRST_SALE_MINUTE * MINUTE_MS + number * self._sale_gap_ms
        if hours == 8:
            bought_ms += self.rng.randrange(0, self.last - 12 * HOUR) * MINUTE_MS
        return self.cover_from(bought_ms, hours)

    def cover_from(self, bought_ms: int, hours: int) -> Cover:
        """The cover of a purchase: waiting time first, then `hours`."""
        first = (bought_ms - self.start_ms) // MINUTE_MS + WAIT_MINUTES[hours]
        return Cover(hours, bought_ms, first, first + hours * HOUR)

    def until(self, cover: Cover) -> int:
        """The minute by which a position of this cover must have ended to be paid."""
        return min(cover.end - EDGE_MINUTES, self.last)

    def insure(
        self, trader: Trader, inst_id: str, leverage: int, principal: int, cover: Cover
    ) -> Insurance:
        """Sell a policy; `principal` in whole USDC."""
        path = self.paths[trader.venue][inst_id]
        if inst_id not in trader.book.records.settings:
            trader.book.set_leverage(path.symbol, min(leverage, path.symbol.max_leverage))
        label = f"pol-{trader.number:03d}"
        product = product_of(path.symbol.coin, cover.hours, leverage)
        policy = Insurance(label, trader, inst_id, leverage, principal * 1_000_000, cover, product)
        self.policies.append(policy)
        return policy

    def file(self, policy: Insurance, order_id: str, after_ms: int, suffix: str = "") -> str:
        """File a claim 20 to 50 minutes after the event (and before the world's end)."""
        label = policy.policy.replace("pol", "clm") + suffix
        latest = self.start_ms + (self.last + HOUR) * MINUTE_MS
        filed_ms = min(after_ms + self.rng.randrange(20, 50) * MINUTE_MS, latest)
        self.claims.append(
            {"claim": label, "policy": policy.policy, "order_id": order_id, "filed_ms": filed_ms}
        )
        return label

    def expect(
        self, policy: Insurance, order_id: str, at_ms: int, *reasons: str,
        filing: str | None = None, stake: Stake | None = None, is_undetermined: bool = False,
        holds: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Note what a claim must become."""
        self.truths.append(
            Truth(
                policy.policy, policy.trader.wallet, order_id, at_ms, filing, reasons,
                is_undetermined, stake, holds, self.plot,
            )
        )  # fmt: skip

    def setup(
        self, venue: str, leverages: tuple[int, ...], margins: tuple[int, int],
        minutes: tuple[int, int], is_long: bool | None = None,
    ) -> Setup:  # fmt: skip
        """A random position of a leverage its instrument allows, of either side unless told."""
        listed = [path.symbol for path in self.paths[venue].values()]
        most = max(symbol.max_leverage for symbol in listed)
        leverage = self.rng.choice([level for level in leverages if level <= most])
        symbol = self.rng.choice([s for s in listed if s.max_leverage >= leverage])
        return margin.sized(
            self.paths[venue][symbol.inst_id],
            self.rng.random() < 0.5 if is_long is None else is_long,
            leverage,
            Decimal(self.rng.randint(*margins)),
            self.rng.randrange(*minutes),
            self.rng.choice((1, 1, 2, 3)),
        )

    def is_free(self, setup: Setup, *minutes: int | None) -> bool:
        """True when nobody opened about the same on the other side then, and no minute is taboo.

        Two such positions would look like a hedge between two insured accounts.
        """
        coin = setup.symbol.coin
        if any((coin, minute) in self.avoided for minute in minutes if minute is not None):
            return False
        bucket = setup.minute // HEDGE_MINUTES
        around = [each for n in (-1, 0, 1) for each in self._opened[coin, bucket + n]]
        return not any(
            other.is_long != setup.is_long
            and abs(other.minute - setup.minute) <= HEDGE_MINUTES
            and HEDGE_LOW * setup.notional < other.notional < HEDGE_HIGH * setup.notional
            for other in around
        )

    def touched(self, setup: Setup, end: int, added: Decimal = Decimal(0)) -> int | None:
        """The minute before `end` in which the mark price liquidates the position, if any."""
        ticks = setup.trigger(setup.maintenance, added)
        return setup.path.first_touch(ticks, setup.is_long, setup.minute + 1, end)

    def doomed(
        self, venue: str, leverages: tuple[int, ...], margins: tuple[int, int],
        opened: tuple[int, int], closed: tuple[int, int], lasting: int = 5,
        added_part: Decimal = Decimal(0), is_long: bool | None = None,
    ) -> tuple[Setup, int, Decimal]:  # fmt: skip
        """A position opened and liquidated in the given minutes, its end, and margin to add.

        Raises CannotStage when the market never gives one.
        """
        for _ in range(MAX_TRIES):
            setup = self.setup(venue, leverages, margins, opened, is_long)
            added = (setup.margin * added_part).quantize(Decimal(1))
            end = self.touched(setup, closed[1], added)
            is_late = end is not None and end >= max(closed[0], setup.minute + lasting)
            if end is not None and is_late and self.is_free(setup, end):
                return setup, end, added
        raise CannotStage(f"no position at {leverages} is liquidated in minutes {closed}")

    def open(
        self, trader: Trader, setup: Setup, is_early: bool = False, is_isolated: bool = True
    ) -> Position:
        """Open in the setup's minute; some orders were placed up to 40 minutes before."""
        at_ms = self.at(setup.minute, high_s=30 if is_early else 55)
        bucket = (setup.symbol.coin, setup.minute // HEDGE_MINUTES)
        self._opened[bucket].append(Opened(setup.minute, setup.is_long, setup.notional))
        placed_ms = None
        if self.rng.random() < 0.15:
            placed_ms = at_ms - self.rng.randrange(1, 40) * MINUTE_MS
        return trader.book.open(
            setup.symbol, setup.is_long, setup.leverage, setup.fills, at_ms, placed_ms,
            is_isolated,
        )  # fmt: skip

    def liquidate(
        self, trader: Trader, setup: Setup, position: Position, minute: int,
        kind: Kind = FULL, added: Decimal = Decimal(0), beyond: Decimal = Decimal(0),
    ) -> Closed:  # fmt: skip
        """The venue takes the whole position at the bankruptcy price, or a share `beyond` it."""
        self.liquidations[trader.wallet] += 1
        symbol = setup.symbol
        ticks = margin.within_candle(
            setup.path, minute, setup.trigger(margin.TIER_1_MAINTENANCE, added)
        )
        mark = symbol.price(ticks)
        price = margin.bankruptcy_price(
            symbol, setup.is_long, position.entry, position.margin_per_coin, mark
        )
        worse = price * (1 - beyond if setup.is_long else 1 + beyond)
        price = (worse / symbol.tick).to_integral_value() * symbol.tick
        fills = margin.split(position.contracts, symbol.lot, self.rng.choice((1, 1, 2, 3)), price)
        return trader.book.close(position, kind, fills, self.at(minute), mark)

    def taint(self, setup: Setup, minute: int, path: Path) -> None:
        """Show `path` instead of the setup's, and let nobody else's event fall near the minute."""
        for of_venue in self.paths.values():
            for inst_id, known in of_venue.items():
                if known is setup.path:
                    of_venue[inst_id] = path
        self.avoided |= {(setup.symbol.coin, minute + n) for n in range(-3, 4)}

    def is_quiet(self, setup: Setup, minute: int) -> bool:
        """True when no order of that coin was filled around the minute so far."""
        first = self.start_ms + (minute - 3) * MINUTE_MS
        return not any(
            order.symbol.coin == setup.symbol.coin
            and first <= order.filled_ms < first + 7 * MINUTE_MS
            for trader in self.traders.values()
            for order in trader.book.records.orders
        )

    def live_price(self, path: Path, minute: int) -> Decimal:
        """A price traded in that minute."""
        return path.symbol.price(margin.middle_ticks(path, minute))


def stake(policy: Insurance, position: Position, closed: Closed) -> Stake:
    """What the payout of one forced close depends on."""
    share = closed.contracts / position.max_contracts
    loss = -(closed.pnl + closed.fee + position.open_fee * share)
    return Stake(
        policy.principal_micro_usdc,
        policy.leverage,
        position.margin_opened,
        closed.contracts,
        position.max_contracts,
        loss,
    )
