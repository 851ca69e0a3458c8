"""The stage: traders with accounts, books and policies, and positions run along the market."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leverageguard.simulator.seeded import margin, market
from leverageguard.simulator.seeded.book import FULL, Book, Closed, Position
from leverageguard.simulator.seeded.ids import Ids
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.market import MINUTE_MS, Path, Symbol
from leverageguard.simulator.seeded.records import Kind
from leverageguard.simulator.seeded.truth import Stake, Truth

HOUR = 60
WAIT_MINUTES = {8: 15, 24: 30}
FIRST_SALE_MINUTE = 35
SALE_GAP_MS = 20_000
EDGE_MINUTES = 15
MAX_TRIES = 20_000


class CannotStage(RuntimeError):
    """The market of this seed never does what an event needs."""


@dataclass(frozen=True)
class Cover:
    """When a policy is bought and covers; minutes since the world's start, end excluded."""

    hours: int
    bought_ms: int
    start: int
    end: int


@dataclass
class Trader:
    """An account and its owner; `uid` is what the venue answers."""

    number: int
    account_id: str
    wallet: str
    uid: str
    main_uid: str
    book: Book
    key_state: str = "active"


@dataclass(frozen=True)
class Insurance:
    """A policy as sold."""

    policy: str
    trader: Trader
    inst_id: str
    leverage: int
    principal_micro_usdc: int
    cover: Cover


class Stage:
    """Everything made so far; all chances come from one seeded source."""

    def __init__(self, seed: int, start_ms: int, hours: int, symbols: Mapping[str, Symbol]) -> None:
        self.rng = random.Random(f"stage {seed}")
        self.start_ms = start_ms
        self.last = hours * HOUR
        walks = market.paths(seed, start_ms, self.last + 2 * HOUR, symbols)
        self.paths = {path.symbol.inst_id: path for path in walks.values()}
        self.ids = Ids()
        self.traders: dict[int, Trader] = {}
        self.bindings: list[dict[str, Any]] = []
        self.policies: list[Insurance] = []
        self.claims: list[dict[str, Any]] = []
        self.truths: list[Truth] = []

    def at(self, minute: int, low_s: int = 5, high_s: int = 55) -> int:
        """A moment (epoch ms) inside a minute of the world."""
        return self.start_ms + minute * MINUTE_MS + self.rng.randrange(low_s * 1000, high_s * 1000)

    def trader(self, number: int, wallet: str = "", key_state: str = "active") -> Trader:
        """A new account with money on it; every tenth is a sub-account, every fifth in net mode."""
        uid = str(self.rng.randrange(4 * 10**17, 7 * 10**17))
        main = str(self.rng.randrange(1 * 10**17, 4 * 10**17)) if number % 10 == 3 else uid
        book = Book(self.ids, number % 5 == 2, Decimal(5000), self.at(1))
        label = f"{number:03d}"
        trader = Trader(
            number, f"acc-{label}", wallet or f"trader-{label}", uid, main, book, key_state
        )
        self.traders[number] = trader
        return trader

    def cover(self, number: int, hours: int = 24) -> Cover:
        """A cover bought in the morning (24 h) or some time in the day (8 h)."""
        bought_ms = self.start_ms + FIRST_SALE_MINUTE * MINUTE_MS + number * SALE_GAP_MS
        if hours == 8:
            bought_ms += self.rng.randrange(0, self.last - 12 * HOUR) * MINUTE_MS
        return self.cover_from(bought_ms, hours)

    def cover_from(self, bought_ms: int, hours: int) -> Cover:
        """The cover of a purchase: waiting time first, then `hours`."""
        first = (bought_ms - self.start_ms) // MINUTE_MS + WAIT_MINUTES[hours]
        return Cover(hours, bought_ms, first, first + hours * HOUR)

    def insure(
        self, trader: Trader, inst_id: str, leverage: int, principal: int, cover: Cover
    ) -> Insurance:
        """Sell a policy; `principal` in whole USDC."""
        label = f"pol-{trader.number:03d}"
        policy = Insurance(label, trader, inst_id, leverage, principal * 1_000_000, cover)
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
    ) -> None:  # fmt: skip
        """Note what a claim must become."""
        wallet = policy.trader.wallet
        self.truths.append(
            Truth(policy.policy, wallet, order_id, at_ms, filing, reasons, is_undetermined, stake)
        )

    def setup(
        self, leverages: tuple[int, ...], margins: tuple[int, int], minutes: tuple[int, int],
        is_long: bool | None = None,
    ) -> Setup:  # fmt: skip
        """A random position of a leverage its instrument allows, of either side unless told."""
        leverage = self.rng.choice(leverages)
        symbol = self.rng.choice(
            [p.symbol for p in self.paths.values() if p.symbol.max_leverage >= leverage]
        )
        return margin.sized(
            self.paths[symbol.inst_id],
            self.rng.random() < 0.5 if is_long is None else is_long,
            leverage,
            Decimal(self.rng.randint(*margins)),
            self.rng.randrange(*minutes),
            self.rng.choice((1, 1, 2, 3)),
        )

    def touched(self, setup: Setup, end: int, added: Decimal = Decimal(0)) -> int | None:
        """The minute before `end` in which the mark price liquidates the position, if any."""
        ticks = setup.trigger(setup.maintenance, added)
        return setup.path.first_touch(ticks, setup.is_long, setup.minute + 1, end)

    def doomed(
        self, leverages: tuple[int, ...], margins: tuple[int, int], opened: tuple[int, int],
        closed: tuple[int, int], lasting: int = 5, added_part: Decimal = Decimal(0),
        is_long: bool | None = None,
    ) -> tuple[Setup, int, Decimal]:  # fmt: skip
        """A position opened and liquidated in the given minutes, its end, and margin to add.

        Raises CannotStage when the market never gives one.
        """
        for _ in range(MAX_TRIES):
            setup = self.setup(leverages, margins, opened, is_long)
            added = (setup.margin * added_part).quantize(Decimal(1))
            end = self.touched(setup, closed[1], added)
            if end is not None and end >= max(closed[0], setup.minute + lasting):
                return setup, end, added
        raise CannotStage(f"no position at {leverages} is liquidated in minutes {closed}")

    def open(self, trader: Trader, setup: Setup, is_early: bool = False) -> Position:
        """Open in the setup's minute; some orders were placed up to 40 minutes before."""
        at_ms = self.at(setup.minute, high_s=30 if is_early else 55)
        placed_ms = None
        if self.rng.random() < 0.15:
            placed_ms = at_ms - self.rng.randrange(1, 40) * MINUTE_MS
        return trader.book.open(
            setup.symbol, setup.is_long, setup.leverage, setup.fills, at_ms, placed_ms
        )

    def liquidate(
        self, trader: Trader, setup: Setup, position: Position, minute: int,
        kind: Kind = FULL, added: Decimal = Decimal(0),
    ) -> Closed:  # fmt: skip
        """The venue takes the whole position at the bankruptcy price."""
        symbol = setup.symbol
        ticks = margin.within_candle(
            setup.path, minute, setup.trigger(margin.TIER_1_MAINTENANCE, added)
        )
        mark = symbol.price(ticks)
        price = margin.bankruptcy_price(
            symbol, setup.is_long, position.entry, position.margin_per_coin, mark
        )
        fills = margin.split(position.contracts, symbol.lot, self.rng.choice((1, 1, 2, 3)), price)
        return trader.book.close(position, kind, fills, self.at(minute), mark)

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
