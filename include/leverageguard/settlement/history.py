"""What the chain settled in the past: payouts by claim index, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.contracts.pool import Pool


def payments(chain: Chain, pool: Pool, claim_indices: Collection[int]) -> Iterator[Payment]:
    """The payouts of these claim indices, from the pool's first block to the newest.

    Raises StoreAndChainDisagree when a batch and the token's transfers say different things.
    """
    first = chain.settings.deployment().deployed_block
    logs = chain.logs(pool.address, [pool.topics("BatchSettled")], first, chain.head().number)
    for log in logs:
        settled = pool.decode(log)
        claims = range(
            settled.args["firstClaim"], settled.args["firstClaim"] + settled.args["count"]
        )
        if not any(index in claims for index in claim_indices):
            continue
        receipt = chain.receipt(settled.tx_hash)
        for payment in pool.payments(receipt.logs) if receipt else []:
            if payment.claim_index in claim_indices and payment.claim_index in claims:
                yield payment
