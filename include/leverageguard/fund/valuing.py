"""What the fund is worth, owes and needs at an instant: one row a valuation, from all it rests on.

Own funds are cash less every liability: unearned premium and IBNR at the larger of their two
figures, case reserves, payable claims, referral credits and money that bought nothing. Capital is
asked of SIMULATED paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from leverageguard import clock, seeds, store_landing
from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.money import PPM
from leverageguard.fund import backtesting, book, capital, cash, reserving
from leverageguard.fund.chances import Chances
from leverageguard.fund.reserving import Reserves
from leverageguard.risk import extremes, paths, stress
from leverageguard.settlement import chain as chains
from leverageguard.store import base
from leverageguard.store.valuation_tables import FundValuation

TABLE, SEED = "fund/valuations", 20_260_105
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Valuation:
    """One row of `fund_valuations`; see there."""

    valuation_id: str
    valued_at_ms: int
    recorded_at_ms: int
    block_number: int
    cash_micro_usdc: int
    free_micro_usdc: int
    reserved_micro_usdc: int
    written_micro_usdc: int
    earned_micro_usdc: int
    unearned_micro_usdc: int
    unearned_hazard_micro_usdc: int
    case_reserve_micro_usdc: int
    ibnr_cl_micro_usdc: int
    ibnr_bf_micro_usdc: int
    payable_micro_usdc: int
    own_funds_micro_usdc: int
    scr_1d_micro_usdc: int
    scr_10d_micro_usdc: int
    independent_1d_micro_usdc: int
    solvency_ratio_ppm: int | None
    model_version: str
    paths: int
    seed: int
    details: str
    inputs_hash: str

    @property
    def unearned_held_micro_usdc(self) -> int:
        """The larger of both figures: what own funds take."""
        return max(self.unearned_micro_usdc, self.unearned_hazard_micro_usdc)

    @property
    def ibnr_micro_usdc(self) -> int:
        """The larger of both methods: what own funds take."""
        return max(self.ibnr_cl_micro_usdc, self.ibnr_bf_micro_usdc)

    @property
    def told(self) -> Mapping[str, Any]:
        """The details as a mapping."""
        found: Mapping[str, Any] = json.loads(self.details)
        return found


def newest(settings: Settings) -> Valuation | None:
    """The last valuation, by the instant it values and then by when it was made."""
    query = select(FundValuation).order_by(
        FundValuation.valued_at_ms.desc(), FundValuation.recorded_at_ms.desc()
    )
    with base.session(settings) as session:
        row = session.scalars(query.limit(1)).first()
        return of_row(row) if row is not None else None


def reserved_by_chain(settings: Settings) -> dict[int, int]:
    """What each pool holds back now, micro-USDC; a chain that does not answer is an error."""
    return {
        one.chain_id: chains.connect(settings.on_chain(one.chain_id)).pool().reserved()
        for one in settings.chains
    }


def value(
    settings: Settings, at_ms: int | None = None, reserved: Mapping[int, int] | None = None
) -> Valuation:
    """Value the fund now or at an instant that has passed, write it down and land it.

    The same facts at the same instant are the same row. `reserved` is what each pool holds back
    (micro-USDC by chain); without it every pool is asked, and says what it holds back now.
    """
    at_ms = clock.now_ms() if at_ms is None else at_ms
    reserved = reserved_by_chain(settings) if reserved is None else reserved
    with base.session(settings) as session:
        claims = book.claims(session, at_ms)
        sold = book.sold(settings, session, claims, at_ms)
        unanswered = cash.unanswered(session, at_ms)
    noticed = reserving.noticed(settings, claims)
    pools, chances = cash.pools(settings, at_ms), Chances(settings)
    assets = extremes.assets(settings, chances.sigma_minute_ppb)
    told = {
        "at_ms": at_ms, "reserved": {str(chain): held for chain, held in reserved.items()},
        "claims": [asdict(one) for one in claims], "sold": [asdict(one) for one in sold],
        "noticed": [asdict(one) for one in noticed], "pools": [asdict(one) for one in pools],
        "unanswered": unanswered, "models": [paths.MODEL_VERSION, chances.model_version],
        "assets": [asdict(one) for one in assets], "stresses": seeds.rows(settings, stress.SEED),
        "paths": settings.capital_paths, "seed": SEED,
    }  # fmt: skip
    key = "0x" + sha256(canonical_json(told)).hexdigest()
    with base.session(settings) as session:
        known = session.get(FundValuation, key)
        if known is not None:
            return of_row(known)
    held = reserving.reserves(sold, claims, noticed, chances, at_ms)
    late = backtesting.notices(noticed, at_ms - DAY_MS, at_ms)
    crashes = stress.stresses(settings, [one.base_asset for one in assets])
    world = extremes.kept(settings, assets, settings.capital_paths, SEED)
    row = _row(key, at_ms, sold, pools, reserved, unanswered, held, chances, world, crashes, late)
    with base.writing(settings) as session:
        known = session.get(FundValuation, key)
        if known is None:
            session.add(row)
            session.flush()
        made = of_row(known or row)
    store_landing.land(settings, TABLE, FundValuation.recorded_at_ms)
    return made


def _row(
    key: str, at_ms: int, sold: Sequence[book.Sold], pools: Sequence[cash.Pool],
    reserved: Mapping[int, int], unanswered: int, held: Reserves, chances: Chances,
    world: extremes.Extremes, crashes: stress.Stresses, notices: backtesting.Notices,
) -> FundValuation:  # fmt: skip
    money = sum(one.cash_micro_usdc for one in pools)
    kept_back = sum(reserved.values())
    referral = sum(one.referral_micro_usdc for one in sold)
    own = money - max(held.unearned, held.unearned_hazard) - held.case_reserve - held.payable
    own -= max(held.ibnr.chain_ladder, held.ibnr.bornhuetter_ferguson) + referral + unanswered
    columns = capital.book(at_risk(sold, chances, at_ms), world.assets)
    figures = capital.figures(columns, world, _earned_within_a_day(sold, at_ms))
    details = {
        "pools": [asdict(one) | {"reserved_micro_usdc": reserved[one.chain_id]} for one in pools],
        "policies": len(sold),
        "policies_at_risk": len(columns) + columns.unmodelled_count,
        "policies_unmodelled": columns.unmodelled_count,
        "sum_at_risk_micro_usdc": int(columns.left.sum()) + columns.unmodelled,
        "expected_loss_ratio_ppm": held.expected_loss_ratio_ppm,
        "ibnr_cl_standard_error_micro_usdc": held.standard_error,
        "ibnr_by_day": {str(day): list(both) for day, both in held.ibnr.by_day.items()},
        "referral_owed_micro_usdc": referral,
        "unanswered_payments_micro_usdc": unanswered,
        "expected_payout_1d_micro_usdc": figures.expected_payout,
        "worst_side": figures.worst_side,
        "solvency_ratio_10d_ppm": _ratio(own, figures.scr_10d),
        "ladder_micro_usdc": {
            f"{move:+d}%": capital.at_move(columns, move) for move in capital.LADDER_PERCENT
        },
        "stress_payouts_micro_usdc": capital.at_stresses(columns, crashes),
        "notices_of_the_last_day": asdict(notices),
        "reverse_stress": capital.reverse_stress(columns, own),
        "risk_model_version": chances.model_version,
    }
    told = canonical_json(details).decode()
    return FundValuation(
        valuation_id=key,
        valued_at_ms=at_ms,
        recorded_at_ms=clock.now_ms(),
        block_number=pools[0].block_number,
        cash_micro_usdc=money,
        free_micro_usdc=money - kept_back,
        reserved_micro_usdc=kept_back,
        written_micro_usdc=held.written,
        earned_micro_usdc=held.earned,
        unearned_micro_usdc=held.unearned,
        unearned_hazard_micro_usdc=held.unearned_hazard,
        case_reserve_micro_usdc=held.case_reserve,
        ibnr_cl_micro_usdc=held.ibnr.chain_ladder,
        ibnr_bf_micro_usdc=held.ibnr.bornhuetter_ferguson,
        payable_micro_usdc=held.payable,
        own_funds_micro_usdc=own,
        scr_1d_micro_usdc=figures.scr_1d,
        scr_10d_micro_usdc=figures.scr_10d,
        independent_1d_micro_usdc=figures.independent_1d,
        solvency_ratio_ppm=_ratio(own, figures.scr_1d),
        model_version=paths.MODEL_VERSION,
        paths=world.paths,
        seed=SEED,
        details=told,
        inputs_hash=key,
    )


def at_risk(sold: Sequence[book.Sold], chances: Chances, at_ms: int) -> list[capital.AtRisk]:
    """The policies that may still pay, as the replay needs them."""
    return [
        capital.AtRisk(
            base_asset=symbol.base_asset if symbol else None,
            side=one.side,
            leverage=one.leverage,
            maintenance_ppm=symbol.maintenance_ppm if symbol else 1,
            left_ms=one.end_ms - at_ms,
            cover_ms=one.end_ms - one.start_ms,
            left_micro_usdc=one.left_micro_usdc,
            sum_micro_usdc=one.sum_micro_usdc,
            premium_micro_usdc=one.premium_micro_usdc,
        )
        for one in sold
        if one.is_at_risk(at_ms)
        for symbol in [chances.symbol(one.base_asset)]
    ]


def _earned_within_a_day(sold: Sequence[book.Sold], at_ms: int) -> int:
    at_risk_now = [one.earning for one in sold if one.is_at_risk(at_ms)]
    return sum(one.pro_rata(at_ms + DAY_MS) - one.pro_rata(at_ms) for one in at_risk_now)


def _ratio(own_funds: int, required: int) -> int | None:
    return own_funds * PPM // required if required else None


def of_row(row: FundValuation) -> Valuation:
    """A row of the store as a value."""
    return Valuation(**{each.name: getattr(row, each.name) for each in fields(Valuation)})
