"""A lost ledger → the same ledger again, from what the chain settled and what was landed of it.

The chain says which claim index was paid, to whom and how much; the batch's document among the
evidence says which claim the index was, and is believed because the chain keeps its root. Where the
document is gone the landed rows name the claim, if recipient and amount are the chain's. An index
that nothing names is an incident, and until it is named nothing is planned: it might be paid again.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from eth_utils.address import to_checksum_address
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.audit import anchors
from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement import (
    errors,
    evidence,
    history,
    incidents,
    lease,
    names,
    planning,
    recording,
)
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.history import Settled
from leverageguard.settlement.names import Name
from leverageguard.store import base
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord, SettlementEvent

KIND = "claim_index_unnamed"
RULE = "rebuilt from the chain"
FIX = "run ./leverageguard rebuild-ledger"
DEPTH_PATIENCE_S = 600
_log = structlog.get_logger(__name__)


def rebuild_all(settings: Settings) -> dict[str, int]:
    """Rebuild every configured chain's ledger that is empty, then land the store; rows written.

    Raises SettlementError, and touches nothing, when no ledger is empty.
    """
    empty = [one for one in settings.chains if not _held(settings.on_chain(one.chain_id))]
    if not empty and not _was_rebuilt(settings):
        raise errors.SettlementError(
            "the store holds batches: a ledger is rebuilt into an empty store only, never over "
            "another"
        )
    anchors.set_aside(settings)  # the log was lost with the store
    counts = {"batches": 0, "payouts": 0}
    for one in empty:
        for name, rows in rebuild(settings.on_chain(one.chain_id)).items():
            counts[name] += rows
    # What was planned and never settled is in no ledger any more: it is planned anew.
    recording.land_store(settings, names.landed_hours(settings))
    with base.session(settings) as session:
        roots = set(session.scalars(select(BatchRecord.evidence_root)))
    names.drop_documents(settings, roots)
    return counts


def rebuild(settings: Settings) -> dict[str, int]:
    """Write the batches and payouts that the chain of the settings settled; rows written.

    Raises SettlementError when the store holds a batch of the chain already, and LedgerLost, with
    an incident a claim index and nothing written, when an index cannot be named.
    """
    chain = chains.connect(settings)
    pool = chain.pool()
    with lease.held(settings, pool.address) as actor:
        if _held(settings):
            raise errors.SettlementError(f"the store holds batches of chain {settings.chain_id}")
        settled = list(history.batches(chain, pool))
        if settled and not chain.wait_for_depth(settled[-1].block_number, DEPTH_PATIENCE_S):
            raise errors.OutcomeUnknown("the newest batch is not final yet: rebuild later")
        found = names.known(settings, settled)
        _require_named(settings, settled, found, actor)
        with base.session(settings) as session:
            for one in settled:
                _write(session, chain, one, found, actor)
    payouts = sum(len(one.payments) for one in settled)
    _log.info("ledger_rebuilt", chain_id=settings.chain_id, batches=len(settled), payouts=payouts)
    return {"batches": len(settled), "payouts": payouts}


def require_whole(settings: Settings) -> None:
    """Raise LedgerLost when payouts were planned that the store does not know.

    Planning without them would give their claims new indices, and pay them again.
    """
    planned = names.planned_claims(settings)
    with base.session(settings) as session:
        known = set(session.scalars(select(PayoutRecord.claim_id)))
    if missing := sorted(planned - known):
        raise errors.LedgerLost(
            f"the store misses {len(missing)} payouts that were planned, {missing[0]} among them: "
            f"nothing is planned; restore the store, or {FIX}"
        )
    if unnamed := [row for row in incidents.open_ones(settings) if row.kind == KIND]:
        raise errors.LedgerLost(
            f"nobody knows which claim was paid as {unnamed[0].subject}: nothing is planned until "
            f"incident {unnamed[0].incident_id} is resolved"
        )


def _held(settings: Settings) -> int:
    with base.session(settings) as session:
        query = select(func.count()).where(BatchRecord.chain_id == settings.chain_id)
        return session.scalar(query.select_from(BatchRecord)) or 0


def _was_rebuilt(settings: Settings) -> bool:
    """Whether everything in the store came from a rebuild, which may have died before landing."""
    with base.session(settings) as session:
        rebuilt = select(SettlementEvent.batch_id).where(SettlementEvent.rule == RULE)
        others = select(func.count()).where(BatchRecord.batch_id.not_in(rebuilt))
        return not session.scalar(others.select_from(BatchRecord))


def _require_named(
    settings: Settings, settled: Iterable[Settled], found: dict[int, Name], actor: str
) -> None:
    unnamed = [
        payment for one in settled for payment in one.payments if payment.claim_index not in found
    ]
    for payment in unnamed:
        incidents.open_incident(
            settings,
            KIND,
            f"claim index {payment.claim_index}",
            f"{payment.amount} micro-USDC to {payment.recipient} in {payment.tx_hash}: neither a "
            "batch's document nor a landed row says which claim that was",
            actor=actor,
        )
    if unnamed:
        raise errors.LedgerLost(
            f"{len(unnamed)} settled claim indices cannot be named, the first is "
            f"{unnamed[0].claim_index}: nothing was written; bring back the batches' documents "
            f"below {evidence.BATCHES} or raw/settlement, then {FIX}"
        )


def _write(
    session: Session, chain: Chain, settled: Settled, found: dict[int, Name], actor: str
) -> None:
    """One batch and its payouts as they ended; raises when the chain lost it meanwhile."""
    receipt = chain.receipt(settled.tx_hash)
    if receipt is None or receipt.block_hash != settled.block_hash:
        raise errors.StoreAndChainDisagree(f"{settled.tx_hash} left the chain: rebuild again")
    now = clock.now_ms()
    named = [(payment, found[payment.claim_index]) for payment in settled.payments]
    planned = min((name.planned_at_ms for _, name in named if name.planned_at_ms), default=now)
    rows = [_payout(chain, payment, name, planned) for payment, name in named]
    batch = BatchRecord(
        batch_id=planning.as_batch(rows).batch_id,
        chain_id=chain.settings.chain_id,
        batch_no=settled.batch_no,
        claim_count=len(rows),
        total_micro_usdc=sum(row.amount_micro_usdc for row in rows),
        evidence_root=settled.evidence_root,
        state="FINAL",
        tx_hash=settled.tx_hash,
        gas_used=receipt.gas_used,
        planned_at_ms=planned,
        updated_at_ms=now,
        is_landed=False,
    )
    session.add(batch)
    session.flush()
    for row in rows:
        row.batch_id = batch.batch_id
        session.add_all([row, _event(batch.batch_id, row.claim_id, row.state, now, actor)])
    session.add(_event(batch.batch_id, None, "FINAL", now, actor))
    session.flush()


def _payout(chain: Chain, payment: Payment, name: Name, planned_at_ms: int) -> PayoutRecord:
    return PayoutRecord(
        chain_id=chain.settings.chain_id,
        claim_index=payment.claim_index,
        claim_id=name.claim_id,
        liquidation_event_id=name.liquidation_event_id,
        policy_id=name.policy_id,
        party=name.party,
        recipient=to_checksum_address(payment.recipient),
        amount_micro_usdc=payment.amount,
        state="PAID" if payment.is_paid else "FAILED",
        tx_hash=payment.tx_hash,
        log_index=payment.log_index,
        planned_at_ms=planned_at_ms,
        evidence_root=name.evidence_root,
    )


def _event(
    batch_id: str, claim_id: str | None, state: str, at_ms: int, actor: str
) -> SettlementEvent:
    return SettlementEvent(
        batch_id=batch_id,
        claim_id=claim_id,
        from_state=None,
        to_state=state,
        at_ms=at_ms,
        actor=actor,
        rule=RULE,
    )
