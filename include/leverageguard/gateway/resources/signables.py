"""Messages for the wallet to sign: a page needs no cryptography of its own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from sqlalchemy import func, select

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.gateway import claim_views
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.signables import (
    AppealAsked,
    BindingAsked,
    EndorsementAsked,
    FilingAsked,
    TypedData,
    WithdrawalAsked,
)
from leverageguard.gateway.problems import documented
from leverageguard.gateway.resources.accounts import known_exchange
from leverageguard.gateway.resources.quotes import owned
from leverageguard.store import base
from leverageguard.store.policy_tables import PolicyEndorsement

router = APIRouter(prefix="/signables", tags=["signables"])
SignerDep = Annotated[Caller, allowed(Role.USER)]
_RESPONSES = documented(409)


@router.post("/binding")
def of_binding(body: BindingAsked, caller: SignerDep, settings: SettingsDep) -> TypedData:
    """What binds an exchange account to the caller's wallet."""
    exchange = known_exchange(body.exchange)
    return _typed(
        settings, signing.Binding(exchange, body.uid, caller.wallet or "", clock.now_ms())
    )


@router.post("/filing", responses=_RESPONSES)
def of_filing(body: FilingAsked, caller: SignerDep, settings: SettingsDep) -> TypedData:
    """What files a claim on one of the caller's policies."""
    with base.session(settings) as session:
        owned(session, caller, body.policy_id)
    return _typed(settings, signing.Filing(body.policy_id, body.inst_id, body.order_id))


@router.post("/withdrawal", responses=_RESPONSES)
def of_withdrawal(body: WithdrawalAsked, caller: SignerDep, settings: SettingsDep) -> TypedData:
    """What withdraws one of the caller's claims."""
    policy_id, claim_id = claim_views.opened(settings, caller, body.claim_id)
    return _typed(settings, signing.Withdrawal(policy_id, claim_id))


@router.post("/appeal", responses=_RESPONSES)
def of_appeal(body: AppealAsked, caller: SignerDep, settings: SettingsDep) -> TypedData:
    """What appeals one of the caller's refused claims."""
    policy_id, claim_id = claim_views.opened(settings, caller, body.claim_id)
    return _typed(settings, signing.Appeal(policy_id, claim_id, body.statement))


@router.post("/endorsement", responses=_RESPONSES)
def of_endorsement(body: EndorsementAsked, caller: SignerDep, settings: SettingsDep) -> TypedData:
    """What changes one of the caller's policies; it carries the number of the next change."""
    with base.session(settings) as session:
        owned(session, caller, body.policy_id)
        query = select(func.max(PolicyEndorsement.endorsement_no)).where(
            PolicyEndorsement.policy_id == body.policy_id
        )
        number = (session.scalar(query) or 0) + 1
    said = signing.Endorsement(body.policy_id, body.account_id, body.inst_id, body.leverage, number)
    return _typed(settings, said)


def _typed(settings: Settings, said: signing.Message) -> TypedData:
    return TypedData.model_validate(signing.typed_data(said, settings.chain_id))
