"""Whether today's market and claims are still those a model was fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np

from leverageguard.domain.learned_probability import RATIOS, SHARES, market_of
from leverageguard.risk.datasets import Dataset, Floats, Ints, Symbols

# The customary reading: below 0.1 stable, above 0.25 another population.
DRIFTED_MILLI = 250
BINS = 10
NAMES = (*RATIOS, *SHARES)


def states(features: Any, symbols: Symbols) -> dict[str, Ints]:
    """The market's state in every hour of a feature table, one array a name, in thousandths."""
    rows = [row for row in features.to_pylist() if row["base_asset"] in symbols]
    found = [
        dict(market_of(row, symbols[row["base_asset"]]["sigma_minute_ppb"])) for row in rows
    ]  # fmt: skip
    return {name: np.array([state[name] for state in found], dtype=np.int64) for name in NAMES}


def psi_milli(reference: Ints, now: Ints) -> int:
    """Population stability index over the reference's tenths, in thousandths."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))
    # Half a row more in each part, so that an empty one has a logarithm.
    expected, actual = (_shares(edges, values) for values in (reference, now))
    return round(1000 * float(((actual - expected) * np.log(actual / expected)).sum()))


def _shares(edges: Floats, values: Ints) -> Floats:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    found: Floats = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return found


def actual_over_expected(said: Floats, data: Dataset) -> list[dict[str, Any]]:
    """Touches over expected touches of every cell; ratio and 95 % Poisson interval in ppm.

    The interval takes rows for independent. Rows of one day are not, so it is too narrow: it ranks
    cells, and the evaluation by days decides.
    """
    from scipy.stats import chi2

    rows = np.bincount(data.cell, minlength=len(data.cells))
    expected = np.bincount(data.cell, weights=said, minlength=len(data.cells))
    actual = np.bincount(data.cell, weights=data.touched, minlength=len(data.cells))
    low = np.where(actual > 0, chi2.ppf(0.025, 2 * np.maximum(actual, 1)) / 2, 0)
    high = chi2.ppf(0.975, 2 * actual + 2) / 2
    found = []
    for place in np.flatnonzero(rows):
        asset, side, leverage, hours = data.cells[place]
        ratio, least, most = (
            round(1_000_000 * float(part[place] / expected[place])) for part in (actual, low, high)
        )
        found.append(
            {
                "base_asset": asset, "side": side, "leverage": leverage, "hours": hours,
                "rows": int(rows[place]), "touches": int(actual[place]),
                "expected_milli": round(1000 * float(expected[place])),
                "ratio_ppm": ratio, "low_ppm": least, "high_ppm": most,
            }
        )  # fmt: skip
    return found
