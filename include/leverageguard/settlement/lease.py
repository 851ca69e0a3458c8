"""One worker a contract: a lease in the store that a dead worker cannot keep for long.

Real time, not the clock in use: a simulated world's clock jumps when somebody sleeps.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any, cast

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.settlement.errors import LeaseHeld
from leverageguard.store import base
from leverageguard.store.settlement_tables import Lease

TERM_S = 300
PATIENCE_S = 60
POLL_S = 0.2


def me() -> str:
    """A new owner's name, host:pid:start:turn; start tells a reused pid apart, turn a thread."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_started(pid)}:{token_hex(4)}"


@contextmanager
def held(settings: Settings, contract: str, patience_s: float | None = None) -> Iterator[str]:
    """Hold the lease of one contract; yields the owner's name.

    Waits `patience_s` real seconds for another worker, then raises LeaseHeld naming it.
    """
    owner = me()
    until = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    while (holder := _try(settings, contract, owner)) != owner:
        if time.monotonic() >= until:
            raise LeaseHeld(f"{holder} is settling on {contract}: try again when it is done")
        time.sleep(POLL_S)
    try:
        yield owner
    finally:
        with base.session(settings) as session:
            session.execute(
                delete(Lease).where(
                    Lease.chain_id == settings.chain_id,
                    Lease.contract == contract,
                    Lease.owner == owner,
                )
            )


def renew(settings: Settings, contract: str, owner: str) -> None:
    """Extend the term before the next irreversible step; raises LeaseHeld when it was lost."""
    with base.session(settings) as session:
        found = session.get(Lease, (settings.chain_id, contract))
        if found is None or found.owner != owner or not _take_over(session, found, owner):
            raise LeaseHeld(f"the lease on {contract} was taken by another worker")


def _try(settings: Settings, contract: str, owner: str) -> str:
    """Take the lease if it is free, expired or its owner is dead; the holder's name."""
    try:
        with base.session(settings) as session:
            found = session.get(Lease, (settings.chain_id, contract))
            if found is None:
                session.add(
                    Lease(
                        chain_id=settings.chain_id,
                        contract=contract,
                        owner=owner,
                        expires_at_ms=_term_end(),
                    )
                )
                return owner
            holder = found.owner
            if found.expires_at_ms > _now_ms() and _lives(holder):
                return holder
            return owner if _take_over(session, found, owner) else holder
    except IntegrityError:
        return "another worker"


def _take_over(session: Session, seen: Lease, owner: str) -> bool:
    """Make `owner` the holder, unless the lease changed since it was read."""
    change = (
        update(Lease)
        .where(
            Lease.chain_id == seen.chain_id,
            Lease.contract == seen.contract,
            Lease.owner == seen.owner,
            Lease.expires_at_ms == seen.expires_at_ms,
        )
        .values(owner=owner, expires_at_ms=_term_end())
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", session.execute(change)).rowcount == 1


def _lives(holder: str) -> bool:
    """False only when the holder surely ended: same host, and its pid is gone or another's."""
    host, pid, started, _turn = holder.rsplit(":", 3)
    return host != socket.gethostname() or _started(int(pid)) == started


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot, empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[19]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return ""


def _term_end() -> int:
    return _now_ms() + TERM_S * 1000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
