import csv
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard import config
from leverageguard.domain import pricing
from leverageguard.domain.product import TermsRefused
from leverageguard.intake.products import product

SETTINGS = config.Settings(data_dir=config.REPO_DIR)
SEED, ACTUARIAL, LARGE = (
    product(SETTINGS, name) for name in ("seed-v1", "actuarial-v2", "scenario-large-v1")
)
# Worked out without the package: the column `working` is the arithmetic, in USDC.
TABLE = list(csv.DictReader(Path(__file__).with_name("price_table.csv").open(newline="")))
CENTS = st.integers(5_000, 50_000).map(lambda cents: cents * 10_000)
LEVERAGES = st.integers(1, 40)
CHANCES = st.integers(1, 1_000_000)


def test_price_table__cases__are_many_and_of_both_products():
    names = [row["product"] for row in TABLE]

    assert len(TABLE) >= 40
    assert names.count("seed-v1") >= 20
    assert names.count("actuarial-v2") >= 15
    assert len({row["case"] for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["case"])
def test_terms__worked_out_by_hand__are_these_numbers(row):
    version = product(SETTINGS, row["product"])
    terms = pricing.terms(
        version,
        int(row["principal_micro_usdc"]),
        int(row["leverage"]),
        int(row["cover_hours"]),
        int(row["purchases_before"]),
        int(row["p_ppm"]) if row["p_ppm"] else None,
    )
    found = {
        "premium_micro_usdc": terms.premium_micro_usdc,
        "payout_rate_ppm": terms.payout_rate_ppm,
        "max_payout_micro_usdc": terms.max_payout_micro_usdc,
        "referral_credit_micro_usdc": version.referral_credit_micro_usdc(terms.premium_micro_usdc),
    }

    assert found == {name: int(row[name]) for name in found}
    assert terms.cover_seconds == int(row["cover_hours"]) * 3600
    assert terms.wait_seconds == {8: 900, 24: 1800}[int(row["cover_hours"])]


@given(CENTS, st.sampled_from([20, 30, 40, 100]), st.integers(0, 9))
def test_tariff__any_sold__premium_rounds_up_and_says_its_surcharge(principal, leverage, before):
    found = pricing.price(SEED, principal, leverage, before)
    size = Fraction(principal, 500_000_000)
    rate = min(Fraction(15, 100), Fraction(5, 100) + Fraction(leverage - 20, 1000) + size / 50)
    surcharge = Fraction(5, 100) if before == 0 else Fraction(2, 100) if before < 5 else 0

    assert type(found.premium_micro_usdc) is int
    assert 0 <= found.premium_micro_usdc - principal * (rate + surcharge) < 1
    assert abs(found.surcharge_micro_usdc - principal * surcharge) < 1


@given(CENTS, st.integers(1, 9_999), st.integers(20, 99))
def test_tariff__more_principal_or_leverage__is_never_cheaper(principal, more_cents, leverage):
    premium = pricing.price(SEED, principal, leverage).premium_micro_usdc

    assert premium <= pricing.price(SEED, principal, leverage + 1).premium_micro_usdc
    assert (
        premium <= pricing.price(SEED, principal + more_cents * 10_000, leverage).premium_micro_usdc
    )


@given(CENTS, LEVERAGES, CHANCES)
def test_actuarial__any__premium_is_never_below_its_price(principal, leverage, p_ppm):
    found = pricing.price(ACTUARIAL, principal, leverage, 0, p_ppm)
    insured = ACTUARIAL.max_payout_micro_usdc(principal, leverage)
    exact = Fraction(p_ppm, 1_000_000) * insured

    assert type(found.premium_micro_usdc) is int
    assert 0 <= found.premium_micro_usdc - (exact * Fraction(12, 10) + 100_000) < 1
    assert found.expected_loss_micro_usdc is not None
    assert 0 <= found.expected_loss_micro_usdc - exact < 1
    assert found.surcharge_micro_usdc == 0


@given(CENTS, LEVERAGES, st.integers(1, 999_999))
def test_actuarial__likelier__is_never_cheaper(principal, leverage, p_ppm):
    premium = pricing.price(ACTUARIAL, principal, leverage, 0, p_ppm).premium_micro_usdc
    more = pricing.price(ACTUARIAL, principal, leverage, 0, p_ppm + 1).premium_micro_usdc

    assert premium <= more


@given(CENTS, LEVERAGES, CHANCES)
def test_actuarial__quoted__keeps_to_share_and_loss_ratio(principal, leverage, p_ppm):
    found = pricing.price(ACTUARIAL, principal, leverage, 0, p_ppm)
    insured = ACTUARIAL.max_payout_micro_usdc(principal, leverage)
    credit = ACTUARIAL.referral_credit_micro_usdc(found.premium_micro_usdc)
    try:
        pricing.check_price(ACTUARIAL, found, insured, credit)
    except TermsRefused as refused:
        assert refused.code == "PREMIUM_SHARE"  # the load alone keeps the loss ratio
        assert Fraction(found.premium_micro_usdc, insured) > Fraction(6, 10)
    else:
        assert Fraction(found.premium_micro_usdc, insured) <= Fraction(6, 10)


@pytest.mark.parametrize("p_ppm", [None, 0, -1, 1_000_001])
def test_actuarial__without_a_chance__is_an_error(p_ppm):
    with pytest.raises(ValueError, match=r"1\.\.1000000"):
        pricing.price(ACTUARIAL, 50_000_000, 20, 0, p_ppm)


@pytest.mark.parametrize(("premium", "is_refused"), [(30_000_000, False), (30_000_001, True)])
def test_check_price__premium_beside_the_sum_insured__is_at_most_six_tenths(premium, is_refused):
    found = pricing.Price(premium, 0, 1)
    if not is_refused:
        pricing.check_price(ACTUARIAL, found, 50_000_000)
        return
    with pytest.raises(TermsRefused, match="lower leverage") as refused:
        pricing.check_price(ACTUARIAL, found, 50_000_000)
    assert refused.value.code == "PREMIUM_SHARE"


@pytest.mark.parametrize(
    ("expected", "credit", "is_refused"),
    [(9_000_000, 0, False), (9_000_001, 0, True), (9_000_000, 1, True), (8_999_999, 1, False)],
)
def test_check_price__expected_loss_beside_what_is_kept__is_at_most_nine_tenths(
    expected, credit, is_refused
):
    found = pricing.Price(10_000_000, 0, expected)
    if not is_refused:
        pricing.check_price(ACTUARIAL, found, 50_000_000, credit)
        return
    with pytest.raises(TermsRefused) as refused:
        pricing.check_price(ACTUARIAL, found, 50_000_000, credit)
    assert refused.value.code == "PRICE_INADEQUATE"


def test_check_price__no_load__is_inadequate():
    bare = replace(ACTUARIAL, pricing=replace(ACTUARIAL.pricing, load_ppm=0, expense_micro_usdc=0))
    found = pricing.price(bare, 200_000_000, 40, 0, 300_000)

    with pytest.raises(TermsRefused) as refused:
        pricing.check_price(bare, found, bare.max_payout_micro_usdc(200_000_000, 40))
    assert refused.value.code == "PRICE_INADEQUATE"


def test_check_price__tariff__is_not_looked_at():
    pricing.check_price(SEED, pricing.Price(10**9, 0, None), 1)


def test_terms__large_scenario_product__can_meet_its_claim_cap():
    terms = pricing.terms(LARGE, 100_000_000_000, 20, 24)

    assert terms.max_payout_micro_usdc > LARGE.claim_cap_micro_usdc > LARGE.auto_approve_micro_usdc
