"""A trader brings an exchange account: the wallet's signature, the venue's word, the key sealed.

Of one main account one wallet alone is insured, whichever came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from leverageguard.domain import signing
from leverageguard.intake import accounts
from leverageguard.intake.accounts import BoundAccount, Credentials, IntakeRefused
from leverageguard.store.intake_tables import Account, Binding

LARGEST_NONCE = 2**53 - 1  # what a wallet in a browser signs exactly


class BindingRefused(IntakeRefused):
    """The account cannot be bound so; `code` is stable, the message says the fix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Brought:
    """What a trader hands in and what the venue says of it."""

    said: signing.Binding
    signature: str
    credentials: Credentials
    root_uid: str | None


def check_signed(said: signing.Binding, signature: str, chain_id: int) -> None:
    """Raise BindingRefused unless the wallet named in the message signed it for this chain."""
    try:
        signer = signing.signer(said, chain_id, signature)
    except ValueError:
        signer = "nobody"
    if signer != said.wallet.lower():
        raise BindingRefused(
            "SIGNATURE_NOT_YOURS",
            f"signature is {signer}'s: sign exactly this message for chain {chain_id} with "
            f"{said.wallet.lower()}",
        )


def bind(session: Session, brought: Brought, chain_id: int, now_ms: int) -> Account:
    """Register and bind the account and seal its key; the same message again changes nothing.

    A known account of the same wallet takes over the new key. Raises BindingRefused for another
    holder's main account and for a nonce that was used. Call it where nobody writes beside.
    """
    said = brought.said
    check_signed(said, brought.signature, chain_id)
    wallet, root_uid = said.wallet.lower(), brought.root_uid or said.uid
    _check_root(session, said, root_uid, wallet)
    known = session.scalar(
        select(Account)
        .where(Account.exchange == said.exchange, Account.uid == said.uid)
        .order_by(Account.created_at_ms)
        .limit(1)
    )
    account_id = known.account_id if known else account_id_of(said.exchange, said.uid)
    _check_nonce(session, account_id, said.nonce, brought.signature)
    if known is None:
        account = BoundAccount(account_id, said.exchange, said.uid)
        accounts.register(session, account, root_uid, wallet, brought.credentials, now_ms)
    else:
        accounts.replace_key(session, account_id, brought.credentials)
    accounts.bind(session, account_id, said, brought.signature, chain_id, now_ms)
    return session.get_one(Account, account_id)


def account_id_of(exchange: str, uid: str) -> str:
    """Our name of an account that a trader brings."""
    return "acc_" + sha256(f"{exchange}|{uid}".encode()).hexdigest()[:24]


def _check_root(session: Session, said: signing.Binding, root_uid: str, wallet: str) -> None:
    """An unknown main account counts as its own, by the uid."""
    uids = (said.uid, root_uid)
    taken = session.scalar(
        select(Account.account_id)
        .where(
            Account.exchange == said.exchange,
            or_(Account.uid.in_(uids), Account.root_uid.in_(uids)),
            func.lower(Account.wallet) != wallet,
        )
        .limit(1)
    )
    if taken is not None:
        raise BindingRefused(
            "ACCOUNT_TAKEN",
            f"this account at {said.exchange}, or its main account, is bound to another wallet",
        )


def _check_nonce(session: Session, account_id: str, nonce: int, signature: str) -> None:
    rows = session.execute(
        select(Binding.nonce, Binding.signature).where(Binding.account_id == account_id)
    ).all()
    if any(row.signature == signature for row in rows):
        return
    last = max((row.nonce for row in rows), default=0)
    if not last < nonce <= LARGEST_NONCE:
        raise BindingRefused(
            "NONCE_USED", f"nonce {nonce} is not above {last}, the last one: ask for a new message"
        )
