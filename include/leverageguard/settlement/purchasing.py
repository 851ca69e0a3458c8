"""What a buyer's own wallet sends to buy a quoted policy: the allowance, then the purchase."""

from __future__ import annotations

from dataclasses import dataclass

from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement.contracts.call import Call
from leverageguard.settlement.contracts.pool import SALES
from leverageguard.settlement.encode import QuoteMessage

APPROVE_GAS, PURCHASE_GAS = 100_000, 400_000


@dataclass(frozen=True)
class Unsent:
    """A transaction for the buyer to send; `gas` is a limit with room to spare."""

    label: str
    to: str
    data: str
    gas: int


@dataclass(frozen=True)
class Purchase:
    """What is sent in this order, and what the chain says of the buyer; money in micro-USDC."""

    transactions: tuple[Unsent, ...]
    balance_micro_usdc: int
    is_bought: bool
    are_sales_paused: bool


def prepare(settings: Settings, quote: QuoteMessage, quoter_signature: bytes) -> Purchase:
    """Approve exactly the premium, then buy; a chain that does not answer is an error."""
    chain = chains.connect(settings)
    pool, token = chain.pool(), chain.token()
    approve = token.approve(pool.address, quote.premium)
    buy = pool.buy_policy(quote, quoter_signature)
    return Purchase(
        (_unsent(approve, APPROVE_GAS), _unsent(buy, PURCHASE_GAS)),
        token.balance_of(quote.buyer),
        pool.is_bought(quote.quoteId),
        pool.is_paused(SALES),
    )


def is_bought(settings: Settings, quote_id: str) -> bool:
    """Whether the pool sold this quote (0x-hex); a chain that does not answer is an error."""
    return chains.connect(settings).pool().is_bought(bytes.fromhex(quote_id[2:]))


def _unsent(call: Call, gas: int) -> Unsent:
    return Unsent(call.label, str(call.to), call.data, gas)
