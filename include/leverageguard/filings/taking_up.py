"""Take up what was filed: land the purchase, the account's evidence, its prices, then the filing.

Everything goes through the hourly steps' own writers, beside what they landed, and hours that are
complete are not asked for again. The filing lands last, so that no build sees it without what is
known of it. A venue's fault is a gap, as in every pull: the claim stays undetermined and the
hourly runs go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog

from leverageguard import clock, config, seeds, telemetry
from leverageguard.config import Settings
from leverageguard.exchanges import market_steps, steps, windows
from leverageguard.exchanges.venue import FILLS
from leverageguard.filings import waiting
from leverageguard.filings.waiting import Cover
from leverageguard.intake import steps as intake_steps
from leverageguard.policies import advancing
from leverageguard.settlement import chain_steps
from leverageguard.settlement.errors import SettlementError
from leverageguard.store.intake_tables import FiledClaim
from leverageguard.telemetry import Part
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS

DAY_MS = 24 * HOUR_MS
# A claim's evidence reaches an hour beyond both ends of its position.
MARGIN_MS = market_steps.MARGIN_MS
Span = tuple[int, int]
_log = structlog.get_logger(__name__)


def take_up() -> dict[str, int]:
    """Land all that the waiting filings need; how many they are, and the gaps that were left."""
    settings = config.load()
    found = waiting.filings(settings)
    if not found:
        return {"filings": 0}
    began_ms = clock.now_ms()
    _land_purchases(settings, min(filed.created_at_ms for filed in found))
    covers = waiting.covers(settings, {filed.policy_id for filed in found})
    gaps = _read_accounts(settings, covers, with_filings=True)
    gaps += _read_markets(settings, found, covers)
    gaps += _read_neighbours(settings, covers)
    landed = intake_steps.land_missing(settings, clock.now_ms() - windows.GAP_LOOKBACK_MS)
    counts = {"filings": len(found), "gaps": gaps, "intake_rows": landed}
    _log.info("filings_taken_up", **counts)
    telemetry.tell(
        settings,
        [
            Part(
                one.filing_id, f"read|{began_ms}", "evidence read", began_ms, clock.now_ms(), counts
            )
            for one in found
        ],
    )
    return counts


def _land_purchases(settings: Settings, filed_ms: int) -> None:
    """Every purchase whose cover may touch a filing's; a silent chain leaves its claims waiting."""
    longest = 2 * DAY_MS + HOUR_MS  # cover, filing grace and the wait before them
    try:
        chain_steps.land_missing(settings, filed_ms - longest)
    except SettlementError:
        _log.exception("purchases_not_landed")
    advancing.advance()


def _read_accounts(settings: Settings, covers: Iterable[Cover], with_filings: bool) -> int:
    """Pull each cover's account over the cover and its margin; the gaps left."""
    now_ms, spans = clock.now_ms(), dict[tuple[str, str], Span]()
    for cover in covers:
        key, span = (cover.exchange, cover.account_id), _around(cover.from_ms, cover.to_ms)
        known = spans.get(key, span)
        spans[key] = (min(known[0], span[0]), min(now_ms, max(known[1], span[1])))
    parts = steps.parts_of(settings, spans, with_filings)
    return sum(steps.fetch(part)["gaps"] for part in parts)


def _read_markets(
    settings: Settings, found: Iterable[FiledClaim], covers: Collection[Cover]
) -> int:
    """Pull the prices around what was filed; the gaps left."""
    gaps = 0
    for filed in found:
        for cover in (each for each in covers if each.policy_id == filed.policy_id):
            first, last = _around(*_claimed(settings, filed, cover))
            span = (first, min(last, clock.now_ms()))
            for inst_id in {cover.inst_id, filed.inst_id}:
                gaps += market_steps.price(settings, cover.exchange, inst_id, span)
    return gaps


def _claimed(settings: Settings, filed: FiledClaim, cover: Cover) -> Span:
    """From the first to the last fill of the account in the cover, when the order is among them.

    Else the claim is about nothing that was found, and looked for in all the cover until filed.
    """
    fills = _fills(settings, cover)
    if all(order_id != filed.order_id for _, order_id in fills):
        return cover.from_ms, max(cover.to_ms, filed.filed_at_ms)
    times = [at_ms for at_ms, _ in fills]
    return min(times), max(times)


def _read_neighbours(settings: Settings, covers: Collection[Cover]) -> int:
    """Pull the other accounts insured in the asset around each fill: one may hold a hedge."""
    reach_ms = 1000 * max(
        int(row["hedge_window_seconds"] or 0) for row in seeds.rows(settings, "check_thresholds")
    )
    gaps = 0
    own = {cover.account_id for cover in covers}
    for cover in covers:
        hours = {
            hour
            for at_ms, _ in _fills(settings, cover)
            for hour in windows.hours(at_ms - reach_ms, at_ms + reach_ms + 1)
        }
        for hour in sorted(hours):
            others = waiting.neighbours(settings, [cover], hour, hour + HOUR_MS)
            spans = {
                (other.exchange, other.account_id): (hour, hour + HOUR_MS)
                for other in others
                if other.account_id not in own
            }
            parts = steps.parts_of(settings, spans, with_filings=False)
            gaps += sum(steps.fetch(part)["gaps"] for part in parts)
    return gaps


def _fills(settings: Settings, cover: Cover) -> list[tuple[int, str]]:
    """(time, order id) of the account's fills in the cover's instrument as they are landed."""
    rows = landing.scan(
        settings,
        FILLS,
        columns=["filled_at_ms", "order_id", "inst_id"],
        where={"account_id": [cover.account_id]},
        hours=windows.hours(*_around(cover.from_ms, cover.to_ms)),
    )
    return [
        (row["filled_at_ms"], row["order_id"]) for row in rows if row["inst_id"] == cover.inst_id
    ]


def _around(from_ms: int, to_ms: int) -> Span:
    return from_ms - MARGIN_MS, to_ms + MARGIN_MS
