"""Exchange accounts: bound to a wallet by signature, credentials encrypted at rest."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import config, envelope
from leverageguard.store.intake_tables import Account, Binding

if TYPE_CHECKING:
    from leverageguard.domain import signing


class IntakeRefused(ValueError):
    """What was handed in cannot be accepted; the message names the field and the fix."""


ERASED = b""  # in place of a sealed key that was erased: nothing is read there any more


@dataclass(frozen=True, repr=False)
class Credentials:
    """A read-only API key; never shown by repr, logs or errors."""

    api_key: str
    api_secret: str
    passphrase: str


@dataclass(frozen=True)
class BoundAccount:
    """An account the pool may read."""

    account_id: str
    exchange: str
    uid: str


def register(
    session: Session,
    account: BoundAccount,
    root_uid: str,
    wallet: str,
    credentials: Credentials,
    created_at_ms: int,
) -> None:
    """Store an account with its credentials encrypted; the same account again is a no-op."""
    known = session.get(Account, account.account_id)
    if known is not None:
        stored = (known.exchange, known.uid, known.wallet)
        if stored != (account.exchange, account.uid, wallet.lower()):
            raise IntakeRefused(
                f"account_id {account.account_id!r} is taken by another account: choose a new one"
            )
        return
    session.add(
        Account(
            account_id=account.account_id,
            exchange=account.exchange,
            uid=account.uid,
            root_uid=root_uid,
            wallet=wallet.lower(),
            encrypted_credentials=_sealed(credentials),
            created_at_ms=created_at_ms,
        )
    )
    session.flush()


def replace_key(session: Session, account_id: str, credentials: Credentials) -> None:
    """Seal another key of the same account in place of the old one; KeyError when unknown."""
    row = session.get(Account, account_id)
    if row is None:
        raise KeyError(account_id)
    row.encrypted_credentials = _sealed(credentials)
    session.flush()


def bind(
    session: Session,
    account_id: str,
    binding: signing.Binding,
    signature: str,
    chain_id: int,
    signed_at_ms: int,
) -> str:
    """Record a signed binding and return its id; the signer is recovered, not believed."""
    from leverageguard.domain import signing  # signature code is heavy, and readers never need it

    binding_id = sha256(signature.encode()).hexdigest()
    if session.get(Binding, binding_id) is None:
        session.add(
            Binding(
                binding_id=binding_id,
                account_id=account_id,
                exchange=binding.exchange,
                uid=binding.uid,
                wallet=binding.wallet.lower(),
                nonce=binding.nonce,
                signature=signature,
                signer=signing.signer(binding, chain_id, signature),
                signed_at_ms=signed_at_ms,
                created_at_ms=signed_at_ms,
            )
        )
        session.flush()
    return binding_id


def bound(session: Session) -> list[BoundAccount]:
    """Every account the pool may read, in a stable order."""
    rows = session.scalars(select(Account).order_by(Account.account_id))
    return [BoundAccount(row.account_id, row.exchange, row.uid) for row in rows]


def group(session: Session, exchange: str, number: int, size: int) -> list[str]:
    """The ids of one group: accounts of an exchange in their order, so many a group.

    It reads that group alone: with every account in each of ten thousand groups, reading them all
    each time would be the larger part of an hour's work. Raises LookupError for an empty group.
    """
    query = select(Account.account_id).where(Account.exchange == exchange)
    ordered = query.order_by(Account.account_id).offset(number * size).limit(size)
    found = list(session.scalars(ordered))
    if not found:
        raise LookupError(f"{exchange} has no account group {number} of {size}")
    return found


def keyed(session: Session, account_ids: Collection[str]) -> set[str]:
    """Those of the accounts whose key is still there."""
    query = select(Account.account_id).where(Account.encrypted_credentials != ERASED)
    return set(session.scalars(query.where(Account.account_id.in_(account_ids))))


def forget_key(session: Session, account_id: str) -> bool:
    """Erase an account's key with its data key; False when it was erased before."""
    row = session.get_one(Account, account_id)
    if row.encrypted_credentials == ERASED:
        return False
    row.encrypted_credentials = ERASED
    session.flush()
    return True


def credentials(session: Session, account_id: str) -> Credentials:
    """The decrypted key of one account; KeyError when it is unknown or its key was erased."""
    row = session.get(Account, account_id)
    if row is None or row.encrypted_credentials == ERASED:
        raise KeyError(account_id)
    return Credentials(*json.loads(envelope.unseal(config.load(), row.encrypted_credentials)))


def _sealed(credentials: Credentials) -> bytes:
    plain = json.dumps([credentials.api_key, credentials.api_secret, credentials.passphrase])
    return envelope.seal(config.load(), plain.encode())
