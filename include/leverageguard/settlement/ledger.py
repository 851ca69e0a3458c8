"""The store's side of settling: what is known of a batch, and each thing that happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from leverageguard.config import Settings
from leverageguard.settlement import states
from leverageguard.settlement.chain_values import Receipt
from leverageguard.settlement.errors import SettlementError
from leverageguard.settlement.moves import Mover, moving, payouts_of, transactions_of
from leverageguard.store import base
from leverageguard.store.settlement_tables import (
    BatchRecord,
    PayoutRecord,
    TransactionRecord,
)


@dataclass(frozen=True)
class Loaded:
    """A batch as the store has it now: its payouts by index, its transactions oldest first."""

    batch: BatchRecord
    payouts: list[PayoutRecord]
    transactions: list[TransactionRecord]

    @property
    def open_payouts(self) -> list[PayoutRecord]:
        """Payouts that are neither paid nor refused for good."""
        return [row for row in self.payouts if row.state not in states.CLOSED_PAYOUTS]

    @property
    def attempts(self) -> list[TransactionRecord]:
        """Transactions that may still be mined, oldest first."""
        return [row for row in self.transactions if row.state in ("SIGNED", "SENT")]


@dataclass(frozen=True)
class Outcome:
    """How one payout ended on the chain."""

    is_paid: bool
    tx_hash: str
    log_index: int


def load(settings: Settings, batch_id: str) -> Loaded:
    """One batch by its id or by the hash of a transaction of it."""
    with base.session(settings) as session:
        sent = session.get(TransactionRecord, batch_id)
        batch = session.get(BatchRecord, sent.batch_id if sent else batch_id)
        if batch is None:
            raise SettlementError(f"the store knows no batch or transaction {batch_id!r}")
        return Loaded(batch, payouts_of(session, batch), transactions_of(session, batch))


def up_to(settings: Settings, batch_no: int) -> list[str]:
    """The chain's batches that are not final, up to `batch_no`, in its contract's order."""
    with base.session(settings) as session:
        query = select(BatchRecord.batch_id).where(
            BatchRecord.chain_id == settings.chain_id,
            BatchRecord.state != "FINAL",
            BatchRecord.batch_no <= batch_no,
        )
        return list(session.scalars(query.order_by(BatchRecord.batch_no)))


def record_signed(settings: Settings, signed: TransactionRecord, actor: str) -> None:
    """Store the signed bytes; only after this may they leave the machine."""
    with moving(settings, signed.batch_id, actor) as move:
        move.session.add(signed)
        move.session.flush()
        if move.batch.state == "PLANNED":
            move.batch_to("SIGNED", f"signed as {signed.tx_hash}")
        else:
            move.note(f"replacement signed at nonce {signed.nonce} as {signed.tx_hash}")


def record_sent(settings: Settings, batch_id: str, tx_hash: str, actor: str) -> None:
    """The node took the bytes, or may have taken them."""
    with moving(settings, batch_id, actor) as move:
        for row in move.transactions():
            if row.tx_hash == tx_hash and row.state == "SIGNED":
                move.transaction_to(row, "SENT", "broadcast")
        if move.batch.state == "SIGNED":
            move.batch_to("SENT", "broadcast")


def record_mined(settings: Settings, batch_id: str, receipt: Receipt, actor: str) -> None:
    """The receipt as it came: MINED, or REVERTED and planned again; rivals are replaced."""
    rule = f"in block {receipt.block_number}"
    with moving(settings, batch_id, actor) as move:
        for row in move.transactions():
            if row.tx_hash != receipt.tx_hash:
                if row.state in ("SIGNED", "SENT"):
                    move.transaction_to(row, "REPLACED", f"{receipt.tx_hash} was mined instead")
                continue
            if row.state in ("SIGNED", "REPLACED"):
                move.transaction_to(row, "SENT", "found on the chain")
            row.block_number, row.block_hash = receipt.block_number, receipt.block_hash
            row.gas_used = receipt.gas_used
            row.effective_gas_price_wei = str(receipt.effective_gas_price_wei)
            move.transaction_to(row, "MINED" if receipt.succeeded else "REVERTED", rule)
        if move.batch.state == "SIGNED":
            move.batch_to("SENT", "found on the chain")
        if not receipt.succeeded:
            move.batch_to("REVERTED", rule)
            move.batch_to("PLANNED", "a reverted transaction paid nobody")
            return
        move.batch.tx_hash, move.batch.gas_used = receipt.tx_hash, receipt.gas_used
        for payout in move.payouts():
            if payout.state not in states.CLOSED_PAYOUTS:
                payout.tx_hash = receipt.tx_hash
        move.batch_to("MINED", rule)


def record_unknown(settings: Settings, batch_id: str, rule: str, actor: str) -> None:
    """Nobody can say yet how the transaction ended."""
    with moving(settings, batch_id, actor) as move:
        if move.batch.state == "SIGNED":
            move.batch_to("SENT", "may have been broadcast")
        if move.batch.state == "SENT":
            move.batch_to("PAY_UNKNOWN", rule)


def record_nonce_lost(settings: Settings, batch_id: str, rule: str, actor: str) -> None:
    """No transaction of the batch can be mined any more: plan it again."""
    with moving(settings, batch_id, actor) as move:
        for row in move.transactions():
            if row.state in ("SIGNED", "SENT"):
                move.transaction_to(row, "REPLACED", rule)
        move.batch_to("PLANNED", rule)


def record_reorg(settings: Settings, batch_id: str, actor: str) -> None:
    """The block is no longer part of the chain: the transaction is under way again."""
    rule = "its block left the chain (reorg)"
    with moving(settings, batch_id, actor) as move:
        for row in move.transactions():
            if row.state == "MINED":
                move.transaction_to(row, "SENT", rule)
                row.block_number = row.block_hash = None
        move.batch.tx_hash = move.batch.gas_used = None
        for payout in move.payouts():
            if payout.state not in states.CLOSED_PAYOUTS:
                payout.tx_hash = None
        move.batch_to("SENT", rule)


def final_ones(settings: Settings) -> list[str]:
    """Ids of the chain's final batches, the newest first."""
    with base.session(settings) as session:
        query = select(BatchRecord.batch_id).where(
            BatchRecord.chain_id == settings.chain_id, BatchRecord.state == "FINAL"
        )
        return list(session.scalars(query.order_by(BatchRecord.batch_no.desc())))


def record_unsettled(settings: Settings, batch_id: str, rule: str, actor: str) -> None:
    """A final batch's block left the chain: its payouts and its transaction are under way again.

    One that somebody else's transaction settled has nothing of ours to send, so it is planned.
    """
    with moving(settings, batch_id, actor) as move:
        if move.batch.state == "FINAL" and not move.unsettle(rule):
            move.batch_to("PAY_UNKNOWN", rule)
            move.batch_to("PLANNED", rule)


def record_outcomes(
    settings: Settings, batch_id: str, outcomes: Mapping[int, Outcome], rule: str, actor: str
) -> None:
    """Close payouts by claim index as PAID or FAILED; the batch is FINAL when none is open."""
    with moving(settings, batch_id, actor) as move:
        for payout in move.payouts():
            outcome = outcomes.get(payout.claim_index)
            if outcome is None or payout.state in states.CLOSED_PAYOUTS:
                continue
            payout.tx_hash, payout.log_index = outcome.tx_hash, outcome.log_index
            move.payout_to(payout, "PAID" if outcome.is_paid else "FAILED", rule)
        if any(row.state not in states.CLOSED_PAYOUTS for row in move.payouts()):
            return
        if move.batch.state == "PLANNED":
            move.batch_to("MINED", rule)
            move.batch.tx_hash = next(row.tx_hash for row in move.payouts())
        for row in move.transactions():
            if row.state == "MINED":
                move.transaction_to(row, "FINAL", rule)
        move.batch_to("FINAL", rule)


def renumber(settings: Settings, batch_id: str, next_no: int, actor: str) -> None:
    """Give this planned batch the number `next_no` and shift the planned ones behind it."""
    with base.session(settings) as session:
        first = session.get(BatchRecord, batch_id)
        if first is None or first.state != "PLANNED":
            raise SettlementError(f"batch {batch_id} is under way and keeps its number")
        on_chain = BatchRecord.chain_id == first.chain_id
        later = list(
            session.scalars(
                select(BatchRecord)
                .where(on_chain, BatchRecord.batch_no >= first.batch_no)
                .order_by(BatchRecord.batch_no)
            )
        )
        highest = session.scalar(select(func.max(BatchRecord.batch_no)).where(on_chain)) or 0
        free = max(next_no + len(later), highest + 1)
        # Two passes, the first to numbers nobody has: they are unique at every moment.
        for target in (free, next_no):
            for place, batch in enumerate(later):
                batch.batch_no = target + place
            session.flush()
        for batch in later:
            mover = Mover(session, batch, actor)
            mover.note(f"the chain expects batch {next_no} next: now number {batch.batch_no}")
            mover.touch()
