"""The pool contract: one method a call; amounts in micro-USDC, times in epoch seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

from eth_utils.abi import event_abi_to_log_topic
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract

from leverageguard.config import Settings
from leverageguard.settlement.contracts import artifact
from leverageguard.settlement.contracts.call import Call, Event, hex_of
from leverageguard.settlement.encode import QuoteMessage

NAME = "LeverageGuardPool"
SALES, PAYOUTS = 1, 2
EVENTS = ("PolicyPurchased", "Deposited", "BatchSettled", "ClaimPaid", "PayoutFailed")


class Pool:
    """One deployed pool; views answer at once, calls are values for `Chain` to send."""

    def __init__(self, web3: Web3, settings: Settings, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self._web3 = web3
        self._abi = artifact.load(settings, NAME).abi
        self._contract: Contract = web3.eth.contract(address=self.address, abi=self._abi)
        self._events = {
            hex_of(event_abi_to_log_topic(item)): item["name"]  # type: ignore[arg-type]
            for item in self._abi
            if item["type"] == "event" and item["name"] in EVENTS
        }

    @staticmethod
    def role(name: str) -> bytes:
        """The 32-byte id of a role such as PROPOSER_ROLE."""
        return keccak(name.encode())

    def next_batch(self) -> int:
        """The only batch number the contract accepts next."""
        return int(self._contract.functions.nextBatch().call())

    def threshold(self) -> int:
        """Verifier signatures a batch needs."""
        return int(self._contract.functions.threshold().call())

    def is_settled(self, claim_index: int) -> bool:
        """Whether this claim index was paid."""
        return bool(self._contract.functions.isSettled(claim_index).call())

    def settled_among(self, claim_indices: Sequence[int]) -> list[int]:
        """Those of the claim indices that were paid, asked in one request."""
        if not claim_indices:
            return []
        with self._web3.batch_requests() as requests:
            for index in claim_indices:
                requests.add(self._contract.functions.isSettled(index))
            answers = requests.execute()
        return [index for index, paid in zip(claim_indices, answers, strict=True) if paid]

    def free_balance(self) -> int:
        """What payouts may use: balance less reserved, micro-USDC."""
        return int(self._contract.functions.freeBalance().call())

    def reserved(self) -> int:
        """What payouts may not touch, micro-USDC."""
        return int(self._contract.functions.reserved().call())

    def is_paused(self, module: int) -> bool:
        """Whether SALES or PAYOUTS is stopped."""
        return bool(self._contract.functions.isPaused(module).call())

    def has_role(self, name: str, account: str) -> bool:
        """Whether an account holds a role."""
        return bool(self._contract.functions.hasRole(self.role(name), account).call())

    def is_bought(self, quote_id: bytes) -> bool:
        """Whether this quote was bought."""
        return int(self._contract.functions.policyOf(quote_id).call()[0], 16) != 0

    def settle_batch(
        self,
        batch_no: int,
        total: int,
        deadline: int,
        evidence_root: bytes,
        words: Sequence[int],
        signatures: Sequence[bytes],
    ) -> Call:
        """Pay a batch."""
        args = [batch_no, total, deadline, evidence_root, list(words), list(signatures)]
        return self._call("settleBatch", args)

    def buy_policy(self, quote: QuoteMessage, quoter_signature: bytes) -> Call:
        """Buy the policy of a signed quote; the buyer sends it and has approved the premium."""
        return self._call("buyPolicy", [astuple(quote), quoter_signature])

    def deposit(self, amount: int) -> Call:
        """Add capital the sender has approved."""
        return self._call("deposit", [amount])

    def grant_role(self, name: str, account: str) -> Call:
        """Give an account a role."""
        return self._call("grantRole", [self.role(name), account])

    def set_limits(self, batch_limit: int, daily_limit: int) -> Call:
        """Set what a batch and a UTC day may pay at most."""
        return self._call("setLimits", [batch_limit, daily_limit])

    def set_reserved(self, amount: int) -> Call:
        """Set what payouts may not touch."""
        return self._call("setReserved", [amount])

    def set_paused(self, module: int, paused: bool) -> Call:
        """Stop or resume SALES or PAYOUTS."""
        return self._call("setPaused", [module, paused])

    def set_denied(self, accounts: Iterable[str], denied: bool) -> Call:
        """Put accounts on the pool's deny list or take them off."""
        return self._call("setDenied", [list(accounts), denied])

    def topics(self, *names: str) -> list[str]:
        """First topics of the named events, of all the warehouse keeps when none is named."""
        return sorted(t for t, name in self._events.items() if not names or name in names)

    def decode(self, log: Mapping[str, Any]) -> Event:
        """One raw log of this contract as an Event; KeyError when it is not one we keep."""
        name = self._events[hex_of(log["topics"][0])]
        parsed = self._contract.events[name]().process_log(log)
        return Event(
            name=name,
            args=dict(parsed["args"]),
            tx_hash=hex_of(log["transactionHash"]),
            log_index=int(log["logIndex"]),
            block_number=int(log["blockNumber"]),
            block_hash=hex_of(log["blockHash"]),
        )

    def _call(self, name: str, args: list[Any]) -> Call:
        return Call(self.address, self._contract.encode_abi(name, args), name)


def deployment(
    settings: Settings,
    token: str,
    admin: str,
    batch_limit: int,
    daily_limit: int,
    threshold: int,
) -> Call:
    """The call that deploys a pool; limits in micro-USDC."""
    built = artifact.load(settings, NAME)
    factory = Web3().eth.contract(abi=built.abi, bytecode=built.bytecode)
    made = factory.constructor(token, admin, batch_limit, daily_limit, threshold)
    return Call(None, str(made.data_in_transaction), f"deploy {NAME}")
