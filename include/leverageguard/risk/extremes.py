"""How far SIMULATED common paths fall and rise, hour by hour and day by day, kept by their inputs.

Nothing here knows a policy: the same paths serve every valuation, so they are made once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.risk import paths
from leverageguard.risk.paths import Asset, Floats

STEP_MINUTES, HOURS, DAYS = 5, 24, 10
COVER_HOURS = (8, 24)


@dataclass(frozen=True)
class Extremes:
    """Log distances below and above the start, never negative, on every path.

    `hour_falls[h, a]` is what asset `a` fell at most in the first h + 1 hours,
    `cover_falls[d, c, a]` in the first COVER_HOURS[c] hours of day d, from that day's start.
    """

    assets: tuple[str, ...]
    hour_falls: Floats
    hour_rises: Floats
    cover_falls: Floats
    cover_rises: Floats

    @property
    def paths(self) -> int:
        """How many there are."""
        return int(self.hour_falls.shape[-1])


def assets(settings: Settings, sigma_minute_ppb: Callable[[str], int | None]) -> tuple[Asset, ...]:
    """Every asset with a volatility and a share of the market's moves, by name."""
    factors = seeds.rows(settings, "market_factors")
    rows = [row for row in factors if row["model_version"] == paths.MODEL_VERSION]
    found = []
    for row in sorted(rows, key=lambda row: row["base_asset"]):
        sigma = sigma_minute_ppb(row["base_asset"])
        if sigma is not None:
            found.append(Asset(row["base_asset"], sigma, int(row["market_share_ppm"])))
    return tuple(found)


def simulate(of: Sequence[Asset], count: int, seed: int, days: int = DAYS) -> Extremes:
    """The extremes of `count` paths of some days, from the seed alone."""
    random = np.random.Generator(np.random.PCG64(seed))
    steps = paths.market(random, of, count, STEP_MINUTES)
    hour, cover = [], []
    for day in range(days):
        for hours, low, high in _day(steps, (len(of), count)):
            if day == 0:
                hour.append((low, high))
            if hours in COVER_HOURS:
                cover.append((low, high))
    shape = (days, len(COVER_HOURS), len(of), count)
    return Extremes(
        tuple(one.base_asset for one in of),
        np.stack([-low for low, _ in hour]),
        np.stack([high for _, high in hour]),
        np.stack([-low for low, _ in cover]).reshape(shape),
        np.stack([high for _, high in cover]).reshape(shape),
    )


def _day(
    steps: Iterator[paths.Step], shape: tuple[int, int]
) -> Iterator[tuple[int, Floats, Floats]]:
    """The extremes since the day's start at the end of each of its hours."""
    at, low, high = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for number in range(1, HOURS * 60 // STEP_MINUTES + 1):
        step = next(steps)
        low, high = np.minimum(low, at + step.low), np.maximum(high, at + step.high)
        at = at + step.move
        if number % (60 // STEP_MINUTES) == 0:
            yield number * STEP_MINUTES // 60, low, high


def kept(settings: Settings, of: Sequence[Asset], count: int, seed: int) -> Extremes:
    """The same as `simulate`, from the data folder where it was made before."""
    told = [paths.MODEL_VERSION, STEP_MINUTES, DAYS, count, seed]
    named = [[one.base_asset, one.sigma_minute_ppb, one.market_share_ppm] for one in of]
    key = sha256(canonical_json({"paths": told, "assets": named})).hexdigest()
    path = settings.data_dir / "risk" / "paths" / f"{key[:32]}.npz"
    if not path.exists():
        _write(path, simulate(of, count, seed))
    with np.load(path, allow_pickle=False) as file:
        return Extremes(
            tuple(one.base_asset for one in of),
            *(file[name] for name in ("hour_falls", "hour_rises", "cover_falls", "cover_rises")),
        )


def _write(path: Path, made: Extremes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(
        new,
        hour_falls=made.hour_falls, hour_rises=made.hour_rises,
        cover_falls=made.cover_falls, cover_rises=made.cover_rises,
    )  # fmt: skip
    new.replace(path)
