"""Policies: what was bought and where it stands, now or at an instant; changes before the cover."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from leverageguard import clock, lifecycle
from leverageguard.config import Settings
from leverageguard.domain import policy as values
from leverageguard.domain import signing
from leverageguard.domain.lifecycle import IllegalMove
from leverageguard.gateway import paging
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import Hash32, Page, instant, micro
from leverageguard.gateway.models.policies import (
    Endorsed,
    EndorsementGiven,
    EndorsementShown,
    PolicyMove,
    PolicyShort,
    PolicyShown,
)
from leverageguard.gateway.problems import Problem, documented
from leverageguard.gateway.resources.quotes import owned
from leverageguard.intake.accounts import IntakeRefused
from leverageguard.policies import endorsing, register
from leverageguard.policies.facts import quoted
from leverageguard.settlement.errors import SettlementError
from leverageguard.store import base
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyEndorsement, PolicyTxn
from leverageguard.store.settlement_tables import PayoutRecord

router = APIRouter(prefix="/policies", tags=["policies"])
QUOTED = "QUOTED"
UNSOLD = frozenset({"QUOTED", "LAPSED"})
HolderDep = Annotated[Caller, allowed(Role.USER, scope="policies:write")]
ReaderDep = Annotated[Caller, allowed(*Role, scope="policies:read")]
State = Annotated[
    str | None,
    Query(pattern=r"^[A-Z_]{1,24}$", description="Only policies in this state", examples=["PAID"]),
]
At = Annotated[
    datetime | None,
    Query(description="As it stood at this instant; UTC unless it says else; now without it"),
]


@router.get("")
def listing(
    caller: ReaderDep,
    settings: SettingsDep,
    state: State = None,
    limit: paging.Limit = 20,
    cursor: paging.Cursor = None,
) -> Page[PolicyShort]:
    """Quotes and what became of them, the newest first; QUOTED ones were not seen bought yet."""
    if state is not None and state not in lifecycle.machine(settings, "policy").states:
        raise Problem(422, "STATE_UNKNOWN", "there is no such state", field="query.state")
    query = select(Quote)
    if not caller.sees_everything:
        query = query.where(Quote.wallet == caller.wallet)
    if state is not None:
        query = query.where(func.coalesce(_last_state(), QUOTED) == state)
    after = paging.place_of(cursor)
    if after is not None:
        query = query.where(tuple_(Quote.created_at_ms, Quote.quote_id) < after)
    query = query.order_by(Quote.created_at_ms.desc(), Quote.quote_id.desc()).limit(limit + 1)
    with base.session(settings) as session:
        rows = list(session.scalars(query))
        items = [_short(session, row) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page[PolicyShort](
        items=items,
        next_cursor=paging.cursor_of((last.created_at_ms, last.quote_id)) if last else None,
    )


@router.get("/{policy_id}")
def look(policy_id: Hash32, caller: ReaderDep, settings: SettingsDep, at: At = None) -> PolicyShown:
    """A policy as it stands, or stood at an instant, with every move and change."""
    at_ms = clock.now_ms() if at is None else _ms(at)
    with base.session(settings) as session:
        quote = owned(session, caller, policy_id)
        if at_ms < quote.created_at_ms:
            raise Problem(404, "NOT_YET", "it was not quoted at that time", field="query.at")
        return _shown(settings, session, quote, at_ms)


@router.post(
    "/{policy_id}/endorsements",
    status_code=201,
    responses=documented(409),
)
def endorse(
    policy_id: Hash32, body: EndorsementGiven, caller: HolderDep, settings: SettingsDep
) -> Endorsed:
    """Change what a policy insures before its cover begins; the premium stays."""
    with base.session(settings) as session:
        owned(session, caller, policy_id)
    said = signing.Endorsement(policy_id, body.account_id, body.inst_id, body.leverage, body.number)
    try:
        made = endorsing.endorse(settings, said, body.signature)
    except IntakeRefused as refused:
        raise Problem(409, "ENDORSEMENT_REFUSED", str(refused)) from None
    except ValueError:
        raise Problem(
            422, "SIGNATURE_NOT_YOURS", "signature is no wallet's", field="body.signature"
        ) from None
    return Endorsed(endorsement_id=made, policy_id=policy_id)


def _last_state() -> Any:
    """The state of a quote's newest move, in SQL."""
    newest = select(PolicyTxn.to_state).where(PolicyTxn.policy_id == Quote.quote_id)
    return newest.order_by(PolicyTxn.txn_no.desc()).limit(1).correlate(Quote).scalar_subquery()


def _ms(at: datetime) -> int:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def _short(session: Session, quote: Quote) -> PolicyShort:
    return PolicyShort(**_fields(session, quote, clock.now_ms()))


def _fields(session: Session, quote: Quote, at_ms: int) -> dict[str, Any]:
    """Of the moves in effect by then the last recorded stands, and the change signed last."""
    moves = [row for row in _moves(session, quote) if row.at_ms <= at_ms]
    changes = [row for row in _changes(session, quote) if row.effective_at_ms <= at_ms]
    insured: Quote | PolicyEndorsement = changes[-1] if changes else quote
    bought = register.recorded_of(session, quote.quote_id).life.purchase
    of = quoted(quote)
    return {
        "policy_id": quote.quote_id,
        "wallet": quote.wallet,
        "state": moves[-1].to_state if moves else QUOTED,
        "since_at": instant(moves[-1].at_ms if moves else quote.created_at_ms),
        "account_id": insured.account_id,
        "inst_id": insured.inst_id,
        "leverage": insured.leverage,
        "product_version": quote.product_version,
        "premium_micro_usdc": micro(quote.premium_micro_usdc),
        "max_payout_micro_usdc": micro(quote.max_payout_micro_usdc),
        "created_at": instant(quote.created_at_ms),
        "expires_at": instant(quote.expires_at_ms),
        "cover_start_at": instant(values.cover_start_ms(of, bought) if bought else None),
        "cover_end_at": instant(values.cover_end_ms(of, bought) if bought else None),
        "file_until_at": instant(values.file_until_ms(of, bought) if bought else None),
    }


def _shown(settings: Settings, session: Session, quote: Quote, at_ms: int) -> PolicyShown:
    planned = select(func.coalesce(func.sum(PayoutRecord.amount_micro_usdc), 0)).where(
        PayoutRecord.policy_id == quote.quote_id, PayoutRecord.planned_at_ms <= at_ms
    )
    return PolicyShown(
        **_fields(session, quote, at_ms),
        at=instant(at_ms),
        principal_micro_usdc=micro(quote.principal_micro_usdc),
        planned_micro_usdc=str(int(session.scalar(planned) or 0)),
        is_bought=_is_bought(settings, session, quote),
        moves=[_move(settings, row) for row in _moves(session, quote)],
        endorsements=[
            EndorsementShown(
                number=row.endorsement_no, account_id=row.account_id, inst_id=row.inst_id,
                leverage=row.leverage, effective_at=instant(row.effective_at_ms),
            )
            for row in _changes(session, quote)
        ],
    )  # fmt: skip


def _is_bought(settings: Settings, session: Session, quote: Quote) -> bool | None:
    """By the register; the chain is asked while the register has not read it."""
    from leverageguard.settlement import purchasing  # it brings web3

    state = register.recorded_of(session, quote.quote_id).life.state or QUOTED
    if state not in UNSOLD:
        return True
    try:
        of_chain = settings.on_chain(quote.chain_id or settings.chain_id)
        return purchasing.is_bought(of_chain, quote.quote_id)
    except SettlementError:
        return None


def _moves(session: Session, quote: Quote) -> list[PolicyTxn]:
    query = select(PolicyTxn).where(PolicyTxn.policy_id == quote.quote_id)
    return list(session.scalars(query.order_by(PolicyTxn.txn_no)))


def _changes(session: Session, quote: Quote) -> list[PolicyEndorsement]:
    query = select(PolicyEndorsement).where(PolicyEndorsement.policy_id == quote.quote_id)
    return list(session.scalars(query.order_by(PolicyEndorsement.endorsement_no)))


def _move(settings: Settings, row: PolicyTxn) -> PolicyMove:
    try:
        edge = lifecycle.machine(settings, "policy").edge(row.from_state, row.to_state, row.rule_id)
        meaning = edge.description
    except IllegalMove:
        meaning = row.rule_id
    return PolicyMove(
        state=row.to_state, meaning=meaning, by=row.actor, at=instant(row.at_ms),
        recorded_at=instant(row.recorded_at_ms),
    )  # fmt: skip
