"""How far a chain-ladder reserve may be off: Mack's standard error (ASTIN Bulletin 23, 1993)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import ceil, sqrt

from leverageguard.fund.triangles import Triangle


def standard_error(of: Triangle) -> int | None:
    """The standard error of the reserve of all days together, micro-USDC, rounded up.

    None while too few days show two columns for a spread to be seen.
    """
    rows = [row for row in of.cells.values() if row]
    columns = max((len(row) for row in rows), default=0)
    factors = [float(each) for each in of.factors()[: max(0, columns - 1)]]
    sums, spreads = [], []
    for column, factor in enumerate(factors):
        both = [(row[column], row[column + 1]) for row in rows if len(row) > column + 1]
        sums.append(float(sum(before for before, _ in both)))
        spreads.append(_spread([pair for pair in both if pair[0]], factor))
    filled = _filled(spreads)
    if filled is None or not factors:
        return None
    noise = [spread / factor**2 for spread, factor in zip(filled, factors, strict=True)]
    open_rows = [row for row in rows if len(row) < columns and row[-1]]
    total, ultimates = 0.0, []
    for row in open_rows:
        start, held, own = len(row) - 1, float(row[-1]), 0.0
        for column in range(start, columns - 1):
            own += noise[column] * (1 / held + 1 / sums[column])
            held *= factors[column]
        ultimates.append((start, held))
        total += held**2 * own
    for (one, first), (other, second) in combinations(ultimates, 2):
        shared = range(max(one, other), columns - 1)
        total += 2 * first * second * sum(noise[column] / sums[column] for column in shared)
    return ceil(sqrt(total))


def _spread(pairs: Sequence[tuple[int, int]], factor: float) -> float | None:
    """The variance of a day's own factor around the column's, by what the day held before."""
    if len(pairs) < 2:
        return None
    return sum(b * (a / b - factor) ** 2 for b, a in pairs) / (len(pairs) - 1)


def _filled(spreads: Sequence[float | None]) -> list[float] | None:
    """Spreads with the last ones that cannot be seen taken from the two before, as Mack does."""
    found: list[float] = []
    for spread in spreads:
        if spread is not None:
            found.append(spread)
        elif len(found) < 2:
            return None
        else:
            two, one = found[-2:]
            found.append(min(one**2 / two if two else 0.0, one, two))
    return found
