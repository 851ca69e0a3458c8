"""Which listings a venue requires before its evidence is complete, landed for the models.

An optional one, which not every read-only key may ask for, adds evidence where it can be read.
"""

from __future__ import annotations

from leverageguard.config import Settings
from leverageguard.exchanges import registry
from leverageguard.warehouse import landing

TABLE = "exchanges/endpoints"
MARKET = "market"


def land(settings: Settings) -> None:
    """Land (exchange, endpoint, scope) of every venue; scope market is read per instrument."""
    rows = [
        {"exchange": venue.name, "endpoint": name, "scope": scope}
        for venue in registry.venues()
        for name, scope in [
            *((each.name, "account") for each in venue.listings if not each.is_optional),
            (venue.mark_candles.name, MARKET),
            (venue.trade_candles.name, MARKET),
        ]
    ]
    if landing.read(settings, TABLE, 0, "registry") != _ordered(rows):
        landing.replace(settings, TABLE, 0, "registry", rows)


def _ordered(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(rows, key=lambda row: (row["exchange"], row["endpoint"], row["scope"]))
