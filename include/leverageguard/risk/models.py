"""Champion and challengers: how each is fitted, and what it says of many rows at once.

A fit is a mapping of whole numbers, and predictions are made from it, never from the estimator:
what is judged is what would price. `registry.model` prices single positions by the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leverageguard.domain.learned_probability import FEATURES, RISING
from leverageguard.domain.money import PPM
from leverageguard.domain.probability import PPB, touch_ppm
from leverageguard.risk.datasets import Bools, Dataset, Floats, Ints, Symbols
from leverageguard.risk.isotonic import falling

KINDS = ("isotonic", "logistic", "boosting")
MUST_RISE = (*RISING, "hours")
STEP_MILLI = 100
TREES, LEAVES, LEAF_ROWS, SEED = 60, 8, 200, 20260105


def fit(kind: str, data: Dataset, symbols: Symbols) -> dict[str, Any]:
    """The parameters of a model of that kind; KeyError for another kind."""
    made = {"isotonic": _isotonic, "logistic": _logistic, "boosting": _boosting}[kind](data)
    return {**made, "symbols": {asset: dict(known) for asset, known in symbols.items()}}


def predict(kind: str, parameters: Mapping[str, Any], data: Dataset) -> Floats:
    """The chance of a touch for every row, to the ppm that the model would price it with."""
    if kind == "isotonic":
        z, p = np.array(parameters["table"], dtype=float).T
        return _ceil(np.interp(data.z_milli, z, p))
    if kind == "logistic":
        score = data.features @ np.array(parameters["weights_ppb"], dtype=np.int64)
        score += parameters["intercept_ppb"]
    else:
        score = np.full(len(data.touched), parameters["baseline_ppb"], dtype=np.int64)
        for tree in parameters["trees"]:
            score += _leaves(tree, data.features)
    with np.errstate(over="ignore"):
        return _ceil(PPM / (1 + np.exp(-score / PPB)))


def closed_form(z_milli: Ints) -> Floats:
    """The closed form at each distance."""
    different, places = np.unique(z_milli, return_inverse=True)
    return np.array([touch_ppm(int(z)) / PPM for z in different])[places]


def _ceil(chance_ppm: Floats) -> Floats:
    # Less than a billionth of a ppm is what floats add to a whole number.
    rounded: Floats = np.clip(np.ceil(chance_ppm - 1e-9), 1, PPM) / PPM
    return rounded


def _isotonic(data: Dataset) -> dict[str, Any]:
    """p by distance, in steps of a tenth; a step nobody stood in is not in the table."""
    place = data.z_milli // STEP_MILLI
    asked = np.bincount(place)
    hits = np.bincount(place, weights=data.touched)
    middle = np.bincount(place, weights=data.z_milli)
    there = np.flatnonzero((asked > 0) & (middle > 0))
    # One more touch than seen: what never happened here is rare, not impossible.
    seen = (hits[there] + 1) / (asked[there] + 2)
    chance = falling(seen.tolist(), asked[there].tolist())
    far = (middle[there] // asked[there]).astype(int).tolist()
    rows = [[z, min(PPM, math.ceil(p * PPM))] for z, p in zip(far, chance, strict=True) if z > 0]
    return {"table": [[0, PPM], *rows]}


def _logistic(data: Dataset) -> dict[str, Any]:
    """What the chance must rise with is left out where the fit would have it fall."""
    values = data.features.astype(float)
    used = np.ones(len(FEATURES), dtype=bool)
    while True:
        intercept, weights = _fitted_logistic(values * used, data.touched)
        wrong = np.array([name in MUST_RISE for name in FEATURES]) & (weights < 0)
        if not wrong.any():
            break
        used &= ~wrong
    whole = [round(weight * PPB) for weight in weights.tolist()]
    return {
        "features": list(FEATURES), "intercept_ppb": round(intercept * PPB), "weights_ppb": whole
    }  # fmt: skip


def _fitted_logistic(values: Floats, touched: Bools) -> tuple[float, Floats]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread[spread == 0] = 1
    with threadpool_limits(limits=1):
        made = LogisticRegression(C=1.0, max_iter=500).fit((values - mean) / spread, touched)
    weights: Floats = made.coef_[0] / spread
    return float(made.intercept_[0]) - float(weights @ mean), weights


def _boosting(data: Dataset) -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, min_samples_leaf=LEAF_ROWS, l2_regularization=1.0,
        early_stopping=False, random_state=SEED,
        monotonic_cst=[1 if name in MUST_RISE else 0 for name in FEATURES],
    )  # fmt: skip
    # Several threads add floats in any order, and the same rows must make the same trees.
    with threadpool_limits(limits=1):
        made = model.fit(data.features.astype(float), data.touched)
    baseline = float(made._baseline_prediction.ravel()[0])
    trees = [_columns(predictors[0].nodes) for predictors in made._predictors]
    return {"features": list(FEATURES), "baseline_ppb": round(baseline * PPB), "trees": trees}


def _columns(nodes: NDArray[Any]) -> list[list[int]]:
    """A tree as `learned_probability.Tree` has it: features are whole, so thresholds may be."""
    is_leaf = nodes["is_leaf"].astype(bool)
    threshold = np.where(is_leaf, 0, np.floor(nodes["num_threshold"]))
    columns = [
        np.where(is_leaf, -1, nodes["feature_idx"]),
        threshold,
        nodes["left"],
        nodes["right"],
        np.round(nodes["value"] * PPB),
    ]
    return [column.astype(np.int64).tolist() for column in columns]


def _leaves(tree: Sequence[Sequence[int]], features: Ints) -> Ints:
    feature, threshold, left, right, value = (np.array(column) for column in tree)
    node = np.zeros(len(features), dtype=np.int64)
    rows = np.arange(len(features))
    while (inner := feature[node] >= 0).any():
        at = node[inner]
        goes_left = features[rows[inner], feature[at]] <= threshold[at]
        node[inner] = np.where(goes_left, left[at], right[at])
    found: Ints = value[node]
    return found
