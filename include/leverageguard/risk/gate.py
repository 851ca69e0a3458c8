"""The gate a model must pass to price: better beyond doubt, calibrated, and never upside down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product

from leverageguard.domain.money import PPM
from leverageguard.domain.probability import SIDES, LiquidationProbability, RiskInputs
from leverageguard.risk.datasets import Symbols
from leverageguard.risk.evaluation import Difference
from leverageguard.risk.measuring import SIMULATED

MAX_ECE_PPM = 50_000
LEVERAGES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 125)
SECONDS = (1, 3_600, 28_800, 57_600, 86_400)
WILDER_PPM = (250_000, 1_000_000, 1_500_000, 4_000_000)
Market = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Decision:
    """Whether a model may price, and every reason against it."""

    reasons: tuple[str, ...]

    @property
    def is_passed(self) -> bool:
        """True when nothing speaks against it."""
        return not self.reasons


def decide(
    scored: Mapping[str, int],
    against: Difference,
    broken: Iterable[str],
    data_source: str,
    is_simulated_world: bool,
) -> Decision:
    """Whether a model takes the champion's place; `broken` are places where it is upside down."""
    reasons = []
    if not against.is_better:
        reasons.append(
            f"its Brier score is not lower beyond doubt: {against.mean_ppm:+} ppm, "
            f"95 % from {against.low_ppm:+} to {against.high_ppm:+}"
        )
    if scored["ece_ppm"] > MAX_ECE_PPM:
        reasons.append(f"its calibration error is {scored['ece_ppm']} ppm, over {MAX_ECE_PPM}")
    reasons += list(broken)[:3]
    if data_source == SIMULATED and not is_simulated_world:
        reasons.append("it was fitted to SIMULATED prices, and the world is real")
    return Decision(tuple(reasons))


def upside_down(
    model: LiquidationProbability, symbols: Symbols, markets: Iterable[Market] = ((),)
) -> Iterator[str]:
    """Where more leverage, a longer cover or a wilder asset would be cheaper.

    `markets` are the states the model is looked at in.
    """
    for (asset, known), market, side in product(sorted(symbols.items()), markets, SIDES):
        base = RiskInputs(
            asset, side, 20, known["maintenance_ppm"], known["sigma_minute_ppb"], 86_400, market
        )
        sigmas = [known["sigma_minute_ppb"] * ppm // PPM for ppm in WILDER_PPM]
        for seconds, sigma in product(SECONDS, sigmas):
            at = replace(base, cover_seconds=seconds, sigma_minute_ppb=sigma)
            yield from _falls(model, "leverage", [replace(at, leverage=lev) for lev in LEVERAGES])
        for leverage in LEVERAGES:
            at = replace(base, leverage=leverage)
            longer = [replace(at, cover_seconds=seconds) for seconds in SECONDS]
            wilder = [replace(at, sigma_minute_ppb=sigma) for sigma in sigmas]
            yield from _falls(model, "cover", longer)
            yield from _falls(model, "sigma", wilder)


def _falls(model: LiquidationProbability, what: str, rising: Iterable[RiskInputs]) -> Iterator[str]:
    chances = [(model.probability_ppm(inputs), inputs) for inputs in rising]
    for (lower, _), (higher, inputs) in pairwise(chances):
        if higher < lower:
            yield (
                f"more {what} is cheaper: {inputs.base_asset} {inputs.side} {inputs.leverage}x "
                f"{inputs.cover_seconds} s falls from {lower} to {higher} ppm"
            )
