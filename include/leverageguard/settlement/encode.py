"""The bytes the pool contract checks: packed words, their hash and the EIP-712 digests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.crypto import keccak

from leverageguard.domain.batch import BatchRefused, Payout

_BATCH_TYPE = [
    {"name": "batchNo", "type": "uint64"},
    {"name": "firstClaim", "type": "uint64"},
    {"name": "listVersion", "type": "uint64"},
    {"name": "deadline", "type": "uint64"},
    {"name": "total", "type": "uint256"},
    {"name": "evidenceRoot", "type": "bytes32"},
    {"name": "payoutsHash", "type": "bytes32"},
]
_RESCUE_TYPE = [
    {"name": "claimIndex", "type": "uint256"},
    {"name": "recipient", "type": "address"},
    {"name": "amount", "type": "uint256"},
    {"name": "deadline", "type": "uint64"},
]
_QUOTE_TYPE = [
    {"name": "quoteId", "type": "bytes32"},
    {"name": "buyer", "type": "address"},
    {"name": "premium", "type": "uint256"},
    {"name": "maxPayout", "type": "uint256"},
    {"name": "coverSeconds", "type": "uint64"},
    {"name": "waitSeconds", "type": "uint64"},
    {"name": "deadline", "type": "uint64"},
    {"name": "termsHash", "type": "bytes32"},
]


@dataclass(frozen=True)
class PoolDomain:
    """The EIP-712 domain of one deployed pool."""

    chain_id: int
    pool: str

    def fields(self) -> dict[str, Any]:
        """The domain as eth_account wants it."""
        return {
            "name": "LeverageGuardPool",
            "version": "1",
            "chainId": self.chain_id,
            "verifyingContract": self.pool,
        }


@dataclass(frozen=True)
class BatchMessage:
    """What verifiers sign; `total` in micro-USDC, `deadline` in epoch seconds.

    The fields but the last are the contract's Batch struct, in its order.
    """

    batchNo: int  # noqa: N815  the contract's own field names
    firstClaim: int  # noqa: N815
    listVersion: int  # noqa: N815
    deadline: int
    total: int
    evidenceRoot: bytes  # noqa: N815
    payoutsHash: bytes  # noqa: N815


@dataclass(frozen=True)
class RescueMessage:
    """What verifiers sign to pay a refused payout after all; micro-USDC, epoch seconds."""

    claimIndex: int  # noqa: N815
    recipient: str
    amount: int
    deadline: int


@dataclass(frozen=True)
class QuoteMessage:
    """What the quoter signs for one purchase; money in micro-USDC, times in seconds."""

    quoteId: bytes  # noqa: N815
    buyer: str
    premium: int
    maxPayout: int  # noqa: N815
    coverSeconds: int  # noqa: N815
    waitSeconds: int  # noqa: N815
    deadline: int
    termsHash: bytes  # noqa: N815


def word(payout: Payout, is_withheld: bool = False) -> int:
    """isWithheld(1) | zeros(31) | amount(64) | recipient(160), from high to low bits."""
    return (
        is_withheld << 255
        | payout.amount_micro_usdc << 160
        | int(payout.recipient.removeprefix("0x"), 16)
    )


def words(payouts: Sequence[Payout], withheld: Collection[str] = ()) -> list[int]:
    """The packed words in the order of the claims, which must follow each other without a gap.

    `withheld` are recipients that must not be paid now. Raises BatchRefused on a gap.
    """
    first = payouts[0].claim_index
    for place, payout in enumerate(payouts):
        if payout.claim_index != first + place:
            raise BatchRefused(
                f"claim index {payout.claim_index} does not follow {first + place - 1}: "
                "the pool settles claims in their order"
            )
    return [word(payout, payout.recipient in withheld) for payout in payouts]


def payouts_hash(packed: Iterable[int]) -> bytes:
    """keccak256 over the words as 32 bytes each, high byte first."""
    return keccak(b"".join(item.to_bytes(32, "big") for item in packed))


def batch_digest(domain: PoolDomain, message: BatchMessage) -> bytes:
    """The 32 bytes a verifier signs for one batch."""
    return _digest(encode_typed_data(domain.fields(), {"Batch": _BATCH_TYPE}, asdict(message)))


def rescue_digest(domain: PoolDomain, message: RescueMessage) -> bytes:
    """The 32 bytes a verifier signs for one rescue."""
    return _digest(encode_typed_data(domain.fields(), {"Rescue": _RESCUE_TYPE}, asdict(message)))


def quote_digest(domain: PoolDomain, message: QuoteMessage) -> bytes:
    """The 32 bytes the quoter signs for one purchase."""
    return _digest(encode_typed_data(domain.fields(), {"Quote": _QUOTE_TYPE}, asdict(message)))


def _digest(signable: SignableMessage) -> bytes:
    return keccak(b"\x19" + signable.version + signable.header + signable.body)
