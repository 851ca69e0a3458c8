"""SIMULATED price paths: GARCH(1,1) moves with Student t tails and jumps, alone or of one market.

No real price is in them. A move has unit variance a minute; what a path reached between two steps
is the extreme of a Brownian bridge. A market's assets share one factor: an asset's move is
sigma · (√share · market + √(1 - share) · its own), both of the same kind, so that its own law is
about that of a single path and falls are common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA, BETA, FREEDOM, BURN_IN = 0.05, 0.93, 5, 120
JUMPS_A_DAY, JUMP_SIGMAS = 1.5, 10.0
DAY_MINUTES = 1_440
MODEL_VERSION = "common-factor-garch-t-v1"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asset:
    """How an asset moves: sigma of a minute in ppb, the market's share of its variance in ppm."""

    base_asset: str
    sigma_minute_ppb: int
    market_share_ppm: int


@dataclass(frozen=True)
class Step:
    """What every path did in one step, and how far below and above its start it was meanwhile."""

    move: Floats
    low: Floats
    high: Floats


def ordinary_variance() -> float:
    """What jumps leave of a minute's unit variance."""
    return 1 - JUMPS_A_DAY / DAY_MINUTES * JUMP_SIGMAS**2


def moves(
    random: np.random.Generator, shape: tuple[int, ...], minutes: int = 1
) -> Iterator[Floats]:
    """Moves of `minutes` each for ever, after a burn-in; the variance of one is `minutes`.

    Over longer steps the clusters of variance fade as fast in time: (alpha + beta)^minutes a step.
    """
    ordinary, persistence = ordinary_variance(), (ALPHA + BETA) ** minutes
    beta = BETA if minutes == 1 else persistence - ALPHA
    variance = np.full(shape, ordinary)
    taken = -(-BURN_IN // minutes)
    while True:
        tail = random.standard_t(FREEDOM, shape) * np.sqrt((FREEDOM - 2) / FREEDOM)
        move = np.sqrt(variance) * tail
        variance = ordinary * (1 - ALPHA - beta) + ALPHA * move**2 + beta * variance
        if minutes > 1:
            move *= np.sqrt(minutes)
        hits = random.random(shape) < JUMPS_A_DAY / DAY_MINUTES * minutes
        move += hits * random.normal(0, JUMP_SIGMAS, shape)
        if taken:
            taken -= 1
            continue
        yield move


def steps(random: np.random.Generator, paths: int) -> Iterator[Step]:
    """One-minute steps of single paths for ever."""
    for move in moves(random, (paths,)):
        yield bridged(random, move, np.float64(ordinary_variance()))


def bridged(random: np.random.Generator, move: Floats, variance: Floats | np.float64) -> Step:
    """A move with its extremes, exact for Brownian motion of that variance between both ends."""
    shape = move.shape
    down, up = (np.sqrt(move**2 - 2 * variance * np.log(random.random(shape))) for _ in "du")
    return Step(move, (move - down) / 2, (move + up) / 2)


def market(
    random: np.random.Generator, assets: Sequence[Asset], paths: int, minutes: int
) -> Iterator[Step]:
    """Steps of `minutes` of all assets together, as log returns: arrays of (assets, paths)."""
    sigma = np.array([one.sigma_minute_ppb / 1e9 for one in assets])[:, None]
    share = np.array([one.market_share_ppm / 1e6 for one in assets])[:, None]
    variance = np.square(sigma) * (ordinary_variance() * minutes)
    for unit in moves(random, (1 + len(assets), paths), minutes):
        move = sigma * (np.sqrt(share) * unit[:1] + np.sqrt(1 - share) * unit[1:])
        yield bridged(random, move, variance)
