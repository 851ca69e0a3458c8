"""Exchange accounts: bound by the wallet's signature and the venue's word on the key."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter
from pydantic import SecretStr
from sqlalchemy import func, select, tuple_

from leverageguard import clock
from leverageguard.config import VENUES, Settings
from leverageguard.domain import signing
from leverageguard.exchanges import registry
from leverageguard.gateway import paging
from leverageguard.gateway.asking import holder
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.accounts import AccountBrought, AccountGiven
from leverageguard.gateway.models.common import Page, instant
from leverageguard.gateway.problems import Problem, documented
from leverageguard.intake import binding
from leverageguard.intake.accounts import Credentials
from leverageguard.intake.binding import BindingRefused
from leverageguard.store import base
from leverageguard.store.intake_tables import Account, Binding

router = APIRouter(prefix="/accounts", tags=["accounts"])
VENUE_RETRY_S = 10
CONFLICTS = frozenset({"ACCOUNT_TAKEN", "NONCE_USED"})
_log = structlog.get_logger(__name__)
HolderDep = Annotated[Caller, allowed(Role.USER, scope="accounts:write")]
ReaderDep = Annotated[Caller, allowed(*Role, scope="accounts:read")]


@router.post("", status_code=201, responses=documented(409))
def bind(body: AccountBrought, caller: HolderDep, settings: SettingsDep) -> AccountGiven:
    """Bind an account to the wallet that signed; the venue is asked about the key at once.

    The same account again takes over the new key. Nobody can read a key back.
    """
    wallet = holder(caller, body.wallet)
    said = signing.Binding(known_exchange(body.exchange), body.uid, wallet, body.nonce)
    try:
        binding.check_signed(said, body.signature, settings.chain_id)
        brought = _brought(settings, body, said)
        with base.writing(settings) as session:
            row = binding.bind(session, brought, settings.chain_id, clock.now_ms())
            return _shown(row, row.created_at_ms, True)
    except BindingRefused as refused:
        status = 409 if refused.code in CONFLICTS else 422
        raise Problem(status, refused.code, str(refused)) from None


@router.get("")
def listing(
    caller: ReaderDep,
    settings: SettingsDep,
    limit: paging.Limit = 20,
    cursor: paging.Cursor = None,
) -> Page[AccountGiven]:
    """The caller's bound accounts, or everybody's for those who may see them."""
    bound = func.coalesce(func.max(Binding.signed_at_ms), Account.created_at_ms)
    query = select(Account, bound).outerjoin(Binding, Binding.account_id == Account.account_id)
    if not caller.sees_everything:
        query = query.where(Account.wallet == caller.wallet)
    after = paging.place_of(cursor)
    if after is not None:
        query = query.where(tuple_(Account.created_at_ms, Account.account_id) < after)
    query = query.group_by(Account.account_id)
    query = query.order_by(Account.created_at_ms.desc(), Account.account_id.desc())
    with base.session(settings) as session:
        rows = session.execute(query.limit(limit + 1)).all()
    more = rows[limit - 1][0] if len(rows) > limit else None
    return Page[AccountGiven](
        items=[_shown(row, at_ms, row.wallet == caller.wallet) for row, at_ms in rows[:limit]],
        next_cursor=paging.cursor_of((more.created_at_ms, more.account_id)) if more else None,
    )


def known_exchange(name: str) -> str:
    """The venue's name; Problem 422 for one that is not served."""
    if name not in VENUES:
        raise Problem(
            422, "EXCHANGE_UNKNOWN", f"exchange is one of {', '.join(VENUES)}",
            field="body.exchange",
        )  # fmt: skip
    return name


def _brought(settings: Settings, body: AccountBrought, said: signing.Binding) -> binding.Brought:
    """What the venue says of the submitted key, asked now; Problem unless it can only read."""
    from leverageguard.exchanges import identity  # it brings ccxt

    keyless = registry.venue(said.exchange).is_keyless
    if keyless:
        _check_address(settings, body, said)
    key = Credentials(
        said.uid if keyless else body.api_key.get_secret_value(),
        _secret(body.api_secret), _secret(body.passphrase),
    )  # fmt: skip
    try:
        found = identity.ask(settings, said.exchange, key)
    except identity.KeyRefused as refused:
        raise Problem(422, refused.code, str(refused), field="body.api_key") from None
    except identity.VenueSilent as silent:
        _log.warning("venue_silent", exchange=said.exchange)
        raise Problem(503, "VENUE_UNREACHABLE", str(silent), retry_after_s=VENUE_RETRY_S) from None
    if found.is_read_only is not True:
        raise Problem(
            422, "KEY_NOT_READ_ONLY",
            "the key may do more than read, or the venue does not say: make a read-only key",
            field="body.api_key",
        )  # fmt: skip
    if found.uid.lower() != said.uid.lower():
        raise Problem(
            422, "UID_DIFFERS", "the key belongs to another account than the signed one",
            field="body.uid",
        )  # fmt: skip
    return binding.Brought(said, body.signature, key, found.root_uid)


def _check_address(settings: Settings, body: AccountBrought, said: signing.Binding) -> None:
    """Anybody can read a keyless account: its own address must have signed."""
    if said.uid.lower() == said.wallet.lower():
        return
    try:
        signer = signing.signer(said, settings.chain_id, body.account_signature or "0x")
    except ValueError:
        signer = ""
    if signer != said.uid.lower():
        raise Problem(
            422, "ACCOUNT_SIGNATURE_NEEDED",
            f"{said.exchange} has no keys: the account's own address must sign the message too",
            field="body.account_signature",
        )  # fmt: skip


def _secret(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()


def _shown(row: Account, bound_at_ms: int, is_holder: bool) -> AccountGiven:
    return AccountGiven(
        account_id=row.account_id,
        exchange=row.exchange,
        uid=row.uid if is_holder else "…" + row.uid[-4:],
        wallet=row.wallet,
        bound_at=instant(bound_at_ms),
        created_at=instant(row.created_at_ms),
    )
