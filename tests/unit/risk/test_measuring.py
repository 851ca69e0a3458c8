"""The warehouse's models over candles in memory: right volatilities, nothing of the future."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from leverageguard.domain.money import PPM
from leverageguard.risk import champion, datasets, evaluation, measuring, models, paths, training

ASSETS = (paths.Asset("BTC", 620_707, 800_000), paths.Asset("DOGE", 1_089_685, 550_000))
STEP_MS = 300_000


@pytest.fixture(scope="module")
def here(model_folder):
    return model_folder


@pytest.fixture(scope="module")
def candles():
    return measuring.candles_of(ASSETS, days=4, seed=5)


@pytest.fixture(scope="module")
def measured(here, candles):
    return measuring.measure(here, candles, measuring.SIMULATED)


def rows_of(table, asset="BTC", **where):
    return [
        row
        for row in table.to_pylist()
        if row["base_asset"] == asset and all(row[key] == value for key, value in where.items())
    ]


def btc(candles):
    found = candles.filter(pa.compute.equal(candles["base_asset"], "BTC"))
    names = ("minute_at_ms", "low_price", "high_price", "close_price")
    return tuple(found[name].to_numpy() for name in names)


def test_features__an_hour__are_the_textbooks(candles, measured):
    at, low, high, close = btc(candles)
    row = rows_of(measured.features)[30]
    end = int(np.searchsorted(at, row["known_at"]))
    day = slice(end - 288, end)
    before = close[day.start - 1 : end - 1]
    move = np.log(close[day] / before)
    span = np.log(np.maximum(high[day], before) / np.minimum(low[day], before))

    def sigma(squares, minutes):
        return round(1e9 * math.sqrt(squares / minutes))

    assert row["har_1d_ppb"] == pytest.approx(sigma((move**2).sum(), 1440), abs=2)
    assert row["har_6h_ppb"] == pytest.approx(sigma((move[-72:] ** 2).sum(), 360), abs=2)
    assert row["har_1h_ppb"] == pytest.approx(sigma((move[-12:] ** 2).sum(), 60), abs=2)
    parkinson = (span**2).sum() / (4 * math.log(2))
    assert row["parkinson_ppb"] == pytest.approx(sigma(parkinson, 1440), rel=1e-5)
    garman_klass = 0.5 * (span**2).sum() - (2 * math.log(2) - 1) * (move**2).sum()
    assert row["garman_klass_ppb"] == pytest.approx(sigma(garman_klass, 1440), rel=1e-5)
    down = (move[move < 0] ** 2).sum() / (move**2).sum()
    assert row["down_share_ppm"] == pytest.approx(1e6 * down, abs=2)
    bipower = math.pi / 2 * np.abs(move * np.log(before / close[day.start - 2 : end - 2])).sum()
    assert row["jump_share_ppm"] == pytest.approx(
        max(0, 1e6 * (1 - bipower / (move**2).sum())), abs=5
    )


def test_features__ewma__weighs_the_last_hour_most(candles, measured):
    at, _, _, close = btc(candles)
    row = rows_of(measured.features)[-1]
    move = np.diff(np.log(close))[-72 * 12 :]
    assert row["known_at"] == at[-1] + STEP_MS
    hourly = (move.reshape(72, 12) ** 2).sum(axis=1)[::-1]
    weight = 0.94 ** np.arange(72)
    sigma = math.sqrt((hourly * weight).sum() / weight.sum() / 60)

    assert row["ewma_ppb"] == pytest.approx(1e9 * sigma, rel=1e-4)


@pytest.mark.parametrize("hours", [8, 24])
def test_extremes__a_cover__begin_after_its_origin_and_end_with_it(candles, measured, hours):
    at, low, high, close = btc(candles)
    row = rows_of(measured.extremes, cover_hours=hours)[20]
    start = int(np.searchsorted(at, row["known_at"]))
    inside = slice(start, start + 12 * hours)

    fell = 1e9 * math.log(close[start - 1] / low[inside].min())
    rose = 1e9 * math.log(high[inside].max() / close[start - 1])
    assert (row["fell_ppb"], row["rose_ppb"]) == (
        pytest.approx(max(0, fell), abs=2), pytest.approx(max(0, rose), abs=2)
    )  # fmt: skip


def test_measure__later_prices_changed__no_feature_before_them_changes(here, candles, measured):
    at = candles["minute_at_ms"].to_numpy()
    cut = measuring.BEGIN_MS + 3 * datasets.DAY_MS
    changed = candles
    for name in ("low_price", "high_price", "close_price"):
        column = np.where(at >= cut, candles[name].to_numpy() * 3, candles[name].to_numpy())
        changed = changed.set_column(changed.column_names.index(name), name, pa.array(column))
    found = measuring.measure(here, changed, measuring.SIMULATED)

    def before(table):
        return [row for row in table.to_pylist() if row["known_at"] <= cut]

    assert before(found.features) == before(measured.features) != []
    assert found.features != measured.features


def test_measure__one_candle_missing__no_window_over_it_counts(here, candles, measured):
    gap = measuring.BEGIN_MS + 2 * datasets.DAY_MS + 7 * STEP_MS
    is_kept = pa.compute.not_equal(candles["minute_at_ms"], gap)
    found = measuring.measure(here, candles.filter(is_kept), measuring.SIMULATED)

    hour = gap // datasets.HOUR_MS * datasets.HOUR_MS
    lost = {row["known_at"] for row in rows_of(measured.features)} - {
        row["known_at"] for row in rows_of(found.features)
    }
    # The hour itself, and every hour whose last day holds it.
    assert lost == {hour + (1 + n) * datasets.HOUR_MS for n in range(24)}
    covers = rows_of(found.extremes, cover_hours=8)
    assert not [row for row in covers if hour - 8 * datasets.HOUR_MS < row["known_at"] <= hour]


def test_candles__same_seed__are_the_same_and_move_as_they_should(candles):
    again = measuring.candles_of(ASSETS, days=4, seed=5)
    _, low, high, close = btc(candles)

    assert again == candles
    assert (low <= close).all() and (close <= high).all()
    assert np.diff(np.log(close)).std() == pytest.approx(620_707e-9 * math.sqrt(5), rel=0.3)


@pytest.mark.slow
def test_champion__held_out_simulated_days__is_calibrated_and_no_worse_than_the_closed_form(here):
    """Days that the committed table was not fitted to."""
    measured = training.simulated(here, 60, seed=71)
    data = datasets.dataset(measured, champion.symbols(here))
    model = champion.MODELS[champion.SEED_MODEL](here)
    table = champion.committed(here)
    said = models.predict("isotonic", table, data)
    plain = models.closed_form(data.z_milli)
    scored = evaluation.scores(said, data.touched)
    against = evaluation.difference(said, plain, data.touched, data.day)

    assert model.model_version == champion.SEED_MODEL
    assert scored["ece_ppm"] <= 50_000 and scored["auc_ppm"] > 900_000
    assert against.low_ppm <= 0 and against.mean_ppm < 500
    assert set(data.hours.tolist()) == {8, 24} and data.source == measuring.SIMULATED
    assert said.max() <= 1 and said.min() * PPM >= 1
