"""Which files are opened for a claim: all that can hold a row of its time, and the empty one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leverageguard import config
from leverageguard.evidence import raw_files

TABLE = "exchanges/candles"
HOURS = ("2026-01-04/23", "2026-01-05/22", "2026-01-05/23", "2026-01-06/00", "2026-01-06/01")


@pytest.fixture
def settings(tmp_path: Path) -> config.Settings:
    made = replace(config.load(), data_dir=tmp_path)
    for hour in (*HOURS, "1970-01-01/00"):
        day, number = hour.split("/")
        folder = made.build_raw_dir / TABLE / f"dt={day}" / f"hr={number}"
        folder.mkdir(parents=True)
        (folder / ("schema.parquet" if day == "1970-01-01" else "okx.parquet")).touch()
    return made


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def hours(found: list[str]) -> list[str]:
    parts = [Path(path).parts for path in found]
    return [f"{each[-3].removeprefix('dt=')}/{each[-2].removeprefix('hr=')}" for each in parts]


def test_between__two_instants__every_hour_they_lie_in_and_the_empty_file(settings):
    found = raw_files.between(settings, TABLE, ms("2026-01-05T22:59:59"), ms("2026-01-06T00:00:00"))

    assert hours(found) == ["1970-01-01/00", *HOURS[1:4]]


def test_between__no_end__every_hour_of_the_days_since(settings):
    found = raw_files.between(settings, TABLE, ms("2026-01-05T22:59:59"))

    assert hours(found) == ["1970-01-01/00", *HOURS[1:]]


def test_between__nothing_looked_for__the_empty_file_alone(settings):
    assert hours(raw_files.between(settings, TABLE, 0, 0)) == ["1970-01-01/00"]
