"""The minimum a pool keeps: which approved claims wait, unplanned, until money comes in.

The planner stops here, before the chain would: claims that do not fit stay approved and are looked
at again by the next run, in the order they were filed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import ConfigError, Settings
from leverageguard.domain import solvency
from leverageguard.domain.money import text_from_micro
from leverageguard.domain.solvency import Room
from leverageguard.settlement import chain as chains
from leverageguard.settlement import fund_alerts, thresholds
from leverageguard.settlement.errors import SettlementError
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.settlement_tables import PayoutRecord

if TYPE_CHECKING:
    from leverageguard.settlement.planning import Item

ACTOR = "planner"
# Payouts of these states may still be in the pool's balance.
PROMISED = ("PLANNED", "SIGNED", "SENT", "PAY_UNKNOWN", "REVERTED")
_log = structlog.get_logger(__name__)


def rooms(settings: Settings, chain_ids: Collection[int]) -> dict[int, Room]:
    """What each of the chains' pools may still promise.

    A chain that does not answer is left out, so that nothing is planned on it, unless it is the
    only one: then its error is raised.
    """
    minimum = thresholds.minimum_micro_usdc(settings)
    found = {}
    for chain_id in sorted(chain_ids):
        # What is promised first: a payout that is mined between the two looks counts twice.
        with base.session(settings) as session:
            promised = promised_micro_usdc(session, chain_id)
        try:
            free = chains.connect(settings.on_chain(chain_id)).pool().free_balance()
        except (SettlementError, ConfigError):
            if len(settings.chains) == 1:
                raise
            _log.exception("not_planned_on_silent_chain", chain_id=chain_id)
            continue
        found[chain_id] = Room(free, promised, minimum)
    return found


def promised_micro_usdc(session: Session, chain_id: int) -> int:
    """What is planned on a chain and may not have left its pool yet."""
    query = select(func.sum(PayoutRecord.amount_micro_usdc)).where(
        PayoutRecord.chain_id == chain_id, PayoutRecord.state.in_(PROMISED)
    )
    return int(session.scalar(query) or 0)


def waiting(
    settings: Settings, session: Session, items: Sequence[Item], by_chain: Mapping[int, Room]
) -> frozenset[str]:
    """Claims of the items that are not paid now, lest a pool ends under its minimum.

    Of each chain the first filed are paid first, and whoever does not fit lets nobody pass. A chain
    without a room pays nothing. The alert of a chain whose claims wait says what is missing, and is
    over when none waits any more.
    """
    filed = _filed_at(session, {item.claim_id for item in items})
    halt = thresholds.named(settings, thresholds.MINIMUM_SOLVENCY)
    left: set[str] = set()
    for chain_id in sorted({item.chain_id for item in items}):
        queue = sorted(
            (item for item in items if item.chain_id == chain_id),
            key=lambda item: (filed[item.claim_id], item.claim_id),
        )
        if chain_id not in by_chain:
            left.update(item.claim_id for item in queue)
            continue
        room = _now(session, chain_id, by_chain[chain_id])
        amounts = [item.amount_micro_usdc for item in queue]
        waits = queue[solvency.payable(room, amounts) :]
        left.update(item.claim_id for item in waits)
        if waits:
            after = room.free_micro_usdc - room.promised_micro_usdc - sum(amounts)
            told = _told(room, waits, solvency.missing_micro_usdc(room, amounts))
            fund_alerts.seen(session, halt, chain_id, after, told, ACTOR)
        else:
            fund_alerts.over(session, halt, chain_id)
    _over_elsewhere(session, halt, {item.chain_id for item in items})
    return frozenset(left)


def _over_elsewhere(
    session: Session, halt: thresholds.Threshold, chain_ids: Collection[int]
) -> None:
    """The halts of chains on which nothing waits any more are over."""
    for alert in fund_alerts.open_ones(session, thresholds.HALT_PAYOUTS):
        if alert.chain_id not in chain_ids:
            fund_alerts.over(session, halt, alert.chain_id)


def _now(session: Session, chain_id: int, room: Room) -> Room:
    """The room, less what was planned since it was measured."""
    promised = max(room.promised_micro_usdc, promised_micro_usdc(session, chain_id))
    return replace(room, promised_micro_usdc=promised)


def _filed_at(session: Session, claim_ids: Collection[str]) -> dict[str, int]:
    """When each claim was notified, epoch ms: its first move."""
    query = select(ClaimTxn.claim_id, ClaimTxn.at_ms).where(
        ClaimTxn.txn_no == 1, ClaimTxn.claim_id.in_(claim_ids)
    )
    return {row.claim_id: row.at_ms for row in session.execute(query)}


def _told(room: Room, waits: Sequence[Item], missing: int) -> str:
    total = sum(item.amount_micro_usdc for item in waits)
    return (
        f"{len(waits)} approved claims of {text_from_micro(total)} USDC wait, in filing order: the "
        f"pool has {text_from_micro(room.free_micro_usdc)} free, "
        f"{text_from_micro(room.promised_micro_usdc)} of it promised, and keeps "
        f"{text_from_micro(room.minimum_micro_usdc)}; {text_from_micro(missing)} USDC are missing"
    )
