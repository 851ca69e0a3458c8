"""Claims: filed for good before the answer, watched, withdrawn and appealed."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, BackgroundTasks, Path, Query, Response
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from leverageguard import clock, telemetry
from leverageguard.claims import actions, register
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.gateway import claim_views, paging
from leverageguard.gateway.asking import IdempotencyKey, key_reused, reference_of
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.claim_views import RECEIVED, Found
from leverageguard.gateway.host import Host, HostDep, SettingsDep
from leverageguard.gateway.models.claims import (
    Appealed,
    ClaimFiled,
    ClaimShort,
    ClaimShown,
    FilingAccepted,
    Withdrawn,
)
from leverageguard.gateway.models.common import ClaimId, Hash32, Page, instant
from leverageguard.gateway.problems import Problem, documented
from leverageguard.gateway.resources.quotes import owned
from leverageguard.intake import claims
from leverageguard.intake.claims import ReferenceReused
from leverageguard.policies import register as policies
from leverageguard.settlement.errors import SettlementError
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import FiledClaim, Quote

router = APIRouter(prefix="/claims", tags=["claims"])
_log = structlog.get_logger(__name__)
NEVER_INSURES = frozenset({"VOID", "CANCELLED"})
NOT_READ_YET = frozenset({None, "QUOTED", "LAPSED"})
WriterDep = Annotated[Caller, allowed(Role.USER, scope="claims:write")]
ReaderDep = Annotated[Caller, allowed(*Role, scope="claims:read")]
EitherId = Annotated[ClaimId, Path()]


@router.post("", status_code=202, responses=documented(409))
def file(
    body: ClaimFiled,
    key: IdempotencyKey,
    caller: WriterDep,
    settings: SettingsDep,
    host: HostDep,
    later: BackgroundTasks,
    response: Response,
) -> FilingAccepted:
    """File a claim. It is durable before this answers, and taken up at once.

    The signature is the policy holder's, whoever sends it.
    """
    with base.session(settings) as session:
        policy = owned(session, caller, body.policy_id)
    said = signing.Filing(policy.quote_id, body.inst_id, body.order_id)
    _check_signature(settings, policy, said, body.signature)
    reference = reference_of(policy.wallet, key)
    _check_bought(settings, policy)
    try:
        with base.writing(settings) as session:
            filing_id = claims.file(
                session, reference, said, body.signature, settings.chain_id, clock.now_ms()
            )
            row = session.get_one(FiledClaim, filing_id)
            if (row.policy_id, row.inst_id, row.order_id) != (
                said.policy, said.inst_id, said.order_id
            ):  # fmt: skip
                raise key_reused()
    except ReferenceReused:
        raise key_reused() from None
    later.add_task(_announce, host)
    later.add_task(_tell, settings, row, caller.request_id)
    status_url = f"/leverageguard/api/v1/claims/{filing_id}"
    response.headers["Location"] = status_url
    return FilingAccepted(
        filing_id=filing_id, stage=RECEIVED, filed_at=instant(row.filed_at_ms),
        status_url=status_url,
    )  # fmt: skip


@router.get("")
def listing(
    caller: ReaderDep,
    settings: SettingsDep,
    limit: paging.Limit = 20,
    cursor: paging.Cursor = None,
    policy_id: Annotated[Hash32 | None, Query()] = None,
) -> Page[ClaimShort]:
    """Claims by when they were notified, the newest first; a filing that is being read too.

    With `policy_id` those under one policy: none where that is another's.
    """
    wallet = None if caller.sees_everything else caller.wallet
    found: list[tuple[paging.Place, ClaimShort]] = []
    after = paging.place_of(cursor)
    with base.session(settings) as session:
        while len(found) <= limit:
            places = _places(session, wallet, policy_id, after, limit + 1)
            found += _shorts(settings, session, places)
            if len(places) <= limit:
                break
            after = places[-1]
    more = len(found) > limit
    return Page[ClaimShort](
        items=[item for _, item in found[:limit]],
        next_cursor=paging.cursor_of(found[limit - 1][0]) if more else None,
    )


@router.get("/{claim_id}")
def look(claim_id: EitherId, caller: ReaderDep, settings: SettingsDep) -> ClaimShown:
    """A claim by its own id or its filing's: stage, moves, checks in plain words, money."""
    with base.session(settings) as session:
        found = claim_views.find(settings, session, caller, claim_id)
        return claim_views.shown(settings, session, found)


@router.post("/{claim_id}/withdraw", responses=documented(409))
def withdraw(
    claim_id: EitherId, body: Withdrawn, caller: WriterDep, settings: SettingsDep
) -> ClaimShown:
    """Give a claim up before its payout is planned."""
    _, opened = claim_views.opened(settings, caller, claim_id)
    actions.withdraw(settings, opened, settings.chain_id, body.signature)
    return look(opened, caller, settings)


@router.post("/{claim_id}/appeal", responses=documented(409))
def appeal(
    claim_id: EitherId, body: Appealed, caller: WriterDep, settings: SettingsDep
) -> ClaimShown:
    """Have people look at a refused claim again, once and in time."""
    _, opened = claim_views.opened(settings, caller, claim_id)
    actions.appeal(settings, opened, settings.chain_id, body.statement, body.signature)
    return look(opened, caller, settings)


def _check_signature(
    settings: Settings, policy: Quote, said: signing.Filing, signature: str
) -> None:
    try:
        signer = signing.signer(said, settings.chain_id, signature)
    except ValueError:
        signer = "nobody"
    if signer != policy.wallet:
        raise Problem(
            422, "SIGNATURE_NOT_YOURS",
            f"signature is {signer}'s: sign exactly this message for chain {settings.chain_id} "
            "with the policy's wallet", field="body.signature",
        )  # fmt: skip


def _check_bought(settings: Settings, policy: Quote) -> None:
    """A quote insures nothing. Where nobody has read the chain yet it is asked; while it does not
    answer, the filing is taken: it must not be lost over a fault of ours."""
    with base.session(settings) as session:
        state = policies.recorded_of(session, policy.quote_id).life.state
    is_bought = state not in NEVER_INSURES
    if state in NOT_READ_YET:
        is_bought = _chain_sold(settings, policy)
    if not is_bought:
        raise Problem(409, "POLICY_NOT_BOUGHT", "nothing was insured: this quote was not bought")


def _chain_sold(settings: Settings, policy: Quote) -> bool:
    from leverageguard.settlement import purchasing  # it brings web3

    try:
        of_chain = settings.on_chain(policy.chain_id or settings.chain_id)
        return purchasing.is_bought(of_chain, policy.quote_id)
    except SettlementError as fault:
        _log.warning("chain_unreachable", reason=str(fault))
        return True


def _announce(host: Host) -> None:
    """The filing stands whatever becomes of this: it is taken up within the hour in any case."""
    try:
        host.announce()
    except Exception:  # noqa: BLE001  whatever the server around us raises, the filing is stored
        _log.warning("announcement_failed", exc_info=True)


def _tell(settings: Settings, row: FiledClaim, request_id: str) -> None:
    """The claim's trace says which request brought the filing."""
    attributes = {
        "filing_id": row.filing_id, "policy_id": row.policy_id, "request_id": request_id,
    }  # fmt: skip
    part = telemetry.Part(
        row.filing_id, "received", "filing received", row.created_at_ms, clock.now_ms(), attributes
    )
    telemetry.tell(settings, [part])


def _places(
    session: Session,
    wallet: str | None,
    policy_id: str | None,
    after: paging.Place | None,
    count: int,
) -> list[paging.Place]:
    """When and as what claims and filings were notified, the newest first, after a place."""
    claim = select(ClaimTxn.at_ms, ClaimTxn.claim_id).where(ClaimTxn.txn_no == 1)
    filing = select(FiledClaim.filed_at_ms, FiledClaim.filing_id)
    if wallet is not None:
        claim = claim.join(Quote, Quote.quote_id == ClaimTxn.policy_id)
        filing = filing.join(Quote, Quote.quote_id == FiledClaim.policy_id)
        claim, filing = claim.where(Quote.wallet == wallet), filing.where(Quote.wallet == wallet)
    if policy_id is not None:
        claim = claim.where(ClaimTxn.policy_id == policy_id)
        filing = filing.where(FiledClaim.policy_id == policy_id)
    if after is not None:
        claim = claim.where(tuple_(ClaimTxn.at_ms, ClaimTxn.claim_id) < after)
        filing = filing.where(tuple_(FiledClaim.filed_at_ms, FiledClaim.filing_id) < after)
    claim = claim.order_by(ClaimTxn.at_ms.desc(), ClaimTxn.claim_id.desc()).limit(count)
    filing = filing.order_by(FiledClaim.filed_at_ms.desc(), FiledClaim.filing_id.desc())
    rows = [*session.execute(claim), *session.execute(filing.limit(count))]
    return sorted(((int(at_ms), str(key)) for at_ms, key in rows), reverse=True)[:count]


def _shorts(
    settings: Settings, session: Session, places: list[paging.Place]
) -> list[tuple[paging.Place, ClaimShort]]:
    """The claims of some places; a filing whose claim has moved is shown as that claim alone."""
    ids = [key for _, key in places]
    claim_of = claim_views.claims_of(settings, [key for key in ids if key.startswith("fil_")])
    filing_of = claim_views.filings_of(settings, [key for key in ids if key.startswith("clm_")])
    last = register.last_of(session, {*ids, *claim_of.values()})
    found = []
    for place in places:
        key = place[1]
        if claim_of.get(key) in last:
            continue
        is_filing = key.startswith("fil_")
        filing = session.get(FiledClaim, key if is_filing else filing_of.get(key, ""))
        policy_id = filing.policy_id if is_filing and filing else last[key].policy_id
        policy = session.get(Quote, policy_id)
        if policy is not None:
            claim_id = claim_of.get(key) if is_filing else key
            one = Found(claim_id, filing, policy)
            found.append((place, claim_views.short(settings, one, last.get(key), place[0])))
    return found
