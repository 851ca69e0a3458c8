"""The market's state as the published snapshot measured it last, for the models that read one."""

from __future__ import annotations

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.learned_probability import RATIOS, SHARES, market_of
from leverageguard.domain.probability import RiskRefused
from leverageguard.warehouse import connect, snapshot

# Older than this it says nothing of the next hours.
FRESH_MS = 6 * 3_600_000


class MarketUnknownError(RiskRefused):
    """No fresh state of that asset's market is published; nothing stands in for it."""


def newest(
    settings: Settings, asset: str, sigma_minute_ppb: int, at_ms: int | None = None
) -> tuple[tuple[str, int], ...]:
    """The newest state of an asset's market that is known at `at_ms` (now).

    Volatilities are thousandths of the assumed one. Raises MarketUnknownError when none is fresh.
    """
    at_ms = clock.now_ms() if at_ms is None else at_ms
    columns = [*(f"{name}_ppb" for name in RATIOS), *(f"{name}_ppm" for name in SHARES)]
    query = (
        f"select {', '.join(columns)} from fct_risk_features where base_asset = ? "
        "and epoch_ms(known_at) between ? and ? order by known_at desc limit 1"
    )
    rows = connect.rows(snapshot.current(settings), query, [asset, at_ms - FRESH_MS, at_ms])
    if not rows:
        raise MarketUnknownError(f"no fresh state of the market of {asset} is published")
    return market_of({name: int(value) for name, value in rows[0].items()}, sigma_minute_ppb)
