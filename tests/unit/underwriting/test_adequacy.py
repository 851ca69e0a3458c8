from dataclasses import replace

import pytest

from leverageguard.domain.money import PPM
from leverageguard.domain.product import Actuarial
from leverageguard.intake.products import product
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine
from leverageguard.underwriting import adequacy

P = 200_000_000


@pytest.fixture
def stored(settings):
    Base.metadata.create_all(engine(settings))
    return settings


def cells(settings, version, leverages):
    return list(adequacy.cells(settings, product(settings, version), P, leverages))


def test_cells__default_product__none_that_is_sold_is_over_its_target(stored):
    found = cells(stored, "actuarial-v2", range(1, 41))
    sold = [cell for cell in found if not cell.refused]

    assert len(found) == 40 * 5 * 2 * 2 and len(sold) > 0.9 * len(found)
    assert all(cell.target_ppm == 900_000 for cell in sold)
    # The load of 20 %, less what a referrer would be credited.
    assert max(cell.expected_ratio_ppm for cell in sold) <= 1_020_409 * 1_000_000 // 1_200_000
    assert {cell.refused for cell in found} == {"", "PREMIUM_SHARE"}


def test_cells__seed_tariff__loses_at_what_it_sells_from_50x_on(stored):
    found = cells(stored, "seed-v1", (20, 50, 100))
    day = [cell for cell in found if cell.hours == 24 and cell.leverage >= 50]

    assert all(cell.expected_ratio_ppm > PPM for cell in day)
    assert all(cell.expected_ratio_ppm < PPM for cell in found if cell.leverage == 20)
    assert {cell.refused for cell in found if cell.leverage == 50} == {"LEVERAGE_NOT_SOLD"}
    assert {cell.refused for cell in found if cell.leverage == 100} == {""}


def test_cells__load_taken_away__the_guard_refuses(stored):
    whole = product(stored, "actuarial-v2")
    rules = whole.pricing
    assert isinstance(rules, Actuarial)
    bare = replace(whole, pricing=replace(rules, load_ppm=0, expense_micro_usdc=0))
    found = list(adequacy.cells(stored, bare, P, (10, 20)))

    assert {cell.refused for cell in found} == {"PRICE_INADEQUATE"}


def test_ratio__rounds_up_and_is_nothing_of_nothing():
    assert adequacy.ratio_ppm(1, 3) == 333_334
    assert adequacy.ratio_ppm(5, 0) == 0
