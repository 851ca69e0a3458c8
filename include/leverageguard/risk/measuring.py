"""Candles to features and extremes, by the warehouse's own models over rows in memory.

What the models say of landed prices they say of SIMULATED ones and of an operator's price file:
there is no second formula of a volatility.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leverageguard.config import Settings
from leverageguard.risk import paths
from leverageguard.risk.registry import SIMULATED
from leverageguard.warehouse import model_runner

__all__ = ["PUBLISHED", "SIMULATED", "Measured", "candles_of", "measure", "published"]

if TYPE_CHECKING:
    import pyarrow as pa

STEP_MINUTES = 5
# SIMULATED prices begin here; the instant means nothing.
BEGIN_MS = 1_700_006_400_000
PUBLISHED = "published"
FEATURES, EXTREMES = "fct_risk_features", "fct_price_extremes"
_PRICES = "int_prices__referred"
# The exact models divide in whole numbers; prices of 12 decimals lose nothing of a ppb.
_CAST = (
    "select base_asset, to_timestamp(minute_at_ms // 1000) as minute_at, "
    "cast(low_price as decimal(38, 18)) as low_price, "
    "cast(high_price as decimal(38, 18)) as high_price, "
    "cast(close_price as decimal(38, 18)) as close_price from candles"
)


@dataclass(frozen=True)
class Measured:
    """Features and extremes as Arrow tables with the columns of their marts."""

    features: pa.Table
    extremes: pa.Table
    source: str


def candles_of(
    assets: Sequence[paths.Asset], days: int, seed: int, step_minutes: int = STEP_MINUTES
) -> pa.Table:
    """SIMULATED candles of one common path: asset, start in ms, low, high and close.

    Prices begin at 1,000 and have nine decimals.
    """
    import pyarrow as pa

    random = np.random.Generator(np.random.PCG64(seed))
    steps = paths.market(random, assets, 1, step_minutes)
    count = days * paths.DAY_MINUTES // step_minutes
    taken = [next(steps) for _ in range(count)]
    move, low, high = (
        np.stack([getattr(step, name)[:, 0] for step in taken]) for name in ("move", "low", "high")
    )
    before = np.vstack([np.zeros(len(assets)), np.cumsum(move, axis=0)[:-1]])
    begun_ms = BEGIN_MS + np.arange(count, dtype=np.int64) * step_minutes * 60_000
    columns = {
        "base_asset": np.repeat([one.base_asset for one in assets], count),
        "minute_at_ms": np.tile(begun_ms, len(assets)),
    }
    for name, reached in (("low_price", low), ("high_price", high), ("close_price", move)):
        columns[name] = np.round(1000 * np.exp(before + reached), 9).T.ravel()
    return pa.table(columns)


def measure(settings: Settings, candles: pa.Table, source: str) -> Measured:
    """Features and extremes of candles (base_asset, minute_at_ms, low, high and close price).

    Raises dbt_runner.DbtFailed when the project does not compile.
    """
    models = model_runner.compiled(settings)
    with model_runner.connect() as connection:
        connection.register("candles", candles)
        models.run(connection, [FEATURES, EXTREMES], given={_PRICES: _CAST})
        return Measured(_table(connection, FEATURES), _table(connection, EXTREMES), source)


def published(settings: Settings) -> Measured:
    """What the published snapshot measured of real, or of the simulated world's, prices.

    Raises SnapshotError before the first publish.
    """
    from leverageguard.warehouse import connect, snapshot

    with connect.read_only(snapshot.current(settings)) as connection:
        return Measured(_table(connection, FEATURES), _table(connection, EXTREMES), PUBLISHED)


def _table(connection: object, name: str) -> pa.Table:
    query = f"select * replace (epoch_ms(known_at) as known_at) from {name} order by all"
    found: pa.Table = connection.execute(query).to_arrow_table()  # type: ignore[attr-defined]
    return found
