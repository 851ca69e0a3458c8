"""Whose account a key opens and what it may do there, by the venue's own answer.

A venue that does not answer says nothing about a key: that is no refusal of the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leverageguard.config import Settings
from leverageguard.exchanges import account_pull, client, registry, retry

if TYPE_CHECKING:
    from leverageguard.intake.accounts import Credentials

# Somebody waits for the answer, so less patience than an ingestion has.
PATIENCE = retry.Policy(attempts=3, base_seconds=0.3, cap_seconds=2, timeout_seconds=5)
BINDINGS = "bindings"  # the account name under which the calls are paced
LIVE = "live"


@dataclass(frozen=True)
class Identity:
    """What the venue says of a key; `root_uid` is None where it does not name the main account."""

    uid: str
    root_uid: str | None
    is_read_only: bool | None


class KeyRefused(Exception):
    """The venue answered, and the key is no good; `code` is stable, the message says the fix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class VenueSilent(Exception):
    """The venue gave no usable answer: nothing is known of the key."""


def ask(settings: Settings, exchange: str, credentials: Credentials) -> Identity:
    """Ask the venue about a key; raises KeyRefused or VenueSilent."""
    venue = registry.venue(exchange)
    asked = client.connect(venue, settings, BINDINGS, credentials, PATIENCE)
    try:
        asked.sync_clock()
        row = account_pull.identity(asked)
    except retry.GaveUpError as error:
        if asked.last_code() in venue.demo_codes:
            raise KeyRefused(
                "KEY_NOT_LIVE", f"{exchange} says the key is of its demo: make one of the live site"
            ) from None
        if venue.is_keyless and isinstance(error, account_pull.UnnamedError):
            raise KeyRefused(
                "ACCOUNT_UNKNOWN", f"{exchange} knows no account of this address: check it"
            ) from None
        if error.fault is retry.Fault.AUTH:
            raise KeyRefused(
                "KEY_NOT_ACCEPTED",
                f"{exchange} does not accept the key: check key, secret, passphrase and the "
                "addresses it may be used from",
            ) from None
        raise VenueSilent(f"{exchange} gave no usable answer: try again") from None
    finally:
        asked.exchange.session.close()
    return Identity(str(row["uid"]), row["root_uid"] or None, row["is_read_only"])
