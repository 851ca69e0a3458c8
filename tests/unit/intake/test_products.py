import csv
import shutil

import pytest

from leverageguard import config
from leverageguard.domain.product import Actuarial, Tariff
from leverageguard.intake import products

HERE = config.Settings(data_dir=config.REPO_DIR)
SEEDS = HERE.dbt_dir / "seeds"


@pytest.fixture
def row():
    with (SEEDS / "product_versions.csv").open(newline="") as file:
        return next(row for row in csv.DictReader(file) if row["product_version"] == "seed-v1")


def test_product__unknown__names_the_catalogue():
    with pytest.raises(ValueError, match="seed-v1"):
        products.product(HERE, "gold")


def test_default_product__is_the_actuarial_one_up_to_forty():
    found = products.default_product(HERE)

    assert found.product_version == "actuarial-v2"
    assert isinstance(found.pricing, Actuarial)
    assert found.leverages == frozenset(range(1, 41))


def test_product__seed__is_the_tariff_and_not_quoted_unasked():
    found = products.product(HERE, "seed-v1")

    assert isinstance(found.pricing, Tariff)
    assert not found.is_default
    assert found.leverages == frozenset({20, 30, 40, 100})


def test_product__actuarial__pays_like_the_tariff():
    seed, actuarial = (products.product(HERE, name) for name in ("seed-v1", "actuarial-v2"))
    for principal in (50_000_000, 275_000_000, 500_000_000):
        for leverage in range(1, 41):
            rate = seed.payout_rate_ppm(principal, leverage)
            assert actuarial.payout_rate_ppm(principal, leverage) == rate


def test_terms_hash__any_term_changed__differs(row):
    base = products.terms_hash(row)
    for name in set(row) - products.SALE_COLUMNS:
        assert products.terms_hash({**row, name: row[name] + "1"}) != base, name


def test_terms_hash__sale_ended__stays(row):
    ended = {**row, "sold_to": "2026-02-01", "is_default": "true"}

    assert products.terms_hash(ended) == products.terms_hash(row)


def _catalogue(tmp_path, old, new):
    settings = config.Settings(data_dir=tmp_path, repo_dir=tmp_path)
    target = settings.dbt_dir / "seeds"
    target.mkdir(parents=True)
    shutil.copy(SEEDS / "product_versions.csv", target)
    file = target / "product_versions.csv"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return settings


def test_default_product__two_of_them__is_an_error(tmp_path):
    settings = _catalogue(
        tmp_path, "seed-v1,2025-01-01,,false,false", "seed-v1,2025-01-01,,false,true"
    )

    with pytest.raises(ValueError, match="one row, not 2"):
        products.default_product(settings)


def test_product__unknown_pricing__is_an_error(tmp_path):
    settings = _catalogue(tmp_path, ",actuarial,", ",guessed,")

    with pytest.raises(ValueError, match="tariff or actuarial"):
        products.product(settings, "actuarial-v2")


def test_product__number_missing__is_an_error(tmp_path):
    settings = _catalogue(tmp_path, ",actuarial,200000,", ",actuarial,,")

    with pytest.raises(ValueError, match="invalid literal"):
        products.product(settings, "actuarial-v2")
