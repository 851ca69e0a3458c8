from __future__ import annotations

import shutil
from dataclasses import replace
from math import log

import pytest

from leverageguard.risk import stress


def test_stresses__committed__are_the_four_days_and_fall_further_by_the_hour(settings):
    made = stress.stresses(settings, ["BTC", "DOGE", "ETH", "SOL", "XRP"])

    assert made.names == ("2020-03-12", "2021-05-19", "2022-11-08", "2025-10-10")
    assert (made.falls[1:] >= made.falls[:-1]).all()
    assert made.falls[0, 0].tolist() == pytest.approx([0, 0, 0, -log(0.831)])
    assert made.falls[23, 3, 2] == pytest.approx(-log(0.614))
    assert not made.rises.any()


def test_stresses__an_asset_without_a_row__is_refused(settings, tmp_path):
    seeds = tmp_path / "dbt_project" / "seeds"
    shutil.copytree(settings.dbt_dir / "seeds", seeds)

    with pytest.raises(stress.StressIncomplete, match="2020-03-12 says nothing of NEW"):
        stress.stresses(replace(settings, repo_dir=tmp_path), ["BTC", "NEW"])
