"""What the policies in force may cost together: common SIMULATED paths replayed over all of them.

A path touches the barriers nearer than its extreme, so policies are sorted by distance once, and a
path's payouts are a sum that was made before: the cost grows with paths x assets and with
policies x log policies, never with policies x paths. Sums stay whole micro-USDC; distances alone
are floats.

Every policy is taken as a position opened now (in a day that follows: at the day's start) at its
highest leverage, its cover rounded up to hours, and pays all that is left of it. Where nobody said
the side, all are taken to be on the one that costs more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leverageguard.domain.probability import RiskInputs, Side, distance
from leverageguard.risk.extremes import COVER_HOURS, HOURS, Extremes
from leverageguard.risk.stress import Stresses

LEVEL_PPM, PPM = 995_000, 1_000_000
NORMAL_AT_LEVEL = 2.5758293035489  # the normal's 99.5 % quantile
HOUR_MS = 3_600_000
LADDER_PERCENT = (-20, -10, -5, -3, -2, -1, 1, 2, 3, 5, 10, 20)
LONG, SHORT, EITHER = 0, 1, 2
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AtRisk:
    """One policy that may still pay, as the replay needs it; money in micro-USDC."""

    base_asset: str | None
    side: str | None
    leverage: int
    maintenance_ppm: int
    left_ms: int
    cover_ms: int
    left_micro_usdc: int
    sum_micro_usdc: int
    premium_micro_usdc: int


@dataclass(frozen=True)
class Book:
    """The policies that may pay, as columns; `unmodelled` is owed on every path.

    `far` is each policy's log distance to a long's and to a short's liquidation.
    """

    asset: Ints
    side: Ints
    far: Floats
    hours: Ints
    cover: Ints
    left: Ints
    total: Ints
    premium: int
    unmodelled: int
    unmodelled_count: int

    def __len__(self) -> int:
        return len(self.asset)


def book(policies: Sequence[AtRisk], assets: Sequence[str]) -> Book:
    """Policies as columns; what moves like none of the assets is taken as lost."""
    place = {name: number for number, name in enumerate(assets)}
    known = [one for one in policies if one.base_asset in place]
    unknown = [one for one in policies if one.base_asset not in place]
    sides = {"long": LONG, "short": SHORT}
    far = [
        [_far(one.leverage, one.maintenance_ppm, side) for one in known]
        for side in ("long", "short")
    ]
    return Book(
        _ints(place[str(one.base_asset)] for one in known),
        _ints(sides.get(one.side or "", EITHER) for one in known),
        np.array(far, dtype=np.float64).reshape(2, len(known)),
        _ints(min(HOURS, max(1, -(-one.left_ms // HOUR_MS))) for one in known),
        _ints(0 if one.cover_ms <= COVER_HOURS[0] * HOUR_MS else 1 for one in known),
        _ints(one.left_micro_usdc for one in known),
        _ints(one.sum_micro_usdc for one in known),
        sum(one.premium_micro_usdc for one in policies),
        sum(one.left_micro_usdc for one in unknown),
        len(unknown),
    )


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


@lru_cache(maxsize=4096)
def _far(leverage: int, maintenance_ppm: int, side: Side) -> float:
    found = distance(RiskInputs("", side, leverage, maintenance_ppm, 1, 1))
    return inf if found.is_infinite() else float(found)


def on_side(of: Book, side: Literal["long", "short"]) -> Book:
    """The same book with every side that nobody said taken to be this one."""
    taken = LONG if side == "long" else SHORT
    return replace(of, side=np.where(of.side == EITHER, taken, of.side))


@dataclass(frozen=True)
class Cell:
    """The policies of one asset, side and span, nearest barrier first, with their running sums."""

    asset: int
    side: int
    span: int
    policies: Ints
    far: Floats
    sums: Ints


def cells(of: Book, amounts: Ints, spans: Ints) -> list[Cell]:
    """A book sorted for replay; `spans` says which extremes a policy lives by.

    Every side must be said.
    """
    far = of.far[of.side, np.arange(len(of))]
    order = np.lexsort((far, spans, of.side, of.asset))
    keys = np.stack([of.asset, of.side, spans])[:, order]
    starts = np.flatnonzero(np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0))
    found = []
    for chosen in np.split(order, starts[1:]) if len(of) else []:
        sums = np.concatenate([[0], np.cumsum(amounts[chosen])])
        first = chosen[0]
        key = int(of.asset[first]), int(of.side[first]), int(spans[first])
        found.append(Cell(*key, chosen, far[chosen], sums))
    return found


def payouts(of: Sequence[Cell], falls: Floats, rises: Floats) -> Ints:
    """What each path costs; extremes are span x asset x path."""
    total = np.zeros(falls.shape[-1], dtype=np.int64)
    for cell in of:
        extremes = (falls if cell.side == LONG else rises)[cell.span, cell.asset]
        total += cell.sums[np.searchsorted(cell.far, extremes, side="right")]
    return total


@dataclass(frozen=True)
class Losses:
    """Payouts less premium earned, in micro-USDC, one of each path."""

    one_day: Ints
    ten_days: Ints


def losses(of: Book, world: Extremes, earned_micro_usdc: int) -> Losses:
    """The net loss of one day, and of ten while every policy is sold again each day.

    `earned_micro_usdc` is what the policies in force earn within the day whatever happens; one sold
    again earns its premium, and its barrier lies where the price stands then.
    """
    now = cells(of, of.left, of.hours - 1)
    first = payouts(now, world.hour_falls, world.hour_rises)
    one_day = first + of.unmodelled - earned_micro_usdc
    ten_days, renewed = one_day.copy(), cells(of, of.total, of.cover)
    for day in range(1, len(world.cover_falls)):
        again = payouts(renewed, world.cover_falls[day], world.cover_rises[day])
        ten_days += again + of.unmodelled - of.premium
    return Losses(one_day, ten_days)


def quantile(values: Ints, level_ppm: int = LEVEL_PPM) -> int:
    """The smallest value that at least `level_ppm` of them do not exceed."""
    place = -(-len(values) * level_ppm // PPM) - 1
    return int(np.partition(values, place)[place])


@dataclass(frozen=True)
class Figures:
    """Capital in micro-USDC; a requirement is never below nothing.

    `expected_payout` is the paths' mean of one day. `independent_1d` is the same level of the same
    chances if no policy's fate said anything of another's: what diversification would leave.
    """

    scr_1d: int
    scr_10d: int
    independent_1d: int
    expected_payout: int
    worst_side: str


def figures(of: Book, world: Extremes, earned_micro_usdc: int) -> Figures:
    """The capital of a book at 99.5 %, of the side that costs more where nobody said it."""
    found = {}
    for side in ("long", "short"):
        taken = on_side(of, side)
        made = losses(taken, world, earned_micro_usdc)
        mean, spread = _independent(taken, world)
        independent = ceil(mean + NORMAL_AT_LEVEL * spread) + of.unmodelled - earned_micro_usdc
        found[side] = Figures(
            max(0, quantile(made.one_day)),
            max(0, quantile(made.ten_days)),
            max(0, independent),
            ceil(mean) + of.unmodelled,
            side,
        )
    one, other = found["long"], found["short"]
    worse = one if one.scr_1d >= other.scr_1d else other
    return replace(worse, scr_10d=max(one.scr_10d, other.scr_10d))


def _independent(of: Book, world: Extremes) -> tuple[float, float]:
    """Mean and standard deviation of a day's payouts if policies were drawn one by one."""
    chance = chances(of, world)
    amounts = of.left.astype(np.float64)
    return float(amounts @ chance), sqrt(float(np.square(amounts) @ (chance * (1 - chance))))


def chances(of: Book, world: Extremes) -> Floats:
    """The share of paths that touch each policy's barrier within the day and its cover."""
    found = np.zeros(len(of))
    for cell in cells(of, of.left, of.hours - 1):
        extremes = (world.hour_falls if cell.side == LONG else world.hour_rises)[cell.span]
        below = np.searchsorted(np.sort(extremes[cell.asset]), cell.far, side="left")
        found[cell.policies] = (world.paths - below) / world.paths
    return found


def at_move(of: Book, percent: int) -> int:
    """What a move of every price by some percent at once costs, of one side or the other."""
    extreme = abs(float(np.log1p(percent / 100)))
    side = LONG if percent < 0 else SHORT
    hit = np.isin(of.side, (side, EITHER)) & (of.far[side] <= extreme)
    return int(of.left[hit].sum()) + of.unmodelled


def at_stresses(of: Book, worlds: Stresses) -> dict[str, int]:
    """What each crash day pays out, before any premium; a side that nobody said is long."""
    made = cells(on_side(of, "long"), of.left, of.hours - 1)
    costs = payouts(made, worlds.falls, worlds.rises) + of.unmodelled
    return {name: int(cost) for name, cost in zip(worlds.names, costs, strict=True)}


def reverse_stress(of: Book, own_funds_micro_usdc: int) -> dict[str, int | None]:
    """The smallest fall and rise of every price, in ppm, whose payouts reach the own funds.

    None where the whole book of that side costs less.
    """
    found: dict[str, int | None] = {}
    for name, side in (("fall_ppm", LONG), ("rise_ppm", SHORT)):
        mine = np.isin(of.side, (side, EITHER)) & np.isfinite(of.far[side])
        order = np.argsort(of.far[side, mine], kind="stable")
        sums = np.cumsum(of.left[mine][order]) + of.unmodelled
        place = int(np.searchsorted(sums, own_funds_micro_usdc, side="left"))
        if own_funds_micro_usdc <= of.unmodelled:
            found[name] = 0
        elif place == len(sums):
            found[name] = None
        else:
            moved = np.expm1(of.far[side, mine][order][place] * (-1 if side == LONG else 1))
            found[name] = ceil(abs(float(moved)) * PPM)
    return found
