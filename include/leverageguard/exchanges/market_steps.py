"""Plan and pull instruments and one-minute mark candles of every insured instrument."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from leverageguard import clock, config
from leverageguard.config import Settings
from leverageguard.exchanges import listings, lock, registry, retry, windows
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.listings import Listing
from leverageguard.exchanges.venue import InconsistentPageError, Row, Venue
from leverageguard.exchanges.windows import GAP_LOOKBACK_MS, Stretch
from leverageguard.intake import quotes as intake_quotes
from leverageguard.store.base import session as store_session
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

log = logging.getLogger(__name__)
Part = dict[str, Any]
POLICY = retry.Policy()
# A position's evidence reaches an hour beyond both of its ends.
MARGIN_MS = HOUR_MS
INSTRUMENTS_A_PART = 20


def plan(window_start: str, window_end: str) -> list[Part]:
    """Parts to fetch: chunks of insured instruments over the window and an hour on each side.

    Open gaps outside it come as parts of their own. Empty while the window lies ahead of the clock.
    """
    settings, now_ms = config.load(), clock.now_ms()
    start, end = clock.parse_ms(window_start), min(clock.parse_ms(window_end), now_ms)
    if start >= end:
        return []
    hours = windows.hours(start - MARGIN_MS, min(end + MARGIN_MS, now_ms))
    span = (hours[0], hours[-1] + HOUR_MS)
    with store_session(settings) as session:
        insured = intake_quotes.instruments(session)
    parts = []
    for exchange in registry.VENUES:
        gaps = windows.open_gaps(settings, exchange, now_ms - GAP_LOOKBACK_MS, now_ms)
        for at in range(0, len(insured), INSTRUMENTS_A_PART):
            chunk = insured[at : at + INSTRUMENTS_A_PART]
            parts.append(_part(exchange, chunk, span, only_gaps=False))
            outside = windows.span_outside([g for each in chunk for g in gaps.get(each, [])], span)
            if outside is not None:
                parts.append(_part(exchange, chunk, outside, only_gaps=True))
    return parts


def fetch(part: Part) -> dict[str, int]:
    """Pull and land one part; returns counts of instruments, candles and gaps.

    A venue's fault is recorded as a gap of its windows, it does not raise.
    """
    settings, venue = config.load(), registry.venue(part["exchange"])
    with lock.exclusive(settings, f"{venue.name}-markets"):
        client = _client(settings, venue)
        read = [
            _read(client, inst_id, stretch)
            for inst_id, stretches in _work(settings, client, part).items()
            for stretch in stretches
        ]
        instruments = [] if part.get("only_gaps") else _instruments(client, part["inst_ids"])
        name = f"{venue.name}-markets-{part['inst_ids'][0]}-{part['from_ms']}-{part['to_ms']}"
        listings.land_replies(settings, name, client.replies)
        _land_instruments(settings, part["from_ms"], instruments)
        return {"instruments": len(instruments), **_land(settings, client, read)}


def _part(exchange: str, inst_ids: list[str], span: tuple[int, int], only_gaps: bool) -> Part:
    return {
        "exchange": exchange,
        "inst_ids": inst_ids,
        "from_ms": span[0],
        "to_ms": span[1],
        "only_gaps": only_gaps,
    }


def _client(settings: Settings, venue: Venue) -> Client:
    venue_clock = VenueClock()
    venue_clock.set(clock.now_ms())
    client = connect(venue, settings, policy=POLICY, venue_clock=venue_clock)
    with suppress(retry.GaveUpError):
        client.sync_clock()
    return client


def _work(settings: Settings, client: Client, part: Part) -> dict[str, list[Stretch]]:
    first = part["from_ms"]
    last = min(part["to_ms"], windows.hour_end(client.clock.now_ms()))
    if part.get("only_gaps"):
        gaps = windows.open_gaps(settings, client.venue.name, first, last)
        return {inst_id: gaps.get(inst_id, []) for inst_id in part["inst_ids"]}
    whole = [Stretch(client.venue.candles.name, first, last)] if first < last else []
    return dict.fromkeys(part["inst_ids"], whole)


def _read(client: Client, inst_id: str, stretch: Stretch) -> Listing:
    listing = Listing(inst_id, client.venue.candles, stretch)
    listings.read(client, listing, {"instId": inst_id})
    return listing


def _instruments(client: Client, inst_ids: list[str]) -> list[Row]:
    """The venue's present terms of the wanted instruments; empty when it does not answer."""
    endpoint = client.venue.instruments

    def check(rows: list[Row]) -> None:
        if not rows:
            raise InconsistentPageError("the venue lists no instrument at all")

    try:
        page = client.call(endpoint, {}, check)
    except retry.GaveUpError as error:
        log.warning("instruments_unread exchange=%s reason=%s", client.venue.name, error)
        return []
    made = {"reply_sha256": page.reply_sha256, "taken_at_ms": clock.now_ms()}
    wanted = [row for row in page.rows if row.get("instId") in inst_ids]
    return [listings.as_landed(endpoint, row, **made) for row in wanted]


def _land_instruments(settings: Settings, hour_ms: int, rows: list[Row]) -> None:
    landed = {row["instId"] for row in rows}
    if landed:
        landing.replace(
            settings,
            "okx/instruments",
            hour_ms,
            "instruments",
            rows,
            keep=lambda row: row["instId"] not in landed,
        )


def _land(settings: Settings, client: Client, read: list[Listing]) -> dict[str, int]:
    """Candles first, windows last: a window is complete only when its rows are on disk."""
    venue, venue_ms, candles, gaps = client.venue.name, client.clock.now_ms(), 0, 0
    for inst_id in dict.fromkeys(listing.owner for listing in read):
        of_inst = [listing for listing in read if listing.owner == inst_id]
        candles += listings.land(settings, inst_id, "inst_id", of_inst)
        made = listings.window_rows(venue, of_inst, venue_ms, clock.now_ms())
        windows.land(settings, f"{venue}-{inst_id}", made)
        gaps += sum(1 for row in made if not row["is_complete"])
    return {"candles": candles, "gaps": gaps}
