"""What each pool holds back on the chain: what the fund owes others than those it pays now."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.config import Settings
from leverageguard.domain.money import ceil_div
from leverageguard.fund import valuing
from leverageguard.fund.valuing import Valuation
from leverageguard.settlement import chain as chains
from leverageguard.settlement import every_chain
from leverageguard.settlement.errors import OutcomeUnknown
from leverageguard.settlement.signing import signers
from leverageguard.store import base
from leverageguard.store.intake_tables import Quote

DEPTH_PATIENCE_S = 600
_log = structlog.get_logger(__name__)


def owed_micro_usdc(valuation: Valuation) -> int:
    """Every liability but claims that are approved: payouts come out of what is free.

    Unearned premium and IBNR at the larger of their two figures, as in own funds.
    """
    told = valuation.told
    others = int(told["referral_owed_micro_usdc"]) + int(told["unanswered_payments_micro_usdc"])
    unearned = valuation.unearned_held_micro_usdc
    return unearned + valuation.case_reserve_micro_usdc + valuation.ibnr_micro_usdc + others


def by_chain(owed: int, sums: Mapping[int, int]) -> dict[int, int]:
    """An amount over the chains in proportion to the sums insured there, each part rounded up.

    Without any insured sum the first chain holds all of it back.
    """
    total = sum(sums.values())
    if not total:
        first = next(iter(sums))
        return {chain_id: owed if chain_id == first else 0 for chain_id in sums}
    return {chain_id: ceil_div(owed * part, total) for chain_id, part in sums.items()}


def push(settings: Settings) -> dict[str, int]:
    """Set what each pool holds back, where it differs; pools by what was done.

    By the newest valuation; without one, or without the reserver's key, nothing is set. Raises
    ChainsFailed, after every chain had its turn.
    """
    valuation = valuing.newest(settings)
    if valuation is None or not valuation.block_number:
        _log.warning("nothing_held_back", reason="the fund was not valued yet")
        return {"set": 0, "unchanged": 0}
    with base.session(settings) as session:
        sums = {one.chain_id: 0 for one in settings.chains} | _insured(session, settings)
    wanted = by_chain(owed_micro_usdc(valuation), sums)
    return every_chain.summed(settings, lambda on: _push(on, wanted[on.chain_id]))


def _push(settings: Settings, wanted: int) -> dict[str, int]:
    chain = chains.connect(settings)
    pool = chain.pool()
    before = pool.reserved()
    if before == wanted:
        return {"set": 0, "unchanged": 1}
    key = signers.optional(settings, settings.reserver_key)
    if key is None:
        _log.warning("dry_run_nothing_was_sent", reason=f"no key: {settings.reserver_key}")
        return {"set": 0, "unchanged": 1}
    receipt = chain.send(key, pool.set_reserved(wanted))
    if not chain.wait_for_depth(receipt.block_number, DEPTH_PATIENCE_S):
        raise OutcomeUnknown(f"{receipt.tx_hash} has too few blocks on top: run manage_fund again")
    _log.info("held_back", chain_id=settings.chain_id, before=before, now=wanted)
    return {"set": 1, "unchanged": 0}


def _insured(session: Session, settings: Settings) -> dict[int, int]:
    """Sums insured that were quoted for each configured chain."""
    query = select(Quote.chain_id, func.sum(Quote.max_payout_micro_usdc)).group_by(Quote.chain_id)
    known = {one.chain_id for one in settings.chains}
    return {int(chain): int(total) for chain, total in session.execute(query) if chain in known}
