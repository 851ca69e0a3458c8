"""Product terms: what a version sells, at which rates and under which limits.

Rates are exact integers in parts per million; how a premium is made of them is `pricing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from leverageguard.domain.money import PPM, text_from_micro

PRINCIPAL_STEP_MICRO_USDC = 10_000
HOUR_SECONDS = 3600


class TermsRefused(ValueError):
    """The product does not sell this; `code` is stable, the message says which term and bound."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Tariff:
    """A premium that is a rate of the principal: min(cap, base + (L-20)·step + (P/unit)·size)."""

    base_ppm: int
    per_leverage_ppm: int
    size_ppm: int
    cap_ppm: int


@dataclass(frozen=True)
class Actuarial:
    """A premium made of the chance of a payout, and what a quote of it must keep to."""

    load_ppm: int
    expense_micro_usdc: int
    max_premium_share_ppm: int
    max_expected_loss_ratio_ppm: int


@dataclass(frozen=True)
class ProductVersion:
    """One version of the tariff; rates in ppm, money in micro-USDC, times in seconds or epoch ms.

    `sold_from_ms` is included, `sold_to_ms` excluded; None means without an end.
    """

    product_version: str
    terms_hash: str
    sold_from_ms: int
    sold_to_ms: int | None
    is_for_scenarios: bool
    is_default: bool
    pricing: Tariff | Actuarial
    min_principal_micro_usdc: int
    max_principal_micro_usdc: int
    leverages: frozenset[int]
    wait_seconds: dict[int, int]
    filing_grace_seconds: int
    payout_base_ppm: int
    payout_per_leverage_ppm: int
    payout_size_ppm: int
    payout_floor_ppm: int
    payout_cap_ppm: int
    size_unit_micro_usdc: int
    claim_cap_micro_usdc: int
    auto_approve_micro_usdc: int
    user_day_cap_micro_usdc: int
    pool_day_cap_micro_usdc: int
    claim_share_of_pool_ppm: int
    max_open_share_of_pool_ppm: int
    appeal_seconds: int
    close_seconds: int
    quote_seconds: int
    loyalty_first_ppm: int
    loyalty_next_ppm: int
    loyalty_next_count: int
    referral_ppm: int

    def payout_rate_ppm(self, principal_micro_usdc: int, leverage: int) -> int:
        """Payout over insured margin: min(cap, max(floor, base + (L-50)·step - (P/unit)·size))."""
        size = Fraction(principal_micro_usdc, self.size_unit_micro_usdc)
        rate = (
            self.payout_base_ppm
            + (leverage - 50) * self.payout_per_leverage_ppm
            - size * self.payout_size_ppm
        )
        bounded = min(Fraction(self.payout_cap_ppm), max(Fraction(self.payout_floor_ppm), rate))
        if bounded.denominator != 1:
            raise TermsRefused(
                "PRINCIPAL_OUT_OF_BOUNDS", "the insured principal must be a whole number of cents"
            )
        return int(bounded)

    def max_payout_micro_usdc(self, principal_micro_usdc: int, leverage: int) -> int:
        """The sum insured: principal times payout rate, rounded down."""
        rate_ppm = self.payout_rate_ppm(principal_micro_usdc, leverage)
        return floor(Fraction(principal_micro_usdc * rate_ppm, PPM))

    def loyalty_surcharge_ppm(self, purchases_before: int) -> int:
        """Surcharge on the tariff's rate: one for the first purchase, one for the next few."""
        if purchases_before == 0:
            return self.loyalty_first_ppm
        return self.loyalty_next_ppm if purchases_before <= self.loyalty_next_count else 0

    def referral_credit_micro_usdc(self, premium_micro_usdc: int) -> int:
        """What the referrer is credited of a premium, rounded down."""
        return premium_micro_usdc * self.referral_ppm // PPM


@dataclass(frozen=True)
class Terms:
    """The numbers one quote freezes; money in micro-USDC, times in seconds, rate in ppm."""

    product_version: str
    terms_hash: str
    leverage: int
    principal_micro_usdc: int
    premium_micro_usdc: int
    payout_rate_ppm: int
    max_payout_micro_usdc: int
    cover_seconds: int
    wait_seconds: int
    filing_grace_seconds: int


def check_insurable(product: ProductVersion, principal_micro_usdc: int, cover_hours: int) -> None:
    """Refuse what the product's formulas are not made for.

    Bounds on principal and leverage are not looked at here: a policy outside them can exist
    (a migrated one, say) and its claim is then refused by TERMS; `check_sold` is the seller's gate.
    """
    if principal_micro_usdc <= 0 or principal_micro_usdc % PRINCIPAL_STEP_MICRO_USDC:
        raise TermsRefused(
            "PRINCIPAL_OUT_OF_BOUNDS",
            "principal must be a positive whole number of cents, "
            f"not {text_from_micro(principal_micro_usdc)} USDC",
        )
    if cover_hours not in product.wait_seconds:
        raise TermsRefused(
            "COVER_NOT_SOLD",
            f"cover of {cover_hours} h is not sold; choose one of {sorted(product.wait_seconds)}",
        )


def check_sold(
    product: ProductVersion, principal_micro_usdc: int, leverage: int, at_ms: int
) -> None:
    """Refuse with the bound that is broken; returns nothing when the product sells this then."""
    is_over = product.sold_to_ms is not None and at_ms >= product.sold_to_ms
    if at_ms < product.sold_from_ms or is_over:
        raise TermsRefused(
            "PRODUCT_NOT_SOLD",
            f"{product.product_version} is not sold at this time: choose a product that is",
        )
    low, high = product.min_principal_micro_usdc, product.max_principal_micro_usdc
    if not low <= principal_micro_usdc <= high:
        raise TermsRefused(
            "PRINCIPAL_OUT_OF_BOUNDS",
            f"principal {text_from_micro(principal_micro_usdc)} USDC is outside "
            f"{text_from_micro(low)}..{text_from_micro(high)} of {product.product_version}",
        )
    if leverage not in product.leverages:
        raise TermsRefused(
            "LEVERAGE_NOT_SOLD",
            f"{product.product_version} does not insure leverage {leverage}x",
        )
