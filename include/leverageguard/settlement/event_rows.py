"""One decoded event → one raw row: addresses and hashes in lower case, money as whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts.call import Event, hex_of
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.errors import StoreAndChainDisagree

EVENT_TABLES = {
    "PolicyPurchased": "chain/policy_purchases",
    "Deposited": "chain/deposits",
    "BatchSettled": "chain/batch_settlements",
    "ClaimPaid": "chain/payouts",
    "PayoutFailed": "chain/payouts",
}


def event_row(chain: Chain, pool: Pool, event: Event, block_time_ms: int) -> dict[str, Any]:
    """The row of one event, ready to land."""
    keys = {
        "chain_id": chain.settings.chain_id,
        "pool": pool.address.lower(),
        "tx_hash": event.tx_hash,
        "log_index": event.log_index,
        "block_number": event.block_number,
        "block_hash": event.block_hash,
        "block_time_ms": block_time_ms,
    }
    return keys | _CONTENT[event.name](chain, event)


def _purchase(_chain: Chain, event: Event) -> dict[str, Any]:
    return {
        "quote_id": hex_of(event.args["quoteId"]),
        "buyer": event.args["buyer"].lower(),
        "premium_micro_usdc": int(event.args["premium"]),
        "max_payout_micro_usdc": int(event.args["maxPayout"]),
        "terms_hash": hex_of(event.args["termsHash"]),
    }


def _deposit(_chain: Chain, event: Event) -> dict[str, Any]:
    return {
        "depositor": event.args["from"].lower(),
        "amount_micro_usdc": int(event.args["amount"]),
    }


def _settlement(chain: Chain, event: Event) -> dict[str, Any]:
    receipt = chain.receipt(event.tx_hash)
    if receipt is None or receipt.block_hash != event.block_hash:
        raise StoreAndChainDisagree(f"{event.tx_hash} left the chain while it was read: land again")
    return {
        "batch_no": int(event.args["batchNo"]),
        "payouts_hash": hex_of(event.args["payoutsHash"]),
        "evidence_root": hex_of(event.args["evidenceRoot"]),
        "total_micro_usdc": int(event.args["total"]),
        "paid_micro_usdc": int(event.args["paid"]),
        "failed_count": int(event.args["failedCount"]),
        "gas_used": receipt.gas_used,
        "effective_gas_price_wei": str(receipt.effective_gas_price_wei),
    }


def _payout(_chain: Chain, event: Event) -> dict[str, Any]:
    return {
        "batch_no": int(event.args["batchNo"]),
        "claim_index": int(event.args["claimIndex"]),
        "recipient": event.args["recipient"].lower(),
        "amount_micro_usdc": int(event.args["amount"]),
        "is_paid": event.name == "ClaimPaid",
    }


_CONTENT: dict[str, Callable[[Chain, Event], dict[str, Any]]] = {
    "PolicyPurchased": _purchase,
    "Deposited": _deposit,
    "BatchSettled": _settlement,
    "ClaimPaid": _payout,
    "PayoutFailed": _payout,
}
