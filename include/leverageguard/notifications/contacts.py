"""Where a wallet's holder wants to be told: kept encrypted, shown to nobody else."""

from __future__ import annotations

import re

from eth_utils.address import is_hex_address
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock, envelope
from leverageguard.config import Settings
from leverageguard.notifications import webhooks
from leverageguard.store import base
from leverageguard.store.notification_tables import CHANNELS, Contact

MAX_LENGTH = 500
# One plain address: nothing that a mail program could take for a second one or for a header.
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


class ContactRefused(ValueError):
    """An address that cannot be used; the message names the field and the fix."""


def put(settings: Settings, session: Session, wallet: str, channel: str, address: str) -> None:
    """Tell this wallet's holder there from now on; replaces what the channel had."""
    if not is_hex_address(wallet):
        raise ContactRefused("wallet must be an address, 0x and 40 hex digits")
    if channel not in CHANNELS:
        raise ContactRefused(f"channel must be one of {', '.join(CHANNELS)}, not {channel!r}")
    if len(address) > MAX_LENGTH:
        raise ContactRefused(f"address must be {MAX_LENGTH} signs long at most")
    if channel == "email" and not EMAIL.fullmatch(address):
        raise ContactRefused("address must be one plain e-mail address, name@host.tld")
    if channel == "webhook":
        try:
            webhooks.check_url(address, settings.is_simulated)
        except webhooks.WebhookRefused as error:
            raise ContactRefused(f"address: {error}") from None
    row = session.get(Contact, (wallet.lower(), channel))
    if row is None:
        row = Contact(wallet=wallet.lower(), channel=channel)
        session.add(row)
    row.encrypted_address = envelope.seal(settings, address.encode())
    row.updated_at_ms = clock.now_ms()
    session.flush()


def drop(session: Session, wallet: str, channel: str) -> bool:
    """Tell this wallet's holder nothing there any more; False when there was nothing."""
    row = session.get(Contact, (wallet.lower(), channel))
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def change(settings: Settings, wallet: str, channel: str, address: str | None) -> str:
    """Give a wallet an address, or take it away with None; what to tell its holder.

    Who is called by a webhook needs the secret it is signed with, which is told here alone.
    """
    with base.session(settings) as session:
        if address is None:
            is_gone = drop(session, wallet, channel)
            return f"{wallet} is told nothing by {channel}" + ("" if is_gone else ", as before")
        put(settings, session, wallet, channel, address)
    told = f"{wallet} is told by {channel} from now on"
    if channel == "webhook":
        told += f"; signing secret, for its holder alone: {webhooks.secret_of(settings, wallet)}"
    return told


def address_of(settings: Settings, session: Session, wallet: str, channel: str) -> str | None:
    """The address of one channel in clear, None when the holder wants nothing there."""
    row = session.get(Contact, (wallet.lower(), channel))
    return None if row is None else envelope.unseal(settings, row.encrypted_address).decode()


def since(session: Session) -> dict[tuple[str, str], int]:
    """Wallet and channel of every contact, and from when on (epoch ms) it is told."""
    rows = session.scalars(select(Contact))
    return {(row.wallet, row.channel): row.updated_at_ms for row in rows}
