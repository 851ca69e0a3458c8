"""The store's batches and payouts → raw/settlement, and the chain's hours they were settled in."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement import chain_steps, finality, ledger
from leverageguard.settlement.errors import FinalBatchLost
from leverageguard.store import base
from leverageguard.store.settlement_tables import (
    BatchRecord,
    PayoutRecord,
    SettlementEvent,
    TransactionRecord,
)
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

NAME, SETTLED = "store", "chain/batch_settlements"


def record_all(settings: Settings) -> dict[str, int]:
    """Land every hour in which a batch of the chain changed since it was landed; rows per table.

    A batch counts as landed only after its files and its chain hours are written. Raises
    FinalBatchLost, all landed, when the chain no longer has a batch that was final.
    """
    counts = {"settlement/batches": 0, "settlement/payouts": 0}
    lost = _lost(settings)
    with base.session(settings) as session:
        changed = list(session.scalars(_on_chain(settings, BatchRecord.is_landed.is_(False))))
        content = {
            hour: _rows(session, hour, hour + HOUR_MS) for hour in sorted(set(map(_hour, changed)))
        }
    if changed:
        counts |= _chain_hours(settings, changed)
        for hour, tables in content.items():
            for table, table_rows in tables.items():
                counts[table] += landing.replace(settings, table, hour, NAME, table_rows)
        _mark_landed(settings, changed)
    if lost:
        raise FinalBatchLost(lost)
    return counts


def land_store(settings: Settings, hours: Iterable[int]) -> None:
    """Make these planning hours, starts in epoch ms, on disk what the store says of them."""
    for hour in sorted(hours):
        with base.session(settings) as session:
            content = _rows(session, hour, hour + HOUR_MS)
        for table, rows in content.items():
            landing.replace(settings, table, hour, NAME, rows)


def _lost(settings: Settings) -> str:
    """Which final batches the chain lost: a killed local chain forgets, and the store does not."""
    if not ledger.final_ones(settings):
        return ""
    return finality.find(settings, chains.connect(settings), NAME)


def _on_chain(settings: Settings, condition: ColumnElement[bool]) -> Select[BatchRecord]:
    return select(BatchRecord).where(BatchRecord.chain_id == settings.chain_id, condition)


def _hour(batch: BatchRecord) -> int:
    return batch.planned_at_ms // HOUR_MS * HOUR_MS


def store_rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Both tables' rows as the store has them now, every chain and hour."""
    with base.session(settings) as session:
        return _rows(session, 0, sys.maxsize)


def _rows(session: Session, from_ms: int, to_ms: int) -> dict[str, list[dict[str, Any]]]:
    """Both tables' rows of the batches planned in between, of every chain: they share a file."""
    planned = BatchRecord.planned_at_ms
    in_time = (planned >= from_ms, planned < to_ms)
    batches = list(session.scalars(select(BatchRecord).where(*in_time)))
    numbers = {batch.batch_id: batch.batch_no for batch in batches}
    payouts = session.scalars(select(PayoutRecord).join(BatchRecord).where(*in_time))
    sent = session.execute(
        select(TransactionRecord.tx_hash, TransactionRecord.block_number)
        .join(BatchRecord, TransactionRecord.batch_id == BatchRecord.batch_id)
        .where(*in_time)
    )
    blocks = {row.tx_hash: row.block_number for row in sent}
    return {
        "settlement/batches": [_batch_row(batch, blocks) for batch in batches],
        "settlement/payouts": [_payout_row(row, numbers[row.batch_id]) for row in payouts],
    }


def _batch_row(batch: BatchRecord, blocks: dict[str, int | None]) -> dict[str, Any]:
    return {
        "chain_id": batch.chain_id,
        "batch_id": batch.batch_id,
        "batch_no": batch.batch_no,
        "claim_count": batch.claim_count,
        "total_micro_usdc": batch.total_micro_usdc,
        "evidence_root": batch.evidence_root,
        "state": batch.state,
        "tx_hash": batch.tx_hash,
        "block_number": blocks.get(batch.tx_hash or ""),
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
    hours = _left_hours(settings, batches)
    if not hashes and not hours:
        return {}
    chain = chains.connect(settings)
    found = [receipt for tx_hash in hashes if (receipt := chain.receipt(tx_hash)) is not None]
    blocks = {receipt.block_number for receipt in found}
    hours |= {
        block.timestamp * 1000 // HOUR_MS * HOUR_MS
        for number in blocks
        if (block := chain.block(number)) is not None
    }
    if not hours:
        return {}
    return chain_steps.land_hours(settings, chain, range(min(hours), max(hours) + 1, HOUR_MS))


def _left_hours(settings: Settings, batches: list[BatchRecord]) -> set[int]:
    """Hours in which batches were landed that left their block after they were final."""
    ids = [batch.batch_id for batch in batches]
    with base.session(settings) as session:
        query = select(SettlementEvent.batch_id).where(
            SettlementEvent.batch_id.in_(ids),
            SettlementEvent.claim_id.is_(None),
            SettlementEvent.from_state == "FINAL",
        )
        left = set(session.scalars(query))
    roots = {batch.evidence_root for batch in batches if batch.batch_id in left}
    if not roots:
        return set()
    rows = landing.scan(settings, SETTLED, ["block_time_ms"], {"evidence_root": roots})
    return {row["block_time_ms"] // HOUR_MS * HOUR_MS for row in rows}


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
