"""The register of models as the warehouse tells it: who prices, how well, and how reliable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.risk import champion, committed, registry
from leverageguard.risk.registry import Fitted
from leverageguard.store import base
from leverageguard.warehouse import landing, model_runner
from leverageguard.warehouse.model_runner import Models
from tests.dbt.dbt_world import DbtWorld

pytestmark = pytest.mark.slow
AT = 1_767_574_800_000
REPORTS = ("rpt_model_scorecard", "rpt_model_reliability")
SYMBOLS = {"BTC": {"sigma_minute_ppb": 600_000, "maintenance_ppm": 4_000}}
TABLE = {"table": [[0, 1_000_000], [1_000, 300_000], [6_000, 10]], "symbols": SYMBOLS}
SCORES = {
    "brier_ppm": 90_000, "log_loss_ppm": 280_000, "ece_ppm": 4_000, "auc_ppm": 930_000,
    "mean_said_ppm": 240_000, "base_rate_ppm": 245_000, "rows": 500,
}  # fmt: skip
BINS = [
    {"rows": 400, "said_ppm": 10_000, "seen_ppm": 12_500},
    {"rows": 100, "said_ppm": 900_000, "seen_ppm": 850_000},
]


def metrics(is_passed: bool) -> dict[str, Any]:
    return {
        "data_source": "SIMULATED", "days": 89, "held_out_days": 54, "folds": 5,
        "held_out": SCORES, "closed_form": {**SCORES, "brier_ppm": 91_000}, "reliability": BINS,
        "champion_version": registry.SEED_MODEL,
        "against_champion": {"mean_ppm": -70, "low_ppm": -140, "high_ppm": -5},
        "gate": {"is_passed": is_passed, "reasons": [] if is_passed else ["one", "another"]},
    }  # fmt: skip


@pytest.fixture(scope="module")
def models(small: DbtWorld) -> Models:
    return model_runner.compiled(small.settings)


@pytest.fixture
def settings(small: DbtWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = replace(small.settings, data_dir=tmp_path)
    landing.ensure_schemas(made)
    base.Base.metadata.create_all(base.engine(made))
    monkeypatch.setattr(clock, "now_ms", lambda: AT)
    return made


def registered(settings: Settings, seed: int, is_passed: bool) -> str:
    fitted = Fitted("isotonic", "SIMULATED", f"0x{seed:064x}", 1_000, TABLE)
    return registry.register(settings, fitted, metrics(is_passed), "card")


def shown(settings: Settings, models: Models) -> tuple[dict[str, dict[str, Any]], Any]:
    """The scorecard by model, and the warehouse it is in."""
    registry.land(settings)
    connection = duckdb.connect(":memory:")
    connection.execute("set TimeZone = 'UTC'")
    models.run(connection, REPORTS, settings.raw_dir)
    rows = connection.execute("from rpt_model_scorecard").to_arrow_table().to_pylist()
    return {row["model_version"]: row for row in rows}, connection


def figure(connection: Any, models: Models, metric: str) -> float:
    found = next(each for each in models.metrics if each.metric == metric)
    [(value,)] = connection.execute(f"select {found.expression} from {found.model}").fetchall()
    return float(value)


def test_scorecard__nothing_registered__the_committed_model_prices_with_its_scores(
    settings: Settings, models: Models
) -> None:
    rows, connection = shown(settings, models)
    [row] = rows.values()

    assert row["model_version"] == champion.priced_by(settings).model_version
    assert row["is_champion"] and row["standing"] == "prices now" and row["brier_ppm"] > 0
    assert row["data_source"] == "SIMULATED" and row["champion_since_at"] is None
    judged = figure(connection, models, "covers_judged")
    assert judged == row["held_out_row_count"]
    seen = figure(connection, models, "touches_seen") / judged
    assert seen == pytest.approx(row["base_rate_ppm"] / 1e6, abs=2e-6)
    expected = figure(connection, models, "touches_expected") / judged
    assert expected == pytest.approx(row["mean_said_ppm"] / 1e6, abs=2e-6)


def test_scorecard__candidates__the_promoted_one_prices_and_others_say_why_not(
    settings: Settings, models: Models
) -> None:
    better, worse = registered(settings, 1, True), registered(settings, 2, False)
    registry.promote(settings, better, registry.SEED_MODEL, "train_risk_model", "better")
    rows, connection = shown(settings, models)

    assert [name for name, row in rows.items() if row["is_champion"]] == [better]
    assert rows[better]["champion_since_at"].timestamp() * 1000 == AT
    assert rows[registry.SEED_MODEL]["standing"] == "priced before"
    assert rows[worse]["standing"] == "did not pass the gate"
    assert rows[worse]["gate_reasons"] == "one; another"
    assert rows[better]["brier_gain_ppm"] == 1_000
    assert rows[better]["brier_difference_high_ppm"] == -5
    assert figure(connection, models, "champion_brier_score") == 0.09
    assert figure(connection, models, "models_judged") == 3
    bins = connection.execute(
        "select bin_no, row_count, said_ppm, seen_ppm from rpt_model_reliability "
        "where is_champion order by bin_no"
    ).fetchall()
    assert bins == [(0, 400, 10_000, 12_500), (1, 100, 900_000, 850_000)]
    assert figure(connection, models, "share_seen") == pytest.approx(100 * (5 + 85) / 500)


def test_scorecard__back_to_the_committed_model__it_prices_with_its_scores_once(
    settings: Settings, models: Models
) -> None:
    better = registered(settings, 1, True)
    registry.promote(settings, better, registry.SEED_MODEL, "train_risk_model", "better")
    champion.restore(settings, registry.SEED_MODEL, "operator", "its claims were too many")
    rows, _ = shown(settings, models)

    assert [name for name, row in rows.items() if row["is_champion"]] == [registry.SEED_MODEL]
    assert rows[registry.SEED_MODEL]["brier_ppm"] is not None
    assert rows[registry.SEED_MODEL]["champion_since_at"].timestamp() * 1000 == AT
    assert rows[better]["standing"] == "priced before" and len(rows) == 2


def test_committed_scores__are_what_the_simulated_days_give() -> None:
    from leverageguard import config

    settings = config.load()
    for name, found in committed.rows(settings).items():
        assert (settings.dbt_dir / "seeds" / name).read_text() == committed.text(found), name
