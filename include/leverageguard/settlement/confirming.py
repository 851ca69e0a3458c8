"""A mined batch → final: enough blocks on top, still canonical, every log matched to its payout."""

from __future__ import annotations

from typing import Any

from leverageguard.settlement import errors, ledger, preparing, sending
from leverageguard.settlement.chain import Receipt
from leverageguard.settlement.contracts.call import hex_of
from leverageguard.settlement.ledger import Loaded, Outcome
from leverageguard.settlement.worker import Worker

_ROUNDS = 5


def confirm_one(worker: Worker, batch_id: str) -> None:
    """Drive the batch until it is FINAL; a reorg sends it back under way.

    Raises OutcomeUnknown while blocks are missing, StoreAndChainDisagree when logs do not match.
    """
    for _ in range(_ROUNDS):
        sending.settle_one(worker, batch_id)
        loaded = ledger.load(worker.settings, batch_id)
        if loaded.batch.state == "FINAL":
            return
        receipt = worker.chain.receipt(loaded.batch.tx_hash or "")
        if receipt is None:
            continue
        worker.wait_for_depth(receipt.block_number)
        if sending.is_canonical(worker, loaded):
            finalise(worker, loaded, receipt)
    raise errors.OutcomeUnknown(f"batch {batch_id} keeps leaving the chain: confirm again later")


def finalise(worker: Worker, loaded: Loaded, receipt: Receipt) -> None:
    """Copy the logs to the store in one transaction: each payout PAID or refused (FAILED)."""
    ledger.record_outcomes(
        worker.settings,
        loaded.batch.batch_id,
        outcomes(worker, loaded, receipt),
        f"{worker.settings.confirmations} blocks on top of block {receipt.block_number}",
        worker.name,
    )


def outcomes(worker: Worker, loaded: Loaded, receipt: Receipt) -> dict[int, Outcome]:
    """The result of every open payout by claim index; one each, no more and no less."""
    topics = set(worker.pool.topics("BatchSettled"))
    settled = [
        worker.pool.decode(log).args
        for log in receipt.logs
        if log["address"] == worker.pool.address and hex_of(log["topics"][0]) in topics
    ]
    _require_batch(loaded, settled)
    rows = {row.claim_index: row for row in loaded.open_payouts}
    found: dict[int, Outcome] = {}
    for payment in worker.pool.payments(receipt.logs):
        index = payment.claim_index
        if index not in rows or index in found:
            raise errors.StoreAndChainDisagree(
                f"{receipt.tx_hash} settles claim index {index}, which is not open in the batch"
            )
        preparing.require_same(rows[index], payment)
        found[index] = Outcome(payment.is_paid, payment.tx_hash, payment.log_index)
    if set(found) != set(rows):
        raise errors.StoreAndChainDisagree(
            f"{receipt.tx_hash} says nothing about claim indices {sorted(set(rows) - set(found))}"
        )
    return found


def _require_batch(loaded: Loaded, settled: list[dict[str, Any]]) -> None:
    expected = (loaded.batch.batch_no, loaded.batch.evidence_root)
    seen = [(args["batchNo"], hex_of(args["evidenceRoot"])) for args in settled]
    if seen != [expected]:
        raise errors.StoreAndChainDisagree(f"the chain settled {seen}, the store sent {expected}")
