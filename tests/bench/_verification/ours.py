"""The project's own models, compiled once, over the landed Parquet in one DuckDB file.

What is measured is running them, each committed on its own as dbt does it, with a gigabyte and two
threads; compiling is dbt's start and is measured beside it. The claims, every check's answer and
the payouts are made, and all models these read.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from leverageguard.warehouse import model_runner, raw_tables
from leverageguard.warehouse.model_runner import Models
from tests.bench._verification.rules import Answer

SELECT = ("fct_claims", "fct_claim_checks", "fct_payout_items")
# With what Python and the engine need beside its tables the process stays below a gigabyte.
MEMORY = "700MB"
# Those of dbt's profile.
SETTINGS = ("TimeZone = 'UTC'", "enable_external_file_cache = false")
# What the models read of a fill.
OF_FILLS = (
    "exchange account_id inst_id order_id fill_id forced_kind order_side position_slot price "
    "qty_contracts pnl fee filled_at_ms reply_sha256"
)
EVIDENCE = ("fills", "orders", "ledger", "positions", "candles", "fetch_windows")


class Held(Exception):
    """A claim waits for review, which the compared answer does not know."""


def answer(models: Models, raw: Path, profile: list[tuple[float, str]] | None = None) -> Answer:
    """Every filing's verdict and amount; `profile` gets each model's CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        # dbt's compiled SQL names the database it was compiled in, and a database is named after
        # its file.
        path = Path(folder) / f"{model_runner.CATALOG}.duckdb"
        options = {"threads": 2, "memory_limit": MEMORY, "temp_directory": f"{folder}/spilled"}
        with duckdb.connect(str(path), config=options) as connection:
            for setting in SETTINGS:
                connection.execute(f"set {setting}")
            if profile is None:
                models.run(connection, SELECT, raw)
            else:
                _run_each(models, connection, raw, profile)
            return _answers(connection)


def _run_each(models: Models, connection: Any, raw: Path, profile: list[tuple[float, str]]) -> None:
    for model in models.needed(SELECT):
        started = time.process_time()
        # Its parents are there already and a view costs nothing to name again.
        models_alone = Models((model,), models.seeds)
        models_alone.run(connection, [model.name], raw)
        profile.append((time.process_time() - started, model.name))


def _answers(connection: Any) -> Answer:
    held = connection.execute(
        "select count(*) from fct_claims where hold_reasons <> '' or filing_id is null"
    ).fetchone()[0]
    if held:
        raise Held(f"{held} claims of this world are held for review or were never filed")
    rows = connection.execute(
        "select filing_id, verdict, approved_micro_usdc from fct_claims"
    ).fetchall()
    return {filing: (verdict, amount) for filing, verdict, amount in rows}


def scan(raw: Path) -> None:
    """The floor: each column the models read of each fill, decoded and hashed, nothing else."""
    _scan(raw, "fills", OF_FILLS.split())


def scan_all(raw: Path) -> None:
    """The same for every column of all the evidence."""
    for name in EVIDENCE:
        _scan(raw, name, raw_tables.table(f"exchanges/{name}").schema.names)


def _scan(raw: Path, name: str, columns: list[str]) -> None:
    hashed = ", ".join(f"bit_xor(hash({column}))" for column in columns)
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute("set enable_external_file_cache = false")
        connection.execute(
            f"select count(*), {hashed} from read_parquet('{raw}/exchanges/{name}/*/*/*.parquet')"
        ).fetchall()
