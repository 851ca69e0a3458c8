"""What the pools hold, as the landed hours of the chains add up; micro-USDC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.store.policy_tables import PaymentException
from leverageguard.warehouse import landing

# Every way money comes and goes: table, its amount, the sign it has for the pool.
MOVEMENTS = (
    ("chain/deposits", "amount_micro_usdc", 1),
    ("chain/policy_purchases", "premium_micro_usdc", 1),
    ("chain/token_receipts", "amount_micro_usdc", 1),
    ("chain/withdrawals", "amount_micro_usdc", -1),
    ("chain/policy_cancellations", "refund_micro_usdc", -1),
    ("chain/payouts", "amount_micro_usdc", -1),
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
        for row in _events(settings, table).values():
            if row["block_time_ms"] <= at_ms and row["chain_id"] in cash:
                cash[row["chain_id"]] += sign * row[amount]
    for row in landing.scan(settings, "chain/fetch_windows"):
        if row["window_from_ms"] <= at_ms and row["chain_id"] in blocks:
            blocks[row["chain_id"]] = max(blocks[row["chain_id"]], row["to_block"] or 0)
    return [Pool(chain, cash[chain], blocks[chain]) for chain in cash]


def _events(settings: Settings, table: str) -> dict[tuple[int, str, int], dict[str, Any]]:
    """Each event once: of several readings of one the highest block's; withheld payouts not."""
    newest: dict[tuple[int, str, int], dict[str, Any]] = {}
    for row in landing.scan(settings, table):
        if row.get("is_paid") is False:
            continue
        key = (row["chain_id"], row["tx_hash"], row["log_index"])
        if key not in newest or _height(newest[key]) < _height(row):
            newest[key] = row
    return newest


def _height(row: dict[str, Any]) -> tuple[int, str]:
    return row["block_number"], row["block_hash"]


def unanswered(session: Session, at_ms: int) -> int:
    """Money that came in and bought nothing, as long as nobody said what became of it."""
    query = select(func.sum(PaymentException.amount_micro_usdc)).where(
        PaymentException.paid_at_ms <= at_ms, PaymentException.resolved_at_ms.is_(None)
    )
    return int(session.scalar(query) or 0)
