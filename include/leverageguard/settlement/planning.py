"""Approved payout items → planned batches in the store, each claim and event once for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog
from eth_utils.address import is_address, to_checksum_address
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from leverageguard import clock
from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.domain import claim_payments
from leverageguard.domain.batch import Batch, Payout
from leverageguard.domain.solvency import Room
from leverageguard.settlement import evidence, proposals, solvency
from leverageguard.settlement.contracts.call import hex_of
from leverageguard.settlement.errors import PlanRefused
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord, SettlementEvent
from leverageguard.warehouse import connect, snapshot

MAX_PAYOUTS = 400  # a batch of new recipients stays below the gas one transaction may use
ACTOR = claim_payments.PLANNER
_log = structlog.get_logger(__name__)
_COLUMNS = (
    "batch_id, claim_id, liquidation_event_id, policy_id, wallet, recipient, amount_micro_usdc, "
    "chain_id"
)


@dataclass(frozen=True)
class Item:
    """One approved payout as the warehouse published it: on the chain its policy was bought on.

    `group` is its provisional batch.
    """

    group: str
    claim_id: str
    liquidation_event_id: str
    policy_id: str
    party: str
    recipient: str
    amount_micro_usdc: int
    chain_id: int

    @property
    def batch(self) -> tuple[int, str]:
        """What it is settled with: a batch never spans two chains."""
        return self.chain_id, self.group


def approved_items(settings: Settings) -> list[Item]:
    """Items with status 'approved' in the published snapshot, by batch then claim."""
    path = snapshot.current(settings)
    with connect.read_only(path) as connection:
        rows = connection.execute(
            f"select {_COLUMNS} from fct_payout_items where status = 'approved' "
            "order by batch_id, claim_id"
        ).fetchall()
    return [_item(row) for row in rows]


def chains_of_new(settings: Settings, items: Iterable[Item]) -> set[int]:
    """The configured chains on which an item may be planned: its claim was not planned before."""
    with base.session(settings) as session:
        return {item.chain_id for item in _new(session, _configured(settings, items))}


def plan(
    settings: Settings,
    items: Iterable[Item],
    rooms: Mapping[int, Room],
    proposed_by: str | None = None,
) -> list[str]:
    """Plan the items that are new; the ids of the batches made. Planning twice makes none.

    Items wait that would leave their pool under its minimum (`rooms` by chain); see `solvency`.

    A batch over the limit is proposed by `proposed_by` (who started the run by hand) instead, and
    planned when two others approved it.

    What each batch's evidence root was taken over is written beside the evidence packages. An item
    is passed over while its claim is unsealed or not approved (withdrawn, say), and while its chain
    is not configured. Raises PlanRefused or domain.batch.BatchRefused, and plans nothing, when an
    item is not payable, was never decided, or its evidence says otherwise.
    """
    made = _plan(settings, items, rooms, proposed_by)
    evidence.write_batches(settings)
    return made


def _plan(
    settings: Settings,
    approved: Iterable[Item],
    rooms: Mapping[int, Room],
    proposed_by: str | None,
) -> list[str]:
    payable = _configured(settings, approved)
    ordered = sorted(payable, key=lambda item: (item.batch, item.claim_id))
    for attempts_left in (2, 1, 0):
        try:
            with base.session(settings) as session:
                items = _sealed(session, _new(session, ordered))
                moves = register.last_of(session, {item.claim_id for item in items})
                items = _approved(items, moves)
                waits = solvency.waiting(settings, session, items, rooms)
                groups = proposals.settle_groups(settings, session, items, waits, proposed_by)
                return [_plan_batch(settings, session, group, moves) for group in groups]
        except IntegrityError:
            # Another planner was faster; what it planned is no longer new on the next look.
            if not attempts_left:
                raise
    return []


def unfinished(settings: Settings) -> list[str]:
    """Ids of the batches that are not final on any chain, each chain's in the contract's order."""
    with base.session(settings) as session:
        query = select(BatchRecord.batch_id).where(BatchRecord.state != "FINAL")
        return list(session.scalars(query.order_by(BatchRecord.batch_no, BatchRecord.chain_id)))


def _item(row: tuple[Any, ...]) -> Item:
    *texts, amount, chain_id = row
    if isinstance(amount, Decimal) and amount == amount.to_integral_value():
        amount = int(amount)
    is_whole = type(amount) is int and type(chain_id) is int
    if not is_whole or not all(isinstance(text, str) and text for text in texts):
        raise PlanRefused(f"fct_payout_items has an unusable row: {row!r}")
    group, claim_id, event_id, policy_id, party, recipient = texts
    return Item(group, claim_id, event_id, policy_id, party, recipient, amount, chain_id)


def _configured(settings: Settings, items: Iterable[Item]) -> list[Item]:
    """The items on chains that are configured: a chain left out holds up no other."""
    known = {chain.chain_id for chain in settings.chains}
    given = list(items)
    for item in given:
        if item.chain_id not in known:
            _log.warning(
                "not_planned_on_unknown_chain", claim_id=item.claim_id, chain_id=item.chain_id
            )
    return [item for item in given if item.chain_id in known]


def _new(session: Session, items: list[Item]) -> list[Item]:
    """The items whose claim and liquidation event the store has never seen."""
    known = select(PayoutRecord.claim_id, PayoutRecord.liquidation_event_id)
    claims, events = set(), set()
    for claim_id, event_id in session.execute(known):
        claims.add(claim_id)
        events.add(event_id)
    fresh = []
    for item in items:
        if item.claim_id in claims:
            continue
        if item.liquidation_event_id in events:
            _log.warning("event_already_planned", claim_id=item.claim_id)
            continue
        claims.add(item.claim_id)
        events.add(item.liquidation_event_id)
        fresh.append(item)
    return fresh


def _sealed(session: Session, items: list[Item]) -> list[Item]:
    """The items but for those of claims left unsealed: one odd claim holds up no other."""
    left = evidence.unsealed(session, {item.claim_id for item in items})
    for claim_id in sorted(left):
        _log.warning("not_planned_while_unsealed", claim_id=claim_id)
    return [item for item in items if item.claim_id not in left]


def _approved(items: list[Item], moves: Mapping[str, ClaimTxn]) -> list[Item]:
    """The items whose claims stand approved: the published snapshot is older than the register."""
    approved = []
    for item in items:
        last = moves.get(item.claim_id)
        if last is not None and last.to_state == "APPROVED":
            approved.append(item)
        else:
            state = last.to_state if last else None
            _log.warning("not_planned_unless_approved", claim_id=item.claim_id, state=state)
    return approved


def _plan_batch(
    settings: Settings, session: Session, group: proposals.Group, moves: Mapping[str, ClaimTxn]
) -> str:
    items = group.items
    if len(items) > MAX_PAYOUTS:
        raise PlanRefused(
            f"{items[0].group} has {len(items)} payouts, a batch may have {MAX_PAYOUTS}: "
            "lower LEVERAGEGUARD_MAX_BATCH_SIZE"
        )
    now = clock.now_ms()
    chain_id = items[0].chain_id
    first = _next(session, PayoutRecord.claim_index, chain_id)
    rows = [_row(item, first + place, now) for place, item in enumerate(items)]
    batch = as_batch(rows)
    for row in rows:
        row.evidence_root = evidence.sealed_root(
            settings, session, row.claim_id, row.amount_micro_usdc
        )
    record = BatchRecord(
        batch_id=batch.batch_id,
        chain_id=chain_id,
        batch_no=_next(session, BatchRecord.batch_no, chain_id),
        claim_count=len(rows),
        total_micro_usdc=batch.total_micro_usdc,
        evidence_root=hex_of(evidence.root(rows)),
        state="PLANNED",
        planned_at_ms=now,
        updated_at_ms=now,
        is_landed=False,
    )
    session.add(record)
    session.flush()
    for row in rows:
        row.batch_id = batch.batch_id
        session.add(row)
        session.add(_planned(batch.batch_id, row.claim_id, now))
        move = claim_payments.batched(batch.batch_id, row.amount_micro_usdc, now)
        last = moves[row.claim_id]
        register.append(session, settings, row.claim_id, row.policy_id, [move], last)
    session.add(_planned(batch.batch_id, None, now))
    proposals.was_planned(session, group)
    session.flush()
    _log.info(
        "batch_planned",
        chain_id=chain_id,
        batch_no=record.batch_no,
        claims=len(rows),
        total=record.total_micro_usdc,
    )
    return batch.batch_id


def _next(session: Session, number: InstrumentedAttribute[int], chain_id: int) -> int:
    """The first number the chain has not used: its contract takes them without a gap."""
    on_chain = number.class_.chain_id == chain_id
    return 1 + (session.scalar(select(func.max(number)).where(on_chain)) or 0)


def as_batch(payouts: Iterable[PayoutRecord]) -> Batch:
    """Store rows as the value that is signed; raises BatchRefused on what must not be paid."""
    return Batch(
        tuple(
            Payout(row.claim_index, row.claim_id, row.recipient, row.amount_micro_usdc)
            for row in payouts
        )
    )


def _row(item: Item, claim_index: int, now_ms: int) -> PayoutRecord:
    if not is_address(item.recipient):
        raise PlanRefused(f"{item.claim_id} has no payable address: {item.recipient!r}")
    return PayoutRecord(
        chain_id=item.chain_id,
        claim_index=claim_index,
        claim_id=item.claim_id,
        liquidation_event_id=item.liquidation_event_id,
        policy_id=item.policy_id,
        party=item.party.lower(),
        recipient=to_checksum_address(item.recipient),
        amount_micro_usdc=item.amount_micro_usdc,
        state="PLANNED",
        planned_at_ms=now_ms,
    )


def _planned(batch_id: str, claim_id: str | None, now_ms: int) -> SettlementEvent:
    return SettlementEvent(
        batch_id=batch_id,
        claim_id=claim_id,
        from_state=None,
        to_state="PLANNED",
        at_ms=now_ms,
        actor=ACTOR,
        rule="approved in the published snapshot",
    )
