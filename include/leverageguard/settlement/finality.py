"""What was final stays final: a reorg deeper than the confirmations is found, told, and halts.

A final batch that the chain no longer has goes back to SENT with its payouts, and nothing is sent
until somebody resolved the incident: then the stored bytes are broadcast again, and the contract
refuses what it has paid. A batch that was only mined again in another block needs nobody: it is
followed like any mined one.
"""

from __future__ import annotations

import structlog

from leverageguard.config import Settings
from leverageguard.settlement import errors, incidents, ledger
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.ledger import Loaded

KIND = "final_batch_lost"
_log = structlog.get_logger(__name__)


def require(settings: Settings, chain: Chain, actor: str) -> None:
    """Return when every final batch still stands; moved ones are under way again by then.

    Raises FinalBatchLost when the chain lost one, and Halted until its incident is resolved.
    """
    where = (None, settings.chain_id)
    told = incidents.open_ones(settings)
    if any(row.kind == KIND and row.chain_id in where for row in told):
        incidents.require_none(settings)
    lost = find(settings, chain, actor)
    if lost:
        raise errors.FinalBatchLost(lost)


def find(settings: Settings, chain: Chain, actor: str) -> str:
    """Send final batches whose block left the chain back under way; what was lost, else ''.

    The newest is looked at first, and no further than the first that stands: a reorg takes away
    an end of the chain.
    """
    told = []
    for batch_id in ledger.final_ones(settings):
        loaded = ledger.load(settings, batch_id)
        gone = _gone(chain, loaded)
        if gone is None:
            break
        if gone:
            text = (
                f"batch {loaded.batch.batch_no} was final in {', '.join(gone)}, the chain does "
                "not have it: the chain lost blocks under it"
            )
            # The incident first: whoever dies here has not freed the batch to be sent again.
            incidents.open_incident(
                settings, KIND, f"batch {loaded.batch.batch_no}", text, actor=actor
            )
            told.append(text)
            rule = "the chain lost its block after it was final"
        else:
            rule = "mined again in another block after it was final"
            _log.warning("final_batch_moved", batch_no=loaded.batch.batch_no)
        ledger.record_unsettled(settings, batch_id, rule, actor)
    return "; ".join(told)


def _gone(chain: Chain, loaded: Loaded) -> list[str] | None:
    """Transactions of a final batch that are nowhere, [] when all only moved, None when none did.

    Of a transaction that was not ours only the receipt is known to compare.
    """
    blocks = {row.tx_hash: row.block_hash for row in loaded.transactions if row.state == "FINAL"}
    paid_in = {row.tx_hash: None for row in loaded.payouts if row.tx_hash}
    gone, is_moved = [], False
    for tx_hash, block_hash in (paid_in | blocks).items():
        receipt = chain.receipt(tx_hash)
        if receipt is None:
            gone.append(tx_hash)
            continue
        block = chain.block(receipt.block_number)
        expected = block_hash or receipt.block_hash
        if block is None or not block.hash == receipt.block_hash == expected:
            is_moved = True
    return gone if gone or is_moved else None
