"""The store's batches and payouts → raw/settlement, and the chain's hours they were settled in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement import chain_steps
from leverageguard.settlement.errors import StoreAndChainDisagree
from leverageguard.store import base
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

NAME = "store"


def record_all(settings: Settings) -> dict[str, int]:
    """Land every hour in which a batch changed since it was last landed; rows per table.

    A batch counts as landed only after its files and its chain hours are written. Raises
    StoreAndChainDisagree when the chain no longer has the newest final batch.
    """
    counts = {"settlement/batches": 0, "settlement/payouts": 0}
    check_final_on_chain(settings)
    with base.session(settings) as session:
        changed = list(session.scalars(select(BatchRecord).where(BatchRecord.is_landed.is_(False))))
        content = {hour: _rows(session, hour) for hour in sorted({_hour(b) for b in changed})}
    if not changed:
        return counts
    for table, rows in _chain_hours(settings, changed).items():
        counts[table] = rows
    for hour, tables in content.items():
        for table, table_rows in tables.items():
            counts[table] += landing.replace(settings, table, hour, NAME, table_rows)
    _mark_landed(settings, changed)
    return counts


def check_final_on_chain(settings: Settings) -> None:
    """Raise StoreAndChainDisagree unless the chain still has the store's newest final batch.

    A local chain that was killed forgets its last seconds, and the store does not.
    """
    with base.session(settings) as session:
        query = select(BatchRecord).where(BatchRecord.state == "FINAL")
        newest = session.scalar(query.order_by(BatchRecord.batch_no.desc()).limit(1))
    if newest is None:
        return
    chain = chains.connect(settings)
    receipt = chain.receipt(newest.tx_hash or "")
    if receipt is None or chain.pool().next_batch() <= newest.batch_no:
        raise StoreAndChainDisagree(
            f"the store has batch {newest.batch_no} as final in {newest.tx_hash}, the chain does "
            "not have it: the chain lost blocks, and no further batch can be trusted"
        )


def _hour(batch: BatchRecord) -> int:
    return batch.planned_at_ms // HOUR_MS * HOUR_MS


def _rows(session: Session, hour: int) -> dict[str, list[dict[str, Any]]]:
    """Both tables' rows of one planning hour."""
    planned = BatchRecord.planned_at_ms
    batches = list(
        session.scalars(select(BatchRecord).where(planned >= hour, planned < hour + HOUR_MS))
    )
    numbers = {batch.batch_id: batch.batch_no for batch in batches}
    payouts = session.scalars(select(PayoutRecord).where(PayoutRecord.batch_id.in_(list(numbers))))
    return {
        "settlement/batches": [_batch_row(batch) for batch in batches],
        "settlement/payouts": [_payout_row(row, numbers[row.batch_id]) for row in payouts],
    }


def _batch_row(batch: BatchRecord) -> dict[str, Any]:
    return {
        "chain_id": batch.chain_id,
        "batch_id": batch.batch_id,
        "batch_no": batch.batch_no,
        "claim_count": batch.claim_count,
        "total_micro_usdc": batch.total_micro_usdc,
        "evidence_root": batch.evidence_root,
        "state": batch.state,
        "tx_hash": batch.tx_hash,
        "gas_used": batch.gas_used,
        "planned_at_ms": batch.planned_at_ms,
        "updated_at_ms": batch.updated_at_ms,
    }


def _payout_row(payout: PayoutRecord, batch_no: int) -> dict[str, Any]:
    return {
        "chain_id": payout.chain_id,
        "claim_index": payout.claim_index,
        "claim_id": payout.claim_id,
        "liquidation_event_id": payout.liquidation_event_id,
        "policy_id": payout.policy_id,
        "party": payout.party,
        "batch_id": payout.batch_id,
        "batch_no": batch_no,
        "recipient": payout.recipient.lower(),
        "amount_micro_usdc": payout.amount_micro_usdc,
        "state": payout.state,
        "tx_hash": payout.tx_hash,
        "planned_at_ms": payout.planned_at_ms,
    }


def _chain_hours(settings: Settings, batches: list[BatchRecord]) -> dict[str, int]:
    """Land the hours from the first to the last block that settled one of the batches."""
    hashes = [batch.tx_hash for batch in batches if batch.tx_hash]
    if not hashes:
        return {}
    chain = chains.connect(settings)
    found = [receipt for tx_hash in hashes if (receipt := chain.receipt(tx_hash)) is not None]
    blocks = {receipt.block_number for receipt in found}
    hours = [
        block.timestamp * 1000 // HOUR_MS * HOUR_MS
        for number in blocks
        if (block := chain.block(number)) is not None
    ]
    if not hours:
        return {}
    return chain_steps.land_hours(settings, chain, range(min(hours), max(hours) + 1, HOUR_MS))


def _mark_landed(settings: Settings, batches: list[BatchRecord]) -> None:
    """Unless it changed again in the meantime; then the next record lands it."""
    with base.session(settings) as session:
        for batch in batches:
            session.execute(
                update(BatchRecord)
                .where(
                    BatchRecord.batch_id == batch.batch_id,
                    BatchRecord.updated_at_ms == batch.updated_at_ms,
                    BatchRecord.state == batch.state,
                )
                .values(is_landed=True)
            )
