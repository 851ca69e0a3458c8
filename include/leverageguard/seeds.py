"""The project's dbt seeds, for code that decides by the same rows as the models."""

from __future__ import annotations

import csv

from leverageguard.config import Settings


def rows(settings: Settings, name: str) -> list[dict[str, str]]:
    """The rows of a seed (its file's name without `.csv`) as the file writes them."""
    with (settings.dbt_dir / "seeds" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))
