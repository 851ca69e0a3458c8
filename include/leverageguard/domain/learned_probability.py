"""Learned chances of a touch, priced by integers: a logistic score and boosted trees.

What a model reads is made of the quote's terms and of the market's state, all whole numbers, and
the score is a sum of whole numbers; only the last step, 1 / (1 + exp(-score)), is Decimal. A quote
is therefore the same integer on every machine. Every rounding is towards the larger chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from leverageguard.domain.money import PPM
from leverageguard.domain.probability import (
    CONTEXT,
    FAR_Z_MILLI,
    PPB,
    RiskInputs,
    RiskRefused,
    touch_ppm,
    z_milli,
)

# The market's state: volatilities over the assumed one and shares, in thousandths.
RATIOS = ("ewma", "har_1h", "har_6h", "har_1d", "parkinson", "garman_klass")
SHARES = ("down_share", "jump_share")
MARKET = (*RATIOS, *SHARES)
# What a learned model reads, in the order of its coefficients.
FEATURES = ("logit", "ewma_logit", "hours", *RATIOS[1:], "adverse_share", "jump_share")
# The chance must rise with these: nearer barriers, longer covers, wilder markets.
RISING = ("logit", "ewma_logit")
HOUR_SECONDS = 3600


@lru_cache(maxsize=FAR_Z_MILLI + 1)
def logit_milli(z_in_milli: int) -> int:
    """ln(p / (1 - p)) of the closed form at that distance, in thousandths, rounded down."""
    p_ppm = min(PPM - 1, touch_ppm(z_in_milli))
    odds = CONTEXT.ln(CONTEXT.divide(Decimal(p_ppm), Decimal(PPM - p_ppm)))
    return int(CONTEXT.multiply(odds, Decimal(1000)).to_integral_value("ROUND_FLOOR"))


def scaled_z_milli(z_in_milli: int, ratio_milli: int) -> int:
    """The distance when the market moves `ratio_milli` thousandths as wildly as assumed."""
    return min(FAR_Z_MILLI, z_in_milli * 1000 // max(1, ratio_milli))


def features(inputs: RiskInputs) -> tuple[int, ...]:
    """The whole numbers a learned model reads, in the order of FEATURES.

    Raises RiskRefused when the market's state is incomplete: nothing stands in for it.
    """
    market = dict(inputs.market)
    missing = [name for name in MARKET if name not in market]
    if missing:
        raise RiskRefused(f"the market's state of {inputs.base_asset} lacks {', '.join(missing)}")
    z = z_milli(inputs)
    down = market["down_share"]
    return (
        logit_milli(z),
        logit_milli(scaled_z_milli(z, market["ewma"])),
        -(-inputs.cover_seconds // HOUR_SECONDS),
        *(market[name] for name in RATIOS[1:]),
        down if inputs.side == "long" else 1000 - down,
        market["jump_share"],
    )


def chance_ppm(score_ppb: int) -> int:
    """1 / (1 + exp(-score)) in ppm, rounded up; the score is in parts per billion."""
    score = CONTEXT.divide(Decimal(score_ppb), Decimal(PPB))
    chance = CONTEXT.divide(Decimal(PPM), CONTEXT.add(Decimal(1), CONTEXT.exp(-score)))
    whole = int(chance)
    return max(1, min(PPM, whole + (chance > whole)))


@dataclass(frozen=True)
class Logistic:
    """A weighted sum of the features; weights and intercept in parts per billion of the score."""

    model_version: str
    intercept_ppb: int
    weights_ppb: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.weights_ppb) != len(FEATURES):
            raise RiskRefused(f"{self.model_version}: one weight for each of {FEATURES}")

    def probability_ppm(self, inputs: RiskInputs) -> int:
        """The chance of a touch within the cover, rounded up."""
        pairs = zip(self.weights_ppb, features(inputs), strict=True)
        return chance_ppm(self.intercept_ppb + sum(weight * value for weight, value in pairs))


@dataclass(frozen=True)
class Tree:
    """A tree as columns; node 0 is its root, and a leaf has no feature (-1).

    A row goes left when its feature is at most the node's threshold.
    """

    feature: tuple[int, ...]
    threshold: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value_ppb: tuple[int, ...]

    def value(self, row: Sequence[int]) -> int:
        """The leaf's value for these features."""
        node = 0
        while self.feature[node] >= 0:
            goes_left = row[self.feature[node]] <= self.threshold[node]
            node = self.left[node] if goes_left else self.right[node]
        return self.value_ppb[node]


@dataclass(frozen=True)
class Boosted:
    """The sum of many trees; all values in parts per billion of the score."""

    model_version: str
    baseline_ppb: int
    trees: tuple[Tree, ...]

    def probability_ppm(self, inputs: RiskInputs) -> int:
        """The chance of a touch within the cover, rounded up."""
        row = features(inputs)
        return chance_ppm(self.baseline_ppb + sum(tree.value(row) for tree in self.trees))


def market_of(row: Mapping[str, int], sigma_minute_ppb: int) -> tuple[tuple[str, int], ...]:
    """The market's state from a row of measured volatilities (ppb) and shares (ppm)."""
    ratios = [(name, row[f"{name}_ppb"] * 1000 // sigma_minute_ppb) for name in RATIOS]
    shares = [(name, row[f"{name}_ppm"] // 1000) for name in SHARES]
    return tuple(ratios + shares)
