import csv

import pytest

from leverageguard import config
from leverageguard.domain import pricing
from leverageguard.domain.product import TermsRefused
from leverageguard.intake.products import default_product
from leverageguard.risk import champion
from leverageguard.simulator.seeded import selling
from leverageguard.simulator.venues import twins
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine
from leverageguard.underwriting import risks
from leverageguard.underwriting.refusals import QuoteRefused

HERE = config.Settings(data_dir=config.REPO_DIR)
MODEL, PRODUCT = champion.MODELS[champion.SEED_MODEL](HERE), default_product(HERE)


def check(coin, hours, leverage, principal):
    symbol = risks.symbol(HERE, MODEL.model_version, coin)
    p_ppm = risks.worst_side(MODEL, symbol, leverage, hours * 3600)
    found = pricing.price(PRODUCT, principal, leverage, 0, p_ppm)
    credit = PRODUCT.referral_credit_micro_usdc(found.premium_micro_usdc)
    insured = PRODUCT.max_payout_micro_usdc(principal, leverage)
    pricing.check_price(PRODUCT, found, insured, credit)


@pytest.mark.parametrize("hours", [8, 24])
@pytest.mark.parametrize("coin", sorted(selling.MOST[24]))
def test_default_product__seeded_world__is_sold_up_to_what_it_says(coin, hours):
    for leverage in range(1, selling.MOST[hours][coin] + 1):
        for principal in (50_000_000, 199_990_000, 500_000_000):
            check(coin, hours, leverage, principal)


@pytest.mark.parametrize("coin", sorted(set(selling.MOST[24]) - {"BTC"}))
def test_default_product__forty_for_a_day_of_a_wilder_coin__is_refused(coin):
    with pytest.raises(TermsRefused) as refused:
        check(coin, 24, 40, 100_000_000)
    assert refused.value.code == "PREMIUM_SHARE"


def test_sold_instruments__every_one_the_twins_list__has_its_asset_and_volatility():
    for venue, twin in twins().items():
        for symbol in twin.symbols.values():
            asset = risks.base_asset(HERE, venue, symbol.inst_id)
            assert asset == symbol.coin
            assert risks.symbol(HERE, MODEL.model_version, asset).sigma_minute_ppb > 0


@pytest.mark.parametrize(
    ("exchange", "inst_id"),
    [("okx", "BTC-USD-SWAP"), ("okx", "BTCUSDT"), ("binanceusdm", "BTCDOMUSDT"), ("other", "BTC")],
)
def test_base_asset__not_listed_letter_by_letter__is_refused(exchange, inst_id):
    with pytest.raises(QuoteRefused) as refused:
        risks.base_asset(HERE, exchange, inst_id)
    assert refused.value.code == "SYMBOL_NOT_SOLD"


def test_symbol__no_volatility_under_the_model__is_refused(settings):
    Base.metadata.create_all(engine(settings))
    with pytest.raises(QuoteRefused) as refused:
        risks.symbol(settings, "another-model", "BTC")
    assert refused.value.code == "SYMBOL_NOT_SOLD"


def test_volatilities__every_row__says_that_it_is_assumed():
    path = HERE.dbt_dir / "seeds" / "symbol_volatilities.csv"
    for row in csv.DictReader(path.open(newline="")):
        assert row["source"].startswith("assumed:")
        assert "simulated" in row["model_version"]
