"""The dashboards' benchmark on a small world: every chart and a report; times are not tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from leverageguard import config
from tests.bench import dashboards

CHARTS = config.REPO_DIR / "include" / "superset" / "assets" / "charts"


@pytest.mark.slow
def test_measure__small_world__asks_every_chart_and_names_the_slowest(tmp_path: Path) -> None:
    found = dashboards.measure(20_000, tmp_path, warm=1)

    assert found["charts"] == len(list(CHARTS.glob("*.yaml")))
    assert found["charts_without_rows"] < found["charts"] / 4
    assert len(found["slowest"]) == dashboards.SLOWEST
    assert found["report"]["peak_mb"] > 50
    assert "warm p50" in dashboards.table(found)
