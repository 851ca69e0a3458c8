"""Room for one more policy: what is open against limits by asset, side and leverage, and the pool.

The one function the quote service asks; a fund that knows its solvency replaces what is in it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from leverageguard.config import Settings
from leverageguard.domain.money import PPM, text_from_micro
from leverageguard.domain.product import ProductVersion
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.underwriting.refusals import QuoteRefused

# From these a policy pays nothing more; a lapsed one may still turn out paid, and then counts.
DONE = ("EXPIRED", "EXHAUSTED", "CANCELLED", "LAPSED", "VOID", "CLOSED")


@dataclass(frozen=True)
class Exposure:
    """Open sums insured of one asset, side and leverage; micro-USDC."""

    base_asset: str
    side: str
    leverage: int
    open_micro_usdc: int

    def is_within(self, side: str, low: int, high: int) -> bool:
        """Whether a limit of that side and those leverages counts it; `either` is on both."""
        return self.side in (side, "either") and low <= self.leverage <= high


def open_exposures(session: Session, at_ms: int) -> list[Exposure]:
    """Every quote that may still be bought, or was bought and may still pay."""
    later = aliased(PolicyTxn)
    last = (
        select(PolicyTxn.to_state)
        .where(PolicyTxn.policy_id == Quote.quote_id)
        .where(
            ~select(later.txn_no)
            .where(later.policy_id == PolicyTxn.policy_id, later.txn_no > PolicyTxn.txn_no)
            .exists()
        )
        .correlate(Quote)
        .scalar_subquery()
    )
    end_ms = Quote.expires_at_ms + 1000 * (Quote.wait_seconds + Quote.cover_seconds)
    query = (
        select(Quote.base_asset, Quote.side, Quote.leverage, func.sum(Quote.max_payout_micro_usdc))
        .where(Quote.base_asset.is_not(None), end_ms > at_ms)
        .where(func.coalesce(last, "QUOTED").not_in(DONE))
        .group_by(Quote.base_asset, Quote.side, Quote.leverage)
    )
    rows = session.execute(query).all()
    return [Exposure(str(base), str(side), lev, int(total)) for base, side, lev, total in rows]


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


def _limits(settings: Settings, product: ProductVersion) -> list[dict[str, str]]:
    """What a product's next policy is held to; what is open counts whatever it was sold under."""
    with (settings.dbt_dir / "seeds" / "capacity_limits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row["product_version"] == product.product_version]
