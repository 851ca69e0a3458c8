"""The state machine's rules of policies and deposits: money that comes in, and what goes back."""

from __future__ import annotations

from collections import Counter
from typing import Any

from eth_utils import keccak
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from web3.exceptions import ContractCustomError, ContractLogicError

from tests.contracts import pool_calls as some
from tests.contracts.pool_model import PoolModel, Sold
from tests.contracts.pool_world import DAY, USDC, PoolWorld


class MoneyInRules(RuleBasedStateMachine):
    """`model` predicts what `world` answers; `happened` counts what it accepted."""

    world: PoolWorld
    model: PoolModel
    happened: Counter[str]

    def tried(self, call: Any, sender: str) -> bool:
        """Send a call; False when the contract refused it with one of its errors."""
        try:
            self.world.send(call, sender)
        except (ContractCustomError, ContractLogicError):
            return False
        self.happened[call.fn_name] += 1
        return True

    @property
    def now(self) -> int:
        """Time of the latest block, in seconds."""
        return self.world.now

    @rule(
        number=st.integers(0, 5),
        premium=st.integers(0, 20 * USDC),
        wait=st.sampled_from([0, DAY // 2, 2 * DAY, 2 * DAY]),
        caller=st.integers(0, 1),
    )
    def buy(self, number: int, premium: int, wait: int, caller: int) -> None:
        quote = {
            "quoteId": keccak(text=f"quote {number}"),
            "buyer": self.world.who("buyer 0").address,
            "premium": premium,
            "maxPayout": 50 * USDC,
            "coverSeconds": DAY,
            "waitSeconds": wait,
            "deadline": self.now + 600,
            "termsHash": keccak(text="terms"),
        }
        self.fund("buyer 0", premium)
        expected = caller == 0 and premium > 0 and self.model.can_sell(number)
        assert self.tried(self.world.buying(quote), f"buyer {caller}") == expected
        if expected:
            self.model.sell(number, Sold(premium, self.now, wait, DAY))

    @rule(number=st.integers(0, 5), premium=st.integers(1, 20 * USDC))
    def buy_as_it_should_be(self, number: int, premium: int) -> None:
        self.buy(number, premium, 2 * DAY, 0)

    @rule(number=st.integers(0, 5), caller=st.sampled_from([0, 0, 0, 1]), other=some.SELDOM)
    @precondition(lambda self: self.model.sold)
    def cancel_policy(self, number: int, caller: int, other: bool) -> None:
        if not other:
            number = sorted(self.model.sold)[number % len(self.model.sold)]
        sold = self.model.sold.get(number)
        if sold and 0 < sold.starts_at - self.now < 60:
            self.world.at(sold.starts_at)  # too close to tell in which second a call is made
        call = self.world.pool.functions.cancelPolicy(keccak(text=f"quote {number}"))
        expected = caller == 0 and self.model.can_cancel(number, self.now)
        buyer = self.world.who("buyer 0").address
        before = self.world.balance(buyer)
        assert self.tried(call, f"buyer {caller}") == expected
        if expected:
            assert self.world.balance(buyer) - before == self.model.cancel(number, self.now)

    @rule(number=st.integers(0, 5))
    @precondition(lambda self: self.model.sold)
    def cancel_policy_as_it_should_be(self, number: int) -> None:
        self.cancel_policy(number, 0, False)

    @rule(amount=st.integers(0, 500 * USDC))
    def deposit(self, amount: int) -> None:
        self.fund("donor", amount)
        call = self.world.pool.functions.deposit(amount)
        assert self.tried(call, "donor") == (amount > 0)
        self.model.balance += amount

    def fund(self, label: str, amount: int) -> None:
        """Give somebody money and let the pool take it."""
        address = self.world.who(label).address
        self.world.send(self.world.token.functions.mint(address, amount))
        self.world.send(self.world.token.functions.approve(self.world.pool.address, amount), label)
