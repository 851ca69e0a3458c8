"""A learned model prices by the market's state that was published last, or not at all."""

from __future__ import annotations

import duckdb
import pytest

from leverageguard import clock
from leverageguard.domain.learned_probability import FEATURES, MARKET, RATIOS
from leverageguard.risk import champion, datasets, drift, market, measuring, registry, training
from leverageguard.risk.registry import Fitted
from leverageguard.underwriting import risks
from leverageguard.underwriting.refusals import QuoteRefused
from tests.unit.risk.made_prices import SYMBOLS
from tests.unit.risk.made_prices import market as made_market

DAYS = 12


@pytest.fixture
def published(stored):
    """A snapshot that holds a made-up market, and a clock at its last hour."""
    measured = made_market(DAYS, is_planted=False)
    folder = stored.serve_dir / "v1"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "leverageguard.duckdb")) as made:
        made.execute("set TimeZone = 'UTC'")
        for name, table in (
            (measuring.FEATURES, measured.features),
            (measuring.EXTREMES, measured.extremes),
        ):
            made.register("rows", table)
            made.execute(
                f"create table {name} as select * replace "
                "(make_timestamptz(known_at * 1000) as known_at) from rows"
            )
    (stored.serve_dir / "current").symlink_to("v1")
    last = max(measured.features["known_at"].to_pylist())
    clock.set_world(last + 3_600_000)
    return stored, measured, last


def promoted_logistic(settings):
    weights = [1_000_000, *[0] * (len(FEATURES) - 1)]
    parameters = {
        "features": list(FEATURES), "intercept_ppb": 0, "weights_ppb": weights, "symbols": SYMBOLS
    }  # fmt: skip
    fitted = Fitted("logistic", "published", "0x" + "bb" * 32, 10, parameters)
    version = registry.register(settings, fitted, {}, "card")
    registry.promote(settings, version, registry.SEED_MODEL, "gate", "better")
    return version


def test_symbol__learned_champion__brings_the_newest_state_and_it_prices(published):
    settings, measured, last = published
    version = promoted_logistic(settings)
    symbol = champion.symbol(settings, version, "BTC")
    row = next(row for row in measured.features.to_pylist() if row["known_at"] == last)

    assert [name for name, _ in symbol.market] == list(MARKET)
    ratios = {name: row[f"{name}_ppb"] * 1000 // 1_000_000 for name in RATIOS}
    assert {name: value for name, value in symbol.market if name in RATIOS} == ratios
    chance = champion.worst_side(champion.champion(settings), symbol, 20, 86_400)
    assert 0 < chance < 1_000_000


def test_symbol__state_too_old_or_of_the_future__is_refused_and_nothing_is_sold(published):
    settings, _, last = published
    version = promoted_logistic(settings)
    clock.set_world(last + market.FRESH_MS + 60_000)
    with pytest.raises(QuoteRefused) as refused:
        risks.symbol(settings, version, "BTC")
    assert refused.value.code == "SYMBOL_NOT_SOLD" and "no fresh state" in str(refused.value)

    first = last - (DAYS * 24 - 4) * 3_600_000
    with pytest.raises(market.MarketUnknownError):
        market.newest(settings, "BTC", 1_000_000, at_ms=first - 1)


def test_symbol__nothing_published__is_refused(stored):
    version = promoted_logistic(stored)

    with pytest.raises(QuoteRefused, match="nothing is published"):
        risks.symbol(stored, version, "BTC")


def test_published__snapshot__is_what_was_measured(published):
    settings, measured, _ = published
    found = measuring.published(settings)
    one, other = (datasets.dataset(each, SYMBOLS) for each in (found, measured))

    assert one.data_hash == other.data_hash and found.source == "published"


def test_watch_drift__last_week_published__is_held_against_the_training(published, monkeypatch):
    settings, measured, _ = published
    monkeypatch.setattr(champion, "symbols", lambda _: SYMBOLS)
    promoted_logistic(settings)
    name = training.keep(settings, measured)
    counts = training.watch_drift(name)

    # har_6h changes from day to day: of few days each week is another population.
    assert counts["hours"] == 7 * 6 and counts["features"] == len(drift.NAMES)
    assert counts["cells"] == len(datasets.HOURS) * 2 * len(datasets.LEVERAGES)
    assert (settings.data_dir / "risk" / "drift.json").exists()
    cells = (settings.data_dir / "risk" / "actual_over_expected.csv").read_text().splitlines()
    assert len(cells) == counts["cells"] + 1
    assert training._days(measured) < training.MIN_DAYS
