"""The only writer of ledger_entries: balanced entries, each event booked once while it stands.

An entry's id is made of its source, its kind and how often the two were booked before, so booking
the same event again writes nothing, and one that was undone can be booked anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard.store.ledger_tables import LedgerEntry

REVERSAL = "reversal"
Leg = tuple[str, int, str | None]  # account, micro-USDC (debits positive), party
Key = tuple[str, str]  # source, kind


class LedgerRefused(ValueError):
    """An entry that does not balance, or one without what it would undo."""


@dataclass(frozen=True)
class Entry:
    """One entry as it is to be booked; times are epoch ms."""

    kind: str
    source: str
    legs: tuple[Leg, ...]
    occurred_at_ms: int
    policy_id: str | None = None
    claim_id: str | None = None
    chain_id: int | None = None
    block_number: int | None = None

    @property
    def key(self) -> Key:
        """What is booked once."""
        return self.source, self.kind


class Booked:
    """What the books hold of some sources: which entry of each source and kind stands."""

    def __init__(self, rows: Iterable[LedgerEntry]) -> None:
        self._legs: dict[str, list[LedgerEntry]] = defaultdict(list)
        self._ids: dict[Key, list[str]] = defaultdict(list)
        self._undone: set[str | None] = set()
        for row in rows:
            self.add(row)

    def add(self, row: LedgerEntry) -> None:
        """Take a leg in."""
        if row.kind == REVERSAL:
            self._undone.add(row.restates)
            return
        if row.entry_id not in self._legs:
            self._ids[row.source, row.kind].append(row.entry_id)
        self._legs[row.entry_id].append(row)

    def standing(self, source: str, kind: str) -> list[LedgerEntry]:
        """The legs of the entry that was booked and not undone; empty when there is none."""
        ids = [each for each in self._ids.get((source, kind), ()) if each not in self._undone]
        return self._legs[ids[-1]] if ids else []

    def all_standing(self) -> dict[Key, list[LedgerEntry]]:
        """Every entry that stands."""
        found = {key: self.standing(*key) for key in self._ids}
        return {key: legs for key, legs in found.items() if legs}

    def times(self, source: str, kind: str) -> int:
        """How often it was booked."""
        return len(self._ids.get((source, kind), ()))


def of_source(session: Session, source: str) -> Booked:
    """What the books hold of one source."""
    return Booked(session.scalars(select(LedgerEntry).where(LedgerEntry.source == source)))


def rows(entry: Entry, booked: Booked, now_ms: int) -> list[LedgerEntry]:
    """The legs to write for an entry; none when it stands as it is, or moves nothing.

    Where it stands with other legs those are undone first. Raises LedgerRefused when the legs do
    not sum to nothing.
    """
    if sum(amount for _, amount, _ in entry.legs) != 0:
        raise LedgerRefused(f"the {entry.kind} of {entry.source} does not balance: {entry.legs}")
    moving = [(account, amount, _lower(party)) for account, amount, party in entry.legs if amount]
    old = booked.standing(*entry.key)
    if moving == [(leg.account, leg.amount_micro_usdc, leg.party) for leg in old]:
        return []
    number = booked.times(*entry.key)
    made = [
        LedgerEntry(
            entry_id=_entry_id(*entry.key, number), leg_no=leg_no, kind=entry.kind,
            account=account, amount_micro_usdc=amount, party=party, policy_id=entry.policy_id,
            claim_id=entry.claim_id, chain_id=entry.chain_id, block_number=entry.block_number,
            occurred_at_ms=entry.occurred_at_ms, recorded_at_ms=now_ms, source=entry.source,
            restates=old[0].entry_id if old else None,
        )
        for leg_no, (account, amount, party) in enumerate(moving, start=1)
    ]  # fmt: skip
    return reversal(old, now_ms) + made


def reversal(legs: Sequence[LedgerEntry], now_ms: int) -> list[LedgerEntry]:
    """The legs that undo an entry, at the time and block of what they undo."""
    return [
        LedgerEntry(
            entry_id=_hash(f"{leg.entry_id}|{REVERSAL}"), leg_no=leg.leg_no, kind=REVERSAL,
            account=leg.account, amount_micro_usdc=-leg.amount_micro_usdc, party=leg.party,
            policy_id=leg.policy_id, claim_id=leg.claim_id, chain_id=leg.chain_id,
            block_number=leg.block_number, occurred_at_ms=leg.occurred_at_ms,
            recorded_at_ms=now_ms, source=leg.source, restates=leg.entry_id,
        )
        for leg in legs
    ]  # fmt: skip


def _entry_id(source: str, kind: str, number: int) -> str:
    return _hash(f"{source}|{kind}|{number}" if number else f"{source}|{kind}")


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _lower(party: str | None) -> str | None:
    return party.lower() if party else None
