"""Service accounts: the administrator makes and revokes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path

from leverageguard.gateway import service_accounts
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.service_accounts import (
    ID,
    CreatedServiceAccount,
    NewServiceAccount,
    ServiceAccountOut,
    ServiceAccounts,
)
from leverageguard.gateway.problems import Problem, documented
from leverageguard.gateway.service_accounts import ServiceAccountRefused
from leverageguard.store.gateway_tables import ServiceAccount

router = APIRouter(prefix="/service-accounts", tags=["service accounts"])
Admin = Annotated[Caller, allowed(Role.ADMIN)]


@router.get("")
def list_service_accounts(settings: SettingsDep, _caller: Admin) -> ServiceAccounts:
    """Every service account, revoked ones too."""
    found = service_accounts.every_one(settings)
    return ServiceAccounts(items=[ServiceAccountOut(**_said(one)) for one in found])


@router.post("", status_code=201, responses=documented(409))
def create_service_account(
    body: NewServiceAccount, settings: SettingsDep, caller: Admin
) -> CreatedServiceAccount:
    """A new service account. Its key is in this answer and nowhere else."""
    try:
        made, key = service_accounts.create(settings, body.name, body.scopes, caller.actor)
    except ServiceAccountRefused as refused:
        raise Problem(409, "SERVICE_ACCOUNT_REFUSED", str(refused)) from None
    return CreatedServiceAccount(**_said(made), key=key)


@router.delete("/{account_id}")
def revoke_service_account(
    account_id: Annotated[str, Path(max_length=24, examples=[ID])],
    settings: SettingsDep,
    caller: Admin,
) -> ServiceAccountOut:
    """Take its key away for good; one that was revoked stays as it is."""
    try:
        return ServiceAccountOut(
            **_said(service_accounts.revoke(settings, account_id, caller.actor))
        )
    except KeyError:
        raise Problem(404, "NOT_FOUND", "there is no such service account") from None


def _said(one: ServiceAccount) -> dict[str, Any]:
    return {
        "id": one.account_id, "name": one.name, "scopes": one.scopes,
        "created_by": one.created_by, "created_at": _time(one.created_at_ms),
        "revoked_by": one.revoked_by, "revoked_at": _time(one.revoked_at_ms),
    }  # fmt: skip


def _time(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)
