"""Room for one more policy: the fund's halts, and what is open against limits and the pool.

Limits are by asset, side and leverage. The quote service asks nobody else.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.domain.money import PPM, text_from_micro
from leverageguard.domain.product import ProductVersion
from leverageguard.fund import valuing
from leverageguard.policies.exposures import Exposure, open_exposures
from leverageguard.settlement import fund_alerts, thresholds
from leverageguard.underwriting.refusals import QuoteRefused

__all__ = ["Exposure", "check", "check_halts", "check_solvency", "open_exposures"]


def check(
    settings: Settings,
    session: Session,
    product: ProductVersion,
    wanted: Exposure,
    free_micro_usdc: int,
    at_ms: int,
) -> None:
    """Refuse with CAPACITY when the wanted policy goes over a limit."""
    exposures = [*open_exposures(session, at_ms), wanted]
    total = sum(one.open_micro_usdc for one in exposures)
    if total * PPM > free_micro_usdc * product.max_open_share_of_pool_ppm:
        raise QuoteRefused(
            "CAPACITY",
            f"{text_from_micro(total)} USDC insured would be over "
            f"{product.max_open_share_of_pool_ppm} ppm of the pool's free "
            f"{text_from_micro(free_micro_usdc)} USDC: try again later",
        )
    for row in _limits(settings, product):
        band = (row["side"], int(row["min_leverage"]), int(row["max_leverage"]))
        same = [one for one in exposures if one.base_asset == wanted.base_asset]
        used = sum(one.open_micro_usdc for one in same if one.is_within(*band))
        if wanted.is_within(*band) and used > int(row["max_open_micro_usdc"]):
            raise QuoteRefused(
                "CAPACITY",
                f"{wanted.base_asset} {row['limit_id']} would be {text_from_micro(used)} USDC of "
                f"{text_from_micro(int(row['max_open_micro_usdc']))}: try again later",
            )


def check_halts(session: Session, wanted: Exposure, chain_id: int) -> None:
    """Refuse with FUND_HALTED while an open alert of the fund stops this sale on this chain."""
    stops = (thresholds.HALT_SALES, thresholds.PAUSE_LEVERAGE)
    for alert in fund_alerts.open_ones(session, *stops):
        is_here = alert.chain_id in (None, chain_id)
        if is_here and wanted.leverage >= (alert.from_leverage or 0):
            raise QuoteRefused(
                "FUND_HALTED",
                f"the fund sells this not now ({alert.threshold_id}: {alert.detail}): "
                "try again later",
            )


def check_solvency(settings: Settings, session: Session, wanted: Exposure, at_ms: int) -> None:
    """Refuse with CAPACITY what own funds could not bear by the newest valuation.

    The capital it asks for grows by the whole sum of each policy quoted since: a valuation that
    gets old refuses more, never less. Without a valuation, or one that
    was made before the chain was read, the limits alone hold.
    """
    valuation = valuing.newest(settings)
    if valuation is None or not valuation.block_number:
        return
    since = open_exposures(session, at_ms, quoted_after_ms=valuation.valued_at_ms)
    required = valuation.scr_1d_micro_usdc + wanted.open_micro_usdc
    required += sum(one.open_micro_usdc for one in since)
    least = thresholds.named(settings, thresholds.SOLVENCY_RATIO).value
    if valuation.own_funds_micro_usdc * PPM < required * least:
        raise QuoteRefused(
            "CAPACITY",
            f"own funds of {text_from_micro(valuation.own_funds_micro_usdc)} USDC would be under "
            f"{least} ppm of the {text_from_micro(required)} USDC they must bear: try again later",
        )


def _limits(settings: Settings, product: ProductVersion) -> list[dict[str, str]]:
    """What a product's next policy is held to; what is open counts whatever it was sold under."""
    rows = seeds.rows(settings, "capacity_limits")
    return [row for row in rows if row["product_version"] == product.product_version]
