"""The chance of a liquidation of what was sold, by the model that prices."""

from __future__ import annotations

import csv
from functools import lru_cache

from leverageguard.config import Settings
from leverageguard.domain.probability import SIDES, LiquidationProbability, Recalibrated, RiskInputs

MODEL_VERSION = "isotonic-simulated-v1"


class Chances:
    """Chances by asset, leverage and seconds of cover, of the likelier side; asked once each."""

    def __init__(self, settings: Settings) -> None:
        self._model = _model(settings)
        self._symbols = {
            row["base_asset"]: (int(row["sigma_minute_ppb"]), int(row["maintenance_ppm"]))
            for row in _seed(settings, "symbol_volatilities")
        }
        self.ppm = lru_cache(maxsize=65_536)(self._ppm)

    @property
    def model_version(self) -> str:
        """The model that is asked."""
        return self._model.model_version

    def knows(self, base_asset: str | None) -> bool:
        """Whether the model has a volatility of an asset."""
        return base_asset in self._symbols

    def maintenance_ppm(self, base_asset: str) -> int:
        """The share of a position's value at which it is liquidated."""
        return self._symbols[base_asset][1]

    def _ppm(self, base_asset: str, leverage: int, seconds: int) -> int:
        sigma, maintenance = self._symbols[base_asset]
        return max(
            self._model.probability_ppm(
                RiskInputs(base_asset, side, leverage, maintenance, sigma, seconds)
            )
            for side in SIDES
        )


def _model(settings: Settings) -> LiquidationProbability:
    rows = _seed(settings, "liquidation_probabilities")
    return Recalibrated(MODEL_VERSION, [(int(row["z_milli"]), int(row["p_ppm"])) for row in rows])


def _seed(settings: Settings, name: str) -> list[dict[str, str]]:
    with (settings.dbt_dir / "seeds" / f"{name}.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["model_version"] == MODEL_VERSION]
