"""The arithmetic of the benchmark of profiles."""

from __future__ import annotations

import pytest

from tests.bench import profiles


def test_with_ratios__slower_and_faster__are_told_against_the_embedded_profile() -> None:
    found = profiles.with_ratios(
        {
            "embedded": {"day_s": 100.0, "landing_s": 20.0, "tasks": 40},
            "cluster": {"day_s": 150.0, "landing_s": 10.0, "tasks": 40},
        }
    )

    assert found["cluster"]["day_ratio"] == pytest.approx(1.5)
    assert found["cluster"]["landing_ratio"] == pytest.approx(0.5)
    assert found["cluster"]["tasks_per_minute"] == pytest.approx(240)
    assert found["embedded"]["day_ratio"] == 1


def test_measured_profiles__are_the_ones_there_are() -> None:
    from leverageguard import cluster_settings

    named = {variables["LEVERAGEGUARD_PROFILE"] for variables in profiles.PROFILES.values()}

    assert named == set(cluster_settings.PROFILES)
