"""Plan and pull the private evidence of every insured account, one group of accounts a part."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests

from leverageguard import clock, config, telemetry
from leverageguard.config import Settings
from leverageguard.exchanges import (
    account_pull,
    endpoints,
    listings,
    lookups,
    registry,
    retry,
    windows,
)
from leverageguard.exchanges.account_pull import AccountPull
from leverageguard.exchanges.client import PUBLIC, Client, VenueClock, connect
from leverageguard.exchanges.venue import ORDERS, Row, Venue
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, GAP_LOOKBACK_MS, Stretch
from leverageguard.intake import accounts as intake_accounts
from leverageguard.intake import claims as intake_claims
from leverageguard.intake import quotes as intake_quotes
from leverageguard.intake.accounts import Credentials
from leverageguard.intake.claims import Filing
from leverageguard.store.base import session as store_session
from leverageguard.warehouse import landing, lock
from leverageguard.warehouse.raw_tables import HOUR_MS

Part = dict[str, Any]
POLICY = retry.Policy()
THREADS = 8
SIMULATED_LOOKUPS = 3


@dataclass(frozen=True)
class Group:
    """The accounts of one part with their keys, insured instruments and filed claims."""

    settings: Settings
    venue: Venue
    name: str
    credentials: dict[str, Credentials]
    inst_ids: dict[str, list[str]]
    filings: list[Filing]

    @property
    def label(self) -> str:
        """Name of the group's files, e.g. `okx-group-00`."""
        return f"{self.venue.name}-{self.name}"


def plan(window_start: str, window_end: str) -> list[Part]:
    """Parts to fetch: each account group over the window's hours so far, and over its open gaps.

    Empty while the window lies ahead of the clock.
    """
    settings, now_ms = config.load(), clock.now_ms()
    endpoints.land(settings)
    hours = windows.hours(clock.parse_ms(window_start), min(clock.parse_ms(window_end), now_ms))
    if not hours:
        return []
    window = (hours[0], hours[-1] + HOUR_MS)
    parts = []
    for exchange, groups in _groups(settings).items():
        gaps = windows.open_gaps(settings, exchange, now_ms - GAP_LOOKBACK_MS, now_ms)
        for number, accounts in enumerate(groups):
            parts.append(_part(exchange, number, window, only_gaps=False))
            open_ = [gap for account in accounts for gap in gaps.get(account, [])]
            outside = windows.span_outside(open_, window)
            if outside is not None:
                parts.append(_part(exchange, number, outside, only_gaps=True))
    return parts


def parts_of(
    settings: Settings, spans: Mapping[tuple[str, str], tuple[int, int]], with_filings: bool
) -> list[Part]:
    """Parts for some accounts alone: (exchange, account) and what to pull of each, epoch ms.

    Only hours that are not complete are asked for; accounts without one make no part. Filed orders
    that no listing shows are looked up `with_filings`.
    """
    parts = []
    for exchange, groups in _groups(settings).items():
        for number, accounts in enumerate(groups):
            wanted = {each: spans[exchange, each] for each in accounts if (exchange, each) in spans}
            if not wanted:
                continue
            first, last = min(at for at, _ in wanted.values()), max(at for _, at in wanted.values())
            part = _part(exchange, number, (first - first % HOUR_MS, last), only_gaps=False)
            parts.append(part | {"accounts": sorted(wanted), "with_filings": with_filings})
    return [part for part in parts if _has_work(settings, part)]


def fetch(part: Part) -> dict[str, int]:
    """Pull and land one part; returns counts of accounts, rows, gaps and order lookups.

    A venue's fault is recorded as a gap of its windows, it does not raise.
    """
    settings = config.load()
    group = _group(settings, part)
    with lock.exclusive(settings, group.label):
        clients = Clients(group)
        work = _work(group, part, clients.clock.now_ms())
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            pulls = list(pool.map(lambda task: _pull(group, clients, *task), work.items()))
        listings.land_replies(settings, _replies_name(group, part), _replies(pulls))
        counts = _land(group, pulls, clients.clock.now_ms())
        counts["order_lookups"] = 0
        if not part.get("only_gaps") and part.get("with_filings", True):
            # Of an account of the part without work everything is landed already.
            known = set(part.get("accounts", ())) - set(work)
            counts["order_lookups"] = _look_up(group, clients, pulls, known)
            listings.land_replies(settings, _replies_name(group, part), _replies(pulls))
    telemetry.flush()
    return counts


class Clients:
    """One client an account, one HTTP session a thread, one view of the venue's clock."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._clients: dict[str, Client] = {}
        self._thread = threading.local()
        self.clock = VenueClock()
        self.clock.set(clock.now_ms())
        # Without the venue's own clock ours must do: a wrong one is refused and read again.
        with suppress(retry.GaveUpError):
            self._connect(PUBLIC).sync_clock()

    def of(self, account_id: str) -> Client:
        """The account's client, made on first use."""
        if account_id not in self._clients:
            self._clients[account_id] = self._connect(account_id)
        return self._clients[account_id]

    def _connect(self, account_id: str) -> Client:
        if not hasattr(self._thread, "session"):
            self._thread.session = requests.Session()
            self._thread.session.trust_env = False
        return connect(
            self._group.venue,
            self._group.settings,
            account_id,
            self._group.credentials.get(account_id),
            POLICY,
            self.clock,
            self._thread.session,
        )


def _groups(settings: Settings) -> dict[str, list[list[str]]]:
    """Account ids by exchange, in groups of the configured size."""
    by_exchange: dict[str, list[str]] = {}
    with store_session(settings) as session:
        for account in intake_accounts.bound(session):
            by_exchange.setdefault(account.exchange, []).append(account.account_id)
    size = settings.account_group_size
    return {
        exchange: [accounts[at : at + size] for at in range(0, len(accounts), size)]
        for exchange, accounts in by_exchange.items()
    }


def _group(settings: Settings, part: Part) -> Group:
    named = (part["exchange"], part["group"], settings.account_group_size)
    with store_session(settings) as session:
        # An erased key leaves its account in the group: file names count groups by their members.
        accounts = intake_accounts.group(session, *named)
        accounts = [each for each in accounts if each in part.get("accounts", accounts)]
        keyed = intake_accounts.keyed(session, accounts)
        accounts = [each for each in accounts if each in keyed]
        return Group(
            settings,
            registry.venue(part["exchange"]),
            f"group-{part['group']:02d}",
            {each: intake_accounts.credentials(session, each) for each in accounts},
            intake_quotes.instruments_of(session, accounts),
            intake_claims.open_filings(session, accounts),
        )


def _part(exchange: str, number: int, span: tuple[int, int], only_gaps: bool) -> Part:
    return {
        "exchange": exchange,
        "group": number,
        "from_ms": span[0],
        "to_ms": span[1],
        "only_gaps": only_gaps,
    }


def _work(group: Group, part: Part, venue_ms: int) -> dict[str, list[Stretch]]:
    """What to pull of each account; hours the venue has not reached yet are left out."""
    first, last = part["from_ms"], min(part["to_ms"], windows.hour_end(venue_ms))
    if part.get("only_gaps"):
        gaps = windows.open_gaps(group.settings, group.venue.name, first, last)
        return {account: gaps[account] for account in group.credentials if account in gaps}
    names = _endpoints(group.venue)
    if "accounts" in part:
        return _missing(group.settings, group.venue, group.credentials, (first, last))
    stretches = [Stretch(name, first, last) for name in names] if first < last else []
    return dict.fromkeys(group.credentials, stretches)


def _endpoints(venue: Venue) -> list[str]:
    return [ACCOUNT_CONFIG, *(endpoint.name for endpoint in venue.listings)]


def _missing(
    settings: Settings, venue: Venue, accounts: Iterable[str], span: tuple[int, int]
) -> dict[str, list[Stretch]]:
    """The hours of each account that are not complete; accounts without one are left out."""
    known = windows.recorded(settings, venue.name, *span)
    found = {
        account: windows.missing(known, account, _endpoints(venue), *span) for account in accounts
    }
    return {account: stretches for account, stretches in found.items() if stretches}


def _has_work(settings: Settings, part: Part) -> bool:
    venue = registry.venue(part["exchange"])
    span = (part["from_ms"], part["to_ms"])
    return part["with_filings"] or bool(_missing(settings, venue, part["accounts"], span))


def _pull(group: Group, clients: Clients, account_id: str, stretches: list[Stretch]) -> AccountPull:
    inst_ids = group.inst_ids.get(account_id, [])
    return account_pull.pull_account(clients.of(account_id), stretches, inst_ids)


def _land(group: Group, pulls: list[AccountPull], venue_ms: int) -> dict[str, int]:
    """Rows first, windows last: a window is complete only when its rows are on disk."""
    read = [listing for each in pulls for listing in each.listings]
    rows = listings.land(group.settings, group.label, read)
    single = [
        row
        for each in pulls
        for row in each.rows(ORDERS)
        if row["endpoint"] == group.venue.order.name
    ]
    rows += _add_orders(group, single)
    snapshots = [record for each in pulls for record in each.snapshots]
    listings.land_snapshots(group.settings, group.label, snapshots)
    made = listings.window_rows(group.venue.name, read, venue_ms, clock.now_ms())
    windows.land(group.settings, group.label, made)
    gaps = sum(1 for row in made if not row["is_complete"])
    return {"accounts": len(pulls), "rows": rows, "gaps": gaps}


def _add_orders(group: Group, orders: list[Row]) -> int:
    return listings.add(group.settings, ORDERS, f"{group.label}-{group.venue.order.name}", orders)


def _look_up(group: Group, clients: Clients, pulls: list[AccountPull], known: set[str]) -> int:
    """Ask for filed orders that no listing shows, on accounts whose listings went through."""
    whole = known | {each.account_id for each in pulls if each.is_whole}
    filings = [each for each in group.filings if each.account_id in whole]
    found = lookups.look_up(
        group.settings,
        clients.of,
        lookups.unresolved(group.settings, filings),
        attempts=SIMULATED_LOOKUPS if clock.is_simulated() else 1,
    )
    _add_orders(group, found.orders)
    for hour, rows in landing.by_hour(lookups.TABLE, found.rows).items():
        name = f"{group.label}-{rows[0]['looked_up_at_ms']}"
        landing.replace(group.settings, lookups.TABLE, hour, name, rows)
    return len(found.rows)


def _replies(pulls: list[AccountPull]) -> list[Row]:
    return [row for each in pulls for row in each.replies]


def _replies_name(group: Group, part: Part) -> str:
    return f"{group.label}-{part['from_ms']}-{part['to_ms']}"
