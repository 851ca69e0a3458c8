"""Which listings a venue requires before its evidence is complete, landed for the models.

An optional one, which not every read-only key may ask for, adds evidence where it can be read.
"""

from __future__ import annotations

from collections.abc import Iterable

from leverageguard.config import Settings
from leverageguard.exchanges import registry
from leverageguard.exchanges.venue import FILLS, Row, Venue
from leverageguard.warehouse import landing

TABLE = "exchanges/endpoints"
MARKET = "market"


def land(settings: Settings) -> None:
    """Land each venue's endpoints: their scope, and whether an account's fills come from there.

    Scope market is read per instrument.
    """
    rows = rows_of(registry.venues())
    if landing.read(settings, TABLE, 0, "registry") != _ordered(rows):
        landing.replace(settings, TABLE, 0, "registry", rows)


def rows_of(venues: Iterable[Venue]) -> list[Row]:
    """The rows of some venues, in no promised order."""
    return [
        {
            "exchange": venue.name,
            "endpoint": endpoint.name,
            "scope": scope,
            "has_fills": FILLS in endpoint.tables,
        }
        for venue in venues
        for endpoint, scope in [
            *((each, "account") for each in venue.listings if not each.is_optional),
            (venue.mark_candles, MARKET),
            (venue.trade_candles, MARKET),
        ]
    ]


def _ordered(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["exchange"], row["endpoint"], row["scope"]))
