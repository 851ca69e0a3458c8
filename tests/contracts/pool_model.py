"""The pool's rules once more, in Python and without a chain: what it must answer to each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.contracts.pool_world import DAY, PAYOUTS, SALES, USDC, WITHDRAWALS

BATCH_LIMIT, DAILY_LIMIT, FUNDED = 5_000 * USDC, 8_000 * USDC, 10_000 * USDC
WINDOW = 7 * DAY


@dataclass
class Asked:
    """A withdrawal that waits."""

    to: str
    amount: int
    ready_at: int


@dataclass
class Sold:
    """A policy and the terms it was bought on."""

    premium: int
    bought_at: int
    wait: int
    cover: int
    is_cancelled: bool = False

    @property
    def starts_at(self) -> int:
        """The first second of its cover."""
        return self.bought_at + self.wait

    def refund(self, now: int) -> int:
        """The premium's share of the time that is left, rounded down."""
        return self.premium * (self.starts_at + self.cover - now) // (self.wait + self.cover)


@dataclass
class PoolModel:
    """What the pool holds and knows; the caller has checked roles and signatures."""

    address: str
    balance: int = FUNDED
    reserved: int = 0
    batches: int = 0
    next_claim: int = 1
    list_version: int = 0
    paid: set[int] = field(default_factory=set)
    owed: dict[int, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    withdrawn: dict[int, int] = field(default_factory=dict)
    asked: dict[int, Asked] = field(default_factory=dict)
    withdrawals: int = 0
    paused: set[int] = field(default_factory=set)
    denied: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)
    refused_by_token: set[str] = field(default_factory=set)
    sold: dict[int, Sold] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """What payouts and withdrawals may touch."""
        return max(self.balance - self.reserved - sum(self.owed.values()), 0)

    def _send(self, to: str, amount: int) -> None:
        self.balance -= amount
        self.received[to] = self.received.get(to, 0) + amount

    def can_pay(self, total: int, now: int) -> bool:
        """Whether a signed batch of this total is within all limits."""
        return (
            PAYOUTS not in self.paused
            and total <= BATCH_LIMIT
            and self.spent.get(now // DAY, 0) + total <= DAILY_LIMIT
            and total <= self.free
        )

    def settle(self, payouts: Sequence[tuple[int, str, bool]], now: int) -> None:
        """Pay or keep (amount, recipient, is withheld), in the order of the claims."""
        for amount, to, is_withheld in payouts:
            if is_withheld or to in self.refused_by_token:
                self.owed[self.next_claim] = amount
            else:
                self.paid.add(self.next_claim)
                self._send(to, amount)
                self.spent[now // DAY] = self.spent.get(now // DAY, 0) + amount
            self.next_claim += 1
        self.batches += 1

    def can_rescue(self, claim: int, to: str, now: int) -> bool:
        """Whether a signed rescue of a claim can be paid now."""
        amount = self.owed.get(claim, 0)
        owed_to_others = sum(self.owed.values()) - amount
        return (
            amount > 0
            and PAYOUTS not in self.paused
            and self.denied.get(to, 0) <= now
            and to not in self.refused_by_token
            and self.spent.get(now // DAY, 0) + amount <= DAILY_LIMIT
            and amount <= self.balance - self.reserved - owed_to_others
        )

    def rescue(self, claim: int, to: str, now: int) -> None:
        """Pay an owed claim."""
        amount = self.owed.pop(claim)
        self.paid.add(claim)
        self._send(to, amount)
        self.spent[now // DAY] = self.spent.get(now // DAY, 0) + amount

    def can_sell(self, number: int) -> bool:
        """Whether the policy of a quote can be sold."""
        return SALES not in self.paused and number not in self.sold

    def sell(self, number: int, sold: Sold) -> None:
        """Take a premium."""
        self.sold[number] = sold
        self.balance += sold.premium

    def can_cancel(self, number: int, now: int) -> bool:
        """Whether a policy can be cancelled by its buyer now."""
        sold = self.sold.get(number)
        return (
            sold is not None
            and PAYOUTS not in self.paused
            and not sold.is_cancelled
            and now < sold.starts_at
            and sold.refund(now) <= self.free
        )

    def cancel(self, number: int, now: int) -> int:
        """Pay a refund; how much."""
        refund = self.sold[number].refund(now)
        self.sold[number].is_cancelled = True
        self.balance -= refund
        return refund

    def can_ask(self, to: str, now: int) -> bool:
        """Whether a withdrawal to somebody can be asked for."""
        return WITHDRAWALS not in self.paused and self.allowed.get(to, 0) > now

    def ask(self, to: str, amount: int, now: int) -> None:
        """Ask for a withdrawal; it waits a day."""
        self.withdrawals += 1
        self.asked[self.withdrawals] = Asked(to, amount, now + DAY)

    def can_withdraw(self, number: int, now: int) -> bool:
        """Whether a withdrawal can be taken now."""
        asked = self.asked.get(number)
        return (
            asked is not None
            and self.can_ask(asked.to, now)
            and self.denied.get(asked.to, 0) <= now
            and asked.ready_at <= now <= asked.ready_at + WINDOW
            and self.withdrawn.get(now // DAY, 0) + asked.amount <= DAILY_LIMIT
            and asked.amount <= self.free
            and asked.to not in self.refused_by_token
        )

    def withdraw(self, number: int, now: int) -> None:
        """Take a withdrawal."""
        asked = self.asked.pop(number)
        self._send(asked.to, asked.amount)
        self.withdrawn[now // DAY] = self.withdrawn.get(now // DAY, 0) + asked.amount

    def set_list(self, which: str, account: str, until: int) -> None:
        """Put an account on a list or take it off; the deny list's version counts on."""
        if which == "setDenied":
            self.list_version += 1
        (self.denied if which == "setDenied" else self.allowed)[account] = until
