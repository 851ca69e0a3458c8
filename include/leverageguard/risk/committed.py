"""How the committed model does on SIMULATED days, as two seeds: to be seen before any training.

    python -m leverageguard.risk.committed [--check | --write]

The days are those the first training of a new stack would take, and judged as a candidate's are:
the later ones, each foretold by what was known before it (the committed table knows none of them).
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.risk import champion, datasets, evaluation, measuring, models, training
from leverageguard.risk.registry import SEED_MODEL

SCORES, RELIABILITY = "model_scores.csv", "model_reliability.csv"


def rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The rows of both seeds by file name; scores in parts per million."""
    data = datasets.dataset(
        training.simulated(settings, training.SIMULATED_DAYS, training.SEED),
        champion.symbols(settings),
    )
    kind, parameters = "isotonic", champion.committed(settings)
    judged, said = evaluation.held_out(
        data, lambda _past, ahead: models.predict(kind, parameters, ahead)
    )
    ahead = data.take(judged)
    closed_form = evaluation.scores(models.closed_form(ahead.z_milli), ahead.touched)
    scored = evaluation.scores(said, ahead.touched)
    told = {
        "model_version": SEED_MODEL,
        "kind": kind,
        "data_source": measuring.SIMULATED,
        "row_count": len(data.touched),
        "day_count": len(np.unique(data.day)),
        "held_out_row_count": scored.pop("rows"),
        "held_out_day_count": len(np.unique(ahead.day)),
        **scored,
        "closed_form_brier_ppm": closed_form["brier_ppm"],
    }
    bins = evaluation.reliability(said, ahead.touched)
    reliability = [
        {"model_version": SEED_MODEL, "bin_no": number, "row_count": row.pop("rows"), **row}
        for number, row in enumerate(bins)
    ]
    return {SCORES: [told], RELIABILITY: reliability}


def text(found: Iterable[Mapping[str, Any]]) -> str:
    """A seed file's text."""
    found = list(found)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return file.getvalue()


def main() -> int:
    """0 when the committed seeds are what this makes, or were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--check", action="store_true", help="compare with the committed seeds")
    group.add_argument("--write", action="store_true", help="replace the committed seeds")
    options = parser.parse_args()
    settings, is_same = config.load(), True
    for name, found in rows(settings).items():
        path = Path(settings.dbt_dir) / "seeds" / name
        if options.write:
            path.write_text(text(found))
        elif path.read_text() != text(found):
            is_same = False
            sys.stdout.write(f"{name} is not what the seed {training.SEED} makes\n")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
