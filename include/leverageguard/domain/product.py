"""Product terms: what a version sells and the numbers a quote freezes.

Rates are exact integers in parts per million of the coefficients' scale; the premium rounds up
and the sum insured rounds down, each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from leverageguard.domain.money import PPM, text_from_micro

PRINCIPAL_STEP_MICRO_USDC = 10_000
HOUR_SECONDS = 3600


class TermsRefused(ValueError):
    """The product does not sell this; the message says which term and its bounds."""


@dataclass(frozen=True)
class ProductVersion:
    """One version of the tariff; rates in ppm, money in micro-USDC, times in seconds."""

    product_version: str
    terms_hash: str
    min_principal_micro_usdc: int
    max_principal_micro_usdc: int
    leverages: frozenset[int]
    wait_seconds: dict[int, int]
    filing_grace_seconds: int
    premium_base_ppm: int
    premium_per_leverage_ppm: int
    premium_size_ppm: int
    premium_cap_ppm: int
    payout_base_ppm: int
    payout_per_leverage_ppm: int
    payout_size_ppm: int
    payout_floor_ppm: int
    payout_cap_ppm: int
    size_unit_micro_usdc: int

    def premium_rate(self, principal_micro_usdc: int, leverage: int) -> Fraction:
        """Premium over principal, exact: min(cap, base + (L-20)·step + (P/unit)·size)."""
        size = Fraction(principal_micro_usdc, self.size_unit_micro_usdc)
        rate = (
            self.premium_base_ppm
            + (leverage - 20) * self.premium_per_leverage_ppm
            + size * self.premium_size_ppm
        )
        return min(Fraction(self.premium_cap_ppm), Fraction(rate)) / PPM

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
            raise TermsRefused("the insured principal must be a whole number of cents")
        return int(bounded)


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


def loyalty_surcharge_ppm(purchases_before: int) -> int:
    """Surcharge on the premium rate: 5 % on the first purchase, 2 % on the next four, then none."""
    if purchases_before == 0:
        return 50_000
    return 20_000 if purchases_before < 5 else 0


def referral_credit_micro_usdc(premium_micro_usdc: int) -> int:
    """What the referrer is credited: 20 % of the premium, rounded down."""
    return premium_micro_usdc // 5


def terms(
    product: ProductVersion,
    principal_micro_usdc: int,
    leverage: int,
    cover_hours: int,
    purchases_before: int = 0,
) -> Terms:
    """The frozen terms of one policy.

    Bounds on principal and leverage are not enforced here: a policy outside them can exist
    (a migrated one, say) and its claim is then refused by TERMS; `check_sold` is the seller's gate.
    """
    if principal_micro_usdc <= 0 or principal_micro_usdc % PRINCIPAL_STEP_MICRO_USDC:
        raise TermsRefused(
            "principal must be a positive whole number of cents, "
            f"not {text_from_micro(principal_micro_usdc)} USDC"
        )
    if cover_hours not in product.wait_seconds:
        raise TermsRefused(
            f"cover of {cover_hours} h is not sold; choose one of {sorted(product.wait_seconds)}"
        )
    rate = product.premium_rate(principal_micro_usdc, leverage)
    rate += Fraction(loyalty_surcharge_ppm(purchases_before), PPM)
    payout_ppm = product.payout_rate_ppm(principal_micro_usdc, leverage)
    return Terms(
        product_version=product.product_version,
        terms_hash=product.terms_hash,
        leverage=leverage,
        principal_micro_usdc=principal_micro_usdc,
        premium_micro_usdc=ceil(principal_micro_usdc * rate),
        payout_rate_ppm=payout_ppm,
        max_payout_micro_usdc=floor(Fraction(principal_micro_usdc * payout_ppm, PPM)),
        cover_seconds=cover_hours * HOUR_SECONDS,
        wait_seconds=product.wait_seconds[cover_hours],
        filing_grace_seconds=product.filing_grace_seconds,
    )


def check_sold(product: ProductVersion, principal_micro_usdc: int, leverage: int) -> None:
    """Refuse with the bound that is broken; returns nothing when the product sells this."""
    low, high = product.min_principal_micro_usdc, product.max_principal_micro_usdc
    if not low <= principal_micro_usdc <= high:
        raise TermsRefused(
            f"principal {text_from_micro(principal_micro_usdc)} USDC is outside "
            f"{text_from_micro(low)}..{text_from_micro(high)} of {product.product_version}"
        )
    if leverage not in product.leverages:
        raise TermsRefused(f"{product.product_version} does not insure leverage {leverage}x")
