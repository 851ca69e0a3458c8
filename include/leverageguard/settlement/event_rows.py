"""Decoded events → raw rows: addresses and hashes in lower case, money as whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from leverageguard.settlement import history
from leverageguard.settlement.chain import Chain, Receipt
from leverageguard.settlement.contracts import receipts
from leverageguard.settlement.contracts.call import Event, hex_of
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.errors import StoreAndChainDisagree

PAYOUTS = "chain/payouts"
TABLES = {
    "PolicyPurchased": "chain/policy_purchases",
    "PolicyCancelled": "chain/policy_cancellations",
    "Deposited": "chain/deposits",
    "Withdrawn": "chain/withdrawals",
    receipts.TRANSFERRED: "chain/token_receipts",
    "BatchSettled": "chain/batch_settlements",
    "PayoutRescued": PAYOUTS,
}


def rows(
    chain: Chain, pool: Pool, event: Event, block_time_ms: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one event with their tables, ready to land.

    A batch gives its own row and one for each of its payouts; PayoutFailed alone gives none.
    """
    keys = {
        "chain_id": chain.settings.chain_id,
        "pool": pool.address.lower(),
        "tx_hash": event.tx_hash,
        "block_number": event.block_number,
        "block_hash": event.block_hash,
        "block_time_ms": block_time_ms,
    }
    if event.name in _CONTENT:
        content = _CONTENT[event.name](chain, pool, event)
        yield TABLES[event.name], keys | {"log_index": event.log_index} | content
    if event.name == "BatchSettled":
        for payment in pool.payments(_receipt(chain, event).logs):
            if payment.batch_no == event.args["batchNo"]:
                yield PAYOUTS, keys | _payout(payment)


def plain_transfers(
    chain: Chain, pool: Pool, first_block: int, last_block: int, own: Sequence[dict[str, Any]]
) -> list[Event]:
    """Money that came to the pool by none of its functions; `own` are its logs of these blocks.

    What looks like one is read again from its whole transaction: the two requests may have been
    answered on two sides of a reorg. Raises StoreAndChainDisagree then.
    """
    received = chain.logs(pool.token(), pool.incoming(), first_block, last_block)
    logs = sorted([*own, *received], key=lambda log: (log["blockNumber"], log["logIndex"]))
    suspects = {event.tx_hash: event for event in pool.token_receipts(logs)}
    whole = [_receipt(chain, event).logs for event in suspects.values()]
    return [event for logs_of_one in whole for event in pool.token_receipts(logs_of_one)]


def _receipt(chain: Chain, event: Event) -> Receipt:
    receipt = chain.receipt(event.tx_hash)
    if receipt is None or receipt.block_hash != event.block_hash:
        raise StoreAndChainDisagree(f"{event.tx_hash} left the chain while it was read: land again")
    return receipt


def _purchase(_chain: Chain, _pool: Pool, event: Event) -> dict[str, Any]:
    return {
        "quote_id": hex_of(event.args["quoteId"]),
        "buyer": event.args["buyer"].lower(),
        "premium_micro_usdc": int(event.args["premium"]),
        "max_payout_micro_usdc": int(event.args["maxPayout"]),
        "terms_hash": hex_of(event.args["termsHash"]),
    }


def _cancellation(_chain: Chain, _pool: Pool, event: Event) -> dict[str, Any]:
    return {
        "quote_id": hex_of(event.args["quoteId"]),
        "buyer": event.args["buyer"].lower(),
        "refund_micro_usdc": int(event.args["refund"]),
    }


def _deposit(_chain: Chain, _pool: Pool, event: Event) -> dict[str, Any]:
    return {
        "depositor": event.args["from"].lower(),
        "amount_micro_usdc": int(event.args["amount"]),
    }


def _withdrawal(_chain: Chain, _pool: Pool, event: Event) -> dict[str, Any]:
    return {
        "withdrawal_id": int(event.args["withdrawalId"]),
        "recipient": event.args["to"].lower(),
        "amount_micro_usdc": int(event.args["amount"]),
    }


def _token_receipt(_chain: Chain, _pool: Pool, event: Event) -> dict[str, Any]:
    return {
        "payer": event.args["payer"],
        "amount_micro_usdc": int(event.args["amount"]),
    }


def _settlement(chain: Chain, _pool: Pool, event: Event) -> dict[str, Any]:
    receipt = _receipt(chain, event)
    return {
        "batch_no": int(event.args["batchNo"]),
        "payouts_hash": hex_of(event.args["payoutsHash"]),
        "evidence_root": hex_of(event.args["evidenceRoot"]),
        "total_micro_usdc": int(event.args["total"]),
        "paid_micro_usdc": int(event.args["paid"]),
        "failed_count": sum(int(word).bit_count() for word in event.args["refused"]),
        "gas_used": receipt.gas_used,
        "effective_gas_price_wei": str(receipt.effective_gas_price_wei),
    }


def _rescue(chain: Chain, pool: Pool, event: Event) -> dict[str, Any]:
    """A refused payout that was made after all, under the batch that first tried it."""
    claim_index = int(event.args["claimIndex"])
    refused = next(iter(history.payments(chain, pool, {claim_index})), None)
    if refused is None:
        raise StoreAndChainDisagree(
            f"{event.tx_hash} rescues claim index {claim_index}, which no batch settled: land again"
        )
    return {
        "batch_no": refused.batch_no,
        "claim_index": claim_index,
        "recipient": event.args["recipient"].lower(),
        "amount_micro_usdc": int(event.args["amount"]),
        "is_paid": True,
    }


def _payout(payment: Payment) -> dict[str, Any]:
    return {
        "log_index": payment.log_index,
        "batch_no": payment.batch_no,
        "claim_index": payment.claim_index,
        "recipient": payment.recipient,
        "amount_micro_usdc": payment.amount,
        "is_paid": payment.is_paid,
    }


_CONTENT: dict[str, Callable[[Chain, Pool, Event], dict[str, Any]]] = {
    "PolicyPurchased": _purchase,
    "PolicyCancelled": _cancellation,
    "Deposited": _deposit,
    "Withdrawn": _withdrawal,
    receipts.TRANSFERRED: _token_receipt,
    "BatchSettled": _settlement,
    "PayoutRescued": _rescue,
}
