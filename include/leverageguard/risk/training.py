"""The steps of train_risk_model: rows, candidates judged on later days, the gate, drift.

Where fewer days are published than an honest comparison needs, the rows are SIMULATED, and all
that is made of them says so.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np
import structlog

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.risk import (
    cards,
    champion,
    drift,
    evaluation,
    extremes,
    gate,
    measuring,
    models,
    registry,
)
from leverageguard.risk import datasets as rows_of
from leverageguard.risk.champion import PricedBy
from leverageguard.risk.datasets import Dataset, Symbols
from leverageguard.risk.gate import Decision, Market
from leverageguard.risk.measuring import Measured
from leverageguard.risk.registry import Fitted
from leverageguard.warehouse.snapshot import SnapshotError

MIN_DAYS, SIMULATED_DAYS, SEED = 60, 90, 20260201
RECENT_MS = 7 * rows_of.DAY_MS
STATES = 8
TRAINER = "train_risk_model"
_log = structlog.get_logger(__name__)


def collect() -> str:
    """Keep the features and extremes of this training; returns the name they are kept under."""
    settings = config.load()
    measured = _published(settings)
    if measured is None or _days(measured) < MIN_DAYS:
        measured = simulated(settings, SIMULATED_DAYS, SEED)
    return keep(settings, measured)


def simulated(settings: Settings, days: int, seed: int) -> Measured:
    """Features and extremes of SIMULATED common paths of every asset that is sold."""
    known = champion.symbols(settings)
    assets = extremes.assets(settings, lambda asset: known.get(asset, {}).get("sigma_minute_ppb"))
    candles = measuring.candles_of(assets, days, seed)
    return measuring.measure(settings, candles, measuring.SIMULATED)


def keep(settings: Settings, measured: Measured) -> str:
    """Write features and extremes below the data folder, under a hash of what they say."""
    import pyarrow.parquet as pq

    tables = {"features": measured.features, "extremes": measured.extremes}
    digest = sha256(measured.source.encode())
    for table in tables.values():
        digest.update(repr(table.to_pydict()).encode())
    name = digest.hexdigest()[:24]
    folder = settings.data_dir / "risk" / "measured" / name
    if not folder.exists():
        draft = folder.with_name(f".{name}.tmp")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for called, table in tables.items():
            pq.write_table(table, draft / f"{called}.parquet")
        (draft / "source").write_text(measured.source)
        draft.rename(folder)
    return name


def kept(settings: Settings, name: str) -> Measured:
    """What `keep` wrote under that name."""
    import pyarrow.parquet as pq

    folder = settings.data_dir / "risk" / "measured" / name
    features, covers = (
        pq.read_table(folder / f"{called}.parquet") for called in ("features", "extremes")
    )
    return Measured(features, covers, (folder / "source").read_text())


def compare(name: str, kind: str) -> str:
    """Fit one candidate, judge it beside the champion, register it; returns its version."""
    settings = config.load()
    now, measured = champion.priced_by(settings), kept(settings, name)
    # What only one of them knows can be compared by neither.
    theirs = now.parameters["symbols"]
    symbols = {key: row for key, row in champion.symbols(settings).items() if key in theirs}
    data = rows_of.dataset(measured, symbols)
    parameters = models.fit(kind, data, symbols)
    fitted = Fitted(kind, data.source, data.data_hash, len(data.touched), parameters)
    metrics, cells = _judged(settings, fitted, data, measured, symbols, now)
    text = cards.card(fitted, metrics)
    cards.write(settings, fitted.model_version, text, metrics, cells)
    registry.register(settings, fitted, metrics, text)
    _log.info("risk_model_registered", model_version=fitted.model_version, gate=metrics["gate"])
    return fitted.model_version


def promote(versions: Iterable[str]) -> str:
    """Let the best candidate that passed the gate price; returns the model that prices now."""
    settings = config.load()
    now = champion.priced_by(settings).model_version
    passed = []
    for version in versions:
        row = registry.record(settings, version)
        if row is None:
            raise registry.RegistryError(f"no risk model {version!r} is registered")
        metrics = json.loads(row.metrics)
        if metrics["gate"]["is_passed"] and metrics["champion_version"] == now != version:
            passed.append((metrics["against_champion"]["high_ppm"], version, metrics))
    if not passed:
        registry.land(settings)
        return now
    _, version, metrics = min(passed, key=lambda one: one[:2])
    told = metrics["against_champion"]
    why = (
        f"Brier {told['mean_ppm']:+} ppm against {now}, 95 % from {told['low_ppm']:+} to "
        f"{told['high_ppm']:+}; calibration error {metrics['held_out']['ece_ppm']} ppm; "
        f"{metrics['data_source']} data"
    )
    registry.promote(settings, version, now, TRAINER, why)
    registry.land(settings)
    return version


def watch_drift(name: str) -> dict[str, int]:
    """Hold the last week published against the rows of this training and the champion's chances.

    Writes `risk/drift.json` and `risk/actual_over_expected.csv`; counts are all zero while
    nothing is published.
    """
    settings = config.load()
    published, known = _published(settings), champion.symbols(settings)
    if published is None or not published.features.num_rows:
        return {"hours": 0, "features": 0, "drifted": 0, "cells": 0}
    since = max(published.features["known_at"].to_pylist()) - RECENT_MS
    training, recent = _split(kept(settings, name).features, published.features, since)
    before, after = drift.states(training, known), drift.states(recent, known)
    found = {key: drift.psi_milli(before[key], after[key]) for key in drift.NAMES}
    drifted = sorted(key for key, psi in found.items() if psi > drift.DRIFTED_MILLI)
    folder = settings.data_dir / "risk"
    told = {"since_ms": since, "psi_milli": found, "drifted": drifted}
    (folder / "drift.json").write_text(json.dumps(told, indent=1) + "\n")
    if drifted:
        _log.warning("risk_features_drifted", features=drifted)
    cells = _cells_since(settings, published, since)
    with (folder / "actual_over_expected.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]) if cells else ["base_asset"])
        writer.writeheader()
        writer.writerows(cells)
    hours = recent.num_rows
    return {"hours": hours, "features": len(found), "drifted": len(drifted), "cells": len(cells)}


def _cells_since(settings: Settings, published: Measured, since: int) -> list[dict[str, Any]]:
    now = champion.priced_by(settings)
    if not published.extremes.num_rows:
        return []
    data = rows_of.dataset(published, now.parameters["symbols"], stride_hours=1)
    data = data.take(data.known_ms > since)
    said = models.predict(now.kind, now.parameters, data)
    return drift.actual_over_expected(said, data) if len(said) else []


def _judged(
    settings: Settings,
    fitted: Fitted,
    data: Dataset,
    measured: Measured,
    symbols: Symbols,
    now: PricedBy,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Metrics of a candidate on later days, and its cells there."""
    kind = fitted.kind
    judged, said = evaluation.held_out(
        data, lambda past, ahead: models.predict(kind, models.fit(kind, past, symbols), ahead)
    )
    ahead = data.take(judged)
    theirs = _of_champion(now, measured, symbols, data).take(judged)
    beside = {
        "champion": models.predict(now.kind, now.parameters, theirs),
        "closed_form": models.closed_form(ahead.z_milli),
        "closed_form_ewma": models.closed_form(ahead.ewma_z_milli),
    }
    against = {
        name: evaluation.difference(said, beside[name], ahead.touched, ahead.day)
        for name in ("champion", "closed_form")
    }
    scored = evaluation.scores(said, ahead.touched)
    model = registry.model(fitted.model_version, kind, fitted.parameters)
    markets = _markets(measured, symbols) if kind in champion.READS_MARKET else [()]
    broken = gate.upside_down(model, symbols, markets)
    decision = gate.decide(
        scored, against["champion"], broken, data.source, settings.is_simulated
    )  # fmt: skip
    metrics = {
        "data_source": data.source,
        "days": len(np.unique(data.day)),
        "held_out_days": len(np.unique(ahead.day)),
        "folds": evaluation.FOLDS,
        "held_out": scored,
        "reliability": evaluation.reliability(said, ahead.touched),
        "champion_version": now.model_version,
        "champion_reliability": evaluation.reliability(beside["champion"], ahead.touched),
        **{name: evaluation.scores(chance, ahead.touched) for name, chance in beside.items()},
        **{f"against_{name}": asdict(found) for name, found in against.items()},
        "gate": _told(decision),
    }
    return metrics, drift.actual_over_expected(said, ahead)


def _of_champion(now: PricedBy, measured: Measured, symbols: Symbols, data: Dataset) -> Dataset:
    """The same rows as the champion sees them: its own volatilities, if they differ."""
    theirs = {key: now.parameters["symbols"][key] for key in symbols}
    return data if theirs == symbols else rows_of.dataset(measured, theirs)


def _markets(measured: Measured, symbols: Symbols) -> list[Market]:
    """States that were seen, from the calmest to the wildest."""
    found = drift.states(measured.features, symbols)
    order = np.argsort(found["har_1d"], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, STATES).astype(int)]
    return [tuple((name, int(found[name][row])) for name in drift.NAMES) for row in chosen]


def _split(training: Any, published: Any, since: int) -> tuple[Any, Any]:
    """The rows of a training before an instant (all of them, if none is), and those after it."""
    import pyarrow.compute as pc

    older = training.filter(pc.less_equal(training["known_at"], since))
    recent = published.filter(pc.greater(published["known_at"], since))
    return (older if older.num_rows else training), recent


def _published(settings: Settings) -> Measured | None:
    try:
        return measuring.published(settings)
    except SnapshotError as nothing:
        _log.info("nothing_published", reason=str(nothing))
        return None


def _days(measured: Measured) -> int:
    return len({at // rows_of.DAY_MS for at in measured.extremes["known_at"].to_pylist()})


def _told(decision: Decision) -> Mapping[str, Any]:
    return {"is_passed": decision.is_passed, "reasons": list(decision.reasons)}
