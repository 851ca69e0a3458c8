"""Drives one batch to its receipt: whatever happened before, the chain is asked first.

Signed bytes are stored before they leave; the same bytes may be broadcast any number of times. A
different transaction for the same batch is only ever made at the same nonce, or after no earlier
one can be mined any more, and the contract refuses a claim index it has paid.

While an incident is open nothing new is signed, replacements included. What was signed before is
still handed to the node and followed to its receipt: whoever has the bytes could send them, and a
stopped look would leave unknown what they did.
"""

from __future__ import annotations

import time

import structlog

from leverageguard.settlement import errors, incidents, ledger, preparing
from leverageguard.settlement.chain import Fees, Receipt
from leverageguard.settlement.ledger import Loaded
from leverageguard.settlement.worker import Worker
from leverageguard.store.settlement_tables import TransactionRecord

PATIENCE_S = 30.0  # real seconds without a receipt before a replacement with a higher fee
REBROADCAST_S = 5.0  # real seconds before the same bytes are sent again
MAX_TRANSACTIONS = 4  # of one batch at one nonce, in one run
DEADLINE_MARGIN_S = 120
_ROUNDS = 12
_log = structlog.get_logger(__name__)


def settle_one(worker: Worker, batch_id: str) -> str:
    """Drive the batch until it is MINED; the hash of the transaction that settled it.

    Raises OutcomeUnknown while nobody can say, and a SettlementError when nothing can be sent.
    """
    for _ in range(_ROUNDS):
        loaded = ledger.load(worker.settings, batch_id)
        state = loaded.batch.state
        if state == "FINAL" or (state == "MINED" and is_canonical(worker, loaded)):
            return loaded.batch.tx_hash or ""
        if state == "MINED":
            ledger.record_reorg(worker.settings, batch_id, worker.name)
        elif state == "PLANNED":
            _start(worker, loaded)
        else:
            _pursue(worker, loaded)
    raise errors.OutcomeUnknown(f"batch {batch_id} did not come to rest: settle again later")


def is_canonical(worker: Worker, loaded: Loaded) -> bool:
    """Whether the receipt still stands in the block the store remembers, on the chain of today."""
    mined = next((row for row in loaded.transactions if row.state == "MINED"), None)
    receipt = worker.chain.receipt(mined.tx_hash) if mined else None
    if mined is None or receipt is None or receipt.block_hash != mined.block_hash:
        return False
    block = worker.chain.block(receipt.block_number)
    return block is not None and block.hash == mined.block_hash


def _start(worker: Worker, loaded: Loaded) -> None:
    incidents.require_none(worker.settings)
    signed = preparing.prepare(worker, loaded)
    if signed is not None:
        persist(worker, signed)


def persist(worker: Worker, signed: TransactionRecord) -> None:
    """Store the signed bytes, if the lease is still ours."""
    worker.renew()
    ledger.record_signed(worker.settings, signed, worker.name)
    _log.info("transaction_signed", tx_hash=signed.tx_hash, nonce=signed.nonce)


def _pursue(worker: Worker, loaded: Loaded) -> None:
    """One look at a batch under way: receipt, else lost nonce, else (re)broadcast and wait."""
    receipt = _any_receipt(worker, loaded)
    if receipt is not None:
        record(worker, loaded, receipt)
        return
    newest = loaded.attempts[-1]
    if worker.chain.nonce(newest.sender) > newest.nonce:
        _settle_lost_nonce(worker, loaded, newest)
    elif newest.deadline_s < worker.chain.next_timestamp() + DEADLINE_MARGIN_S:
        _replace(worker, loaded, newest, "its deadline has passed")
    else:
        _send_and_wait(worker, loaded, newest)


def _send_and_wait(worker: Worker, loaded: Loaded, newest: TransactionRecord) -> None:
    batch_id = loaded.batch.batch_id
    until = time.monotonic() + PATIENCE_S
    while (left := until - time.monotonic()) > 0:
        try:
            broadcast(worker, newest)
        except errors.NonceUsed:
            return
        except errors.FeeTooLow as refusal:
            _replace(worker, loaded, newest, str(refusal))
            return
        except errors.ChainUnreachable as fault:
            ledger.record_unknown(worker.settings, batch_id, str(fault), worker.name)
            raise errors.OutcomeUnknown(f"{newest.tx_hash} may have been sent: {fault}") from None
        ledger.record_sent(worker.settings, batch_id, newest.tx_hash, worker.name)
        # A node may drop what it took: the same bytes again, before anything else is signed.
        if worker.chain.wait(newest.tx_hash, min(left, REBROADCAST_S)) is not None:
            return
    _replace(worker, loaded, newest, f"not mined after {PATIENCE_S} s")


def broadcast(worker: Worker, signed: TransactionRecord) -> None:
    """Hand the stored bytes to the node."""
    worker.renew()
    worker.chain.stamp()
    worker.chain.broadcast(signed.raw)


def record(worker: Worker, loaded: Loaded, receipt: Receipt) -> None:
    """Copy the receipt to the store; raises CallRefused when the transaction was reverted."""
    ledger.record_mined(worker.settings, loaded.batch.batch_id, receipt, worker.name)
    _log.info("transaction_mined", tx_hash=receipt.tx_hash, block=receipt.block_number)
    if not receipt.succeeded:
        raise errors.CallRefused(
            f"{receipt.tx_hash} was reverted and paid nobody; batch {loaded.batch.batch_no} is "
            "planned again"
        )


def _any_receipt(worker: Worker, loaded: Loaded) -> Receipt | None:
    """The receipt of whichever of the batch's transactions was mined."""
    for row in loaded.transactions:
        if row.state != "REVERTED" and (found := worker.chain.receipt(row.tx_hash)) is not None:
            return found
    return None


def _settle_lost_nonce(worker: Worker, loaded: Loaded, newest: TransactionRecord) -> None:
    """Another transaction used the nonce: once that is deep enough, plan the batch again."""
    rule = f"nonce {newest.nonce} was used by another transaction"
    ledger.record_unknown(worker.settings, loaded.batch.batch_id, rule, worker.name)
    worker.wait_for_depth(worker.chain.head().number)
    if _any_receipt(worker, loaded) is None:
        ledger.record_nonce_lost(worker.settings, loaded.batch.batch_id, rule, worker.name)


def _replace(worker: Worker, loaded: Loaded, old: TransactionRecord, reason: str) -> None:
    """Sign the batch anew at the same nonce with higher fees; both can never be mined."""
    if len(loaded.attempts) >= MAX_TRANSACTIONS:
        ledger.record_unknown(worker.settings, loaded.batch.batch_id, reason, worker.name)
        raise errors.OutcomeUnknown(
            f"batch {loaded.batch.batch_no} is still not mined after {len(loaded.attempts)} "
            f"transactions at nonce {old.nonce} ({reason}): settle again later"
        )
    incidents.require_none(worker.settings)
    fees = _bumped(worker, loaded, old, reason)
    prepared = preparing.compose(worker, loaded)
    signed = preparing.sign(worker, loaded, prepared, old.nonce, old.gas_limit, fees)
    _log.info("transaction_replaced", old=old.tx_hash, new=signed.tx_hash, reason=reason)
    persist(worker, signed)


def _bumped(worker: Worker, loaded: Loaded, old: TransactionRecord, reason: str) -> Fees:
    """Fees a node takes for a replacement; raises FeeCapReached, the outcome open, above the cap.

    The transaction that waits is not given up: the next run sends its bytes again.
    """
    paid = Fees(int(old.max_fee_per_gas_wei), int(old.priority_fee_per_gas_wei))
    cap = worker.settings.chain.max_fee_wei
    try:
        fees = worker.chain.fees().at_least(paid.bumped())
        if cap is not None and fees.max_fee_wei > cap:
            raise errors.FeeCapReached(
                f"{old.tx_hash} waits ({reason}) and a replacement needs {fees.max_fee_wei} wei a "
                f"gas, max_fee_gwei allows {cap}: settle again later, or raise it"
            )
    except errors.FeeCapReached as refusal:
        ledger.record_unknown(worker.settings, loaded.batch.batch_id, reason, worker.name)
        raise refusal
    return fees
