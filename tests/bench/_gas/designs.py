"""One chain with one token and every design on it, each able to pay a list of people."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from eth_utils import keccak
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from tests.anvil import Anvil
from tests.bench._gas import merkle
from tests.contracts.pool_world import ARTIFACTS, GAS_CAP, USDC, PoolWorld, account, artifact

Payouts = list[tuple[str, int]]  # recipient, micro-USDC
NAMES = ("ours", "gaslite", "disperse", "transfers", "mapping", "merkle")
MONEY = 10**9 * USDC
# One slot a claim does not fit the cap on a transaction's gas with 400 new recipients.
MAPPING_PART = 200
ROLES = {"PROPOSER_ROLE": ["proposer"], "VERIFIER_ROLE": ["verifier 1", "verifier 2"]}


class Designs:
    """Every design, with money or an allowance, able to pay from the first call on."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.w3 = Web3(HTTPProvider(chain.url))
        for label in ("admin", "proposer"):
            chain.rpc("anvil_impersonateAccount", account(label).address)
            chain.give_gas(account(label).address)
        self.token = self._deploy(artifact("TestUSDC"))
        self.world = self._pool()
        self.loop = self._peer("DisperseLoop")
        self.drop = self._peer("TightDrop")
        self.mapping = self._peer("MappingPayer", self.token.address)
        self.claims = self._peer("MerkleClaims", self.token.address)
        self._numbers = count(1)
        self._fund()

    def _peer(self, name: str, *arguments: Any) -> Contract:
        return self._deploy(
            json.loads((ARTIFACTS / "bench" / f"{name}.json").read_text()), *arguments
        )

    def _deploy(self, found: dict[str, Any], *arguments: Any) -> Contract:
        factory = self.w3.eth.contract(abi=found["abi"], bytecode=found["bytecode"])
        sent = factory.constructor(*arguments).transact({"from": account("admin").address})
        receipt = self.w3.eth.wait_for_transaction_receipt(sent)
        return self.w3.eth.contract(address=receipt["contractAddress"], abi=found["abi"])

    def _pool(self) -> PoolWorld:
        limits = (10**18, 10**18, 2)
        admin = account("admin").address
        pool = self._deploy(artifact("LeverageGuardPool"), self.token.address, admin, *limits)
        for role, labels in ROLES.items():
            for label in labels:
                holder = account(label).address
                self.gas(pool.functions.grantRole(keccak(text=role), holder))
        return PoolWorld(self.w3, self.token, pool)

    def _fund(self) -> None:
        admin = account("admin").address
        for holder in (self.world.pool, self.mapping, self.claims):
            self.gas(self.token.functions.mint(holder.address, MONEY))
        self.gas(self.token.functions.mint(admin, MONEY))
        for spender in (self.loop, self.drop):
            self.gas(self.token.functions.approve(spender.address, 2**256 - 1))

    def gas(self, call: ContractFunction, sender: str = "admin") -> int:
        """Mine one transaction with the most gas one may have; what it used."""
        options: Any = {"from": account(sender).address, "gas": GAS_CAP, "gasPrice": 10**10}
        receipt = self.w3.eth.wait_for_transaction_receipt(call.transact(options), 20, 0.002)
        assert receipt["status"] == 1, call.fn_name
        return int(receipt["gasUsed"])

    def pay(self, design: str, payouts: Payouts) -> int:
        """Gas of all it takes to pay these with one of NAMES."""
        return int(getattr(self, f"_pay_{design}")(payouts))

    def check_paid(self, payouts: Payouts, times: int) -> None:
        """Fail when somebody did not get his amount so many times: paying nobody is cheap."""
        balance_of = self.token.functions.balanceOf
        for to, amount in (payouts[0], payouts[-1]):
            assert balance_of(to).call() == times * amount, to

    def _pay_ours(self, payouts: Payouts) -> int:
        batch = self.world.batch(*[(amount, to) for to, amount in payouts])
        return self.gas(self.world.settling(batch), "proposer")

    def _pay_transfers(self, payouts: Payouts) -> int:
        return sum(self.gas(self.token.functions.transfer(*payout)) for payout in payouts)

    def _pay_disperse(self, payouts: Payouts) -> int:
        recipients, amounts = zip(*payouts, strict=True)
        return self.gas(self.loop.functions.disperse(self.token.address, recipients, amounts))

    def _pay_gaslite(self, payouts: Payouts) -> int:
        recipients, amounts = zip(*payouts, strict=True)
        return self.gas(
            self.drop.functions.drop(self.token.address, recipients, amounts, sum(amounts))
        )

    def _pay_mapping(self, payouts: Payouts) -> int:
        parts = [payouts[at : at + MAPPING_PART] for at in range(0, len(payouts), MAPPING_PART)]
        return sum(self._pay_mapping_part(part) for part in parts)

    def _pay_mapping_part(self, payouts: Payouts) -> int:
        recipients, amounts = zip(*payouts, strict=True)
        claims = [next(self._numbers) for _ in payouts]
        return self.gas(self.mapping.functions.pay(claims, recipients, amounts))

    def _pay_merkle(self, payouts: Payouts) -> int:
        number = next(self._numbers)
        leaves = [merkle.leaf(index, *payout) for index, payout in enumerate(payouts)]
        root, proofs = merkle.root_and_proofs(leaves)
        publishing = self.gas(self.claims.functions.publish(number, root))
        claim = self.claims.functions.claim
        claiming = (
            self.gas(claim(number, index, *payout, proof))
            for index, (payout, proof) in enumerate(zip(payouts, proofs, strict=True))
        )
        return publishing + sum(claiming)
