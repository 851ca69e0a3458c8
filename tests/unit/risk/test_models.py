"""What is judged is what prices, and only what is better beyond doubt may price."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import learned_probability as learned
from leverageguard.domain.money import PPM
from leverageguard.domain.probability import SIDES, ClosedForm, RiskInputs, touch_ppm
from leverageguard.risk import (
    cards,
    champion,
    datasets,
    drift,
    evaluation,
    gate,
    models,
    printing,
    registry,
    training,
)
from tests.unit.risk.made_prices import SYMBOLS, market

DAYS = 70


@pytest.fixture(scope="module", params=[True, False], ids=["planted", "noise"])
def world(request):
    return market(DAYS, is_planted=request.param)


@pytest.fixture(scope="module")
def planted():
    measured = market(DAYS, is_planted=True)
    return measured, datasets.dataset(measured, SYMBOLS)


@pytest.fixture(scope="module", params=models.KINDS)
def fitted(request, planted):
    return request.param, models.fit(request.param, planted[1], SYMBOLS)


def inputs_of(measured, data, row):
    """The same row as a quote would put it."""
    asset, side, leverage, hours = data.cells[data.cell[row]]
    known = measured.features["known_at"].to_pylist().index(data.known_ms[row])
    at = {name: measured.features[name][known].as_py() for name in measured.features.column_names}
    symbol = SYMBOLS[asset]
    sigma = symbol["sigma_minute_ppb"]
    state = learned.market_of(at, sigma)
    return RiskInputs(
        asset, side, leverage, symbol["maintenance_ppm"], sigma, hours * 3600, state
    )  # fmt: skip


def test_dataset__every_row__has_the_features_a_quote_would_have(planted):
    measured, data = planted
    for row in np.random.default_rng(1).integers(0, len(data.touched), 60):
        inputs = inputs_of(measured, data, row)

        assert tuple(data.features[row].tolist()) == learned.features(inputs)


def test_predict__any_row__is_what_the_registered_model_prices(planted, fitted):
    measured, data = planted
    kind, parameters = fitted
    kept = json.loads(json.dumps(parameters))  # the register's way
    model = registry.model("v", kind, kept)
    rows = np.random.default_rng(2).integers(0, len(data.touched), 80)
    said = models.predict(kind, kept, data.take(rows))

    for chance, row in zip(said, rows, strict=True):
        exact = model.probability_ppm(inputs_of(measured, data, row))
        assert abs(exact - round(chance * PPM)) <= 1, (kind, row)


def test_fit__same_rows__is_the_same_model(planted, fitted):
    kind, parameters = fitted

    assert models.fit(kind, planted[1], SYMBOLS) == parameters


def test_fitted__more_leverage_longer_or_wilder__is_never_cheaper(planted, fitted):
    kind, parameters = fitted
    model = registry.model("v", kind, parameters)
    markets = training._markets(planted[0], SYMBOLS)

    assert list(gate.upside_down(model, SYMBOLS, markets)) == []


@given(
    st.integers(1, 125), st.integers(1, 125), st.integers(1, 90_000), st.integers(1, 90_000),
    st.integers(1, 5_000_000), st.integers(1, 5_000_000), st.sampled_from(SIDES),
    st.lists(st.integers(100, 3_000), min_size=len(learned.RATIOS), max_size=len(learned.RATIOS)),
    st.integers(0, 1_000), st.integers(0, 1_000),
)  # fmt: skip
def test_fitted__any_position__is_never_cheaper_with_more_of_either(
    fitted, one, other, short, long, calm, wild, side, ratios, down, jumps
):
    kind, parameters = fitted
    model = registry.model("v", kind, parameters)
    state = (*zip(learned.RATIOS, ratios, strict=True), ("down_share", down), ("jump_share", jumps))
    base = RiskInputs("BTC", side, min(one, other), 4_000, min(calm, wild), min(short, long), state)
    chance = model.probability_ppm(base)

    assert model.probability_ppm(replace(base, leverage=max(one, other))) >= chance
    assert model.probability_ppm(replace(base, sigma_minute_ppb=max(calm, wild))) >= chance
    assert model.probability_ppm(replace(base, cover_seconds=max(short, long))) >= chance


def test_upside_down__model_that_falls_with_leverage__is_named():
    class Upside(ClosedForm):
        def probability_ppm(self, inputs):
            return PPM - super().probability_ppm(inputs) + 1

    found = list(gate.upside_down(Upside(), SYMBOLS))

    assert {text.split()[1] for text in found} == {"leverage", "cover", "sigma"}


def register_all(settings, world, kinds, monkeypatch):
    monkeypatch.setattr(champion, "symbols", lambda _: SYMBOLS)
    name = training.keep(settings, world)
    return [training.compare(name, kind) for kind in kinds]


def test_gate__planted_feature__promotes_a_challenger_and_noise_none(
    stored, world, request, monkeypatch
):
    is_planted = "planted" in request.node.callspec.id
    versions = register_all(stored, world, ["logistic", "boosting"], monkeypatch)
    prices = training.promote(versions)
    passed = [
        version
        for version in versions
        if json.loads(registry.record(stored, version).metrics)["gate"]["is_passed"]
    ]

    if is_planted:
        assert prices in passed == versions
        assert champion.champion(stored).model_version == prices
        assert training.promote(versions) == prices  # and is not promoted again
    else:
        assert passed == []
        assert prices == registry.SEED_MODEL


def test_gate__simulated_prices_in_a_real_world__promote_nothing(stored, monkeypatch):
    simulated = market(DAYS, is_planted=True, source="SIMULATED")
    assert not stored.is_simulated
    [version] = register_all(stored, simulated, ["logistic"], monkeypatch)

    assert training.promote([version]) == registry.SEED_MODEL
    card = registry.record(stored, version).card
    assert "the world is real" in card and "SIMULATED prices" in card


def test_printing__models__are_listed_with_what_the_gate_said(stored, planted, monkeypatch):
    assert printing.listing(stored)[1:] == ["no model is registered yet"]
    [version] = register_all(stored, planted[0], ["isotonic"], monkeypatch)
    lines = printing.listing(stored)

    assert lines[0] == f"{registry.SEED_MODEL} prices"
    assert lines[2].split()[:2] == [version, "published"] and "beyond doubt" in lines[2]
    assert printing.shown(stored, version)[0] == f"# {version}"
    with pytest.raises(registry.RegistryError):
        printing.shown(stored, "none")
    plot = (cards.folder(stored, version) / cards.PLOT).read_text()
    assert plot.lstrip().startswith("<?xml") and "<svg" in plot


def test_promote__compared_with_another_champion__is_not_promoted(stored, planted, monkeypatch):
    logistic, isotonic = register_all(stored, planted[0], ["logistic", "isotonic"], monkeypatch)
    registry.promote(stored, isotonic, registry.SEED_MODEL, "somebody", "by hand")

    assert training.promote([logistic]) == isotonic


def test_decide__each_reason__alone_refuses():
    better, doubtful = evaluation.Difference(-9, -15, -1), evaluation.Difference(-9, -15, 0)
    fine, bad = {"ece_ppm": 50_000}, {"ece_ppm": 50_001}

    assert gate.decide(fine, better, [], "published", False).is_passed
    assert gate.decide(fine, better, [], "SIMULATED", True).is_passed
    for refused in (
        gate.decide(fine, doubtful, [], "published", False),
        gate.decide(bad, better, [], "published", False),
        gate.decide(fine, better, ["upside down"], "published", False),
        gate.decide(fine, better, [], "SIMULATED", False),
    ):
        assert len(refused.reasons) == 1


def test_folds__every_row_of_the_past__was_known_before_the_block():
    data = datasets.dataset(market(20, is_planted=False), SYMBOLS)
    found = list(evaluation.folds(data))

    assert len(found) == evaluation.FOLDS
    for fold in found:
        begins = data.day[fold.test].min() * datasets.DAY_MS
        ends = data.known_ms[fold.train] + data.hours[fold.train] * datasets.HOUR_MS
        assert ends.max() <= begins
        # And no more is purged than that: the last cover that ended in time is there.
        assert ends.max() == begins
    tested = np.sum([fold.test for fold in found], axis=0)
    assert tested.max() == 1 and len(np.unique(data.day[tested == 1])) == 12


def test_folds__too_few_days__is_an_error():
    with pytest.raises(ValueError, match="not enough"):
        list(evaluation.folds(datasets.dataset(market(5, is_planted=False), SYMBOLS)))


def test_scores__known_rows__are_those_by_hand():
    said, touched = np.array([0.8, 0.3, 0.3, 0.1]), np.array([True, True, False, False])
    found = evaluation.scores(said, touched)

    assert found["brier_ppm"] == round(1e6 * (0.04 + 0.49 + 0.09 + 0.01) / 4)
    assert found["auc_ppm"] == 875_000
    assert found["ece_ppm"] == round(1e6 * (0.2 + 2 * 0.2 + 0.1) / 4)
    assert found["log_loss_ppm"] == round(
        -1e6 * (np.log(0.8) + np.log(0.3) + np.log(0.7) + np.log(0.9)) / 4
    )


def test_difference__one_day_alone_is_better__is_in_doubt():
    touched = np.ones(100, dtype=bool)
    day = np.repeat(np.arange(10), 10)
    good, plain = np.where(day == 3, 0.9, 0.5), np.full(100, 0.5)

    found = evaluation.difference(good, plain, touched, day)
    assert found.mean_ppm == -24_000 and not found.is_better
    assert evaluation.difference(np.full(100, 0.51), plain, touched, day).is_better


def test_closed_form__right_by_making__is_calibrated_on_the_made_market():
    data = datasets.dataset(market(150, is_planted=False), SYMBOLS)
    found = evaluation.scores(models.closed_form(data.z_milli), data.touched)

    assert found["ece_ppm"] < 20_000
    assert models.closed_form(np.array([1_000]))[0] == touch_ppm(1_000) / PPM


def test_psi__same_or_shifted__is_small_or_large():
    random = np.random.default_rng(3)
    one, other = random.normal(1000, 100, 4000), random.normal(1000, 100, 4000)

    assert drift.psi_milli(one, other) < 20
    assert drift.psi_milli(one, other + 100) > drift.DRIFTED_MILLI


def test_actual_over_expected__right_model__is_about_one_in_most_cells(planted):
    data = datasets.dataset(market(300, is_planted=False), SYMBOLS)
    cells = drift.actual_over_expected(models.closed_form(data.z_milli), data)
    busy = [cell for cell in cells if cell["touches"] > 100]

    assert len(cells) == len(data.cells) and len(busy) > 10
    assert all(750_000 < cell["ratio_ppm"] < 1_300_000 for cell in busy)
    assert sum(cell["low_ppm"] <= PPM <= cell["high_ppm"] for cell in busy) > len(busy) * 0.6


def test_watch_drift__nothing_published__counts_nothing(stored):
    name = training.keep(stored, market(10, is_planted=False))

    assert training.watch_drift(name) == {"hours": 0, "features": 0, "drifted": 0, "cells": 0}
