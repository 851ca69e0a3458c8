"""The traders and what they bought."""

from __future__ import annotations

from dataclasses import dataclass

from leverageguard.simulator.seeded.book import Book


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
    venue: str
    wallet: str
    uid: str
    main_uid: str
    book: Book
    key_state: str = "active"
    perm: str = "read_only"


@dataclass(frozen=True)
class Insurance:
    """A policy as sold."""

    policy: str
    trader: Trader
    inst_id: str
    leverage: int
    principal_micro_usdc: int
    cover: Cover
    product: str


@dataclass(frozen=True)
class Guest:
    """A visitor's account and the one position that is opened and liquidated on it later on."""

    trader: Trader
    inst_id: str
    is_long: bool
    leverage: int
    opened_ms: int
    liquidated_ms: int
    order_id: str
