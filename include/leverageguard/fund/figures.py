"""What the thresholds are held against: figures of each pool and of the fund as a whole, as found.

A figure that cannot be taken (no valuation yet, nothing earned) is left out: no alert opens on it
and none is over by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.domain.money import PPM, text_from_micro
from leverageguard.fund import valuing
from leverageguard.fund.valuing import Valuation
from leverageguard.policies.exposures import open_exposures
from leverageguard.settlement import chain as chains
from leverageguard.settlement import reconciling
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.incident_tables import IncidentRecord
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.store.settlement_tables import PayoutRecord

DAY_MS = 86_400_000
NO_LOSS = ("NOT_ELIGIBLE", "REJECTED", "WITHDRAWN")


@dataclass(frozen=True)
class Figure:
    """One measured figure, in the unit its name says, over `count` things; `detail` is for people.

    `chain_id` is null for the fund as a whole.
    """

    name: str
    chain_id: int | None
    figure: int
    count: int
    detail: str


@dataclass(frozen=True)
class PoolMoney:
    """What one pool holds and holds back; micro-USDC."""

    chain_id: int
    cash_micro_usdc: int
    reserved_micro_usdc: int

    @property
    def over_reserve_micro_usdc(self) -> int:
        """Cash less reserve; below 0 when the pool lacks what it should hold back."""
        return self.cash_micro_usdc - self.reserved_micro_usdc


def pool_money(settings: Settings) -> PoolMoney:
    """Ask the pool of the chain that the settings speak of."""
    chain = chains.connect(settings)
    pool = chain.pool()
    cash = chain.token().balance_of(pool.address)
    return PoolMoney(settings.chain_id, cash, pool.reserved())


def of_pool(money: PoolMoney) -> list[Figure]:
    """The figures of one pool."""
    over = money.over_reserve_micro_usdc
    said = (
        f"the pool of chain {money.chain_id} holds {text_from_micro(money.cash_micro_usdc)} USDC "
        f"and should hold back {text_from_micro(money.reserved_micro_usdc)}"
    )
    return [
        Figure("free_micro_usdc", money.chain_id, max(over, 0), 1, said),
        Figure("cash_over_reserve_micro_usdc", money.chain_id, over, 1, said),
    ]


def of_fund(settings: Settings, pools: Sequence[PoolMoney]) -> list[Figure]:
    """The figures of the fund as a whole, all its pools known."""
    valuation = valuing.newest(settings)
    if valuation is not None and not valuation.block_number:
        valuation = None  # made before the chain was read: it knows of no money
    with base.session(settings) as session:
        found = [
            _exposure(session, pools),
            _liquidation_rate(session),
            _unreconciled(session),
            _loss_ratio(session, valuation) if valuation is not None else None,
            _solvency(valuation) if valuation is not None else None,
        ]
    return [one for one in found if one is not None]


def _exposure(session: Session, pools: Sequence[PoolMoney]) -> Figure | None:
    free = sum(max(one.over_reserve_micro_usdc, 0) for one in pools)
    exposures = open_exposures(session, clock.now_ms())
    total = sum(one.open_micro_usdc for one in exposures)
    if not free:
        return None  # the pools' own figures say so
    said = f"{text_from_micro(total)} USDC insured against {text_from_micro(free)} free"
    return Figure("open_share_of_free_ppm", None, -(-total * PPM // free), len(exposures), said)


def _liquidation_rate(session: Session) -> Figure | None:
    """Of the policies whose cover began within a day, those with a claim that is not refused."""
    began = select(PolicyTxn.policy_id).where(
        PolicyTxn.to_state == "IN_FORCE", PolicyTxn.at_ms > clock.now_ms() - DAY_MS
    )
    policies = set(session.scalars(began))
    if not policies:
        return None
    claims = select(ClaimTxn.claim_id).where(
        ClaimTxn.txn_no == 1, ClaimTxn.policy_id.in_(began.scalar_subquery())
    )
    last = register.last_of(session, set(session.scalars(claims)))
    hit = {move.policy_id for move in last.values() if move.to_state not in NO_LOSS}
    said = f"{len(hit)} of {len(policies)} policies whose cover began within 24 h have a claim"
    rate = -(-len(hit) * PPM // len(policies))
    return Figure("liquidation_rate_ppm", None, rate, len(policies), said)


def _unreconciled(session: Session) -> Figure:
    query = select(func.count()).select_from(IncidentRecord)
    count = session.scalar(
        query.where(
            IncidentRecord.resolved_at_ms.is_(None), IncidentRecord.kind == reconciling.KIND
        )
    )
    found = int(count or 0)
    said = f"{found} differences between claims, store and chain are open"
    return Figure("unreconciled_payouts", None, found, 1, said)


def _loss_ratio(session: Session, valuation: Valuation) -> Figure | None:
    query = select(func.count(), func.sum(PayoutRecord.amount_micro_usdc))
    count, paid = session.execute(query.where(PayoutRecord.state == "PAID")).one()
    earned = valuation.earned_micro_usdc
    if earned <= 0:
        return None
    incurred = int(paid or 0) + valuation.case_reserve_micro_usdc + valuation.payable_micro_usdc
    incurred += valuation.ibnr_micro_usdc
    said = f"{text_from_micro(incurred)} USDC incurred on {text_from_micro(earned)} earned"
    return Figure("loss_ratio_ppm", None, -(-incurred * PPM // earned), int(count), said)


def _solvency(valuation: Valuation) -> Figure | None:
    if valuation.solvency_ratio_ppm is None:
        return None
    said = (
        f"own funds of {text_from_micro(valuation.own_funds_micro_usdc)} USDC against a one-day "
        f"capital of {text_from_micro(valuation.scr_1d_micro_usdc)} (SIMULATED paths)"
    )
    return Figure("solvency_ratio_ppm", None, valuation.solvency_ratio_ppm, 1, said)
