"""How well a model foretells touches: purged rolling-origin folds, scores, days as blocks.

Scores are whole parts per million. Rows of one day share its prices, so a difference between two
models is judged by drawing whole days with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from leverageguard.risk.datasets import DAY_MS, HOUR_MS, Bools, Dataset, Floats, Ints

FOLDS, FIRST_SHARE = 5, 0.4
DRAWS, SEED = 2_000, 20260105
BINS = 10
LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Fold:
    """Row masks: what a model is fitted to, and the later days it is judged on."""

    train: Bools
    test: Bools


@dataclass(frozen=True)
class Difference:
    """Brier score of one model less that of another in ppm, with a 95 % interval over days."""

    mean_ppm: int
    low_ppm: int
    high_ppm: int

    @property
    def is_better(self) -> bool:
        """Whether the interval excludes that the first is no better."""
        return self.high_ppm < 0


def folds(data: Dataset, count: int = FOLDS) -> Iterator[Fold]:
    """Later and later blocks of days, each after everything that is known before it begins.

    A row whose cover reaches into the block is purged: its outcome was not known yet. Raises
    ValueError when there are not enough days for one day a block.
    """
    days = np.unique(data.day)
    first = int(len(days) * FIRST_SHARE)
    if first < 1 or len(days) - first < count:
        raise ValueError(f"{len(days)} days are not enough for {count} blocks")
    for block in np.array_split(days[first:], count):
        is_known = data.known_ms + data.hours * HOUR_MS <= block[0] * DAY_MS
        yield Fold(is_known, (data.day >= block[0]) & (data.day <= block[-1]))


def held_out(data: Dataset, fitted: Callable[[Dataset, Dataset], Floats]) -> tuple[Bools, Floats]:
    """Which rows were judged, and what a model fitted to the past of each said of it.

    `fitted` gets the rows of the past and those to foretell.
    """
    judged = np.zeros(len(data.touched), dtype=bool)
    said = np.zeros(len(data.touched))
    for fold in folds(data):
        said[fold.test] = fitted(data.take(fold.train), data.take(fold.test))
        judged |= fold.test
    return judged, said[judged]


def scores(said: Floats, touched: Bools) -> dict[str, int]:
    """Brier, log loss, expected calibration error and AUC in ppm; mean and base rate beside."""
    safe = np.clip(said, 1e-6, 1 - 1e-6)
    log_loss = -np.where(touched, np.log(safe), np.log1p(-safe)).mean()
    error = sum(
        row["rows"] * abs(row["said_ppm"] - row["seen_ppm"]) for row in reliability(said, touched)
    )
    return {
        "brier_ppm": _ppm(np.square(said - touched).mean()),
        "log_loss_ppm": _ppm(log_loss),
        "ece_ppm": round(error / len(said)),
        "auc_ppm": _ppm(_auc(said, touched)),
        "mean_said_ppm": _ppm(said.mean()),
        "base_rate_ppm": _ppm(touched.mean()),
        "rows": len(said),
    }


def reliability(said: Floats, touched: Bools) -> list[dict[str, int]]:
    """One row for each tenth of chances that was said: how many, mean said, share seen (ppm)."""
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    rows = []
    for part in range(BINS):
        inside = place == part
        if inside.any():
            rows.append(
                {
                    "rows": int(inside.sum()),
                    "said_ppm": _ppm(said[inside].mean()),
                    "seen_ppm": _ppm(touched[inside].mean()),
                }
            )
    return rows


def difference(one: Floats, other: Floats, touched: Bools, day: Ints) -> Difference:
    """How much lower (negative) the Brier score of `one` is, over whole days drawn again."""
    gain = np.square(one - touched) - np.square(other - touched)
    _, places = np.unique(day, return_inverse=True)
    total, rows = np.bincount(places, weights=gain), np.bincount(places)
    random = np.random.Generator(np.random.PCG64(SEED))
    drawn = random.integers(0, len(rows), (DRAWS, len(rows)))
    means = total[drawn].sum(axis=1) / rows[drawn].sum(axis=1)
    low, high = np.percentile(means, LEVEL)
    # Rounded away from better, so that an interval that touches zero never excludes it.
    return Difference(_ppm(gain.mean()), int(np.floor(low * 1e6)), int(np.ceil(high * 1e6)))


def _auc(said: Floats, touched: Bools) -> float:
    """Chance that a touched row was said to be likelier than another; ties count a half."""
    _, places, counts = np.unique(said, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    yes, no = int(touched.sum()), int((~touched).sum())
    if not yes or not no:
        return 0.5
    return float((rank[places][touched].sum() - yes * (yes + 1) / 2) / (yes * no))


def _ppm(value: Any) -> int:
    return round(float(value) * 1_000_000)
