"""Products sold again over past prices: what they would have taken, and what they would have paid.

One policy is sold in every hour looked at, asset, side, leverage and cover, at one principal, to a
customer of long standing. A touch pays the whole sum insured: traders who close before it make
real claims fewer, traders who know more make them more. Caps by day and pool are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leverageguard.domain.money import PPM
from leverageguard.domain.product import ProductVersion
from leverageguard.risk import datasets, models
from leverageguard.risk.champion import PricedBy
from leverageguard.risk.datasets import HOUR_MS, Dataset, Ints
from leverageguard.risk.measuring import Measured
from leverageguard.underwriting.adequacy import LEVERAGE_NOT_SOLD, Prices, ratio_ppm

LEVERAGES = (10, 20, 30, 40, 50, 75, 100)


@dataclass(frozen=True)
class Outcome:
    """One product at one leverage and cover; money in micro-USDC, ratios in ppm rounded up.

    `lowest` is where a pool that began with `funds` and sold nothing else stood lowest,
    `ruined_at_ms` when it first owed more than it had.
    """

    product_version: str
    leverage: int
    hours: int
    is_sold: bool
    policies: int
    refused: Mapping[str, int]
    touches: int
    premium_micro_usdc: int
    payout_micro_usdc: int
    expected_micro_usdc: int
    lowest_micro_usdc: int
    ruined_at_ms: int | None

    @property
    def loss_ratio_ppm(self) -> int:
        """What was paid over what was taken."""
        return ratio_ppm(self.payout_micro_usdc, self.premium_micro_usdc)

    @property
    def expected_ratio_ppm(self) -> int:
        """What the model expected to pay over what was taken."""
        return ratio_ppm(self.expected_micro_usdc, self.premium_micro_usdc)


def replay(
    measured: Measured,
    champion: PricedBy,
    products: Iterable[ProductVersion],
    principal_micro_usdc: int,
    funds_micro_usdc: int,
    leverages: Sequence[int] = LEVERAGES,
) -> Iterator[Outcome]:
    """Every product at every leverage and cover it has; ValueError when no hour can be used."""
    data = datasets.dataset(measured, champion.parameters["symbols"], leverages=leverages)
    said = np.rint(models.predict(champion.kind, champion.parameters, data) * PPM).astype(np.int64)
    worst = _worst_side(data, said)
    for product in products:
        prices = Prices(product, principal_micro_usdc)
        for leverage in leverages:
            for hours in sorted(product.wait_seconds):
                rows = _rows(data, leverage, hours)
                yield _outcome(
                    prices, leverage, hours, data.take(rows), said[rows], worst[rows],
                    funds_micro_usdc,
                )  # fmt: skip


def _rows(data: Dataset, leverage: int, hours: int) -> Ints:
    wanted = [n for n, cell in enumerate(data.cells) if cell[2:] == (leverage, hours)]
    return np.flatnonzero(np.isin(data.cell, wanted))


def _worst_side(data: Dataset, said: Ints) -> Ints:
    """The chance of the likelier side of the same position, for every row."""
    place = {cell: n for n, cell in enumerate(data.cells)}
    first = np.array([place[asset, "long", lev, hours] for asset, _, lev, hours in data.cells])
    key = data.known_ms // HOUR_MS * len(data.cells) + first[data.cell]
    _, pair = np.unique(key, return_inverse=True)
    highest = np.zeros(pair.max() + 1, dtype=np.int64)
    np.maximum.at(highest, pair, said)
    found: Ints = highest[pair]
    return found


def _outcome(
    prices: Prices,
    leverage: int,
    hours: int,
    data: Dataset,
    said: Ints,
    worst: Ints,
    funds: int,
) -> Outcome:
    insured, refused = prices.sum_insured(leverage), Counter[str]()
    premium = np.zeros(len(said), dtype=np.int64)
    is_sold = np.ones(len(said), dtype=bool)
    for chance in np.unique(worst):
        made, code = prices.of(leverage, int(chance))
        rows = worst == chance
        premium[rows] = made.premium_micro_usdc
        if code not in ("", LEVERAGE_NOT_SOLD):
            is_sold[rows] = False
            refused[code] += int(rows.sum())
    paid = insured * (data.touched & is_sold)
    lowest, ruined = _balance(data, premium * is_sold, paid, funds)
    expected = sum(int(chance) * insured for chance in said[is_sold])
    return Outcome(
        prices.product.product_version, leverage, hours, leverage in prices.product.leverages,
        int(is_sold.sum()), dict(refused), int((data.touched & is_sold).sum()),
        int((premium * is_sold).sum()), int(paid.sum()), -(-expected // PPM), lowest, ruined,
    )  # fmt: skip


def _balance(data: Dataset, premium: Ints, paid: Ints, funds: int) -> tuple[int, int | None]:
    """The lowest balance and when it first was below zero: premiums at once, payouts at the end."""
    at = np.concatenate([data.known_ms, data.known_ms + data.hours * HOUR_MS])
    moved = np.concatenate([premium, -paid])
    times, places = np.unique(at, return_inverse=True)
    total = np.zeros(len(times), dtype=np.int64)
    np.add.at(total, places, moved)
    balance = funds + np.cumsum(total)
    below = np.flatnonzero(balance < 0)
    lowest = min(funds, int(balance.min()))
    return lowest, int(times[below[0]]) if len(below) else None


def as_json(one: Outcome) -> dict[str, Any]:
    """An outcome with its ratios, for scripts."""
    ratios = {"loss_ratio_ppm": one.loss_ratio_ppm, "expected_ratio_ppm": one.expected_ratio_ppm}
    return {**vars(one), **ratios}
