"""docs/scaling.md against the arithmetic, the arithmetic against what is measured elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leverageguard.config import Settings, load
from leverageguard.exchanges import steps
from tests.bench import scaling
from tests.bench._verification import world

REPO = Path(__file__).parents[2]
TEXT = (REPO / "docs" / "scaling.md").read_text()
README = (REPO / "README.md").read_text()
FILLS = 100_000


def test_docs__table__is_what_the_inputs_give():
    assert scaling.table(scaling.Supposed()) in TEXT


def test_venues__requests_and_accounts__are_those_of_the_readme():
    lines = re.findall(
        r"^\| `(\w+)` \| (\d[\d-]*) \| .* \| (by key|[\d,]+) \| \S.* \|$", README, re.M
    )
    told = {
        venue: (
            int(requests.split("-")[0]),
            0 if served == "by key" else int(served.replace(",", "")),
        )
        for venue, requests, served in lines
    }

    assert told == scaling.VENUES


def test_supposed__group_size_and_threads__are_the_defaults():
    assert scaling.Supposed().group_size == load().account_group_size
    assert scaling.THREADS == steps.THREADS


def test_gas__a_payout__is_that_of_the_readme():
    assert f"| **ours** | **{scaling.GAS_NEW:,}** | **{scaling.GAS_KNOWN:,}** |" in README


def test_need__more_accounts_than_map__group_size_that_maps():
    need = scaling.Need(1_000_000, scaling.Supposed())
    grouped = scaling.Need(1_000_000, scaling.Supposed(group_size=need.group_size_that_maps))

    assert need.groups > need.supposed.most_mapped >= grouped.groups
    smaller = scaling.Supposed(group_size=need.group_size_that_maps - 100)
    assert scaling.Need(1_000_000, smaller).groups > need.supposed.most_mapped


def test_need__ten_times_the_accounts__ten_times_the_work_that_has_no_start():
    small, large = (scaling.Need(size, scaling.Supposed()) for size in (10_000, 100_000))

    assert large.requests_a_day == 10 * small.requests_a_day
    assert large.rows_gb_a_year == pytest.approx(10 * small.rows_gb_a_year)
    assert large.addresses["hyperliquid"] in range(60, 71)


@pytest.mark.slow
def test_bytes__landed_world__are_what_the_arithmetic_takes(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    world.land(settings, world.Size(FILLS))

    for table, (row_bytes, file_bytes, rate) in scaling.TABLES.items():
        folder = settings.raw_dir / "exchanges" / table
        files = [path for path in folder.rglob("*.parquet") if path.name != "schema.parquet"]
        taken = sum(path.stat().st_size for path in files)
        rows = FILLS * rate
        assert taken == pytest.approx(rows * row_bytes + len(files) * file_bytes, rel=0.1), table
