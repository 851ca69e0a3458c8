"""What a quote is priced with: which instruments are sold, and what the model knows of them.

The seeds and the register of models are its data. What they do not name is not sold: no default
stands in for it.
"""

from __future__ import annotations

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.domain.probability import RiskRefused
from leverageguard.risk import champion as models
from leverageguard.risk.champion import Symbol, champion, worst_side
from leverageguard.underwriting.refusals import QuoteRefused
from leverageguard.warehouse.snapshot import SnapshotError

__all__ = ["Symbol", "base_asset", "champion", "symbol", "worst_side"]


def base_asset(settings: Settings, exchange: str, inst_id: str) -> str:
    """The asset of an instrument that is sold; refuses any other."""
    for row in seeds.rows(settings, "sold_instruments"):
        if (row["exchange"], row["inst_id"]) == (exchange, inst_id):
            return row["base_asset"]
    raise QuoteRefused("SYMBOL_NOT_SOLD", f"{inst_id} on {exchange} is not insured: choose another")


def symbol(settings: Settings, model_version: str, asset: str) -> Symbol:
    """What the model knows of an asset; refuses one of which it knows nothing."""
    try:
        return models.symbol(settings, model_version, asset)
    except (RiskRefused, SnapshotError) as unknown:
        raise QuoteRefused("SYMBOL_NOT_SOLD", f"{unknown}: choose another") from None
