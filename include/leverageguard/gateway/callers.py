"""Who calls, and what for: roles, the check of a credential, and whose resources one sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from leverageguard.config import Settings
from leverageguard.gateway import service_accounts, signing_in
from leverageguard.gateway.host import Person, host_of, settings_of
from leverageguard.gateway.problems import Problem
from leverageguard.store.auditing import acting

READING = frozenset({"GET", "HEAD"})
SERVICE = "service:"


class Role(StrEnum):
    """What a caller may do."""

    USER = "user"
    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


OF_AIRFLOW = {
    "admin": Role.ADMIN, "op": Role.OPERATOR, "user": Role.APPROVER, "viewer": Role.AUDITOR
}  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    `actor` is a lower-case wallet, a user of Airflow or `service:<name>`; `wallet` and `chain_id`
    are a trader's, `scopes` a service account's.
    """

    actor: str
    roles: frozenset[Role]
    wallet: str | None
    chain_id: int | None
    scopes: frozenset[str]
    request_id: str

    @property
    def sees_everything(self) -> bool:
        """Whether what belongs to any trader may be shown: to operators and the like, and to a
        service account as far as its scopes reach; never to a trader."""
        return bool(self.roles - {Role.USER}) or bool(self.scopes)


_bearer = HTTPBearer(
    auto_error=False,
    description="A trader's token (POST /auth/sign-in), a token of Airflow (POST /auth/token of "
    "its API) or a service account's key",
)


def allowed(*roles: Role, scope: str | None = None) -> Any:
    """The dependency that gives the caller when it has one of the roles, or the scope.

    Raises Problem 401 without a caller, 403 for another's. What is written meanwhile is the
    caller's in the audit log.
    """
    needed = " or ".join([*roles, *([f"the scope {scope}"] if scope else [])])

    def check(caller: Caller) -> None:
        if not caller.roles & set(roles) and scope not in caller.scopes:
            raise Problem(403, "NOT_ALLOWED", f"this needs {needed}")

    return _caller_that(check)


def signed_in() -> Any:
    """The dependency that gives any caller with a credential; raises Problem 401 without one."""
    return _caller_that(lambda _caller: None)


def _caller_that(passes: Callable[[Caller], None]) -> Any:
    async def caller_of(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> AsyncIterator[Caller]:
        caller = await run_in_threadpool(_identify, request, credentials)
        if caller is None:
            raise Problem(401, "NOT_SIGNED_IN", "sign in, or send a service account's key")
        await request.app.state.limiter.of_caller(
            request.method, request.state.path, caller.actor, bool(caller.scopes)
        )
        passes(caller)
        with acting(caller.actor, caller.request_id):
            yield caller

    return Depends(caller_of)


def own(caller: Caller, wallet: str) -> None:
    """Raises Problem 404 unless the caller may see what is this wallet's: a stranger is not even
    told that it exists."""
    if not caller.sees_everything and caller.wallet != wallet.lower():
        raise Problem(404, "NOT_FOUND", "there is no such resource")


def _identify(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller | None:
    """Whoever the credential proves. A browser sends Airflow's cookie along unasked, from any page,
    so it counts for reading alone."""
    settings, request_id = settings_of(request), request.state.request_id
    if credentials is not None:
        key = credentials.credentials
        if key.startswith(service_accounts.PREFIX):
            return _service(settings, key, request_id)
        said = signing_in.claims_of(settings, key)
        if said is not None:
            wallet, chain_id = str(said["sub"]), int(said["chain_id"])
            roles = frozenset({Role.USER})
            return Caller(wallet, roles, wallet, chain_id, frozenset(), request_id)
    elif request.method not in READING or "authorization" in request.headers:
        return None
    person = host_of(request).operator_of(request)
    return _operator(settings, person, request_id) if person is not None else None


def _service(settings: Settings, key: str, request_id: str) -> Caller | None:
    found = service_accounts.of_key(settings, key)
    if found is None:
        return None
    scopes = frozenset(str(one) for one in found.scopes)
    return Caller(SERVICE + found.name, frozenset(), None, None, scopes, request_id)


def _operator(settings: Settings, person: Person, request_id: str) -> Caller:
    """An Airflow user; one who may answer reviews there is an approver only where named as one."""
    role = OF_AIRFLOW.get(person.airflow_role.lower())
    if role is Role.APPROVER and person.name not in settings.approvers:
        role = None
    roles = frozenset({role} if role else ())
    return Caller(person.name, roles, None, None, frozenset(), request_id)
