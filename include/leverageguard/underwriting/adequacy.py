"""Whether a price carries what it insures, cell by cell, before anything is sold.

A cell is a product, asset, side, leverage and cover at one principal. Its expected loss ratio is
the chance of a touch times the sum insured over the premium; what a referrer would be credited is
taken off the premium first, as the quote's guard does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from leverageguard.config import Settings
from leverageguard.domain.money import PPM, ceil_div
from leverageguard.domain.pricing import Price, check_price, price
from leverageguard.domain.probability import SIDES, RiskInputs
from leverageguard.domain.product import HOUR_SECONDS, Actuarial, ProductVersion, TermsRefused
from leverageguard.risk import champion as models

# A customer of long standing: no loyalty surcharge is left on the tariff.
PURCHASES_BEFORE = 1_000
LEVERAGE_NOT_SOLD = "LEVERAGE_NOT_SOLD"


@dataclass(frozen=True)
class Cell:
    """One cell's price; money in micro-USDC. `refused` is the code a quote would be refused with.

    `target_ppm` is the most its ratio may be; None under a tariff, which has no guard.
    """

    product_version: str
    base_asset: str
    side: str
    leverage: int
    hours: int
    p_ppm: int
    premium_micro_usdc: int
    sum_insured_micro_usdc: int
    expected_ratio_ppm: int
    target_ppm: int | None
    refused: str


class Prices:
    """What a product costs at a principal, asked once for each leverage and chance."""

    def __init__(self, product: ProductVersion, principal_micro_usdc: int) -> None:
        self.product, self.principal_micro_usdc = product, principal_micro_usdc
        self.of = cache(self._of)

    @property
    def target_ppm(self) -> int | None:
        """The most that the expected loss ratio may be; None under a tariff."""
        rules = self.product.pricing
        return rules.max_expected_loss_ratio_ppm if isinstance(rules, Actuarial) else None

    def sum_insured(self, leverage: int) -> int:
        """The most one policy pays, micro-USDC."""
        most = self.product.max_payout_micro_usdc(self.principal_micro_usdc, leverage)
        return min(most, self.product.claim_cap_micro_usdc)

    def kept(self, premium_micro_usdc: int) -> int:
        """The premium less what a referrer is credited."""
        return premium_micro_usdc - self.product.referral_credit_micro_usdc(premium_micro_usdc)

    def _of(self, leverage: int, p_ppm: int) -> tuple[Price, str]:
        """The price, and the code it would be refused with ('' when it is sold)."""
        made = price(self.product, self.principal_micro_usdc, leverage, PURCHASES_BEFORE, p_ppm)
        credit = self.product.referral_credit_micro_usdc(made.premium_micro_usdc)
        most = self.product.max_payout_micro_usdc(self.principal_micro_usdc, leverage)
        if leverage not in self.product.leverages:
            return made, LEVERAGE_NOT_SOLD
        try:
            check_price(self.product, made, most, credit)
        except TermsRefused as refused:
            return made, refused.code
        return made, ""


def cells(
    settings: Settings,
    product: ProductVersion,
    principal_micro_usdc: int,
    leverages: Sequence[int],
) -> Iterator[Cell]:
    """Every cell of every asset the champion knows, at the leverages asked for.

    Each side has its own chance; the premium is that of the likelier side, as quotes are.
    """
    model, prices = models.champion(settings), Prices(product, principal_micro_usdc)
    for asset in sorted(models.symbols(settings)):
        symbol = models.symbol(settings, model.model_version, asset)
        for hours in sorted(product.wait_seconds):
            seconds = hours * HOUR_SECONDS
            for leverage in leverages:
                worst = models.worst_side(model, symbol, leverage, seconds)
                made, refused = prices.of(leverage, worst)
                insured, kept = prices.sum_insured(leverage), prices.kept(made.premium_micro_usdc)
                for side in SIDES:
                    chance = model.probability_ppm(
                        RiskInputs(
                            asset, side, leverage, symbol.maintenance_ppm,
                            symbol.sigma_minute_ppb, seconds, symbol.market,
                        )
                    )  # fmt: skip
                    yield Cell(
                        product.product_version, asset, side, leverage, hours, chance,
                        made.premium_micro_usdc, insured, ratio_ppm(chance * insured, PPM * kept),
                        prices.target_ppm, refused,
                    )  # fmt: skip


def ratio_ppm(part: int, whole: int) -> int:
    """A part of a whole in ppm, rounded up; 0 of nothing."""
    return ceil_div(part * PPM, whole) if whole else 0
