from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard import config
from leverageguard.domain import product as products
from leverageguard.intake.products import product

SETTINGS = config.Settings(data_dir=config.REPO_DIR)
SEED = product(SETTINGS, "seed-v1")
VERSIONS = [
    product(SETTINGS, name)
    for name in ("seed-v1", "actuarial-v2", "scenario-small-v1", "scenario-large-v1")
]
CENTS = st.integers(100, 10_000_000).map(lambda cents: cents * 10_000)
SOLD_MS = 1_767_578_400_000


def usdc(amount: int) -> int:
    return amount * 1_000_000


@given(st.sampled_from(VERSIONS), CENTS, st.integers(1, 125))
def test_payout__any__is_a_whole_number_within_floor_cap_and_rate(version, principal, leverage):
    rate = version.payout_rate_ppm(principal, leverage)
    insured = version.max_payout_micro_usdc(principal, leverage)

    assert type(rate) is int
    assert type(insured) is int
    assert version.payout_floor_ppm <= rate <= version.payout_cap_ppm
    assert 0 <= principal * rate - insured * 1_000_000 < 1_000_000


@given(st.sampled_from(VERSIONS), CENTS, st.integers(1, 124))
def test_payout_rate__more_leverage__is_never_less(version, principal, leverage):
    rate = version.payout_rate_ppm(principal, leverage)

    assert rate <= version.payout_rate_ppm(principal, leverage + 1)


@given(st.sampled_from(VERSIONS), CENTS, st.integers(1, 10_000), st.integers(1, 125))
def test_payout_rate__more_principal__is_never_more(version, principal, more_cents, leverage):
    rate = version.payout_rate_ppm(principal, leverage)

    assert rate >= version.payout_rate_ppm(principal + more_cents * 10_000, leverage)


def test_check_insurable__principal_not_whole_cents__refuses():
    with pytest.raises(products.TermsRefused, match="cents") as refused:
        products.check_insurable(SEED, 50_000_001, 24)
    assert refused.value.code == "PRINCIPAL_OUT_OF_BOUNDS"


def test_check_insurable__cover_not_sold__names_what_is():
    with pytest.raises(products.TermsRefused, match=r"\[8, 24\]") as refused:
        products.check_insurable(SEED, usdc(50), 12)
    assert refused.value.code == "COVER_NOT_SOLD"


@pytest.mark.parametrize(
    ("principal", "leverage", "code"),
    [
        (usdc(50) - 10_000, 20, "PRINCIPAL_OUT_OF_BOUNDS"),
        (usdc(500) + 10_000, 20, "PRINCIPAL_OUT_OF_BOUNDS"),
        (usdc(50), 50, "LEVERAGE_NOT_SOLD"),
        (usdc(50), 19, "LEVERAGE_NOT_SOLD"),
    ],
)
def test_check_sold__outside_the_tariff__refuses(principal, leverage, code):
    with pytest.raises(products.TermsRefused) as refused:
        products.check_sold(SEED, principal, leverage, SOLD_MS)
    assert refused.value.code == code


def test_check_sold__bounds__accepts():
    for leverage in (20, 30, 40, 100):
        products.check_sold(SEED, usdc(50), leverage, SOLD_MS)
        products.check_sold(SEED, usdc(500), leverage, SOLD_MS)


@pytest.mark.parametrize("leverage", [0, 41, 100])
def test_check_sold__actuarial_beyond_forty__refuses(leverage):
    with pytest.raises(products.TermsRefused, match=f"{leverage}x"):
        products.check_sold(VERSIONS[1], usdc(50), leverage, SOLD_MS)


def test_check_sold__actuarial_one_to_forty__accepts():
    for leverage in range(1, 41):
        products.check_sold(VERSIONS[1], usdc(50), leverage, SOLD_MS)


def test_check_sold__before_and_after_its_dates__refuses():
    bounded = replace(SEED, sold_from_ms=1_000, sold_to_ms=2_000)

    products.check_sold(bounded, usdc(50), 20, 1_000)
    products.check_sold(bounded, usdc(50), 20, 1_999)
    for outside in (999, 2_000):
        with pytest.raises(products.TermsRefused) as refused:
            products.check_sold(bounded, usdc(50), 20, outside)
        assert refused.value.code == "PRODUCT_NOT_SOLD"


def test_loyalty_surcharge__by_purchases__is_five_then_four_times_two_then_none():
    found = [SEED.loyalty_surcharge_ppm(before) for before in range(7)]

    assert found == [50_000, 20_000, 20_000, 20_000, 20_000, 0, 0]


def test_loyalty_surcharge__actuarial__is_none():
    assert [VERSIONS[1].loyalty_surcharge_ppm(before) for before in range(3)] == [0, 0, 0]


def test_referral_credit__any__is_a_fifth_rounded_down():
    assert SEED.referral_credit_micro_usdc(9) == 1
