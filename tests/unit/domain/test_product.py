from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard import config
from leverageguard.domain import product as products
from leverageguard.intake.products import product

SEED = product(config.Settings(data_dir=config.REPO_DIR), "seed-v1")
CENTS = st.integers(5_000, 50_000).map(lambda cents: cents * 10_000)


def usdc(amount: int) -> int:
    return amount * 1_000_000


@pytest.mark.parametrize(
    ("principal", "leverage", "premium", "payout_ppm"),
    [
        # 0.05 + 0 + 0.002, + 0.05 for the first purchase; 0.25 - 0.15 - 0.01 is below the 0.1 floor
        (usdc(50), 20, 5_100_000, 100_000),
        # 0.05 + 0.08 + 0.02 = 0.15, + 0.05; 0.25 + 0.25 - 0.1 = 0.4
        (usdc(500), 100, 100_000_000, 400_000),
        # 0.05 + 0.02 + 0.008 = 0.078, + 0.05; 0.25 - 0.05 - 0.04 = 0.16
        (usdc(200), 40, 25_600_000, 160_000),
    ],
)
def test_terms__seed_v1_worked_examples__match_the_tariff(principal, leverage, premium, payout_ppm):
    terms = products.terms(SEED, principal, leverage, 24)

    assert terms.premium_micro_usdc == premium
    assert terms.payout_rate_ppm == payout_ppm
    assert terms.max_payout_micro_usdc == principal * payout_ppm // 1_000_000


@given(CENTS, st.sampled_from([20, 30, 40, 100]), st.integers(0, 9))
def test_terms__any_sold__premium_rounds_up_and_payout_down(principal, leverage, before):
    terms = products.terms(SEED, principal, leverage, 24, before)
    p, unit = Fraction(principal), 500_000_000
    premium_rate = min(
        Fraction(15, 100), Fraction(5, 100) + Fraction(leverage - 20, 1000) + p / unit / 50
    )
    surcharge = Fraction(5, 100) if before == 0 else Fraction(2, 100) if before < 5 else 0
    payout_rate = Fraction(1, 4) + Fraction(leverage - 50, 200) - p / unit / 10
    payout_rate = min(Fraction(1, 2), max(Fraction(1, 10), payout_rate))

    assert 0 <= terms.premium_micro_usdc - p * (premium_rate + surcharge) < 1
    assert 0 <= p * payout_rate - terms.max_payout_micro_usdc < 1


def test_terms__principal_not_whole_cents__refuses():
    with pytest.raises(products.TermsRefused, match="cents"):
        products.terms(SEED, 50_000_001, 20, 24)


def test_terms__cover_not_sold__names_what_is():
    with pytest.raises(products.TermsRefused, match=r"\[8, 24\]"):
        products.terms(SEED, usdc(50), 20, 12)


@pytest.mark.parametrize(
    ("principal", "leverage"), [(usdc(49), 20), (usdc(501), 20), (usdc(50), 50)]
)
def test_check_sold__outside_the_tariff__refuses(principal, leverage):
    with pytest.raises(products.TermsRefused):
        products.check_sold(SEED, principal, leverage)


def test_check_sold__bounds__accepts():
    products.check_sold(SEED, usdc(50), 20)
    products.check_sold(SEED, usdc(500), 100)


def test_referral_credit__any__is_a_fifth_rounded_down():
    assert products.referral_credit_micro_usdc(9) == 1


def test_product__unknown__names_the_catalogue():
    with pytest.raises(ValueError, match="seed-v1"):
        product(config.Settings(data_dir=config.REPO_DIR), "gold")
