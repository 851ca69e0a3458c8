"""Service accounts: programs that call with a scoped key. A key is shown once and kept hashed."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.store import base
from leverageguard.store.gateway_tables import ServiceAccount

PREFIX = "lgk_"
NAME = r"^[a-z][a-z0-9-]{1,39}$"
# What a key can be allowed: to see of every trader, or to hand in what traders signed.
SCOPES = (
    "accounts:read", "accounts:write", "claims:read", "claims:write", "evidence:read",
    "metrics:read", "policies:read", "policies:write", "quotes:read", "quotes:write",
    "reports:read",
)  # fmt: skip


class ServiceAccountRefused(ValueError):
    """It cannot be made or revoked; the message says why."""


def create(settings: Settings, name: str, scopes: list[str], by: str) -> tuple[ServiceAccount, str]:
    """A new account and its key, which is told here and never again."""
    if not re.fullmatch(NAME, name):
        raise ServiceAccountRefused("a name is 2 to 40 small letters, digits and -, a letter first")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ServiceAccountRefused(
            f"scopes are one or more of {', '.join(SCOPES)}; not {', '.join(unknown) or 'none'}"
        )
    key = PREFIX + secrets.token_urlsafe(32)
    made = ServiceAccount(
        account_id="svc_" + secrets.token_hex(8),
        name=name,
        key_hash=_hashed(key),
        scopes=sorted(set(scopes)),
        created_by=by,
        created_at_ms=clock.now_ms(),
    )
    try:
        with base.session(settings) as session:
            session.add(made)
    except IntegrityError:
        raise ServiceAccountRefused(f"there is a service account {name!r} already") from None
    return made, key


def revoke(settings: Settings, account_id: str, by: str) -> ServiceAccount:
    """Take an account's key away for good; KeyError for no such account, again is a no-op."""
    with base.session(settings) as session:
        found = session.get(ServiceAccount, account_id)
        if found is None:
            raise KeyError(account_id)
        if found.revoked_at_ms is None:
            found.revoked_at_ms, found.revoked_by = clock.now_ms(), by
    return found


def every_one(settings: Settings) -> list[ServiceAccount]:
    """All of them, revoked ones too, by name."""
    with base.session(settings) as session:
        return list(session.scalars(select(ServiceAccount).order_by(ServiceAccount.name)))


def of_key(settings: Settings, key: str) -> ServiceAccount | None:
    """The account that calls with this key; None for a wrong or revoked one."""
    query = select(ServiceAccount).where(ServiceAccount.key_hash == _hashed(key))
    with base.session(settings) as session:
        found = session.scalar(query)
    return found if found is not None and found.revoked_at_ms is None else None


def _hashed(key: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return "0x" + sha256(key.encode()).hexdigest()
