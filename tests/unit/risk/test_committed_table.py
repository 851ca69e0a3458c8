"""The committed table against the closed form, over many days it was not fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from leverageguard import config
from leverageguard.domain.money import PPM
from leverageguard.risk import champion, models, paths

DAYS, SEED = 20_000, 999
HORIZONS = (480, 1_440)


@pytest.mark.slow
def test_committed_table__many_fresh_simulated_days__has_the_lower_brier_score():
    """A market's one asset, so that days are independent; every z up to four counts alike.

    Both models are asked of the same days: their scores differ by what each is off the law.
    """
    table = champion.committed(config.load())["table"]
    z = np.arange(50, 4_000, 50)
    said = np.interp(z, *np.array(table, dtype=float).T) / PPM
    plain = models.closed_form(z)
    gained, error = 0.0, 0.0
    for extreme in _extremes():
        seen = (extreme >= z[:, None] / 1_000).mean(axis=1)
        gained += float((np.square(plain) - np.square(said) - 2 * (plain - said) * seen).mean())
        error = max(error, float(np.abs(said - seen).mean()))

    assert gained > 0
    assert error < 0.01


def _extremes() -> list[np.ndarray]:
    """How far each day fell or rose within each horizon, in standard deviations of it."""
    random = np.random.Generator(np.random.PCG64(SEED))
    asset = paths.Asset("BTC", 1_000_000_000, 500_000)
    at = low = high = np.zeros(DAYS)
    found = []
    for minute, step in enumerate(paths.market(random, [asset], DAYS, 1), start=1):
        low, high = np.minimum(low, at + step.low[0]), np.maximum(high, at + step.high[0])
        at = at + step.move[0]
        if minute in HORIZONS:
            found.append(np.concatenate([-low, high]) / np.sqrt(minute))
        if minute == HORIZONS[-1]:
            break
    return found
