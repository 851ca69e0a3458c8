"""Made-up markets without a price: how far one went follows a law that the test chose."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from leverageguard.domain.learned_probability import RATIOS
from leverageguard.risk import measuring
from leverageguard.risk.datasets import HOUR_MS, HOURS
from leverageguard.risk.measuring import Measured

SIGMA_PPB = 1_000_000
SYMBOLS = {"BTC": {"sigma_minute_ppb": SIGMA_PPB, "maintenance_ppm": 4_000}}
EVERY_HOURS = 4


def market(days: int, is_planted: bool, seed: int = 1, source: str = "published") -> Measured:
    """One asset whose har_6h varies from day to day; planted, it is how the market then moves.

    Extremes are those of Brownian motion, so that the closed form is right where nothing is
    planted. Every other feature says nothing.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    count = days * 24 // EVERY_HOURS
    wild = np.repeat(np.exp(random.normal(0, 0.6, days)), 24 // EVERY_HOURS)
    known = measuring.BEGIN_MS + np.arange(count) * EVERY_HOURS * HOUR_MS
    noise = {name: random.normal(1, 0.1, count).clip(0.5) for name in RATIOS}
    noise["har_6h"] = wild
    features = {
        "base_asset": ["BTC"] * count,
        "known_at": known,
        **{f"{name}_ppb": (value * SIGMA_PPB).astype(int) for name, value in noise.items()},
        "down_share_ppm": random.integers(400_000, 600_000, count),
        "jump_share_ppm": random.integers(0, 300_000, count),
    }
    parts = []
    for hours in HOURS:
        spread = (wild if is_planted else 1) * SIGMA_PPB * np.sqrt(60 * hours)
        reached = {
            name: (np.abs(random.normal(0, 1, count)) * spread).astype(int)
            for name in ("fell_ppb", "rose_ppb")
        }
        parts.append(
            pa.table(
                {
                    "base_asset": ["BTC"] * count,
                    "known_at": known,
                    "cover_hours": np.full(count, hours),
                    **reached,
                }
            )
        )
    return Measured(pa.table(features), pa.concat_tables(parts), source)
