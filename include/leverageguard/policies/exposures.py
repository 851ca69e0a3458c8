"""What may still have to be paid: open sums insured by asset, side and leverage."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyTxn

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


def open_exposures(
    session: Session, at_ms: int, quoted_after_ms: int | None = None
) -> list[Exposure]:
    """Every quote that may still be bought, or was bought and may still pay.

    Of those quoted after a moment alone, when one is given.
    """
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
    if quoted_after_ms is not None:
        query = query.where(Quote.created_at_ms > quoted_after_ms)
    rows = session.execute(query).all()
    return [Exposure(str(base), str(side), lev, int(total)) for base, side, lev, total in rows]
