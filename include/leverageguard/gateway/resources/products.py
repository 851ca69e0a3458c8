"""What is sold, on which venues, and where a purchase is sent."""

from __future__ import annotations

from fastapi import APIRouter

from leverageguard import clock, seeds
from leverageguard.config import ConfigError, Settings
from leverageguard.domain.product import Actuarial, ProductVersion
from leverageguard.exchanges import registry
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import instant, micro
from leverageguard.gateway.models.products import (
    ChainShown,
    CoverSold,
    ExchangeShown,
    InstrumentShown,
    ProductShown,
    ProductsShown,
)
from leverageguard.intake import products

router = APIRouter(prefix="/products", tags=["products"])
NEVER_COVERED = ("adl", "delivery", "settlement", "delisting", "own_close")


@router.get("")
def listing(settings: SettingsDep) -> ProductsShown:
    """Products, instruments and venues, and the contract that sells; open to everybody."""
    versions = [row["product_version"] for row in seeds.rows(settings, "product_versions")]
    known = [products.product(settings, version) for version in versions]
    return ProductsShown(
        is_simulated=settings.is_simulated,
        products=[_shown(one) for one in known if _is_sold(settings, one)],
        never_covered=list(NEVER_COVERED),
        instruments=[InstrumentShown(**row) for row in seeds.rows(settings, "sold_instruments")],
        exchanges=[
            ExchangeShown(
                exchange=one.name, is_keyless=one.is_keyless, has_passphrase=one.has_passphrase
            )
            for one in registry.venues()
        ],
        chain=_chain(settings),
    )


def _is_sold(settings: Settings, product: ProductVersion) -> bool:
    now = clock.now_ms()
    is_over = product.sold_to_ms is not None and now >= product.sold_to_ms
    is_open = product.sold_from_ms <= now and not is_over
    return is_open and (settings.is_simulated or not product.is_for_scenarios)


def _shown(product: ProductVersion) -> ProductShown:
    pricing = product.pricing
    by_chance = pricing if isinstance(pricing, Actuarial) else None
    same = (
        "product_version", "is_default", "is_for_scenarios", "terms_hash", "filing_grace_seconds",
        "appeal_seconds", "quote_seconds",
    )  # fmt: skip
    amounts = ("min_principal", "max_principal", "claim_cap", "user_day_cap")
    return ProductShown(
        **{name: getattr(product, name) for name in same},
        **{f"{name}_micro_usdc": micro(getattr(product, f"{name}_micro_usdc")) for name in amounts},
        pricing="actuarial" if by_chance else "tariff",
        leverages=sorted(product.leverages),
        covers=[
            CoverSold(cover_hours=hours, wait_seconds=wait)
            for hours, wait in sorted(product.wait_seconds.items())
        ],
        load_ppm=by_chance.load_ppm if by_chance else None,
        expense_micro_usdc=micro(by_chance.expense_micro_usdc if by_chance else None),
        max_premium_share_ppm=by_chance.max_premium_share_ppm if by_chance else None,
        sold_from_at=instant(product.sold_from_ms),
        sold_to_at=instant(product.sold_to_ms),
    )


def _chain(settings: Settings) -> ChainShown | None:
    try:
        deployed = settings.deployment()
    except ConfigError:
        return None
    return ChainShown(chain_id=deployed.chain_id, pool=deployed.pool, token=deployed.token)
