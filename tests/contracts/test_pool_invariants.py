"""What must hold after any sequence of calls: the books, each claim once, limits and roles.

A model in Python predicts every call, refused ones included; the pool runs on a real chain. The
chain is put back after each sequence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from web3.exceptions import ContractCustomError

from tests.contracts.pool_world import USDC, PoolWorld, recipient

DAY = 86_400
SALES, PAYOUTS = 1, 2
BATCH_LIMIT, DAILY_LIMIT, FUNDED = 5_000 * USDC, 8_000 * USDC, 10_000 * USDC
CLAIMS = st.integers(0, 11)
# Small and large ones, so that every limit is met.
AMOUNTS = st.one_of(st.integers(0, 3 * USDC), st.integers(500 * USDC, 3_000 * USDC))
RECIPIENTS = st.integers(0, 3)
PAYOUTS_ANY = st.lists(st.tuples(CLAIMS, AMOUNTS, RECIPIENTS), min_size=1, max_size=4)
PAYOUTS_GOOD = st.lists(
    st.tuples(CLAIMS, AMOUNTS, RECIPIENTS), min_size=1, max_size=4, unique_by=lambda each: each[0]
).map(sorted)
# Mostly those who may, so that most sequences pay.
CALLERS = st.sampled_from(["proposer"] * 6 + ["verifier 1", "stranger"])
SIGNERS = st.sampled_from(
    [("verifier 1", "verifier 2"), ("verifier 2", "verifier 3")] * 3
    + [("verifier 1",), ("stranger", "verifier 1")]
)
ROLE_HOLDERS = {
    "PROPOSER": "proposer", "QUOTER": "quoter", "PAUSER": "pauser", "LISTER": "lister",
    "TREASURER": "treasurer",
}  # fmt: skip


class PoolMachine(RuleBasedStateMachine):
    """Anybody calls anything; `world` is the funded pool of the session."""

    world: PoolWorld

    def __init__(self) -> None:
        super().__init__()
        made = self.world.w3.provider.make_request("evm_snapshot", [])
        self.snapshot = made["result"]
        self.balance, self.batches = FUNDED, 0
        self.paid: dict[int, int] = {}
        self.paid_to: dict[str, int] = {}
        self.spent: dict[int, int] = {}
        self.reserved = 0
        self.paused: set[int] = set()
        self.denied: set[str] = set()
        self.refused_by_token: set[str] = set()
        self.policies: dict[int, str] = {}

    def teardown(self) -> None:
        self.check_claims(range(12))
        self.check_roles()
        self.world.w3.provider.make_request("evm_revert", [self.snapshot])

    def tried(self, call: Any, sender: str) -> bool:
        """Send a call; False when the contract refused it with one of its errors."""
        try:
            self.world.send(call, sender)
        except ContractCustomError:
            return False
        return True

    @property
    def today(self) -> int:
        return self.world.now // DAY

    @rule(payouts=st.one_of(PAYOUTS_GOOD, PAYOUTS_ANY), caller=CALLERS, signers=SIGNERS)
    def settle(self, payouts: list[Any], caller: str, signers: tuple[str, ...]) -> None:
        named = [(claim, amount, recipient(to)) for claim, amount, to in payouts]
        batch = self.world.batch(*named)
        call = self.world.settling(batch, self.world.signatures(batch, *signers))
        day_before = self.today
        happened = self.tried(call, caller)
        total = sum(amount for _, amount, _ in named)
        claims = [claim for claim, _, _ in named]
        day = self.today if happened else day_before
        expected = (
            caller == "proposer"
            and len(signers) == 2
            and "stranger" not in signers
            and PAYOUTS not in self.paused
            and all(amount > 0 for _, amount, _ in named)
            and claims == sorted(set(claims))
            and not set(claims) & set(self.paid)
            and total <= BATCH_LIMIT
            and self.spent.get(day, 0) + total <= DAILY_LIMIT
            and total <= self.balance - self.reserved
        )
        assert happened == expected
        if happened:
            self.batches += 1
            for claim, amount, to in named:
                if to not in self.denied | self.refused_by_token:
                    self.paid[claim] = amount
                    self.paid_to[to] = self.paid_to.get(to, 0) + amount
                    self.balance -= amount
                    self.spent[day] = self.spent.get(day, 0) + amount
            self.check_claims(claims)

    @rule(number=st.integers(0, 3), premium=st.integers(0, 20 * USDC), caller=st.integers(0, 1))
    def buy(self, number: int, premium: int, caller: int) -> None:
        buyer, sender = "buyer 0", f"buyer {caller}"
        address = self.world.who(buyer).address
        quote = {
            "quoteId": keccak(text=f"quote {number}"), "buyer": address, "premium": premium,
            "maxPayout": 50 * USDC, "coverSeconds": DAY, "deadline": self.world.now + 600,
            "termsHash": keccak(text="terms"),
        }  # fmt: skip
        self.world.send(self.world.token.functions.mint(address, premium))
        approved = self.world.token.functions.approve(self.world.pool.address, premium)
        self.world.send(approved, buyer)
        signature = self.world.sign(self.world.who("quoter"), "Quote", quote)
        call = self.world.pool.functions.buyPolicy(tuple(quote.values()), signature)
        happened = self.tried(call, sender)
        assert happened == (
            sender == buyer
            and premium > 0
            and SALES not in self.paused
            and number not in self.policies
        )
        if happened:
            self.policies[number] = address
            self.balance += premium

    @rule(amount=st.integers(0, 500 * USDC))
    def deposit(self, amount: int) -> None:
        donor = self.world.who("donor").address
        self.world.send(self.world.token.functions.mint(donor, amount))
        approved = self.world.token.functions.approve(self.world.pool.address, amount)
        self.world.send(approved, "donor")
        happened = self.tried(self.world.pool.functions.deposit(amount), "donor")
        assert happened == (amount > 0)
        self.balance += amount

    @rule(amount=st.integers(0, 12_000 * USDC), caller=st.sampled_from(["treasurer", "proposer"]))
    def reserve(self, amount: int, caller: str) -> None:
        happened = self.tried(self.world.pool.functions.setReserved(amount), caller)
        assert happened == (caller == "treasurer")
        self.reserved = amount if happened else self.reserved

    @rule(
        module=st.sampled_from([SALES, PAYOUTS]),
        paused=st.booleans(),
        caller=st.sampled_from(["pauser", "admin"]),
    )
    def pause(self, module: int, paused: bool, caller: str) -> None:
        happened = self.tried(self.world.pool.functions.setPaused(module, paused), caller)
        assert happened == (caller == "pauser")
        if happened:
            self.paused = self.paused | {module} if paused else self.paused - {module}

    @rule(number=RECIPIENTS, denied=st.booleans(), caller=st.sampled_from(["lister", "stranger"]))
    def deny(self, number: int, denied: bool, caller: str) -> None:
        to = recipient(number)
        happened = self.tried(self.world.pool.functions.setDenied([to], denied), caller)
        assert happened == (caller == "lister")
        if happened:
            self.denied = self.denied | {to} if denied else self.denied - {to}

    @rule(number=RECIPIENTS, denied=st.booleans())
    def issuer_denies(self, number: int, denied: bool) -> None:
        to = recipient(number)
        self.world.send(self.world.token.functions.setDenied(to, denied))
        known = self.refused_by_token
        self.refused_by_token = known | {to} if denied else known - {to}

    @rule()
    def next_day(self) -> None:
        self.world.at((self.today + 1) * DAY + 60)

    @invariant()
    def balance_is_what_came_in_less_what_was_paid(self) -> None:
        assert self.world.balance(self.world.pool.address) == self.balance
        free = self.world.pool.functions.freeBalance().call()
        assert free == max(self.balance - self.reserved, 0)

    @invariant()
    def day_and_batches_are_counted(self) -> None:
        spent = self.world.pool.functions.spentToday().call()
        assert spent == self.spent.get(self.today, 0) <= DAILY_LIMIT
        assert self.world.pool.functions.nextBatch().call() == self.batches + 1

    def check_claims(self, claims: Iterable[int]) -> None:
        """A claim is marked just when it was paid, and nobody got more than his claims."""
        for claim in claims:
            is_settled = self.world.pool.functions.isSettled(claim).call()
            assert is_settled == (claim in self.paid)
        for to, amount in self.paid_to.items():
            assert self.world.balance(to) == amount

    def check_roles(self) -> None:
        """Nobody but the admin hands out roles, and no call above did."""
        has_role = self.world.pool.functions.hasRole
        for role, holder in ROLE_HOLDERS.items():
            role_id = keccak(text=f"{role}_ROLE")
            assert has_role(role_id, self.world.who(holder).address).call()
            assert not has_role(role_id, self.world.who("stranger").address).call()


@pytest.mark.slow
def test_pool__any_sequence_of_calls__keeps_the_books_and_pays_each_claim_once(world):
    machine = type("Machine", (PoolMachine,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
