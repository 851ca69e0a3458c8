"""The steps of settle_payouts: plan, settle, confirm, record. Each may run any number of times."""

from __future__ import annotations

import structlog

from leverageguard import config
from leverageguard.audit import anchors
from leverageguard.claims import advancing
from leverageguard.config import Settings
from leverageguard.settlement import (
    chain,
    confirming,
    every_chain,
    evidence,
    finality,
    ledger,
    planning,
    rebuilding,
    reconciling,
    recording,
    sending,
    solvency,
    worker,
)
from leverageguard.settlement.signing import signers

_log = structlog.get_logger(__name__)


def plan(proposed_by: str | None = None) -> list[str]:
    """Plan the approved items that are new; ids of all unfinished batches, oldest first.

    Whoever started the run by hand proposes what is over the limit, and may not approve it. What
    would leave a pool under its minimum waits, approved.

    Raises LedgerLost, and plans nothing, while the store misses payouts it once held.
    """
    settings = config.load()
    rebuilding.require_whole(settings)
    items = planning.approved_items(settings)
    rooms = solvency.rooms(settings, planning.chains_of_new(settings, items))
    planning.plan(settings, items, rooms, proposed_by)
    return planning.unfinished(settings)


def settle(batch_id: str) -> str:
    """Send the batch, after every batch before it; the hash of the transaction that was mined.

    Without a proposer key nothing is sent and the answer is an empty text (dry run). Raises a
    SettlementError that says what stopped it; running it again is always safe.
    """
    loaded = ledger.load(config.load(), batch_id)
    settings = config.load().on_chain(loaded.batch.chain_id)
    if loaded.batch.state == "FINAL":
        return loaded.batch.tx_hash or ""
    if signers.proposer(settings) is None:
        _dry_run(settings, loaded)
        return ""
    with worker.at_work(settings) as settler:
        finality.require(settings, settler.chain, settler.name)
        for earlier_or_this in ledger.up_to(settings, loaded.batch.batch_no):
            sending.settle_one(settler, earlier_or_this)
    return ledger.load(settings, loaded.batch.batch_id).batch.tx_hash or ""


def confirm(batch_id: str) -> dict[str, int]:
    """Wait until the batch (or the batch of this transaction) is final; payouts by result.

    In a dry run nothing was sent, so nothing is confirmed: both counts are 0.
    """
    settings = config.load()
    if not batch_id or signers.proposer(settings) is None:
        _log.warning("confirm_skipped_in_dry_run", batch_id=batch_id)
        return {"paid": 0, "failed": 0}
    batch = ledger.load(settings, batch_id).batch
    settings = settings.on_chain(batch.chain_id)
    with worker.at_work(settings) as settler:
        for earlier_or_this in ledger.up_to(settings, batch.batch_no):
            confirming.confirm_one(settler, earlier_or_this)
    ended = [row.state for row in ledger.load(settings, batch_id).payouts]
    return {"paid": ended.count("PAID"), "failed": ended.count("FAILED")}


def record() -> dict[str, int]:
    """Land what changed in the store and the chain hours of the batches; rows per table.

    A chain that fails keeps no other from its turn; then ChainsFailed names it. The claims follow
    what became of their payouts either way.
    """
    settings = config.load()
    # A batch whose number the chain had used already has another one by now.
    evidence.write_batches(settings)
    try:
        return every_chain.summed(settings, recording.record_all)
    finally:
        advancing.advance(settings)
        anchors.note(settings)


def reconcile() -> dict[str, int]:
    """Hold claims, store and chain against each other; batches by how they stand.

    Raises BooksDiffer when anything differs: an incident is then open for it.
    """
    return reconciling.reconcile(config.load())


def _dry_run(settings: Settings, loaded: ledger.Loaded) -> None:
    """Check what can be checked without a key and say plainly that nothing was sent."""
    pool = chain.connect(settings).pool()
    _log.warning(
        "dry_run_nothing_was_sent",
        reason=f"no key: {settings.proposer_key} is missing in {settings.secrets_dir}",
        batch_no=loaded.batch.batch_no,
        payouts=len(loaded.open_payouts),
        total_micro_usdc=loaded.batch.total_micro_usdc,
        free_micro_usdc=pool.free_balance(),
    )
