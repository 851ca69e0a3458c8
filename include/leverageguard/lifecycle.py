"""The allowed moves of claims and policies: one CSV, shared with the warehouse as its seed."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.domain.lifecycle import Edge, Machine, machines

FILE = "state_edges.csv"


def machine(settings: Settings, name: str) -> Machine:
    """The moves of claims ("claim") or policies ("policy"); KeyError for anything else."""
    return _read(settings.dbt_dir / "seeds" / FILE)[name]


@lru_cache(maxsize=4)
def _read(path: Path) -> dict[str, Machine]:
    with path.open(newline="") as file:
        return machines(
            Edge(**{**row, "from_state": row["from_state"] or None})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )
