"""Earned and unearned premium, case reserves and IBNR of a whole book; micro-USDC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.money import PPM, ceil_div
from leverageguard.fund import mack
from leverageguard.fund.book import PAYABLE, Claim, Sold
from leverageguard.fund.chances import Chances
from leverageguard.fund.triangles import DAY_MS, LAG_HOURS, Ibnr, Notified, ibnr, triangle
from leverageguard.warehouse import connect, snapshot

# No liquidation of an older day is waited for: the triangle's last column is full.
OPEN_DAYS = LAG_HOURS[-1] // 24 + 1


@dataclass(frozen=True)
class Reserves:
    """What the premium earned and what claims ask for at one instant.

    `standard_error` is Mack's, of the chain-ladder's IBNR.
    """

    written: int
    earned: int
    unearned: int
    unearned_hazard: int
    case_reserve: int
    payable: int
    expected_loss_ratio_ppm: int
    ibnr: Ibnr
    standard_error: int | None


def reserves(
    sold: Sequence[Sold], claims: Sequence[Claim], noticed: Sequence[Notified], chances: Chances,
    at_ms: int,
) -> Reserves:  # fmt: skip
    """The reserves of what was sold and notified by an instant."""
    written = sum(one.earning.written_micro_usdc for one in sold)
    earned = sum(one.earning.pro_rata(at_ms) for one in sold)
    by_hazard = sum(earned_by_hazard(one, chances, at_ms) for one in sold)
    ratio = expected_loss_ratio_ppm(sold, chances)
    payable = sum(one.reserve_micro_usdc for one in claims if one.state in PAYABLE)
    return Reserves(
        written,
        earned,
        written - earned,
        written - by_hazard,
        sum(one.reserve_micro_usdc for one in claims) - payable,
        payable,
        ratio,
        ibnr(noticed, earned_by_day(sold, at_ms), ratio, at_ms),
        mack.standard_error(triangle(noticed, at_ms)),
    )


def earned_by_hazard(one: Sold, chances: Chances, at_ms: int) -> int:
    """What a policy earned by hazard; by time where the model does not know its asset."""
    asset = one.base_asset
    if asset is None or not chances.knows(asset) or one.is_cancelled:
        return one.earning.pro_rata(at_ms)
    return one.earning.hazard(at_ms, lambda s: chances.ppm(asset, one.leverage, s))


def expected_loss(one: Sold, chances: Chances) -> int:
    """What a policy was expected to cost: as quoted, else by the model, else its premium."""
    if one.expected_loss_micro_usdc is not None:
        return one.expected_loss_micro_usdc
    if one.base_asset is None or not chances.knows(one.base_asset):
        return one.premium_micro_usdc
    seconds = (one.end_ms - one.start_ms) // 1000
    chance = chances.ppm(one.base_asset, one.leverage, seconds)
    return ceil_div(chance * one.sum_micro_usdc, PPM)


def expected_loss_ratio_ppm(sold: Sequence[Sold], chances: Chances) -> int:
    """Expected losses over premiums of all that was sold and not cancelled, rounded up."""
    kept = [one for one in sold if not one.is_cancelled]
    premium = sum(one.premium_micro_usdc for one in kept)
    losses = sum(expected_loss(one, chances) for one in kept)
    return ceil_div(losses * PPM, premium) if premium else 0


def earned_by_day(sold: Sequence[Sold], at_ms: int) -> Mapping[int, int]:
    """What the premium earned on each of the last UTC days whose claims may still come in."""
    today = at_ms // DAY_MS
    found: Counter[int] = Counter()
    for one in sold:
        if one.is_cancelled or one.end_ms <= (today - OPEN_DAYS) * DAY_MS:
            continue
        for day in range(today - OPEN_DAYS, today + 1):
            until = min((day + 1) * DAY_MS, at_ms)
            gained = one.earning.pro_rata(until) - one.earning.pro_rata(day * DAY_MS)
            found[day] += gained
    return {day: amount for day, amount in found.items() if amount}


def noticed(settings: Settings, claims: Sequence[Claim]) -> list[Notified]:
    """The claims whose liquidation the published snapshot knows; none before one is published."""
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        return []
    incurred = {one.claim_id: one.incurred_micro_usdc for one in claims}
    query = (
        "select claim_id, epoch_ms(liquidated_at) as liquidated, epoch_ms(notified_at) as notified "
        "from fct_claims where liquidated_at is not null order by claim_id"
    )
    rows: list[dict[str, Any]] = connect.rows(path, query)
    return [
        Notified(row["liquidated"], row["notified"], incurred[row["claim_id"]])
        for row in rows
        if row["claim_id"] in incurred
    ]
