"""The ground truth: what each claim must become, known from how its event was made.

The payout is that of seed-v1 and actuarial-v2, which pay alike, worked out on its own, in exact
fractions, so that it can disagree with the pipeline.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

DAY_MS = 86_400_000
USER_DAY_CAP_MICRO_USDC = 50_000_000


@dataclass(frozen=True)
class Stake:
    """What a payout depends on; principal in micro-USDC, the rest in USDT and contracts."""

    principal_micro_usdc: int
    leverage: int
    margin_opened: Decimal
    contracts: Decimal
    max_contracts: Decimal
    loss: Decimal

    @property
    def rate(self) -> Fraction:
        """min(0.5, max(0.1, 0.25 + (L - 50) * 0.005 - (P / 500) * 0.1))."""
        principal = Fraction(self.principal_micro_usdc, 1_000_000)
        rate = Fraction(25, 100) + Fraction((self.leverage - 50) * 5, 1000) - principal / 5000
        return min(Fraction(1, 2), max(Fraction(1, 10), rate))

    @property
    def sum_insured(self) -> int:
        """Micro-USDC the policy pays at most over its life."""
        return int(self.principal_micro_usdc * self.rate)

    @property
    def formula(self) -> int:
        """Micro-USDC for this event before caps, at most the realised loss; rounded down."""
        margin = Fraction(self.margin_opened) * 1_000_000
        share = Fraction(self.contracts) / Fraction(self.max_contracts)
        base = min(Fraction(self.principal_micro_usdc), margin) * share
        return int(min(base * self.rate, Fraction(self.loss) * 1_000_000))


@dataclass(frozen=True)
class Truth:
    """One claim that must come out; `filing` is None when nobody filed it.

    A verified claim with `holds` waits for a person and is not paid by the rules alone.
    """

    policy: str
    wallet: str
    order_id: str
    happened_ms: int
    filing: str | None = None
    reasons: tuple[str, ...] = ()
    is_undetermined: bool = False
    stake: Stake | None = None
    holds: tuple[str, ...] = ()
    plot: str = ""

    @property
    def verdict(self) -> str:
        """verified, rejected or undetermined."""
        if self.is_undetermined:
            return "undetermined"
        return "rejected" if self.reasons else "verified"


def rows(truths: list[Truth]) -> list[dict[str, Any]]:
    """Ground-truth rows with payouts, applying the caps in the order of the events."""
    by_day: dict[tuple[str, int], int] = defaultdict(int)
    by_policy: dict[str, int] = defaultdict(int)
    result = []
    for truth in sorted(truths, key=lambda t: (t.happened_ms, t.order_id, t.filing or "")):
        amount = 0
        is_payable = truth.verdict == "verified" and not truth.holds
        if is_payable and truth.stake is not None:
            day = (truth.wallet, truth.happened_ms // DAY_MS)
            amount = min(
                truth.stake.formula,
                truth.stake.sum_insured - by_policy[truth.policy],
                USER_DAY_CAP_MICRO_USDC - by_day[day],
            )
            by_day[day] += amount
            by_policy[truth.policy] += amount
        result.append(
            {
                "policy": truth.policy,
                "order_id": truth.order_id,
                "filing": truth.filing,
                "verdict": truth.verdict,
                "reasons": list(truth.reasons),
                "holds": list(truth.holds),
                "payout_micro_usdc": amount,
                "plot": truth.plot,
            }
        )
    return result
