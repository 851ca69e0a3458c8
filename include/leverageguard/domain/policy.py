"""A policy as values: what was quoted, bought, cancelled, and the facts its moves rest on.

Times are epoch milliseconds, money is micro-USDC.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quoted:
    """What was quoted; `expires_at_ms` is None for a quote that holds as long as the chain says."""

    policy_id: str
    wallet: str
    premium_micro_usdc: int
    max_payout_micro_usdc: int
    terms_hash: str
    wait_seconds: int
    cover_seconds: int
    filing_grace_seconds: int
    created_at_ms: int
    expires_at_ms: int | None


@dataclass(frozen=True)
class Purchase:
    """A purchase as the chain shows it; one is the same while transaction and block time are."""

    chain_id: int
    pool: str
    tx_hash: str
    log_index: int
    block_number: int
    at_ms: int
    quote_id: str
    buyer: str
    premium_micro_usdc: int
    max_payout_micro_usdc: int
    terms_hash: str

    @property
    def key(self) -> tuple[int, str, int]:
        """What stays the same while the purchase does."""
        return self.chain_id, self.tx_hash, self.at_ms


@dataclass(frozen=True)
class Cancellation:
    """A cancellation as the chain shows it, with what was paid back."""

    chain_id: int
    pool: str
    tx_hash: str
    log_index: int
    at_ms: int
    quote_id: str
    buyer: str
    refund_micro_usdc: int

    @property
    def key(self) -> tuple[int, str, int]:
        """What stays the same while the cancellation does."""
        return self.chain_id, self.tx_hash, self.at_ms


@dataclass(frozen=True)
class Facts:
    """All that a policy's moves rest on.

    `lost_purchase` and `lost_cancellation` were recorded, and the chain does not show them any more
    where it was read again. Until `read_until_ms` the chains it can be bought on were read without
    a gap. `decided_at_ms` is when claims were last decided with this policy among the insured ones.
    """

    quoted: Quoted
    now_ms: int
    read_until_ms: int
    purchase: Purchase | None = None
    cancellation: Cancellation | None = None
    lost_purchase: Purchase | None = None
    lost_cancellation: Cancellation | None = None
    exhausted_at_ms: int | None = None
    decided_at_ms: int | None = None
    has_claims: bool = False
    has_open_claims: bool = False
    last_claim_closed_at_ms: int = 0
    answered_at_ms: int | None = None


def differences(quoted: Quoted, purchase: Purchase) -> tuple[str, ...]:
    """Reason codes of all that a purchase has otherwise than its quote; empty when as quoted."""
    paid, due = purchase.premium_micro_usdc, quoted.premium_micro_usdc
    expires = quoted.expires_at_ms
    found = {
        "WRONG_BUYER": purchase.buyer != quoted.wallet,
        "PREMIUM_SHORT": paid < due,
        "PREMIUM_DIFFERS": paid > due,
        "MAX_PAYOUT_DIFFERS": purchase.max_payout_micro_usdc != quoted.max_payout_micro_usdc,
        "TERMS_DIFFER": purchase.terms_hash != quoted.terms_hash,
        "QUOTE_EXPIRED": expires is not None and purchase.at_ms > expires,
    }
    return tuple(code for code, is_so in found.items() if is_so)


def cover_start_ms(quoted: Quoted, purchase: Purchase) -> int:
    """When the cover begins: the purchase and the wait after it."""
    return purchase.at_ms + quoted.wait_seconds * 1000


def cover_end_ms(quoted: Quoted, purchase: Purchase) -> int:
    """When the cover is over, exclusive."""
    return cover_start_ms(quoted, purchase) + quoted.cover_seconds * 1000


def file_until_ms(quoted: Quoted, purchase: Purchase) -> int:
    """Until when a claim may be filed."""
    return cover_end_ms(quoted, purchase) + quoted.filing_grace_seconds * 1000
