"""A scenario as values: accounts, bindings, policies, claims and the venue rows beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leverageguard.simulator import replies
from leverageguard.simulator.venues import twins


@dataclass(frozen=True)
class Account:
    """An API key on an exchange account; `uid` is what the venue answers for it."""

    account_id: str
    exchange: str
    uid: str
    main_uid: str
    wallet: str
    perm: str
    key_state: str


@dataclass(frozen=True)
class Binding:
    """A signed statement of `wallet`: `uid` (as declared, true or not) is mine."""

    account: str
    wallet: str
    uid: str
    signed_at_ms: int


@dataclass(frozen=True)
class Policy:
    """A policy to be bought at `bought_at_ms`; the principal is in micro-USDC.

    One that was taken over was sold elsewhere, maybe outside what the product sells.
    """

    policy: str
    wallet: str
    account: str
    product: str
    inst_id: str
    leverage: int
    principal_micro_usdc: int
    cover_hours: int
    bought_at_ms: int
    is_taken_over: bool = False


@dataclass(frozen=True)
class Claim:
    """A filing under `policy`, signed by `wallet`, naming the venue's order id."""

    claim: str
    policy: str
    wallet: str
    inst_id: str
    order_id: str
    filed_at_ms: int


@dataclass(frozen=True)
class Visitor:
    """An account the venues serve and nobody has bound yet, and what will befall it.

    Its one position is opened and force-liquidated after the world's `now`; until then the venues
    show neither. `order_id` is the liquidation's, as a claim names it.
    """

    account: Account
    inst_id: str
    side: str
    leverage: int
    opened_at_ms: int
    liquidated_at_ms: int
    order_id: str


@dataclass(frozen=True)
class Scenario:
    """One world; times in epoch milliseconds UTC, `[start, now]` is what has happened.

    `visitors` are no part of the book: they are served by the venues for whoever tries the stack.
    """

    folder: Path
    replies_folder: Path
    name: str
    about: str
    start_ms: int
    now_ms: int
    product: str
    pool_deposit_micro_usdc: int
    accounts: tuple[Account, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[Policy, ...]
    claims: tuple[Claim, ...]
    visitors: tuple[Visitor, ...] = ()

    @property
    def served(self) -> tuple[Account, ...]:
        """Every account the venues know: the book's and the visitors'."""
        return (*self.accounts, *(visitor.account for visitor in self.visitors))

    def replies(self, exchange: str) -> replies.Replies:
        """The rows one venue answers; raises ScenarioError when a file is not in the format."""
        accounts = [a.account_id for a in self.served if a.exchange == exchange]
        tables = twins()[exchange].tables
        return replies.load(self.replies_folder / exchange, accounts, tables)

    def wallets(self) -> list[str]:
        """Every wallet label that signs or is paid, sorted."""
        owners: list[Account | Binding | Policy | Claim] = [
            *self.accounts, *self.bindings, *self.policies, *self.claims
        ]  # fmt: skip
        return sorted({owner.wallet for owner in owners})
