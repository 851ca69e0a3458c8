"""`./leverageguard erase-person`: personal data goes, what proofs rest on stays.

Gone are a wallet's contacts, the keys of its exchange accounts with the data keys that sealed them,
what messages kept of their sending, and the addresses wherever a log has them. Accounts, policies,
claims, evidence and audit log stay: they hold no name and no address.
"""

from __future__ import annotations

import mmap
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eth_utils.address import is_hex_address
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.envelope import NotOpenedError
from leverageguard.intake import accounts
from leverageguard.notifications import contacts
from leverageguard.settlement import incidents
from leverageguard.stack.progress import StackError
from leverageguard.store import auditing, base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.erasure_tables import Erasure
from leverageguard.store.intake_tables import Account, Quote
from leverageguard.store.notification_tables import CHANNELS, Notification
from leverageguard.store.policy_tables import PolicyTxn

NO_CONTRACT = ("CLOSED", "LAPSED")  # states of a policy that nobody can claim under
LONGEST_WHY = 500
ERASED = "erased"
BLANK = b"-"


class ErasureRefused(StackError):
    """Nothing was erased, or not all of it; the message says what stands against it."""


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """What the command prints, a line at a time."""
    if options["wallet"] is None:
        return _listed(settings)
    return _erased(settings, options["wallet"], options["why"] or "")


def _listed(settings: Settings) -> Iterator[str]:
    with base.session(settings) as session:
        rows = list(session.scalars(select(Erasure).order_by(Erasure.erased_at_ms)))
    if not rows:
        yield "nobody's data was erased"
    for row in rows:
        at = datetime.fromtimestamp(row.erased_at_ms / 1000, UTC)
        yield f"{at:%Y-%m-%d %H:%M}  {row.wallet}  {_counted(row)}, by {row.erased_by}: {row.why}"


def _erased(settings: Settings, named: str, why: str) -> Iterator[str]:
    wallet = named.lower()
    if not is_hex_address(wallet):
        raise ErasureRefused("wallet must be an address, 0x and 40 hex digits")
    if not 0 < len(why.strip()) <= LONGEST_WHY:
        raise ErasureRefused(f"--why says who asked for it, in at most {LONGEST_WHY} signs")
    me = incidents.me()
    with base.writing(settings) as session, auditing.acting(me, "erase-person"):
        _require_over(session, wallet)
        # First, for whoever is killed in between comes back with the addresses still known.
        blanked = list(_blanked(settings, _addresses(settings, session, wallet)))
        made = _erase(session, wallet, why.strip(), me)
    yield from blanked
    yield f"erased of {wallet}: {_counted(made)}"
    if not base.is_journal_emptied(settings):
        raise ErasureRefused(
            "somebody reads the store, so its journal still holds what was erased: run it again"
        )
    yield "claims, evidence and audit log are as they were"
    yield "backups made before hold it still: docs/recovery.md says until when"


def _require_over(session: Session, wallet: str) -> None:
    """Refuse while something may still have to be proved or told."""
    owned = select(Account.account_id).where(func.lower(Account.wallet) == wallet)
    quotes = select(Quote.quote_id).where(
        or_(func.lower(Quote.wallet) == wallet, Quote.account_id.in_(owned))
    )
    policies = list(session.scalars(quotes.order_by(Quote.quote_id)))
    states = _last(session, PolicyTxn, PolicyTxn.policy_id, policies)
    held = [one for one in policies if states.get(one, "QUOTED") not in NO_CONTRACT]
    claims = list(
        session.scalars(select(ClaimTxn.claim_id).where(ClaimTxn.policy_id.in_(quotes)).distinct())
    )
    states |= _last(session, ClaimTxn, ClaimTxn.claim_id, claims)
    held += sorted(one for one in claims if states[one] not in NO_CONTRACT)
    if held:
        raise ErasureRefused(
            f"{len(held)} policies and claims of {wallet} are not over, {held[0]} is "
            f"{states.get(held[0], 'QUOTED')}: what they may have to prove is kept until they "
            "are CLOSED or LAPSED"
        )


def _last(session: Session, table: Any, key: Any, ids: Iterable[str]) -> dict[str, str]:
    """The state in which each of these was left."""
    rows = select(key, table.to_state).where(key.in_(list(ids))).order_by(key, table.txn_no)
    return {named: str(state) for named, state in session.execute(rows).tuples()}


def _addresses(settings: Settings, session: Session, wallet: str) -> list[str]:
    found = []
    for channel in CHANNELS:
        try:
            found.append(contacts.address_of(settings, session, wallet, channel))
        except NotOpenedError:
            continue  # a key that is lost has erased it already; logs cannot be searched for it
    return [one for one in found if one]


def _blanked(settings: Settings, addresses: Iterable[str]) -> Iterator[str]:
    """Write over every address in every log, sign by sign: a process may be appending to it."""
    needles = [one.encode() for one in addresses]
    for path in sorted(path for path in settings.logs_dir.rglob("*") if path.is_file()):
        count = _blank(path, needles)
        if count:
            yield f"{count} times an address was in {path.relative_to(settings.data_dir)}: blanked"


def _blank(path: Path, needles: Iterable[bytes]) -> int:
    if not path.stat().st_size:
        return 0
    count = 0
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as text:
        for needle in needles:
            at = text.find(needle)
            while at >= 0:
                text[at : at + len(needle)] = BLANK * len(needle)
                count += 1
                at = text.find(needle, at)
        text.flush()
    return count


def _erase(session: Session, wallet: str, why: str, me: str) -> Erasure:
    """Take it away and write that down; a second time there is nothing, and nothing is written."""
    told = [contacts.drop(session, wallet, channel) for channel in CHANNELS]
    owned = select(Account.account_id).where(func.lower(Account.wallet) == wallet)
    keys = [
        accounts.forget_key(session, one) for one in session.scalars(owned.order_by("account_id"))
    ]
    made = Erasure(
        erasure_id=f"ers_{uuid.uuid4().hex[:24]}",
        wallet=wallet,
        why=why,
        erased_by=me,
        erased_at_ms=clock.now_ms(),
        contact_count=sum(told),
        key_count=sum(keys),
        message_count=_hushed(session, wallet),
    )
    if made.contact_count or made.key_count or made.message_count:
        session.add(made)
        session.flush()
    return made


def _hushed(session: Session, wallet: str) -> int:
    """Messages that are not sent any more, or that kept what a receiver said; how many."""
    query = select(Notification).where(
        Notification.wallet == wallet,
        or_(
            Notification.state == "PENDING",
            (Notification.last_error.is_not(None)) & (Notification.last_error != ERASED),
        ),
    )
    rows = session.scalars(query).all()
    for row in rows:
        row.state = "FAILED" if row.state == "PENDING" else row.state
        row.last_error = ERASED
    return len(rows)


def _counted(row: Erasure) -> str:
    return (
        f"{row.contact_count} contacts, {row.key_count} exchange keys, {row.message_count} messages"
    )
