"""`./leverageguard risk`: the models that were fitted, which one prices, and their cards."""

from __future__ import annotations

import json

from leverageguard.config import Settings
from leverageguard.risk import champion, registry
from leverageguard.store.risk_tables import RiskModel

HEAD = "  model                                    data         brier    ece  gate"


def listing(settings: Settings) -> list[str]:
    """One line a registered model, and which one prices; Brier and calibration error in ppm."""
    rows = registry.every_one(settings)
    lines = [f"{champion.priced_by(settings).model_version} prices"]
    return lines + ([HEAD, *map(_line, rows)] if rows else ["no model is registered yet"])


def shown(settings: Settings, model_version: str) -> list[str]:
    """A model's card; raises RegistryError when it is not registered."""
    row = registry.record(settings, model_version)
    if row is None:
        raise registry.RegistryError(f"no risk model {model_version!r} is registered")
    return row.card.rstrip().splitlines()


def _line(row: RiskModel) -> str:
    metrics = json.loads(row.metrics)
    if not metrics:  # the committed table, written down when it was restored
        return f"  {row.model_version:40} {row.data_source:9}        -      -  committed"
    scored, gate = metrics["held_out"], metrics["gate"]
    told = "passed" if gate["is_passed"] else gate["reasons"][0]
    return (
        f"  {row.model_version:40} {row.data_source:9} {scored['brier_ppm']:8} "
        f"{scored['ece_ppm']:6}  {told}"
    )
