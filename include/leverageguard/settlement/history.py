"""What the chain settled in the past: payouts by claim index, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts.call import hex_of
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.errors import StoreAndChainDisagree


@dataclass(frozen=True)
class Settled:
    """One batch the chain settled, with all its payments by claim index."""

    batch_no: int
    evidence_root: str
    tx_hash: str
    block_number: int
    block_hash: str
    payments: list[Payment]


def batches(
    chain: Chain, pool: Pool, claim_indices: Collection[int] | None = None
) -> Iterator[Settled]:
    """Every batch the pool settled, or those with one of the claim indices, oldest first.

    Raises StoreAndChainDisagree when a batch and the token's transfers say different things, or
    when it leaves the chain meanwhile.
    """
    first = chain.settings.deployment().deployed_block
    logs = chain.logs(pool.address, [pool.topics("BatchSettled")], first, chain.head().number)
    for log in logs:
        event = pool.decode(log)
        claims = range(event.args["firstClaim"], event.args["firstClaim"] + event.args["count"])
        if claim_indices is not None and not any(index in claims for index in claim_indices):
            continue
        receipt = chain.receipt(event.tx_hash)
        if receipt is None:
            raise StoreAndChainDisagree(f"{event.tx_hash} left the chain while it was read")
        number = event.args["batchNo"]
        yield Settled(
            number,
            hex_of(event.args["evidenceRoot"]),
            event.tx_hash,
            event.block_number,
            event.block_hash,
            [one for one in pool.payments(receipt.logs) if one.batch_no == number],
        )


def payments(chain: Chain, pool: Pool, claim_indices: Collection[int]) -> Iterator[Payment]:
    """The payouts of these claim indices, wherever they were settled; raises as `batches` does."""
    for settled in batches(chain, pool, claim_indices):
        for payment in settled.payments:
            if payment.claim_index in claim_indices:
                yield payment
