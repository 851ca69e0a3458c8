"""The one place that says which model prices, and what it knows of each asset.

Quotes, capacity and reserves read it. The newest promotion of the register prices; before the
first one the committed table does, which was fitted to SIMULATED paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.domain.probability import (
    SIDES,
    ClosedForm,
    LiquidationProbability,
    RiskInputs,
    RiskRefused,
)
from leverageguard.risk import market, registry
from leverageguard.risk.registry import SEED_MODEL, SIMULATED

CLOSED_FORM = "closed-form-v1"
# Kinds that read the market's state, and so cannot price without it.
READS_MARKET = ("logistic", "boosting")


class NotModelledError(RiskRefused):
    """The model knows nothing of that asset; none stands in for it."""


@dataclass(frozen=True)
class Symbol:
    """How a base asset moves and is liquidated, as a model states it.

    `market` is the market's state, for the models that read one.
    """

    base_asset: str
    sigma_minute_ppb: int
    maintenance_ppm: int
    market: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class PricedBy:
    """The model that prices now: its version, kind and parameters."""

    model_version: str
    kind: str
    parameters: Mapping[str, Any]


def priced_by(settings: Settings) -> PricedBy:
    """What prices now; RegistryError when the register was changed behind its back."""
    row = registry.promoted(settings)
    if row is None:
        return PricedBy(SEED_MODEL, "isotonic", committed(settings))
    return PricedBy(row.model_version, row.kind, registry.parameters(row))


def champion(settings: Settings) -> LiquidationProbability:
    """The model that prices now."""
    now = priced_by(settings)
    return registry.model(now.model_version, now.kind, now.parameters)


def restore(settings: Settings, model_version: str, who: str, why: str) -> None:
    """Let a model price again that did before the present one; RegistryError for any other.

    The gate let it in once, or it is the committed table: a way back, never a way around.
    """
    now = priced_by(settings).model_version
    if model_version == now or model_version not in registry.priced_before(settings):
        raise registry.RegistryError(f"{model_version} did not price before {now}")
    if registry.record(settings, model_version) is None:
        parameters = committed(settings)
        rows = parameters["table"]
        table_hash = "0x" + sha256(repr(rows).encode()).hexdigest()
        fitted = registry.Fitted("isotonic", SIMULATED, table_hash, len(rows), parameters)
        card = f"# {model_version}\n\nThe committed table, fitted to SIMULATED paths.\n"
        registry.register(settings, fitted, {}, card, model_version)
    registry.promote(settings, model_version, now, who, why)
    registry.land(settings)


def symbol(settings: Settings, model_version: str, asset: str) -> Symbol:
    """What a model knows of an asset; raises NotModelledError where it knows nothing."""
    row = None if model_version in MODELS else registry.record(settings, model_version)
    known = symbols(settings) if row is None else registry.parameters(row)["symbols"]
    if (model_version not in MODELS and row is None) or asset not in known:
        raise NotModelledError(f"{asset} has no volatility under {model_version}")
    found = Symbol(asset, known[asset]["sigma_minute_ppb"], known[asset]["maintenance_ppm"])
    if row is None or row.kind not in READS_MARKET:
        return found
    state = market.newest(settings, asset, found.sigma_minute_ppb)
    return Symbol(asset, found.sigma_minute_ppb, found.maintenance_ppm, state)


def symbols(settings: Settings) -> dict[str, dict[str, int]]:
    """Assumed volatility and maintenance of every asset the committed model knows."""
    return {
        row["base_asset"]: {
            "sigma_minute_ppb": int(row["sigma_minute_ppb"]),
            "maintenance_ppm": int(row["maintenance_ppm"]),
        }
        for row in seeds.rows(settings, "symbol_volatilities")
        if row["model_version"] == SEED_MODEL
    }


def worst_side(model: LiquidationProbability, of: Symbol, leverage: int, seconds: int) -> int:
    """The chance in ppm of the likelier side: the cover pays on either."""
    return max(
        model.probability_ppm(
            RiskInputs(
                of.base_asset,
                side,
                leverage,
                of.maintenance_ppm,
                of.sigma_minute_ppb,
                seconds,
                of.market,
            )
        )
        for side in SIDES
    )


def committed(settings: Settings) -> dict[str, Any]:
    """What the committed model prices from, as a registered one's parameters."""
    rows = seeds.rows(settings, "liquidation_probabilities")
    table = [[int(r["z_milli"]), int(r["p_ppm"])] for r in rows if r["model_version"] == SEED_MODEL]
    return {"table": table, "symbols": symbols(settings)}


MODELS: Mapping[str, Callable[[Settings], LiquidationProbability]] = {
    SEED_MODEL: lambda settings: registry.model(SEED_MODEL, "isotonic", committed(settings)),
    CLOSED_FORM: lambda _settings: ClosedForm(),
}
