from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leverageguard.config import Settings
from leverageguard.warehouse import landing, raw_tables
from leverageguard.warehouse.raw_tables import HOUR_MS

CANDLES = "exchanges/candles"
HOUR = 1_767_571_200_000


def candle(minute: int, **over: Any) -> dict[str, Any]:
    return {
        "exchange": "okx",
        "endpoint": "mark_candles",
        "inst_id": "BTC",
        "kind": "mark",
        "minute_at_ms": HOUR + minute * 60_000,
        "open_price": "1.10",
        "high_price": "2",
        "low_price": "0.5",
        "close_price": "1",
        "quote_volume": None,
        "is_final": True,
        "reply_sha256": "aa",
        **over,
    }


def landed_bytes(settings: Settings) -> bytes:
    return landing.file_path(settings, CANDLES, HOUR, "BTC").read_bytes()


def test_replace__same_rows_in_another_order__same_bytes(settings: Settings) -> None:
    rows = [candle(minute) for minute in range(60)]
    landing.replace(settings, CANDLES, HOUR, "BTC", rows)
    first = landed_bytes(settings)
    landing.replace(settings, CANDLES, HOUR, "BTC", reversed(rows))
    assert landed_bytes(settings) == first


def test_replace__second_landing__takes_the_place_of_the_first(settings: Settings) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(0), candle(1)])
    assert landing.replace(settings, CANDLES, HOUR, "BTC", [candle(2)]) == 1
    assert landing.read(settings, CANDLES, HOUR, "BTC") == [candle(2)]


def test_replace__keep__old_rows_it_holds_for_stay(settings: Settings) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(0), candle(1)])
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(2)], keep=lambda row: row == candle(1))
    assert landing.read(settings, CANDLES, HOUR, "BTC") == [candle(1), candle(2)]


def test_replace__no_rows__the_file_stays_without_rows(settings: Settings) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(0)])
    landing.replace(settings, CANDLES, HOUR, "BTC", [])
    assert landing.read(settings, CANDLES, HOUR, "BTC") == []
    assert landing.file_path(settings, CANDLES, HOUR, "BTC").exists()


def test_replace__no_rows_and_never_landed__no_file(settings: Settings) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [])
    assert not landing.file_path(settings, CANDLES, HOUR, "BTC").exists()


def test_replace__hour__is_its_utc_partition(settings: Settings) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(0)])
    expected = settings.raw_dir / CANDLES / "dt=2026-01-05" / "hr=00" / "BTC.parquet"
    assert expected.exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (candle(0, volume="1"), "undeclared columns .'volume'"),
        ({"inst_id": "BTC", "minute_at_ms": HOUR}, "missing columns .'exchange'"),
        (candle(60), "does not belong to the hour"),
        (candle(0, minute_at_ms="soon"), "no epoch-millisecond time"),
        (candle(0, open_price=1.5), "exchanges/candles.open_price must be string"),
        (candle(0, is_final="1"), "exchanges/candles.is_final must be bool"),
    ],
)
def test_replace__row_that_does_not_fit__refused_and_nothing_changed(
    settings: Settings, row: dict[str, Any], message: str
) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(1)])
    with pytest.raises(landing.LandingError, match=message):
        landing.replace(settings, CANDLES, HOUR, "BTC", [row])
    assert landing.read(settings, CANDLES, HOUR, "BTC") == [candle(1)]


def test_replace__not_the_start_of_an_hour__refused(settings: Settings) -> None:
    with pytest.raises(landing.LandingError, match="not the start of an hour"):
        landing.replace(settings, CANDLES, HOUR + 1, "BTC", [])


def test_replace__unknown_table__names_the_known_ones(settings: Settings) -> None:
    with pytest.raises(KeyError, match="exchanges/orders"):
        landing.replace(settings, "exchanges/order", HOUR, "x", [])


def test_replace__killed_half_way__leaves_no_final_file_and_no_glob_match(
    settings: Settings,
) -> None:
    script = (
        "import os, signal, sys\n"
        "import pyarrow.parquet as pq\n"
        "from leverageguard import config\n"
        "from leverageguard.warehouse import landing\n"
        "def die(data, sink, **more):\n"
        "    sink.write(b'PAR1 half a file'); sink.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "pq.write_table = die\n"
        f"row = {candle(0)!r}\n"
        f"landing.replace(config.load(), {CANDLES!r}, {HOUR}, 'BTC', [row])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ}, check=False)
    assert done.returncode == -signal.SIGKILL
    folder = landing.hour_dir(settings, CANDLES, HOUR)
    assert [path.suffix for path in folder.iterdir()] == [".tmp"]
    assert list(settings.raw_dir.rglob("*.parquet")) == []


def test_replace__disk_error__old_file_and_no_draft_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(0)])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        landing.replace(settings, CANDLES, HOUR, "BTC", [candle(1)])
    assert landing.read(settings, CANDLES, HOUR, "BTC") == [candle(0)]
    assert [p.name for p in landing.hour_dir(settings, CANDLES, HOUR).iterdir()] == ["BTC.parquet"]


def test_ensure_schemas__every_declared_table__readable_before_any_row(
    settings: Settings,
) -> None:
    landing.ensure_schemas(settings)
    for path, table in raw_tables.RAW_TABLES.items():
        query = f"select * from read_parquet('{settings.raw_dir}/{path}/**/*.parquet')"
        cursor = duckdb.connect().execute(query)
        assert [column[0] for column in cursor.description or []] == [
            *table.schema.names,
            "dt",
            "hr",
        ]
        assert cursor.fetchall() == []


def test_scan__some_hours__rows_of_those_hours_only(settings: Settings) -> None:
    later = candle(60)
    landing.ensure_schemas(settings)
    landing.replace(settings, CANDLES, HOUR, "BTC", [candle(0)])
    landing.replace(settings, CANDLES, HOUR + HOUR_MS, "BTC", [later])
    assert landing.scan(settings, CANDLES, hours=[HOUR + HOUR_MS]) == [later]
    assert len(landing.scan(settings, CANDLES)) == 2
    assert landing.scan(settings, CANDLES, columns=["close_price"], hours=[HOUR]) == [
        {"close_price": "1"}
    ]


def test_by_hour__rows_of_two_hours__split_at_the_boundary() -> None:
    rows = [candle(59), candle(60)]
    assert landing.by_hour(CANDLES, rows) == {HOUR: [rows[0]], HOUR + HOUR_MS: [rows[1]]}


def test_write_parquet__other_writer_in_the_folder__not_touched(tmp_path: Path) -> None:
    other = tmp_path / ".x.parquet.1-1.tmp"
    other.write_bytes(b"being written")
    landing.write_parquet(tmp_path / "x.parquet", raw_tables.table(CANDLES).schema.empty_table())
    assert other.read_bytes() == b"being written"
