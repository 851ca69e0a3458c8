"""The chance that the mark price touches a liquidation price within a cover.

Decimal with one fixed context, so that the same inputs give the same integer everywhere; every
rounding is towards the larger chance.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Literal, Protocol

from leverageguard.domain.money import PPM, ceil_div

Side = Literal["long", "short"]
SIDES: tuple[Side, Side] = ("long", "short")
MINUTE_SECONDS = 60
PPB = 1_000_000_000
CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
# No table reaches that far, and 2Φ(-z) is long below one part per million.
FAR_Z_MILLI = 10_000
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


class RiskRefused(ValueError):
    """The inputs describe no position that could be liquidated; the message names the field."""


@dataclass(frozen=True)
class RiskInputs:
    """What the chance depends on: sigma in parts per billion per square root of a minute.

    `market` names the market's state, in whole numbers, for the models that read one.
    """

    base_asset: str
    side: Side
    leverage: int
    maintenance_ppm: int
    sigma_minute_ppb: int
    cover_seconds: int
    market: tuple[tuple[str, int], ...] = ()


class LiquidationProbability(Protocol):
    """Every model that prices a policy; the chance is in 1..1,000,000 ppm."""

    @property
    def model_version(self) -> str:
        """The name under which quotes remember the model."""
        ...

    def probability_ppm(self, inputs: RiskInputs) -> int:
        """The chance of a touch within the cover, rounded up."""
        ...


def distance(inputs: RiskInputs) -> Decimal:
    """|ln(P_liq / entry)| of an isolated linear position; 0 when it is liquidated at once.

    P_liq / entry is (1 - 1/L) / (1 - m) for a long and (1 + 1/L) / (1 + m) for a short.
    """
    if inputs.leverage < 1:
        raise RiskRefused(f"leverage must be at least 1, not {inputs.leverage}")
    if not 0 < inputs.maintenance_ppm < PPM:
        raise RiskRefused(f"maintenance_ppm must lie in 1..{PPM - 1}, not {inputs.maintenance_ppm}")
    sign = -1 if inputs.side == "long" else 1
    numerator = PPM * (inputs.leverage + sign)
    denominator = inputs.leverage * (PPM + sign * inputs.maintenance_ppm)
    if sign * (numerator - denominator) <= 0:
        return Decimal(0)
    if numerator == 0:
        return Decimal("Infinity")
    return abs(CONTEXT.ln(CONTEXT.divide(Decimal(numerator), Decimal(denominator))))


def z_milli(inputs: RiskInputs) -> int:
    """Distance in standard deviations of the cover, in thousandths, rounded down.

    A long without leverage is never liquidated: it counts as FAR_Z_MILLI, as does all beyond.
    """
    if inputs.sigma_minute_ppb < 1 or inputs.cover_seconds < 1:
        raise RiskRefused("sigma_minute_ppb and cover_seconds must be positive")
    far = distance(inputs)
    if far.is_infinite():
        return FAR_Z_MILLI
    minutes = CONTEXT.divide(Decimal(inputs.cover_seconds), Decimal(MINUTE_SECONDS))
    spread = CONTEXT.multiply(Decimal(inputs.sigma_minute_ppb), CONTEXT.sqrt(minutes))
    z = CONTEXT.divide(CONTEXT.multiply(far, Decimal(1000 * PPB)), spread)
    return min(FAR_Z_MILLI, int(z))


def touch_ppm(z_in_milli: int) -> int:
    """2Φ(-z) in ppm, rounded up: the chance that Brownian motion reaches z standard deviations.

    Φ by its series, x = z/√2: 1 - erf(x) = 1 - 2/√π · Σ (-1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)).
    """
    z = CONTEXT.divide(Decimal(min(z_in_milli, FAR_Z_MILLI)), Decimal(1000))
    x = CONTEXT.divide(z, CONTEXT.sqrt(Decimal(2)))
    square, power, total, n = CONTEXT.multiply(x, x), x, Decimal(0), 0
    while abs(power) > Decimal("1e-30"):
        total = CONTEXT.add(total, CONTEXT.divide(power, Decimal(2 * n + 1)))
        n += 1
        power = CONTEXT.divide(CONTEXT.multiply(-power, square), Decimal(n))
    erf = CONTEXT.divide(CONTEXT.multiply(Decimal(2), total), CONTEXT.sqrt(_PI))
    chance = CONTEXT.multiply(CONTEXT.subtract(Decimal(1), erf), Decimal(PPM))
    whole = int(chance)
    return max(1, min(PPM, whole + (chance > whole)))


@dataclass(frozen=True)
class ClosedForm:
    """p = 2Φ(-d / (sigma √h)): the baseline every other model is measured against."""

    model_version: str = "closed-form-v1"

    def probability_ppm(self, inputs: RiskInputs) -> int:
        """The chance of a touch within the cover, rounded up."""
        return touch_ppm(z_milli(inputs))


class Recalibrated:
    """The chance read from a table over z, a straight line between its rows."""

    def __init__(self, model_version: str, rows: Sequence[tuple[int, int]]) -> None:
        """Rows are (z in thousandths, p in ppm); raises RiskRefused unless p falls as z grows."""
        self.model_version = model_version
        self._z = [z for z, _ in rows]
        self._p = [p for _, p in rows]
        rising = all(one < other for one, other in zip(self._z, self._z[1:], strict=False))
        falling = all(one >= other for one, other in zip(self._p, self._p[1:], strict=False))
        if not rows or self._z[0] != 0 or not rising or not falling:
            raise RiskRefused(f"{model_version}: z must rise from 0 and p must never rise with it")
        if self._p[0] > PPM or self._p[-1] < 1:
            raise RiskRefused(f"{model_version}: p must lie in 1..{PPM} ppm")

    def probability_ppm(self, inputs: RiskInputs) -> int:
        """The chance of a touch within the cover, rounded up; beyond the table its last row."""
        z = z_milli(inputs)
        after = bisect_right(self._z, z)
        if after == len(self._z):
            return self._p[-1]
        low, high = self._z[after - 1], self._z[after]
        p_low, p_high = self._p[after - 1], self._p[after]
        return p_high + ceil_div((p_low - p_high) * (high - z), high - low)
