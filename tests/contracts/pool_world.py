"""A funded pool on a test chain, and what it takes to sign and settle a batch there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

REPO = Path(__file__).resolve().parents[2]
ARTIFACTS = REPO / "include" / "contracts" / "artifacts"
USDC = 1_000_000
ROOT = b"\x07" * 32
GAS_CAP = 16_777_216  # EIP-7825: the most one transaction may use
BATCH_FIELDS = (
    "uint64 batchNo,uint64 firstClaim,uint64 listVersion,uint64 deadline,uint256 total,"
    "bytes32 evidenceRoot,bytes32 payoutsHash"
)
RESCUE_FIELDS = "uint256 claimIndex,address recipient,uint256 amount,uint64 deadline"
QUOTE_FIELDS = (
    "bytes32 quoteId,address buyer,uint256 premium,uint256 maxPayout,"
    "uint64 coverSeconds,uint64 waitSeconds,uint64 deadline,bytes32 termsHash"
)
FIELDS = {"Batch": BATCH_FIELDS, "Rescue": RESCUE_FIELDS, "Quote": QUOTE_FIELDS}
WITHHELD = 1 << 255
DAY = 86_400
SALES, PAYOUTS, WITHDRAWALS = 1, 2, 4
FOREVER = 2**64 - 1
# Who holds each role but the verifiers', of whom there are three.
ROLE_HOLDERS = {
    role: role.lower()
    for role in (
        "PROPOSER", "QUOTER", "PAUSER", "LISTER", "TREASURER", "CANCELLER", "RESCUER", "RESERVER",
    )
}  # fmt: skip


def artifact(name: str) -> dict[str, Any]:
    """The committed artefact of a contract; test contracts live one folder down."""
    path = ARTIFACTS / f"{name}.json"
    return json.loads((path if path.exists() else ARTIFACTS / "test" / path.name).read_text())


def account(label: str) -> Any:
    """A key that is always the same for a label."""
    return Account.from_key(keccak(text=f"leverageguard contract test|{label}"))


def recipient(number: int) -> str:
    """An address nobody paid before."""
    return Web3.to_checksum_address(keccak(text=f"recipient {number}")[-20:])


def word(amount: int, to: str) -> int:
    """One payout as the contract reads it; add WITHHELD for one that is not to be sent."""
    return amount << 160 | int(to, 16)


def _typed(fields: str) -> list[dict[str, str]]:
    return [dict(zip(("type", "name"), f.split(" "), strict=True)) for f in fields.split(",")]


QUOTE_NAMES = tuple(field["name"] for field in _typed(QUOTE_FIELDS))


@dataclass(frozen=True)
class Batch:
    """The arguments of `settleBatch` but the signatures."""

    number: int
    first_claim: int
    list_version: int
    words: Sequence[int]
    total: int
    deadline: int
    root: bytes = ROOT

    @property
    def payouts_hash(self) -> bytes:
        """What the verifiers sign for the words."""
        return keccak(b"".join(w.to_bytes(32, "big") for w in self.words))

    @property
    def terms(self) -> tuple[Any, ...]:
        """The contract's Batch struct."""
        counters = (self.number, self.first_claim, self.list_version)
        return (*counters, self.deadline, self.total, self.root)

    def message(self) -> dict[str, Any]:
        """The EIP-712 message."""
        names = [field["name"] for field in _typed(BATCH_FIELDS)]
        return dict(zip(names, (*self.terms, self.payouts_hash), strict=True))


@dataclass
class PoolWorld:
    """A funded pool with one holder for each role and three verifiers."""

    w3: Web3
    token: Contract
    pool: Contract
    names: dict[str, Any] = field(default_factory=dict)

    def who(self, label: str) -> Any:
        """The account of a label."""
        return self.names.setdefault(label, account(label))

    def send(self, call: ContractFunction, sender: str = "admin", gas: int | None = None) -> Any:
        """Mine one transaction and give its receipt; a revert raises with the contract's error."""
        sender = sender if sender.startswith("0x") else self.who(sender).address
        options = {"from": sender, "gasPrice": 0} | ({"gas": gas} if gas else {})
        receipt = self.w3.eth.wait_for_transaction_receipt(call.transact(options))
        assert receipt["status"] == 1
        return receipt

    @property
    def now(self) -> int:
        """Time of the latest block, in seconds."""
        return self.w3.eth.get_block("latest")["timestamp"]

    def balance(self, address: str) -> int:
        """Micro-USDC an address holds."""
        return self.token.functions.balanceOf(address).call()

    def batch(self, *payouts: tuple[int, str], **changes: Any) -> Batch:
        """The next batch over (amount, recipient) payouts."""
        values = {
            "number": self.view("nextBatch"),
            "first_claim": self.view("nextClaim"),
            "list_version": self.view("listVersion"),
            "words": [word(*payout) for payout in payouts],
            "total": sum(amount for amount, _ in payouts),
            "deadline": self.now + 3600,
        }
        return Batch(**(values | changes))

    def view(self, name: str, *arguments: Any) -> Any:
        """What a view of the pool answers."""
        return self.pool.functions[name](*arguments).call()

    def domain(self) -> dict[str, Any]:
        """The pool's EIP-712 domain."""
        return {
            "name": "LeverageGuardPool",
            "version": "1",
            "chainId": self.w3.eth.chain_id,
            "verifyingContract": self.pool.address,
        }

    def sign(self, key: Any, kind: str, message: dict[str, Any], **domain: Any) -> bytes:
        """An EIP-712 signature of a Batch, Rescue or Quote; `domain` overrides the pool's."""
        signable = encode_typed_data(self.domain() | domain, {kind: _typed(FIELDS[kind])}, message)
        return bytes(key.sign_message(signable).signature)

    def signatures(self, batch: Batch, *signers: str) -> list[bytes]:
        """Signatures of a batch in the order the contract wants; default: two verifiers."""
        return self.signed_by("Batch", batch.message(), *signers)

    def signed_by(self, kind: str, message: dict[str, Any], *signers: str) -> list[bytes]:
        """Signatures of a message, ascending by signer; default: two verifiers."""
        keys = [self.who(label) for label in signers or ("verifier 1", "verifier 2")]
        keys.sort(key=lambda key: int(key.address, 16))
        return [self.sign(key, kind, message) for key in keys]

    def settling(self, batch: Batch, signatures: list[bytes] | None = None) -> ContractFunction:
        """The call that settles a batch."""
        signed = self.signatures(batch) if signatures is None else signatures
        return self.pool.functions.settleBatch(batch.terms, batch.words, signed)

    def settle(self, *payouts: tuple[int, str], gas: int | None = None, **changes: Any) -> Any:
        """Sign and settle the next batch; its receipt."""
        return self.send(self.settling(self.batch(*payouts, **changes)), "proposer", gas)

    def events(self, receipt: Any, name: str) -> list[dict[str, Any]]:
        """The arguments of the pool's events of one name."""
        logs = (log for log in receipt["logs"] if log["address"] == self.pool.address)
        event = self.pool.events[name]()
        topic = Web3.keccak(text=event.signature)
        return [dict(event.process_log(log)["args"]) for log in logs if log["topics"][0] == topic]

    def grant(self, role: str, address: str) -> Any:
        """Give somebody a role."""
        return self.send(self.pool.functions.grantRole(keccak(text=f"{role}_ROLE"), address))

    def deny(self, *addresses: str, until: int = FOREVER) -> Any:
        """Put accounts on the pool's deny list (until 0: take them off)."""
        call = self.pool.functions.setDenied(addresses, [until] * len(addresses))
        return self.send(call, "lister")

    def allow(self, *addresses: str, until: int = FOREVER) -> Any:
        """Let accounts receive withdrawals (until 0: no longer)."""
        call = self.pool.functions.setAllowed(addresses, [until] * len(addresses))
        return self.send(call, "lister")

    def issuer_denies(self, address: str, denied: bool = True) -> Any:
        """Make the token refuse an account, or accept it again."""
        return self.send(self.token.functions.setDenied(address, denied))

    def pause(self, module: int, paused: bool = True) -> Any:
        """Stop or resume a module."""
        return self.send(self.pool.functions.setPaused(module, paused), "pauser")

    def rescuing(self, claim: int, to: str, amount: int, *signers: str, **changes: Any) -> Any:
        """The call that rescues a refused payout, signed by two verifiers unless told otherwise."""
        message = {"claimIndex": claim, "recipient": to, "amount": amount}
        message |= {"deadline": self.now + 3600} | changes
        signed = self.signed_by("Rescue", message, *signers)
        terms = (message["claimIndex"], message["recipient"], message["deadline"])
        return self.pool.functions.rescuePayout(*terms, signed)

    def buying(self, quote: dict[str, Any], signer: str = "quoter", **domain: Any) -> Any:
        """The call that buys a quote, given by its fields; `domain` overrides the pool's."""
        signature = self.sign(self.who(signer), "Quote", quote, **domain)
        return self.pool.functions.buyPolicy(tuple(quote.values()), signature)

    def withdrawal(self, to: str, amount: int) -> int:
        """Ask for a withdrawal to an allowed account, wait for it, and give its number."""
        receipt = self.send(self.pool.functions.requestWithdrawal(to, amount), "treasurer")
        asked = self.events(receipt, "WithdrawalRequested")[0]
        self.at(asked["readyAt"])
        return asked["withdrawalId"]

    def at(self, timestamp: int) -> None:
        """Give the next block a time."""
        self.w3.provider.make_request("evm_setNextBlockTimestamp", [timestamp])
        self.w3.provider.make_request("evm_mine", [])
