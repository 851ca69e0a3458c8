"""Ask a venue directly for filed orders that no listing shows.

Absence is proved by the venue alone: three times "no such order" over at least ten minutes. A
network fault is no miss and is not recorded as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.exchanges import account_pull, retry, windows
from leverageguard.exchanges.client import Client
from leverageguard.exchanges.venue import ORDERS, Row
from leverageguard.intake.claims import Filing
from leverageguard.warehouse import landing

TABLE = "exchanges/order_lookups"
MISSES_NEEDED = 3
FOUND, NOT_FOUND, UNKNOWN = "found", "not_found", "unknown"
SPAN_MS = 600_000
PAUSE_SECONDS = 301.0


@dataclass(frozen=True)
class Outcome:
    """Lookup rows of `exchanges/order_lookups` and the orders that were found."""

    rows: list[Row]
    orders: list[Row]


def unresolved(settings: Settings, filings: Iterable[Filing]) -> list[Filing]:
    """Filings whose order was neither landed nor found nor proved absent."""
    asked = [filing for filing in filings if not _is_settled(_lookups(settings, filing))]
    if not asked:
        return []
    now_ms = clock.now_ms()
    landed = {
        (row["account_id"], row["order_id"])
        for row in landing.scan(
            settings,
            ORDERS,
            columns=["account_id", "order_id"],
            where={"order_id": [filing.order_id for filing in asked]},
            hours=windows.hours(now_ms - windows.GAP_LOOKBACK_MS, now_ms),
        )
    }
    return [each for each in asked if (each.account_id, each.order_id) not in landed]


def look_up(
    settings: Settings,
    client_of: Callable[[str], Client],
    filings: Sequence[Filing],
    attempts: int,
) -> Outcome:
    """Ask for each filing's order up to `attempts` times, five minutes of our clock apart."""
    outcome = Outcome([], [])
    open_ = list(filings)
    for attempt in range(attempts):
        if not open_:
            break
        if attempt:
            clock.sleep(PAUSE_SECONDS)
        open_ = [
            filing
            for filing in open_
            if _ask(settings, client_of(filing.account_id), filing, outcome) == NOT_FOUND
        ]
    return outcome


def _ask(settings: Settings, client: Client, filing: Filing, outcome: Outcome) -> str:
    """`found`, `not_found`, or `unknown` when the venue gave no usable answer."""
    try:
        order = account_pull.order(client, filing.inst_id, filing.order_id)
    except retry.GaveUpError as error:
        if error.fault is not retry.Fault.NOT_FOUND:
            return UNKNOWN
        result = NOT_FOUND
    else:
        outcome.orders.append(order)
        result = FOUND
    earlier = [row for row in outcome.rows if row["filing_id"] == filing.filing_id]
    outcome.rows.append(
        {
            "exchange": client.venue.name,
            "filing_id": filing.filing_id,
            "account_id": filing.account_id,
            "inst_id": filing.inst_id,
            "order_id": filing.order_id,
            "attempt_no": len(_lookups(settings, filing)) + len(earlier) + 1,
            "outcome": result,
            "looked_up_at_ms": clock.now_ms(),
            "reply_sha256": client.replies[-1]["sha256"],
        }
    )
    return result


def _lookups(settings: Settings, filing: Filing) -> list[Row]:
    return landing.scan(
        settings,
        TABLE,
        columns=["outcome", "looked_up_at_ms"],
        where={"filing_id": [filing.filing_id], "order_id": [filing.order_id]},
    )


def _is_settled(rows: list[Row]) -> bool:
    """Found, or missed often enough over long enough."""
    if any(row["outcome"] == FOUND for row in rows):
        return True
    missed = [row["looked_up_at_ms"] for row in rows if row["outcome"] == NOT_FOUND]
    return len(missed) >= MISSES_NEEDED and max(missed) - min(missed) >= SPAN_MS
