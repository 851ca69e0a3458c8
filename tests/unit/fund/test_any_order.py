"""Whatever happens in whatever order, and however often it is booked: the books balance and tie.

Events come, are lost, and are mined again in the same or another block; the chain is read and the
policies move between them or not. At the end the books are those of a world that saw only what
stands, once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leverageguard import config
from tests.policy_world import CANCELLATIONS, HOUR, PURCHASES, START, USDC
from tests.unit.fund.fund_world import FundWorld, unbalanced

STEP = 0.2  # hours between two happenings
MOVES = ("deposit", "withdraw", "transfer", "payout", "settle", "price")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [*MOVES, "buy", "buy_odd", "cancel", "claim", "value", "lose", "mine_again",
             "read", "look", "book", "book"]
        ),
        st.integers(0, 3),
    ),
    min_size=6,
    max_size=16,
)  # fmt: skip


class Played:
    """One history, step by step."""

    def __init__(self, world: FundWorld) -> None:
        self.world = world
        self.hours = 0.0
        self.quotes = [world.quote(f"P-{each}") for each in range(3)]
        self.bought: set[str] = set()
        self.moves: list[tuple[int, str, int, float]] = []
        self.values: list[tuple[float, int, int, int, int]] = []
        self.prices: list[float] = []
        self.lost: list[list[tuple[str, dict[str, Any]]]] = []

    def do(self, what: str, number: int) -> None:
        """One step."""
        self.hours = round(self.hours + STEP, 6)
        self.world.at(self.hours)
        getattr(self, f"_{what}")(number)

    def _deposit(self, number: int) -> None:
        self.world.deposit((1 + number) * USDC, self.hours)

    def _withdraw(self, number: int) -> None:
        self.world.withdraw(1 + number, self.hours)

    def _transfer(self, number: int) -> None:
        self.world.transfer(1 + number, self.hours)

    def _payout(self, number: int) -> None:
        self.world.payout(1 + number, self.hours, claim_index=number, is_paid=number != 2)

    def _settle(self, number: int) -> None:
        self.world.settle(self.hours, gas_used=1 + number)

    def _price(self, number: int) -> None:
        at = round(max(self.hours - number * STEP, STEP), 6)
        if not {int(each) for each in self.prices} & {int(at)}:
            self.prices.append(at)
            self.world.price(at, "3000")

    def _buy(self, number: int, **other: Any) -> None:
        quote = self.quotes[number % 3]
        if quote.quote_id not in self.bought:
            self.bought.add(quote.quote_id)
            self.world.buy(quote, self.hours, **other)

    def _buy_odd(self, number: int) -> None:
        self._buy(number, premium_micro_usdc=4 * USDC)

    def _cancel(self, number: int) -> None:
        of = {table: row["quote_id"] for table, row in self._of_quote(number)}
        if set(of) == {PURCHASES}:
            self.world.cancel(self.quotes[number % 3], self.hours)

    def _claim(self, number: int) -> None:
        state = ("NOTIFIED", "VERIFYING", "APPROVED", "PAID")[len(self.moves) % 4]
        reserve = 0 if state == "PAID" else number * USDC
        move = (0, state, reserve, self.hours)
        self.moves.append(move)
        self.move(self.world, self.quotes, move)

    @staticmethod
    def move(world: FundWorld, quotes: list[Any], move: tuple[int, str, int, float]) -> None:
        """A move of the one claim there is."""
        world.move(quotes[move[0]], move[1], move[2], move[3])

    def _value(self, number: int) -> None:
        """Of now, or of an earlier instant that was not valued."""
        at = round(self.hours - number * STEP + 0.05, 6)
        if at not in [each[0] for each in self.values]:
            self.values.append((at, 3 + number, number * 2, number, 2))
            self.world.value(*self.values[-1])

    def _lose(self, number: int) -> None:
        if not self.world.events:
            return
        _, row = self.world.events[number % len(self.world.events)]
        group = [each for each in self.world.events if each[1] is row]
        if row.get("quote_id"):
            group = [e for e in self.world.events if e[1].get("quote_id") == row["quote_id"]]
        for _, each in group:
            self.world.lose(each)
        self.lost.append(group)

    def _mine_again(self, number: int) -> None:
        """In the same block, or in one of now."""
        for table, row in self.lost.pop() if self.lost else []:
            at = START + int(self.hours * HOUR)
            moved = {"block_time_ms": at, "block_number": at // 1000, "block_hash": f"0x{at:064x}"}
            self.world.events.append((table, row if number < 2 else row | moved))

    def _read(self, _number: int) -> None:
        self.world.read_and_advance()

    def _look(self, _number: int) -> None:
        self.world.read()

    def _book(self, _number: int) -> None:
        self.world.book()
        assert unbalanced(self.world.legs()) == []

    def _of_quote(self, number: int) -> list[tuple[str, dict[str, Any]]]:
        quote_id = self.quotes[number % 3].quote_id
        return [
            each
            for each in self.world.events
            if each[0] in (PURCHASES, CANCELLATIONS) and each[1]["quote_id"] == quote_id
        ]

    def finish(self, hours: float = 5.0) -> dict[str, int]:
        """Read everything, let the policies move, book; the balances then."""
        for _ in range(2):
            self.world.at(hours)
            self.world.read_and_advance()
            hours += 0.1
        self.world.book()
        assert set(self.world.book().values()) - {self.waiting()} <= {0}
        assert unbalanced(self.world.legs()) == []
        return self.world.balances()

    def waiting(self) -> int:
        """Settled batches whose minute has no price."""
        minutes = {int(each * HOUR) // 60_000 for each in self.prices}
        settled = [row for table, row in self.world.events if table == "chain/batch_settlements"]
        at = [(row["block_time_ms"] - START) // 60_000 for row in settled]
        return sum(each not in minutes for each in at)

    def once(self, world: FundWorld) -> Played:
        """What stands at the end, seen by a world that saw nothing else."""
        other = Played(world)
        other.prices = self.prices
        world.events = list(self.world.events)
        for at in self.prices:
            world.price(at, "3000")
        for value in sorted(self.values):
            world.value(*value)
        for move in self.moves:
            self.move(world, other.quotes, move)
        return other


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_book__any_order_with_reorgs_and_repeats__balances_and_ties(steps):
    with new_world() as world:
        played = Played(world)
        for what, number in steps:
            played.do(what, number)
        balances = played.finish()
        assert balances.get("pool:cash", 0) == world.cash_on_the_chain()
    with new_world() as other:
        assert played.once(other).finish() == balances


@contextmanager
def new_world() -> Iterator[FundWorld]:
    """An empty world in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="lg-books-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(folder))
        loaded = config.load()
        loaded.secrets_dir.mkdir(parents=True)
        (loaded.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
        yield FundWorld(loaded)
    shutil.rmtree(folder)
