"""Batches over the limit: pinned as proposals, and planned exactly so once two people approved.

A claim in an open proposal is planned nowhere else. A proposal that no longer is what would be paid
is stale, and its claims are looked at anew. All of it happens in the planner's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.batch import Batch, Payout
from leverageguard.domain.evidence import canonical_json
from leverageguard.store.claim_tables import BatchProposal

if TYPE_CHECKING:
    from leverageguard.settlement.planning import Item

NOBODY = "schedule"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Group:
    """Items that are planned as one batch, and the proposal that was approved for them, if any."""

    items: tuple[Item, ...]
    proposal_id: str | None = None


def settle_groups(
    settings: Settings,
    session: Session,
    items: Sequence[Item],
    waits: Collection[str],
    proposed_by: str | None,
) -> list[Group]:
    """Which of the payable items are planned now, as which batches; the others are proposed.

    Claims in `waits` are neither: a proposal with one of them stays as it is until none is.

    What two people approved comes first, exactly as they saw it. No other group pays more than the
    limit: one that would is pinned as a proposal of `proposed_by` (None: nobody started the run).
    Raises domain.batch.BatchRefused for a proposal with what must not be paid.
    """
    payable = {item.claim_id: item for item in items}
    groups = []
    for proposal in _undecided(session):
        pinned = _pinned(proposal, payable)
        if pinned is None:
            _end(proposal, "STALE")
            continue
        for item in pinned:
            del payable[item.claim_id]
        is_waiting = any(item.claim_id in waits for item in pinned)
        if proposal.state == "APPROVED" and not is_waiting:
            groups.append(Group(pinned, proposal.proposal_id))
    free = [item for item in payable.values() if item.claim_id not in waits]
    left = sorted(free, key=lambda item: (item.batch, item.claim_id))
    for _, grouped in groupby(left, key=lambda item: item.batch):
        group = tuple(grouped)
        if _total(group) > settings.approve_batches_over_micro_usdc:
            _propose(session, group, proposed_by or NOBODY)
        else:
            groups.append(Group(group))
    session.flush()
    return groups


def was_planned(session: Session, group: Group) -> None:
    """Keep that the batch of a group was planned."""
    if group.proposal_id is not None:
        _end(session.get_one(BatchProposal, group.proposal_id), "PLANNED")


def _undecided(session: Session) -> list[BatchProposal]:
    """Proposals that are open or wait to be planned, oldest first."""
    query = select(BatchProposal).where(BatchProposal.state.in_(("OPEN", "APPROVED")))
    ordered = query.order_by(BatchProposal.proposed_at_ms, BatchProposal.proposal_id)
    return list(session.scalars(ordered))


def _pinned(proposal: BatchProposal, payable: dict[str, Item]) -> tuple[Item, ...] | None:
    """The items of a proposal, None unless each is still payable exactly as it was proposed."""
    found = []
    for told in json.loads(proposal.items):
        item = payable.get(told["claim_id"])
        if item is None or item.chain_id != proposal.chain_id or _told(item) != told:
            return None
        found.append(item)
    return tuple(found)


def _propose(session: Session, items: Sequence[Item], proposed_by: str) -> None:
    # Refuses what could never be planned as one batch, so that nobody is asked about it.
    Batch(
        tuple(
            Payout(place, item.claim_id, item.recipient, item.amount_micro_usdc)
            for place, item in enumerate(items, 1)
        )
    )
    content = canonical_json([_told(item) for item in items]).decode()
    # The same payouts may be proposed again after they were rejected, or were others meanwhile.
    query = select(func.count()).where(BatchProposal.items == content)
    turn = session.scalar(query) or 0
    proposal = BatchProposal(
        proposal_id="0x" + sha256(f"{turn}:{content}".encode()).hexdigest(),
        chain_id=items[0].chain_id,
        claim_count=len(items),
        total_micro_usdc=_total(items),
        items=content,
        state="OPEN",
        proposed_by=proposed_by,
        proposed_at_ms=clock.now_ms(),
        closed_at_ms=None,
    )
    session.add(proposal)
    _log.warning(
        "batch_waits_for_people",
        proposal_id=proposal.proposal_id,
        claims=len(items),
        total=proposal.total_micro_usdc,
    )


def _told(item: Item) -> dict[str, Any]:
    return {
        "claim_id": item.claim_id,
        "liquidation_event_id": sha256(item.liquidation_event_id.encode()).hexdigest(),
        "recipient": item.recipient,
        "amount_micro_usdc": item.amount_micro_usdc,
    }


def _total(items: Iterable[Item]) -> int:
    return sum(item.amount_micro_usdc for item in items)


def _end(proposal: BatchProposal, state: str) -> None:
    proposal.state, proposal.closed_at_ms = state, clock.now_ms()
    _log.info("batch_proposal_ended", proposal_id=proposal.proposal_id, state=state)
