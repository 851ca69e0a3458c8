"""What people read of a model: its card, its reliability plot, its cells."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.learned_probability import FEATURES
from leverageguard.risk.measuring import SIMULATED
from leverageguard.risk.registry import Fitted

CARD, PLOT, CELLS = "card.md", "reliability.svg", "cells.csv"
SCORES = ("brier_ppm", "log_loss_ppm", "ece_ppm", "auc_ppm")


def folder(settings: Settings, model_version: str) -> Path:
    """Where a model's artefacts lie."""
    return settings.data_dir / "risk" / model_version


def card(fitted: Fitted, metrics: Mapping[str, Any]) -> str:
    """The model card, Markdown."""
    gate = metrics["gate"]
    data = f"{fitted.row_count:,} rows over {metrics['days']} days, {fitted.data_source}"
    lines = [
        f"# {fitted.model_version}",
        "",
        f"What it says: the chance that a mark price touches a liquidation price within a cover. "
        f"Kind: {fitted.kind}.",
        f"Data: {data}, hash {fitted.data_hash}. Rows of one day overlap; days are the blocks.",
    ]
    if fitted.data_source == SIMULATED:
        lines.append("**SIMULATED prices: nothing here was measured on a real market.**")
    if "features" in fitted.parameters:
        lines.append(f"Reads: {', '.join(FEATURES)}.")
    lines += [
        f"Judged on {metrics['held_out']['rows']:,} rows of {metrics['held_out_days']} later days, "
        f"in {metrics['folds']} blocks, each foretold from what was known before it.",
        "",
        "| model | " + " | ".join(SCORES) + " |",
        "|---|" + "---|" * len(SCORES),
    ]
    for name, title in (
        ("held_out", "this one"),
        ("champion", f"champion {metrics['champion_version']}"),
        ("closed_form", "closed form"),
        ("closed_form_ewma", "closed form, EWMA"),
    ):
        lines.append(f"| {title} | " + " | ".join(str(metrics[name][one]) for one in SCORES) + " |")
    difference = metrics["against_champion"]
    lines += [
        "",
        f"Brier less the champion's: {difference['mean_ppm']:+} ppm, 95 % over days from "
        f"{difference['low_ppm']:+} to {difference['high_ppm']:+}.",
        "",
        "Gate: passed." if gate["is_passed"] else "Gate: not passed.",
        *(f"- {reason}" for reason in gate["reasons"]),
        "",
        "Not for: predicting prices, or deciding whether a claim is honest. A trader may close "
        "before the touch, so claims are fewer than touches.",
    ]
    return "\n".join(lines) + "\n"


def write(
    settings: Settings,
    version: str,
    text: str,
    metrics: Mapping[str, Any],
    cells: Sequence[Mapping[str, Any]],
) -> Path:
    """Write card, plot and cells below the data folder and return their folder."""
    into = folder(settings, version)
    into.mkdir(parents=True, exist_ok=True)
    (into / CARD).write_text(text)
    with (into / CELLS).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]))
        writer.writeheader()
        writer.writerows(cells)
    _plot(into / PLOT, version, metrics)
    return into


def _plot(path: Path, version: str, metrics: Mapping[str, Any]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="chance said", ylabel="share touched", title=version)
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    for name in ("reliability", "champion_reliability"):
        rows = metrics[name]
        said = [row["said_ppm"] / 1e6 for row in rows]
        seen = [row["seen_ppm"] / 1e6 for row in rows]
        label = "this one" if name == "reliability" else metrics["champion_version"]
        axes.plot(said, seen, marker="o", label=label)
    axes.legend(title=metrics["data_source"])
    with matplotlib.rc_context({"svg.hashsalt": version}):
        figure.savefig(path, format="svg", metadata={"Date": None})
