"""Changes of state in the store: along the edges only, each with its event row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.settlement import states
from leverageguard.settlement.errors import SettlementError
from leverageguard.store import base
from leverageguard.store.settlement_tables import (
    BatchRecord,
    PayoutRecord,
    SettlementEvent,
    TransactionRecord,
)


class Mover:
    """Moves one batch, its open payouts and its transactions inside one transaction."""

    def __init__(self, session: Session, batch: BatchRecord, actor: str) -> None:
        self.session, self.batch, self._actor = session, batch, actor

    def batch_to(self, state: str, rule: str) -> None:
        """Move the batch and every open payout along one edge; FINAL leaves payouts alone."""
        states.check(states.BATCH_EDGES, f"batch {self.batch.batch_no}", self.batch.state, state)
        self._event(self.batch.state, state, rule)
        self.batch.state = state
        self.touch()
        if state == "FINAL":
            return
        for payout in payouts_of(self.session, self.batch):
            if payout.state not in states.CLOSED_PAYOUTS:
                self.payout_to(payout, state, rule)

    def payout_to(self, payout: PayoutRecord, state: str, rule: str) -> None:
        """Move one payout along one edge."""
        states.check(states.PAYOUT_EDGES, payout.claim_id, payout.state, state)
        self._event(payout.state, state, rule, claim_id=payout.claim_id)
        payout.state = state
        self.touch()

    def transaction_to(self, transaction: TransactionRecord, state: str, rule: str) -> None:
        """Move one transaction along one edge."""
        states.check(states.TRANSACTION_EDGES, transaction.tx_hash, transaction.state, state)
        self._event(transaction.state, state, rule, tx_hash=transaction.tx_hash)
        transaction.state = state
        transaction.updated_at_ms = clock.now_ms()

    def unsettle(self, rule: str) -> bool:
        """Move a final batch, all its payouts and what was mined of it back to SENT.

        False when no transaction of ours settled it.
        """
        before = self.batch.state
        states.check(states.LOST_EDGES, f"batch {self.batch.batch_no}", before, "SENT")
        self._event(before, "SENT", rule)
        self.batch.state, self.batch.tx_hash, self.batch.gas_used = "SENT", None, None
        for payout in self.payouts():
            states.check(states.LOST_EDGES, payout.claim_id, payout.state, "SENT")
            self._event(payout.state, "SENT", rule, claim_id=payout.claim_id)
            payout.state, payout.tx_hash, payout.log_index = "SENT", None, None
        ours = [row for row in self.transactions() if row.state == "FINAL"]
        for row in ours:
            self._event(row.state, "SENT", rule, tx_hash=row.tx_hash)
            row.state, row.block_number, row.block_hash = "SENT", None, None
            row.updated_at_ms = clock.now_ms()
        self.touch()
        return bool(ours)

    def note(self, rule: str) -> None:
        """Record something that changed no state."""
        self._event(self.batch.state, self.batch.state, rule)

    def touch(self) -> None:
        """Mark the batch as changed, so that it is landed again."""
        self.batch.updated_at_ms = clock.now_ms()
        self.batch.is_landed = False

    def transactions(self) -> list[TransactionRecord]:
        """The batch's transactions, oldest first, to be changed."""
        return transactions_of(self.session, self.batch)

    def payouts(self) -> list[PayoutRecord]:
        """The batch's payouts by index, to be changed."""
        return payouts_of(self.session, self.batch)

    def _event(
        self,
        before: str | None,
        after: str,
        rule: str,
        claim_id: str | None = None,
        tx_hash: str | None = None,
    ) -> None:
        self.session.add(
            SettlementEvent(
                batch_id=self.batch.batch_id,
                claim_id=claim_id,
                tx_hash=tx_hash,
                from_state=before,
                to_state=after,
                at_ms=clock.now_ms(),
                actor=self._actor,
                rule=rule,
            )
        )


@contextmanager
def moving(settings: Settings, batch_id: str, actor: str) -> Iterator[Mover]:
    """One transaction on one batch: all changes or none."""
    with base.session(settings) as session:
        batch = session.get(BatchRecord, batch_id)
        if batch is None:
            raise SettlementError(f"the store knows no batch {batch_id!r}")
        yield Mover(session, batch, actor)


def payouts_of(session: Session, batch: BatchRecord) -> list[PayoutRecord]:
    """The payouts of a batch by claim index."""
    query = select(PayoutRecord).where(PayoutRecord.batch_id == batch.batch_id)
    return list(session.scalars(query.order_by(PayoutRecord.claim_index)))


def transactions_of(session: Session, batch: BatchRecord) -> list[TransactionRecord]:
    """The transactions of a batch, oldest first."""
    query = select(TransactionRecord).where(TransactionRecord.batch_id == batch.batch_id)
    return list(session.scalars(query.order_by(TransactionRecord.position)))
