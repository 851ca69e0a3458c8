"""Generate a seeded world and land it as the project lands evidence: hourly Parquet.

Twelve positions an account over sixty days, eight fills each. One fill in a hundred belongs to a
forced close, one in five hundred to a claimed order. One hour is one file: at this rate an hour's
rows of all account groups fit one, and small files would hide the engines behind their opening.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from leverageguard.config import Settings
from leverageguard.warehouse import landing, raw_tables

FROM_MS = 1_772_323_200_000  # 2026-03-01
DAYS = 60
FILLS_OF_EPISODE = 8
TURNS = 12
FORCED_OF_GAMBLER = 10
# Twenty kinds of claim; a world smaller than that would not hold each.
LEAST_CLAIMS = 20
FOLDER = Path(__file__).parent

OF_TURN = ("fills", "orders", "ledger", "positions")
ONCE = {
    "exchanges": (
        "account_configs leverages instruments endpoints order_lookups stops fetch_windows candles"
    ),
    "intake": "accounts bindings quotes claims",
    "chain": "policy_purchases deposits",
}


@dataclass(frozen=True)
class Size:
    """How many of each there are in a world of so many fills."""

    fills: int
    seed: int = 20260301

    @property
    def parameters(self) -> dict[str, int]:
        """What the SQL of the world is told."""
        episodes = self.fills // FILLS_OF_EPISODE
        accounts = -(-episodes // TURNS)
        claims = max(LEAST_CLAIMS, self.fills // 2000)
        forced = max(claims, self.fills // 400)
        return {
            "seed": self.seed,
            "from_ms": FROM_MS,
            "episodes": accounts * TURNS,
            "accounts": accounts,
            "claims": claims,
            "gamblers": (forced - claims) // FORCED_OF_GAMBLER,
            "insured": accounts // 20,
        }


def land(settings: Settings, size: Size) -> None:
    """Write the whole world below the settings' raw folder."""
    landing.ensure_schemas(settings)
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        _run(connection, "world.sql", size.parameters)
        _run(connection, "whole.sql", size.parameters)
        for source, names in ONCE.items():
            for name in names.split():
                _land_view(connection, settings, f"{source}/{name}")
        for turn in range(TURNS):
            _run(connection, "turn.sql", {**size.parameters, "turn": turn})
            for name in OF_TURN:
                _land_view(connection, settings, f"exchanges/{name}")


def _run(connection: duckdb.DuckDBPyConnection, name: str, values: dict[str, int]) -> None:
    text = (FOLDER / name).read_text()
    for key in sorted(values, key=len, reverse=True):
        text = text.replace(f"${key}", str(values[key]))
    connection.execute(text)


def _land_view(connection: duckdb.DuckDBPyConnection, settings: Settings, path: str) -> None:
    declared = raw_tables.table(path)
    hour = declared.hour_column
    view = f"landed_{path.partition('/')[2]}"
    made = {row[0] for row in connection.execute(f"describe {view}").fetchall()}
    # A column no compared rule reads stays empty, as one that is declared later does.
    columns = ", ".join(
        name if name in made else f"null as {name}" for name in declared.schema.names
    )
    said = f"{hour} // {raw_tables.HOUR_MS}" if hour else f"{FROM_MS // raw_tables.HOUR_MS}"
    rows = connection.execute(
        f"select {said} as hour_no, {columns} from {view} order by all"
    ).to_arrow_table()
    for hour_no, start, count in _runs(rows["hour_no"]):
        part = rows.slice(start, count).drop_columns(["hour_no"]).cast(declared.schema)
        _write(settings, path, hour_no, part.combine_chunks())


def _runs(hours: pa.ChunkedArray) -> list[tuple[int, int, int]]:
    """Each hour of a sorted column with where its rows start and how many they are."""
    runs, start = [], 0
    for counted in pc.value_counts(hours).to_pylist():
        runs.append((counted["values"], start, counted["counts"]))
        start += counted["counts"]
    return runs


def _write(settings: Settings, path: str, hour_no: int, rows: pa.Table) -> None:
    import pyarrow.parquet as pq

    at = datetime.fromtimestamp(hour_no * 3600, UTC)
    folder = settings.raw_dir / path / f"dt={at:%Y-%m-%d}" / f"hr={at:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    # The format of landing.write_parquet, without its sync: nothing here must survive a crash.
    pq.write_table(rows, folder / "bench.parquet", compression="zstd", version="2.6")
