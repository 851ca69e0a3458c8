"""The chance a quote is priced with: which instruments are sold, how they move, which model.

The seeds are its data. What they do not name is not sold: no default stands in for it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass

from leverageguard.config import Settings
from leverageguard.domain.probability import (
    SIDES,
    ClosedForm,
    LiquidationProbability,
    Recalibrated,
    RiskInputs,
)
from leverageguard.underwriting.refusals import QuoteRefused

CHAMPION = "isotonic-simulated-v1"


@dataclass(frozen=True)
class Symbol:
    """How a base asset moves and is liquidated, as a model's table states it."""

    base_asset: str
    sigma_minute_ppb: int
    maintenance_ppm: int


def base_asset(settings: Settings, exchange: str, inst_id: str) -> str:
    """The asset of an instrument that is sold; refuses any other."""
    for row in _seed(settings, "sold_instruments"):
        if (row["exchange"], row["inst_id"]) == (exchange, inst_id):
            return row["base_asset"]
    raise QuoteRefused("SYMBOL_NOT_SOLD", f"{inst_id} on {exchange} is not insured: choose another")


def symbol(settings: Settings, model_version: str, asset: str) -> Symbol:
    """The asset's row under a model; refuses an asset without one."""
    for row in _seed(settings, "symbol_volatilities"):
        if (row["model_version"], row["base_asset"]) == (model_version, asset):
            return Symbol(asset, int(row["sigma_minute_ppb"]), int(row["maintenance_ppm"]))
    raise QuoteRefused(
        "SYMBOL_NOT_SOLD", f"{asset} has no volatility under {model_version}: choose another"
    )


def champion(settings: Settings) -> LiquidationProbability:
    """The model that prices; one that wins against it takes its place here."""
    return MODELS[CHAMPION](settings)


def worst_side(model: LiquidationProbability, of: Symbol, leverage: int, seconds: int) -> int:
    """The chance in ppm of the likelier side: the cover pays on either."""
    return max(
        model.probability_ppm(
            RiskInputs(
                of.base_asset, side, leverage, of.maintenance_ppm, of.sigma_minute_ppb, seconds
            )
        )
        for side in SIDES
    )


def _recalibrated(settings: Settings) -> LiquidationProbability:
    rows = _seed(settings, "liquidation_probabilities")
    table = [(int(r["z_milli"]), int(r["p_ppm"])) for r in rows if r["model_version"] == CHAMPION]
    return Recalibrated(CHAMPION, table)


MODELS: dict[str, Callable[[Settings], LiquidationProbability]] = {
    CHAMPION: _recalibrated,
    "closed-form-v1": lambda _settings: ClosedForm(),
}


def _seed(settings: Settings, name: str) -> list[dict[str, str]]:
    with (settings.dbt_dir / "seeds" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))
