"""What an operator reads of the books: every balance at a time, or the entries of one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, select

from leverageguard import clock, seeds
from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.store import base
from leverageguard.store.ledger_tables import LedgerEntry

SHORTEST_ID = 8


class NothingBooked(ValueError):
    """No entry of that name; the message says what would be found."""


def lines(settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """What ./leverageguard ledger prints."""
    if options["action"] == "show":
        return entries(settings, options["named"])
    return balances(settings, options["at"], options["known"])


def balances(settings: Settings, at: str | None, known: str | None) -> list[str]:
    """Every account as of an instant (ISO 8601, now), from what was recorded until another (all).

    Debits and credits stand in columns of their own; the last line has both sums.
    """
    at_ms = clock.now_ms() if at is None else clock.parse_ms(at)
    amount = func.sum(LedgerEntry.amount_micro_usdc)
    query = select(LedgerEntry.account, amount).where(LedgerEntry.occurred_at_ms <= at_ms)
    if known is not None:
        query = query.where(LedgerEntry.recorded_at_ms <= clock.parse_ms(known))
    with base.session(settings) as session:
        held = {account: int(sum_) for account, sum_ in session.execute(query.group_by("account"))}
    printed = [f"{'account':<26}{'type':<11}{'debit':>20}{'credit':>20}  USDC at {_time(at_ms)}"]
    sides = Counter[str]()
    for account, account_type in _chart(settings):
        balance = held.get(account, 0)
        side = "debit" if balance > 0 else "credit"
        sides[side] += abs(balance)
        if balance:
            printed.append(_line(account, account_type, {side: abs(balance)}))
    return [*printed, _line("sum", "", sides)]


def entries(settings: Settings, named: str) -> list[str]:
    """The legs of one entry (its id or how it begins), or of all entries of a claim or policy."""
    is_it = or_(LedgerEntry.claim_id == named, LedgerEntry.policy_id == named.lower())
    if len(named) >= SHORTEST_ID:
        is_it = or_(is_it, LedgerEntry.entry_id.startswith(named.lower(), autoescape=True))
    query = select(LedgerEntry).where(is_it)
    order = (LedgerEntry.occurred_at_ms, LedgerEntry.recorded_at_ms, LedgerEntry.entry_id)
    with base.session(settings) as session:
        found = list(session.scalars(query.order_by(*order, LedgerEntry.leg_no)))
    if not found:
        raise NothingBooked(
            f"nothing is booked under {named!r}: name a claim, a policy's id, or an entry by at "
            f"least {SHORTEST_ID} characters of its id"
        )
    return list(_told(found))


def _told(legs: Iterable[LedgerEntry]) -> Iterable[str]:
    last = ""
    for leg in legs:
        if leg.entry_id != last:
            last = leg.entry_id
            restating = f", restates {leg.restates}" if leg.restates else ""
            yield f"{leg.kind} {leg.entry_id}{restating}"
            yield f"  {_time(leg.occurred_at_ms)}, recorded {_time(leg.recorded_at_ms)}"
            yield f"  from {leg.source}"
        side = "debit" if leg.amount_micro_usdc > 0 else "credit"
        amount = text_from_micro(abs(leg.amount_micro_usdc))
        yield f"    {leg.account:<26}{side:<7}{amount:>20}  {leg.party or ''}".rstrip()


def _line(account: str, account_type: str, sides: Mapping[str, int]) -> str:
    debit, credit = (
        text_from_micro(sides[side]) if sides.get(side) else "" for side in ("debit", "credit")
    )
    return f"{account:<26}{account_type:<11}{debit:>20}{credit:>20}".rstrip()


def _chart(settings: Settings) -> list[tuple[str, str]]:
    """Accounts and their types in the chart's order."""
    chart = seeds.rows(settings, "ledger_accounts")
    return [(row["account"], row["account_type"]) for row in chart]


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
