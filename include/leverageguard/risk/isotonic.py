"""Chances that never rise with distance, as near as can be to those that were seen."""

from __future__ import annotations

from collections.abc import Sequence


def falling(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The closest values that never rise (least squares): pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            (one, w1, n1), (other, w2, n2) = pools[-2:]
            pools[-2:] = [((one * w1 + other * w2) / (w1 + w2), w1 + w2, n1 + n2)]
    return [value for value, _, count in pools for _ in range(count)]
