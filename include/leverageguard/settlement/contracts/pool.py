"""The pool contract: one method a call; amounts in micro-USDC, times in epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from eth_utils.abi import event_abi_to_log_topic
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract

from leverageguard.config import Settings
from leverageguard.settlement.contracts import artifact, payments, receipts
from leverageguard.settlement.contracts.call import Call, Event, hex_of
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.encode import BatchMessage, QuoteMessage
from leverageguard.settlement.errors import StoreAndChainDisagree

NAME = "LeverageGuardPool"
ADMIN_ROLE = "DEFAULT_ADMIN_ROLE"
SALES, PAYOUTS, WITHDRAWALS = 1, 2, 4
EVENTS = (
    "PolicyPurchased",
    "PolicyCancelled",
    "Deposited",
    "Withdrawn",
    "BatchSettled",
    "PayoutFailed",
    "PayoutRescued",
)


class Pool:
    """One deployed pool; views answer at once, calls are values for `Chain` to send."""

    def __init__(self, web3: Web3, settings: Settings, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self._web3 = web3
        self._abi = artifact.load(settings, NAME).abi
        self._contract: Contract = web3.eth.contract(address=self.address, abi=self._abi)
        self._token: str | None = None
        self._events = {
            hex_of(event_abi_to_log_topic(item)): item["name"]  # type: ignore[arg-type]
            for item in self._abi
            if item["type"] == "event" and item["name"] in EVENTS
        }

    @staticmethod
    def role(name: str) -> bytes:
        """The 32-byte id of a role such as PROPOSER_ROLE."""
        return bytes(32) if name == ADMIN_ROLE else keccak(name.encode())

    def next_batch(self) -> int:
        """The only batch number the contract accepts next."""
        return int(self._contract.functions.nextBatch().call())

    def next_claim(self) -> int:
        """The only claim index a batch may begin with next."""
        return int(self._contract.functions.nextClaim().call())

    def list_version(self) -> int:
        """How often the deny list was changed; a batch names the version it was checked against."""
        return int(self._contract.functions.listVersion().call())

    def token(self) -> str:
        """The token the pool holds, EIP-55; asked once."""
        if self._token is None:
            self._token = str(self._contract.functions.TOKEN().call())
        return self._token

    def threshold(self) -> int:
        """Verifier signatures a batch needs."""
        return int(self._contract.functions.threshold().call())

    def denied_among(self, accounts: Sequence[str]) -> set[str]:
        """Those of the accounts that must not be paid now, asked in one request."""
        if not accounts:
            return set()
        with self._web3.batch_requests() as requests:
            for account in accounts:
                requests.add(self._contract.functions.isDenied(Web3.to_checksum_address(account)))
            answers = requests.execute()
        return {account for account, denied in zip(accounts, answers, strict=True) if denied}

    def free_balance(self) -> int:
        """What payouts may use: balance less reserved, micro-USDC."""
        return int(self._contract.functions.freeBalance().call())

    def reserved(self) -> int:
        """What payouts may not touch, micro-USDC."""
        return int(self._contract.functions.reserved().call())

    def is_paused(self, module: int) -> bool:
        """Whether SALES, PAYOUTS or WITHDRAWALS is stopped."""
        return bool(self._contract.functions.isPaused(module).call())

    def has_role(self, name: str, account: str) -> bool:
        """Whether an account holds a role."""
        return bool(self._contract.functions.hasRole(self.role(name), account).call())

    def is_bought(self, quote_id: bytes) -> bool:
        """Whether this quote was bought, be it cancelled since."""
        return int(self._contract.functions.policyOf(quote_id).call()[0], 16) != 0

    def settle_batch(
        self, message: BatchMessage, words: Sequence[int], signatures: Sequence[bytes]
    ) -> Call:
        """Pay a batch; the message is what the verifiers signed."""
        *terms, _payouts_hash = astuple(message)
        return self._call("settleBatch", [tuple(terms), list(words), list(signatures)])

    def buy_policy(self, quote: QuoteMessage, quoter_signature: bytes) -> Call:
        """Buy the policy of a signed quote; the buyer sends it and has approved the premium."""
        return self._call("buyPolicy", [astuple(quote), quoter_signature])

    def cancel_policy(self, quote_id: bytes) -> Call:
        """Give a policy up before its cover starts, for the refund; its buyer sends it."""
        return self._call("cancelPolicy", [quote_id])

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
        """Stop or resume SALES, PAYOUTS or WITHDRAWALS."""
        return self._call("setPaused", [module, paused])

    def set_denied(self, until_by_account: Mapping[str, int]) -> Call:
        """Deny accounts until a time each (epoch seconds); 0 takes one off the list."""
        return self._listing("setDenied", until_by_account)

    def set_allowed(self, until_by_account: Mapping[str, int]) -> Call:
        """Let accounts receive withdrawals until a time each; 0 takes one off the list."""
        return self._listing("setAllowed", until_by_account)

    def set_withdrawal_terms(self, daily_limit: int, delay_s: int) -> Call:
        """Set what a UTC day may see withdrawn, and how long later requests wait."""
        return self._call("setWithdrawalTerms", [daily_limit, delay_s])

    def request_withdrawal(self, to: str, amount: int) -> Call:
        """Ask for a withdrawal to an account on the allow list; the treasurer sends it."""
        return self._call("requestWithdrawal", [Web3.to_checksum_address(to), amount])

    def execute_withdrawal(self, withdrawal_no: int) -> Call:
        """Take a withdrawal whose delay is over; the treasurer sends it."""
        return self._call("executeWithdrawal", [withdrawal_no])

    def cancel_withdrawal(self, withdrawal_no: int) -> Call:
        """Cancel a withdrawal that was asked for; the canceller sends it."""
        return self._call("cancelWithdrawal", [withdrawal_no])

    def is_withdrawal_open(self, withdrawal_no: int) -> bool:
        """Whether a withdrawal was asked for and neither taken nor cancelled."""
        return int(self._contract.functions.withdrawalOf(withdrawal_no).call()[1]) > 0

    def withdrawal_asked(self, logs: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
        """Number and first second of the withdrawal that a transaction asked for, by its logs.

        Raises StoreAndChainDisagree unless it asked for exactly one.
        """
        event = self._contract.events.WithdrawalRequested()
        topic = hex_of(event_abi_to_log_topic(event.abi))
        found = [
            event.process_log(log)["args"]
            for log in logs
            if log["address"].lower() == self.address.lower() and hex_of(log["topics"][0]) == topic
        ]
        if len(found) != 1:
            raise StoreAndChainDisagree(f"one withdrawal was asked for, the logs show {len(found)}")
        return int(found[0]["withdrawalId"]), int(found[0]["readyAt"])

    def rescue_payout(
        self, claim_index: int, recipient: str, deadline: int, signatures: Sequence[bytes]
    ) -> Call:
        """Pay a refused payout to this recipient."""
        return self._call("rescuePayout", [claim_index, recipient, deadline, list(signatures)])

    def renounce_role(self, name: str, account: str) -> Call:
        """Give up a role; only its holder can."""
        return self._call("renounceRole", [self.role(name), account])

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

    def payments(self, logs: Sequence[Mapping[str, Any]]) -> list[Payment]:
        """Every payout of every batch settled by one transaction, given all its logs in order.

        Raises StoreAndChainDisagree when the token's transfers are not what the batch says.
        """
        found: list[Payment] = []
        transfers: list[Mapping[str, Any]] = []
        failures: dict[int, Event] = {}
        for log in logs:
            if self._is_transfer(log, 1):
                transfers.append(log)
            elif self._is_own(log, "PayoutFailed"):
                failed = self.decode(log)
                failures[failed.args["claimIndex"]] = failed
            elif self._is_own(log, "BatchSettled"):
                found += payments.of_batch(self.decode(log), failures, transfers)
                transfers = []
        return found

    def incoming(self) -> list[Any]:
        """Topics of the token's transfers to the pool."""
        return [payments.TRANSFER, None, "0x" + self.address[2:].lower().rjust(64, "0")]

    def token_receipts(self, logs: Sequence[Mapping[str, Any]]) -> list[Event]:
        """Money that came by a plain transfer, given logs of the pool and the token in order.

        Raises StoreAndChainDisagree when a purchase or deposit is without its transfer.
        """
        told = []
        for log in logs:
            if self._is_own(log, *receipts.ANNOUNCED):
                told.append(self.decode(log))
            elif self._is_transfer(log, 2):
                told.append(receipts.transferred(log))
        return receipts.unannounced(told)

    def _is_own(self, log: Mapping[str, Any], *names: str) -> bool:
        is_ours = log["address"].lower() == self.address.lower()
        return is_ours and self._events.get(hex_of(log["topics"][0])) in names

    def _is_transfer(self, log: Mapping[str, Any], place: int) -> bool:
        """Whether it is the token's, from (`place` 1) or to (2) the pool."""
        return bool(
            log["address"].lower() == self.token().lower()
            and hex_of(log["topics"][0]) == payments.TRANSFER
            and hex_of(log["topics"][place])[-40:] == self.address[2:].lower()
        )

    def _listing(self, name: str, until_by_account: Mapping[str, int]) -> Call:
        return self._call(name, [list(until_by_account), list(until_by_account.values())])

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
