"""The payments of a settled batch, read from its one event and the token's own transfers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from leverageguard.settlement.contracts.call import Event, hex_of
from leverageguard.settlement.errors import StoreAndChainDisagree

TRANSFER = hex_of(keccak(text="Transfer(address,address,uint256)"))


@dataclass(frozen=True)
class Payment:
    """One payout as the chain has it; `recipient` as an address in lower case, micro-USDC.

    `log_index` is that of the token's transfer, of PayoutFailed for one that was not paid.
    """

    batch_no: int
    claim_index: int
    recipient: str
    amount: int
    is_paid: bool
    tx_hash: str
    log_index: int


def of_batch(
    settled: Event, failures: Mapping[int, Event], transfers: Iterable[Mapping[str, Any]]
) -> list[Payment]:
    """The payments of one BatchSettled event, by claim.

    `failures` are the PayoutFailed events of the transaction by claim index, `transfers` the
    token's logs from the pool that stand before the event, oldest first. Raises
    StoreAndChainDisagree when they do not add up to what the event says.
    """
    args = settled.args
    claims = range(args["firstClaim"], args["firstClaim"] + args["count"])
    refused = args["refused"][0] | args["refused"][1] << 256
    paid = [claim for place, claim in enumerate(claims) if not refused >> place & 1]
    # Whatever else left the pool in this transaction left it before the batch's own transfers.
    own = list(transfers)[-len(paid) :] if paid else []
    amounts = [int.from_bytes(bytes(log["data"]), "big") for log in own]
    unpaid = sorted(set(claims) - set(paid))
    missing = [claim for claim in unpaid if claim not in failures]
    if len(own) != len(paid) or sum(amounts) != args["paid"] or missing:
        raise StoreAndChainDisagree(
            f"batch {args['batchNo']} in {settled.tx_hash} says it paid {len(paid)} claims "
            f"{args['paid']} micro-USDC, the token moved {sum(amounts)} in {len(own)} transfers; "
            f"refused without an event: {missing}"
        )
    found = [
        Payment(
            args["batchNo"],
            claim,
            "0x" + bytes(log["topics"][2])[-20:].hex(),
            amount,
            True,
            settled.tx_hash,
            int(log["logIndex"]),
        )
        for claim, log, amount in zip(paid, own, amounts, strict=True)
    ]
    found += [_refused(failures[claim]) for claim in unpaid]
    return sorted(found, key=lambda payment: payment.claim_index)


def _refused(event: Event) -> Payment:
    return Payment(
        event.args["batchNo"],
        event.args["claimIndex"],
        event.args["recipient"].lower(),
        event.args["amount"],
        False,
        event.tx_hash,
        event.log_index,
    )
