"""What a policy costs: exact integers, the premium rounded up once, the sum insured down once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from leverageguard.domain.money import PPM, ceil_div, text_from_micro
from leverageguard.domain.product import (
    HOUR_SECONDS,
    Actuarial,
    ProductVersion,
    Tariff,
    Terms,
    TermsRefused,
    check_insurable,
)


@dataclass(frozen=True)
class Price:
    """A premium and what it holds, micro-USDC; the expected loss is None under a tariff."""

    premium_micro_usdc: int
    surcharge_micro_usdc: int
    expected_loss_micro_usdc: int | None


def price(
    product: ProductVersion,
    principal_micro_usdc: int,
    leverage: int,
    purchases_before: int = 0,
    p_ppm: int | None = None,
) -> Price:
    """The price of one policy; an actuarial product needs the chance of a payout, a tariff none.

    Raises ValueError without it: a missing probability is an error, never a default.
    """
    if isinstance(product.pricing, Tariff):
        return _by_tariff(
            product, product.pricing, principal_micro_usdc, leverage, purchases_before
        )
    if p_ppm is None or not 0 < p_ppm <= PPM:
        raise ValueError(
            f"{product.product_version} is priced by a chance in 1..{PPM}, not {p_ppm}"
        )
    return _by_chance(product, product.pricing, principal_micro_usdc, leverage, p_ppm)


def _by_tariff(
    product: ProductVersion, tariff: Tariff, principal: int, leverage: int, purchases_before: int
) -> Price:
    size = Fraction(principal, product.size_unit_micro_usdc)
    rate = tariff.base_ppm + (leverage - 20) * tariff.per_leverage_ppm + size * tariff.size_ppm
    rate = min(Fraction(tariff.cap_ppm), Fraction(rate))
    plain = ceil(principal * rate / PPM)
    surcharged = rate + product.loyalty_surcharge_ppm(purchases_before)
    premium = ceil(principal * surcharged / PPM)
    return Price(premium, premium - plain, None)


def _by_chance(
    product: ProductVersion, actuarial: Actuarial, principal: int, leverage: int, p_ppm: int
) -> Price:
    """ceil(p · sum insured · (1 + load) + expense)."""
    expected = p_ppm * product.max_payout_micro_usdc(principal, leverage)
    loaded = ceil_div(expected * (PPM + actuarial.load_ppm), PPM * PPM)
    return Price(loaded + actuarial.expense_micro_usdc, 0, ceil_div(expected, PPM))


def check_price(
    product: ProductVersion, price: Price, max_payout_micro_usdc: int, referral_micro_usdc: int = 0
) -> None:
    """Refuse a premium nobody should pay, or one that does not carry what it insures.

    What a referrer is credited is no part of what carries the loss. A tariff is not looked at.
    """
    rules = product.pricing
    if isinstance(rules, Tariff):
        return
    premium = price.premium_micro_usdc
    if premium * PPM > rules.max_premium_share_ppm * max_payout_micro_usdc:
        raise TermsRefused(
            "PREMIUM_SHARE",
            f"premium {text_from_micro(premium)} USDC is more than {rules.max_premium_share_ppm} "
            f"ppm of the {text_from_micro(max_payout_micro_usdc)} USDC insured: choose a lower "
            "leverage or a shorter cover",
        )
    expected, kept = price.expected_loss_micro_usdc or 0, premium - referral_micro_usdc
    if expected * PPM > rules.max_expected_loss_ratio_ppm * kept:
        raise TermsRefused(
            "PRICE_INADEQUATE",
            f"an expected loss of {text_from_micro(expected)} USDC is more than "
            f"{rules.max_expected_loss_ratio_ppm} ppm of the {text_from_micro(kept)} USDC kept",
        )


def terms(
    product: ProductVersion,
    principal_micro_usdc: int,
    leverage: int,
    cover_hours: int,
    purchases_before: int = 0,
    p_ppm: int | None = None,
) -> Terms:
    """The frozen terms of one policy; raises TermsRefused for what no formula covers."""
    check_insurable(product, principal_micro_usdc, cover_hours)
    made = price(product, principal_micro_usdc, leverage, purchases_before, p_ppm)
    return Terms(
        product_version=product.product_version,
        terms_hash=product.terms_hash,
        leverage=leverage,
        principal_micro_usdc=principal_micro_usdc,
        premium_micro_usdc=made.premium_micro_usdc,
        payout_rate_ppm=product.payout_rate_ppm(principal_micro_usdc, leverage),
        max_payout_micro_usdc=product.max_payout_micro_usdc(principal_micro_usdc, leverage),
        cover_seconds=cover_hours * HOUR_SECONDS,
        wait_seconds=product.wait_seconds[cover_hours],
        filing_grace_seconds=product.filing_grace_seconds,
    )
