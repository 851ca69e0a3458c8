"""Which product a made-up policy is sold under: today's, or the old tariff where it sells none."""

from __future__ import annotations

from collections.abc import Mapping

PRODUCT, OLD_TARIFF = "actuarial-v2", "seed-v1"
# What today's product sells at most of each coin by hours of cover; beyond it a premium would be
# more than the pool lets anybody pay. The quote service refuses what is wrong here.
MOST: Mapping[int, Mapping[str, int]] = {
    8: {"BTC": 40, "DOGE": 40, "ETH": 40, "SOL": 40, "XRP": 40},
    24: {"BTC": 40, "DOGE": 30, "ETH": 30, "SOL": 30, "XRP": 30},
}


def product_of(coin: str, hours: int, leverage: int) -> str:
    """The product that sells this leverage."""
    return PRODUCT if leverage <= MOST[hours][coin] else OLD_TARIFF
