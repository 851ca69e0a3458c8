"""What the pools hold, as the landed hours of the chains add up; micro-USDC."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.fund import chain_events
from leverageguard.store.policy_tables import PaymentException
from leverageguard.warehouse import landing

# Every way money comes and goes: table, its amount, the sign it has for the pool.
MOVEMENTS = (
    (chain_events.DEPOSITS, "amount_micro_usdc", 1),
    (chain_events.PURCHASES, "premium_micro_usdc", 1),
    (chain_events.RECEIPTS, "amount_micro_usdc", 1),
    (chain_events.WITHDRAWALS, "amount_micro_usdc", -1),
    (chain_events.CANCELLATIONS, "refund_micro_usdc", -1),
    (chain_events.PAYOUTS, "amount_micro_usdc", -1),
)


@dataclass(frozen=True)
class Pool:
    """One chain's pool: its money, and the last block that was read of it."""

    chain_id: int
    cash_micro_usdc: int
    block_number: int


def pools(settings: Settings, at_ms: int) -> list[Pool]:
    """Every configured chain's pool as landed up to an instant, in the order of the chains."""
    cash, blocks = {}, {}
    for chain in settings.chains:
        cash[chain.chain_id] = blocks[chain.chain_id] = 0
    for table, amount, sign in MOVEMENTS:
        for event in chain_events.newest(settings, table):
            is_withheld = event.row.get("is_paid") is False
            if event.at_ms <= at_ms and event.chain_id in cash and not is_withheld:
                cash[event.chain_id] += sign * event.row[amount]
    for row in landing.scan(settings, chain_events.WINDOWS):
        if row["window_from_ms"] <= at_ms and row["chain_id"] in blocks:
            blocks[row["chain_id"]] = max(blocks[row["chain_id"]], row["to_block"] or 0)
    return [Pool(chain, cash[chain], blocks[chain]) for chain in cash]


def unanswered(session: Session, at_ms: int) -> int:
    """Money that came in and bought nothing, as long as nobody said what became of it."""
    query = select(func.sum(PaymentException.amount_micro_usdc)).where(
        PaymentException.paid_at_ms <= at_ms, PaymentException.resolved_at_ms.is_(None)
    )
    return int(session.scalar(query) or 0)
