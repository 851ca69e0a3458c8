"""The rows risk models are fitted to and judged by: one a position that could have been opened.

Every row is an origin (an asset and an hour), a side, a leverage and a cover, what the market
looked like then, and whether the mark price touched the liquidation price within the cover. Rows
of one day overlap heavily, so nothing may count them as independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leverageguard.domain.learned_probability import (
    FEATURES,
    RATIOS,
    SHARES,
    logit_milli,
    scaled_z_milli,
)
from leverageguard.domain.probability import PPB, SIDES, RiskInputs, distance, z_milli
from leverageguard.risk.measuring import Measured

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOURS = (8, 24)
LEVERAGES = (2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 75, 100)
STRIDE_HOURS = 4
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Symbols = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Dataset:
    """Columns of equal length; `features` is (rows, FEATURES), z in thousandths.

    `cell` names asset, side, leverage and hours of a row by its place in `cells`.
    """

    known_ms: Ints
    hours: Ints
    cell: Ints
    z_milli: Ints
    ewma_z_milli: Ints
    features: Ints
    touched: Bools
    cells: tuple[tuple[str, str, int, int], ...]
    source: str
    data_hash: str

    @property
    def day(self) -> Ints:
        """The UTC day of each origin."""
        return self.known_ms // DAY_MS

    def take(self, rows: Bools | Ints) -> Dataset:
        """Some of the rows."""
        names = ("known_ms", "hours", "cell", "z_milli", "ewma_z_milli", "features", "touched")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


def dataset(
    measured: Measured,
    symbols: Symbols,
    stride_hours: int = STRIDE_HOURS,
    leverages: Sequence[int] = LEVERAGES,
) -> Dataset:
    """Every cell at every origin whose features and extremes are both known.

    Raises ValueError when there is none: no model is made of nothing.
    """
    origins = _origins(measured, symbols, stride_hours)
    if not len(origins["known_at"]):
        raise ValueError("no hour has both a whole day of prices before it and a cover after it")
    cells: list[tuple[str, str, int, int]] = []
    parts = []
    for asset in sorted(set(origins["base_asset"])):
        for hours in HOURS:
            at = (origins["base_asset"] == asset) & (origins["cover_hours"] == hours)
            chosen = {name: column[at] for name, column in origins.items()}
            for side in SIDES:
                for leverage in leverages:
                    inputs = _inputs(asset, side, leverage, hours, symbols)
                    parts.append(_rows(chosen, inputs, symbols[asset], len(cells)))
                    cells.append((asset, side, leverage, hours))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((joined["cell"], joined["known_ms"]))
    columns = {name: column[order] for name, column in joined.items()}
    return Dataset(**columns, cells=tuple(cells), source=measured.source, data_hash=_hash(columns))


def _origins(measured: Measured, symbols: Symbols, stride: int) -> dict[str, Any]:
    features, extremes = measured.features.to_pandas(), measured.extremes.to_pandas()
    joined = features.merge(extremes, on=["base_asset", "known_at"])
    is_wanted = (joined["known_at"] // HOUR_MS % stride == 0) & joined["base_asset"].isin(symbols)
    kept = joined[is_wanted]
    return {name: kept[name].to_numpy() for name in kept.columns}


def _inputs(asset: str, side: Any, leverage: int, hours: int, symbols: Symbols) -> RiskInputs:
    known = symbols[asset]
    return RiskInputs(
        asset, side, leverage, known["maintenance_ppm"], known["sigma_minute_ppb"], hours * 3600
    )


def _rows(
    at: Mapping[str, Any], inputs: RiskInputs, known: Mapping[str, int], cell: int
) -> dict[str, Any]:
    count, z = len(at["known_at"]), z_milli(inputs)
    is_long = inputs.side == "long"
    barrier = int(distance(inputs) * PPB) if z < 10_000 else np.iinfo(np.int64).max
    sigma = known["sigma_minute_ppb"]
    ratio = {name: at[f"{name}_ppb"] * 1000 // sigma for name in RATIOS}
    share = {name: at[f"{name}_ppm"] // 1000 for name in SHARES}
    down = share["down_share"]
    ewma_z = _by_value(ratio["ewma"], lambda value: scaled_z_milli(z, value))
    columns = [
        np.full(count, logit_milli(z)),
        _by_value(ewma_z, logit_milli),
        np.full(count, inputs.cover_seconds // 3600),
        *(ratio[name] for name in RATIOS[1:]),
        down if is_long else 1000 - down,
        share["jump_share"],
    ]
    return {
        "known_ms": at["known_at"].astype(np.int64),
        "hours": np.full(count, inputs.cover_seconds // 3600),
        "cell": np.full(count, cell),
        "z_milli": np.full(count, z),
        "ewma_z_milli": ewma_z,
        "features": np.stack(columns, axis=1).astype(np.int64).reshape(count, len(FEATURES)),
        "touched": at["fell_ppb" if is_long else "rose_ppb"] >= barrier,
    }


def _by_value(values: Ints, one: Callable[[int], int]) -> Ints:
    """The function of each value, asked once a different value."""
    different, places = np.unique(values, return_inverse=True)
    return np.array([one(int(value)) for value in different], dtype=np.int64)[places]


def _hash(columns: Mapping[str, Any]) -> str:
    digest = sha256()
    for name in ("known_ms", "cell", "features", "touched"):
        digest.update(np.ascontiguousarray(columns[name]).tobytes())
    return "0x" + digest.hexdigest()
