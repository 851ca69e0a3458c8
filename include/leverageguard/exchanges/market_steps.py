"""Plan and pull instruments and one-minute candles of every insured instrument.

Mark and trade candles come from the venue itself; mark candles of the same asset come from one
other venue too, so that a price only one venue ever showed is noticed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from leverageguard import clock, config
from leverageguard.config import VENUES, Settings
from leverageguard.exchanges import endpoints, listings, registry, retry, windows
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.listings import Listing
from leverageguard.exchanges.rows import parsed
from leverageguard.exchanges.venue import (
    FILLS,
    INSTRUMENTS,
    ORDERS,
    POSITIONS,
    Endpoint,
    InconsistentPageError,
    Row,
    Venue,
)
from leverageguard.exchanges.windows import GAP_LOOKBACK_MS, Stretch
from leverageguard.intake import quotes as intake_quotes
from leverageguard.store.base import session as store_session
from leverageguard.warehouse import landing, lock
from leverageguard.warehouse.raw_tables import HOUR_MS

log = logging.getLogger(__name__)
Part = dict[str, Any]
POLICY = retry.Policy()
# A position's evidence reaches an hour beyond both of its ends.
MARGIN_MS = HOUR_MS
INSTRUMENTS_A_PART = 20
# The second source of a price: the first of these that is another venue.
REFERENCES = ("binanceusdm", "okx")
STABLECOINS = ("USDT", "USDC")
FORCED_KINDS = ("full", "partial", "takeover", "adl")


def plan(window_start: str, window_end: str) -> list[Part]:
    """Parts to fetch: chunks of insured instruments over the window and an hour on each side.

    A chunk comes once from its own venue and once as the same assets on another. Open gaps outside
    the window come as parts of their own. Empty while the window lies ahead of the clock.
    """
    settings, now_ms = config.load(), clock.now_ms()
    endpoints.land(settings)
    start, end = clock.parse_ms(window_start), min(clock.parse_ms(window_end), now_ms)
    if start >= end:
        return []
    hours = windows.hours(start - MARGIN_MS, min(end + MARGIN_MS, now_ms))
    span = (hours[0], hours[-1] + HOUR_MS)
    return _parts(settings, _insured(settings), span, now_ms)


def price_forced_closes(window_start: str, window_end: str) -> dict[str, int]:
    """Pull what `plan` leaves out: candles of instruments nobody insured that were force-closed.

    A claim on one is refused for its terms, but no claim is decided without its prices.
    """
    settings, now_ms = config.load(), clock.now_ms()
    start, end = clock.parse_ms(window_start), min(clock.parse_ms(window_end), now_ms)
    hours = windows.hours(start - MARGIN_MS, min(end + MARGIN_MS, now_ms)) if start < end else []
    insured, counts = _insured(settings), {"instruments": 0, "candles": 0, "gaps": 0}
    closed: dict[str, list[str]] = {}
    for exchange, inst_id in sorted(_forced(settings, hours)):
        if inst_id not in insured.get(exchange, []):
            closed.setdefault(exchange, []).append(inst_id)
    for part in _parts(settings, closed, (hours[0], hours[-1] + HOUR_MS), now_ms) if closed else []:
        for name, count in fetch(part).items():
            counts[name] += count
    return counts


def price(settings: Settings, exchange: str, inst_id: str, span: tuple[int, int]) -> int:
    """Pull one instrument's candles, and its asset's elsewhere, where hours are not complete.

    `span` is half-open, epoch ms; returns the gaps left.
    """
    venue = registry.venue(exchange)
    names = [venue.mark_candles.name, venue.trade_candles.name]
    known = windows.recorded(settings, exchange, *span)
    open_ = windows.missing(known, inst_id, names, *span)
    if not open_:
        return 0
    needed = (min(each.from_ms for each in open_), max(each.to_ms for each in open_))
    sources = [exchange, *reference(exchange)]
    parts = [_part(source, exchange, [inst_id], needed, only_gaps=False) for source in sources]
    return sum(fetch(part)["gaps"] for part in parts)


def _insured(settings: Settings) -> dict[str, list[str]]:
    with store_session(settings) as session:
        return intake_quotes.instruments(session)


def _forced(settings: Settings, hours: list[int]) -> set[tuple[str, str]]:
    """(exchange, instrument) of every forced close landed in these hours."""
    return {
        (row["exchange"], row["inst_id"])
        for table in (ORDERS, FILLS, POSITIONS)
        for row in landing.scan(
            settings,
            table,
            columns=["exchange", "inst_id"],
            where={"forced_kind": FORCED_KINDS},
            hours=hours,
        )
    }


def _parts(
    settings: Settings, wanted: dict[str, list[str]], span: tuple[int, int], now_ms: int
) -> list[Part]:
    parts = []
    for exchange, inst_ids in wanted.items():
        gaps = windows.open_gaps(settings, exchange, now_ms - GAP_LOOKBACK_MS, now_ms)
        for at in range(0, len(inst_ids), INSTRUMENTS_A_PART):
            chunk = inst_ids[at : at + INSTRUMENTS_A_PART]
            parts.append(_part(exchange, exchange, chunk, span, only_gaps=False))
            for other in reference(exchange):
                parts.append(_part(other, exchange, chunk, span, only_gaps=False))
            outside = windows.span_outside([g for each in chunk for g in gaps.get(each, [])], span)
            if outside is not None:
                parts.append(_part(exchange, exchange, chunk, outside, only_gaps=True))
    return parts


def reference(exchange: str) -> list[str]:
    """The other venue whose prices are held against this one's; empty when there is none."""
    return [other for other in REFERENCES if other != exchange and other in VENUES][:1]


def fetch(part: Part) -> dict[str, int]:
    """Pull and land one part; returns counts of instruments, candles and gaps.

    A venue's fault is recorded as a gap of its windows, it does not raise.
    """
    settings, venue = config.load(), registry.venue(part["exchange"])
    with lock.exclusive(settings, f"{venue.name}-markets"):
        client = _client(settings, venue)
        instruments = _instruments(client)
        inst_ids, shown = part["inst_ids"], [venue.mark_candles, venue.trade_candles]
        if part["priced_for"] != venue.name:
            source = _client(settings, registry.venue(part["priced_for"]))
            assets = _assets(_instruments(source), part["inst_ids"])
            inst_ids, shown = _of_assets(instruments, assets), [venue.mark_candles]
        read = [
            _read(client, inst_id, endpoint, stretch)
            for inst_id, stretches in _work(settings, client, inst_ids, shown, part).items()
            for endpoint, stretch in stretches
        ]
        name = f"{venue.name}-{part['priced_for']}-{part['inst_ids'][0]}"
        replies = f"{name}-markets-{part['from_ms']}-{part['to_ms']}"
        listings.land_replies(settings, replies, client.replies)
        kept = [row for row in instruments if row["inst_id"] in inst_ids]
        _land_instruments(settings, venue.name, part["from_ms"], kept)
        return {"instruments": len(kept), **_land(settings, client, read)}


def _part(
    exchange: str, priced_for: str, inst_ids: list[str], span: tuple[int, int], only_gaps: bool
) -> Part:
    return {
        "exchange": exchange,
        "priced_for": priced_for,
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


def _work(
    settings: Settings, client: Client, inst_ids: Iterable[str], shown: list[Endpoint], part: Part
) -> dict[str, list[tuple[Endpoint, Stretch]]]:
    """What to read of each instrument; hours the venue has not reached yet are left out."""
    first = part["from_ms"]
    last = min(part["to_ms"], windows.hour_end(client.clock.now_ms()))
    by_name = {endpoint.name: endpoint for endpoint in shown}
    if part.get("only_gaps"):
        gaps = windows.open_gaps(settings, client.venue.name, first, last)
        return {
            inst_id: [
                (by_name[gap.endpoint], gap)
                for gap in gaps.get(inst_id, [])
                if gap.endpoint in by_name
            ]
            for inst_id in inst_ids
        }
    whole = [(each, Stretch(each.name, first, last)) for each in shown] if first < last else []
    return dict.fromkeys(inst_ids, whole)


def _read(client: Client, inst_id: str, endpoint: Endpoint, stretch: Stretch) -> Listing:
    listing = Listing(inst_id, endpoint, stretch)
    listings.read(client, listing, inst_id)
    return listing


def _instruments(client: Client) -> list[Row]:
    """The venue's present terms of its instruments; empty when it does not answer."""
    endpoint = client.venue.instruments

    def check(rows: list[Row]) -> None:
        if not rows:
            raise InconsistentPageError("the venue lists no instrument at all")
        for row in rows:
            parsed(endpoint, row)

    try:
        page = client.call(endpoint, {}, check)
    except retry.GaveUpError as error:
        log.warning("instruments_unread exchange=%s reason=%s", client.venue.name, error)
        return []
    made = {
        "exchange": client.venue.name,
        "endpoint": endpoint.name,
        "reply_sha256": page.reply_sha256,
        "taken_at_ms": clock.now_ms(),
    }
    return [
        listings.as_landed(INSTRUMENTS, record, **made)
        for row in page.rows
        for _, record in parsed(endpoint, row)
    ]


def _assets(instruments: list[Row], inst_ids: list[str]) -> set[str]:
    return {row["base_asset"] for row in instruments if row["inst_id"] in inst_ids}


def _of_assets(instruments: list[Row], assets: set[str]) -> list[str]:
    """The linear perpetuals of these assets, one each, USDT before USDC."""
    chosen: dict[str, tuple[int, str]] = {}
    for row in instruments:
        asset, currency = row["base_asset"], row["settle_currency"]
        is_linear = row["inst_type"] == "perpetual" and row["contract_type"] == "linear"
        if asset in assets and is_linear and currency in STABLECOINS:
            place = (STABLECOINS.index(currency), row["inst_id"])
            chosen[asset] = min(chosen.get(asset, place), place)
    return sorted(inst_id for _, inst_id in chosen.values())


def _land_instruments(settings: Settings, exchange: str, hour_ms: int, rows: list[Row]) -> None:
    landed = {row["inst_id"] for row in rows}
    if landed:
        landing.replace(
            settings,
            INSTRUMENTS,
            hour_ms,
            exchange,
            rows,
            keep=lambda row: row["inst_id"] not in landed,
        )


def _land(settings: Settings, client: Client, read: list[Listing]) -> dict[str, int]:
    """Candles first, windows last: a window is complete only when its rows are on disk."""
    venue, venue_ms, candles, gaps = client.venue.name, client.clock.now_ms(), 0, 0
    for inst_id in dict.fromkeys(listing.owner for listing in read):
        of_inst = [listing for listing in read if listing.owner == inst_id]
        name = f"{venue}-{inst_id}"
        candles += listings.land(settings, name, of_inst)
        made = listings.window_rows(venue, of_inst, venue_ms, clock.now_ms())
        windows.land(settings, name, made)
        gaps += sum(1 for row in made if not row["is_complete"])
    return {"candles": candles, "gaps": gaps}
