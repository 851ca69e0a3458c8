"""What must hold after any sequence of calls: the books, each claim once, limits and roles.

A model in Python (`pool_model`) predicts every call, refused ones included; the pool runs on a
real chain. The chain is put back after each sequence.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from tests.contracts import pool_calls as some
from tests.contracts.money_in_rules import MoneyInRules
from tests.contracts.pool_model import DAILY_LIMIT, PoolModel
from tests.contracts.pool_world import (
    DAY,
    FOREVER,
    PAYOUTS,
    ROLE_HOLDERS,
    SALES,
    WITHDRAWALS,
    WITHHELD,
    recipient,
    word,
)


class PoolMachine(MoneyInRules):
    """Anybody calls anything; `world` is the funded pool of the session."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.w3.provider.make_request("evm_snapshot", [])["result"]
        self.model = PoolModel(self.world.pool.address)
        self.stale: list[Any] = []
        terms = self.world.pool.functions.setWithdrawalTerms(DAILY_LIMIT, DAY)
        self.world.send(terms)
        for number in range(4):
            self.world.allow(recipient(number))
            self.model.allowed[recipient(number)] = FOREVER

    def teardown(self) -> None:
        self.check_claims()
        self.check_roles()
        self.world.w3.provider.make_request("evm_revert", [self.snapshot])

    # --- payouts

    @rule(
        payouts=some.BATCHES,
        caller=some.callers("proposer"),
        signers=some.SIGNERS,
        shifts=st.tuples(*[some.OFFSETS] * 4),
    )
    def settle(self, payouts: list[Any], caller: str, signers: Any, shifts: Any) -> None:
        number, first, version, total = shifts
        named = [(amount, recipient(to), withheld) for amount, to, withheld in payouts]
        batch = self.world.batch(
            number=self.model.batches + 1 + number,
            first_claim=max(self.model.next_claim + first, 0),
            list_version=max(self.model.list_version + version, 0),
            words=[word(a, to) | (WITHHELD if held else 0) for a, to, held in named],
            total=sum(amount for amount, _, _ in named) + total,
        )
        call = self.world.settling(batch, self.world.signatures(batch, *signers))
        allowed = caller == "proposer" and len(signers) == 2 and "stranger" not in signers
        expected = (
            allowed
            and (number, first, total) == (0, 0, 0)
            and batch.list_version == self.model.list_version
            and self.model.can_pay(batch.total, self.now)
        )
        assert self.tried(call, caller) == expected
        if expected:
            self.model.settle(named, self.now)
            self.stale.append((call, caller))

    @rule(payouts=some.BATCHES)
    def settle_as_it_should_be(self, payouts: list[Any]) -> None:
        self.settle(payouts, "proposer", ("verifier 1", "verifier 2"), (0, 0, 0, 0))

    @rule(which=st.integers(0, 20))
    def settle_again(self, which: int) -> None:
        if self.stale:
            call, caller = self.stale[which % len(self.stale)]
            assert not self.tried(call, caller)

    @rule(
        claim=st.integers(0, 12), to=some.RECIPIENTS, more=some.OFFSETS, signers=some.SIGNERS,
        caller=some.callers("rescuer"), other=some.SELDOM,
    )  # fmt: skip
    @precondition(lambda self: self.model.owed)
    def rescue(
        self, claim: int, to: int, more: int, caller: str, signers: Any, other: bool
    ) -> None:
        if not other:
            claim = sorted(self.model.owed)[claim % len(self.model.owed)]
        amount = self.model.owed.get(claim, 5)
        call = self.world.rescuing(claim, recipient(to), amount + more, *signers)
        expected = (
            caller == "rescuer"
            and len(signers) == 2
            and "stranger" not in signers
            and more == 0
            and self.model.can_rescue(claim, recipient(to), self.now)
        )
        assert self.tried(call, caller) == expected
        if expected:
            self.model.rescue(claim, recipient(to), self.now)

    @rule(claim=st.integers(0, 12), to=some.RECIPIENTS)
    @precondition(lambda self: self.model.owed)
    def rescue_as_it_should_be(self, claim: int, to: int) -> None:
        self.rescue(claim, to, 0, "rescuer", ("verifier 1", "verifier 2"), False)

    # --- withdrawals

    @rule(amount=some.AMOUNTS, to=some.RECIPIENTS, caller=some.callers("treasurer"))
    def ask(self, amount: int, to: int, caller: str) -> None:
        call = self.world.pool.functions.requestWithdrawal(recipient(to), amount)
        expected = caller == "treasurer" and self.model.can_ask(recipient(to), self.now)
        assert self.tried(call, caller) == expected
        if expected:
            self.model.ask(recipient(to), amount, self.now)

    @rule(
        number=st.integers(0, 5), caller=some.callers("treasurer"), early=some.SELDOM,
        other=some.SELDOM,
    )  # fmt: skip
    @precondition(lambda self: self.model.asked)
    def withdraw(self, number: int, caller: str, early: bool, other: bool) -> None:
        if not other:
            number = sorted(self.model.asked)[number % len(self.model.asked)]
        if not early and number in self.model.asked:
            self.world.at(max(self.model.asked[number].ready_at, self.now + 1))
        call = self.world.pool.functions.executeWithdrawal(number)
        expected = caller == "treasurer" and self.model.can_withdraw(number, self.now)
        assert self.tried(call, caller) == expected
        if expected:
            self.model.withdraw(number, self.now)

    @rule(number=st.integers(0, 5), caller=some.callers("canceller"))
    @precondition(lambda self: self.model.asked)
    def cancel(self, number: int, caller: str) -> None:
        call = self.world.pool.functions.cancelWithdrawal(number)
        expected = caller == "canceller" and number in self.model.asked
        assert self.tried(call, caller) == expected
        if expected:
            del self.model.asked[number]

    # --- settings

    @rule(amount=some.RESERVES, caller=some.callers("reserver"))
    def reserve(self, amount: int, caller: str) -> None:
        happened = self.tried(self.world.pool.functions.setReserved(amount), caller)
        assert happened == (caller == "reserver")
        self.model.reserved = amount if happened else self.model.reserved

    @rule(
        module=st.sampled_from([SALES, PAYOUTS, WITHDRAWALS]),
        paused=some.SELDOM,
        caller=some.callers("pauser"),
    )
    def pause(self, module: int, paused: bool, caller: str) -> None:
        happened = self.tried(self.world.pool.functions.setPaused(module, paused), caller)
        assert happened == (caller == "pauser")
        if happened:
            (self.model.paused.add if paused else self.model.paused.discard)(module)

    @rule(
        which=st.sampled_from(["setDenied", "setAllowed"]),
        number=some.RECIPIENTS,
        lasts=st.sampled_from([None, 0, 2 * DAY]),
        caller=some.callers("lister"),
    )
    def list_account(self, which: str, number: int, lasts: int | None, caller: str) -> None:
        until = FOREVER if lasts is None else lasts and self.now + lasts
        call = self.world.pool.functions[which]([recipient(number)], [until])
        happened = self.tried(call, caller)
        assert happened == (caller == "lister")
        if happened:
            self.model.set_list(which, recipient(number), until)

    @rule(number=some.RECIPIENTS, denied=some.SELDOM)
    def issuer_denies(self, number: int, denied: bool) -> None:
        self.world.issuer_denies(recipient(number), denied)
        known = self.model.refused_by_token
        (known.add if denied else known.discard)(recipient(number))

    @rule()
    def next_day(self) -> None:
        self.world.at((self.now // DAY + 1) * DAY + 60)

    # --- what always holds

    @invariant()
    def books_are_the_models(self) -> None:
        view, model = self.world.view, self.model
        owed = sum(model.owed.values())
        assert self.world.balance(self.world.pool.address) == model.balance
        assert view("owed") == owed <= model.balance
        assert view("freeBalance") == max(model.balance - model.reserved - owed, 0)
        assert view("spentToday") == model.spent.get(self.now // DAY, 0) <= DAILY_LIMIT
        assert view("withdrawnToday") == model.withdrawn.get(self.now // DAY, 0) <= DAILY_LIMIT
        counters = [view(name) for name in ("nextBatch", "nextClaim", "listVersion")]
        assert counters == [model.batches + 1, model.next_claim, model.list_version]

    def check_claims(self) -> None:
        """A claim is settled just when it was paid, and nobody got more than his claims."""
        for claim in range(self.model.next_claim + 2):
            assert self.world.view("isSettled", claim) == (claim in self.model.paid)
        for number in range(4):
            got = self.model.received.get(recipient(number), 0)
            assert self.world.balance(recipient(number)) == got

    def check_roles(self) -> None:
        """Nobody but the admin hands out roles, and no call above did."""
        for role, holder in ROLE_HOLDERS.items():
            role_id = keccak(text=f"{role}_ROLE")
            assert self.world.view("hasRole", role_id, self.world.who(holder).address)
            assert not self.world.view("hasRole", role_id, self.world.who("stranger").address)


@pytest.mark.slow
def test_pool__any_sequence_of_calls__keeps_the_books_and_pays_each_claim_once(world):
    happened: Counter[str] = Counter()
    machine = type("Machine", (PoolMachine,), {"world": world, "happened": happened})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    money = {"settleBatch", "rescuePayout", "executeWithdrawal"}
    money |= {"buyPolicy", "cancelPolicy", "deposit"}
    assert {name for name in money if happened[name]} == money, happened
