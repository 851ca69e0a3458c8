"""What anybody may know of the pool, from the published snapshot and the newest valuation.

Nothing here names a wallet or an account. What the chain shows anyway is the chain's to show.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from leverageguard.config import Settings
from leverageguard.domain.money import PPM
from leverageguard.gateway import etags, paging
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import Page, instant, micro
from leverageguard.gateway.models.transparency import (
    Adequacy,
    BatchShown,
    ChainNamed,
    DayOfMoney,
    Kpis,
    PayoutProved,
    ReasonCount,
    TransparencyShown,
    VerdictCount,
)
from leverageguard.gateway.problems import Problem, documented
from leverageguard.warehouse import connect, snapshot

router = APIRouter(prefix="/transparency", tags=["transparency"])
RETRY_S = 30

TOTALS = """
    select
        coalesce(sum(amount_micro_usdc), 0) as balance,
        coalesce(sum(amount_micro_usdc) filter (kind in ('deposit', 'withdrawal')), 0) as deposits,
        coalesce(sum(amount_micro_usdc) filter (kind in ('premium', 'refund')), 0) as premiums,
        coalesce(-sum(amount_micro_usdc) filter (kind = 'payout'), 0) as paid,
        (select count(*) from fct_policies) as policy_count,
        (select count(*) from fct_policies where state = 'IN_FORCE') as in_force_count,
        (select count(*) from fct_claims) as claim_count,
        (select count(*) from fct_claims where payout_state = 'PAID') as paid_claim_count
    from fct_pool_movements
"""
DAYS = """
    with daily as (
        select
            cast(moved_at as date) as day,
            coalesce(sum(amount_micro_usdc) filter (kind in ('premium', 'refund')), 0) as premiums,
            coalesce(-sum(amount_micro_usdc) filter (kind = 'payout'), 0) as payouts,
            sum(amount_micro_usdc) as change
        from fct_pool_movements
        group by day
    )
    select *, sum(change) over (order by day rows unbounded preceding) as balance
    from daily
    order by day
"""
VERDICTS = """
    select verdict, count(*) as claim_count from fct_claims group by verdict order by 2 desc, 1
"""
REASONS = """
    select reason_code, cast(sum(claim_count) as bigint) as claim_count
    from rpt_rejection_reasons group by reason_code order by 2 desc, 1
"""
# Zeroes make the order of the ids' text that of their numbers.
BATCHES = """
    select *, epoch_ms(planned_at) as planned_ms, printf('%d-%012d', chain_id, batch_no) as place
    from fct_payout_batches
    where batch_no is not null and (? is null or (epoch_ms(planned_at), place) < (?, ?))
    order by planned_ms desc, place desc
    limit ?
"""
PAYOUTS = """
    select items.*, verdicts.evidence_root
    from fct_payout_items as items
    left join fct_verdicts as verdicts
        on items.claim_id = verdicts.claim_id and verdicts.is_latest
    where list_contains(?, items.batch_id)
    order by items.claim_index, items.claim_id
"""


@router.get(
    "", response_model=TransparencyShown, responses=etags.NOT_MODIFIED | documented(429, 503)
)
def look(settings: SettingsDep, if_none_match: etags.IfNoneMatch = None) -> Response:
    """Key figures, money by day and whether the pool can pay; open to everybody.

    304 where neither a snapshot nor a valuation came since the caller's ETag.
    """
    path = _published(settings)
    adequacy = _adequacy(settings)
    etag = etags.of(path.parent.name, adequacy)
    if etags.has(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return etags.answer(_shown(settings, path, adequacy), etag, None)


def _shown(settings: Settings, path: Path, adequacy: Adequacy | None) -> TransparencyShown:
    [about] = connect.rows(path, f"select * from {snapshot.INFO_TABLE}")
    return TransparencyShown(
        is_simulated=about["is_simulated"],
        snapshot_version=about["version"],
        published_at=_at(about["published_at"]),
        chains=[
            ChainNamed(chain_id=one.chain_id, name=one.name, explorer_url=one.explorer)
            for one in settings.chains
        ],
        kpis=_kpis(path),
        days=[
            DayOfMoney(
                day=str(row["day"]),
                premiums_micro_usdc=micro(row["premiums"]),
                payouts_micro_usdc=micro(row["payouts"]),
                balance_micro_usdc=micro(row["balance"]),
            )
            for row in connect.rows(path, DAYS)
        ],
        adequacy=adequacy,
        verdicts=[VerdictCount(**row) for row in connect.rows(path, VERDICTS)],
        rejection_reasons=[ReasonCount(**row) for row in connect.rows(path, REASONS)],
    )


@router.get("/batches", responses=documented(422, 429, 503))
def batches(
    settings: SettingsDep, limit: paging.Limit = 20, cursor: paging.Cursor = None
) -> Page[BatchShown]:
    """Payout batches, the newest first, each with its payouts and what proves them."""
    path = _published(settings)
    at_ms, place = paging.place_of(cursor) or (None, None)
    rows = connect.rows(path, BATCHES, [at_ms, at_ms, place, limit + 1])
    page = rows[:limit]
    payouts = connect.rows(path, PAYOUTS, [[row["batch_id"] for row in page]])
    last = page[-1] if len(rows) > limit else None
    return Page[BatchShown](
        items=[_batch(row, payouts) for row in page],
        next_cursor=None if last is None else _cursor(last),
    )


def _published(settings: Settings) -> Path:
    """The newest snapshot; 503 while there is none."""
    try:
        return snapshot.current(settings)
    except snapshot.SnapshotError:
        told = "nothing is published yet: try again after the main job"
        raise Problem(503, "NOTHING_PUBLISHED", told, retry_after_s=RETRY_S) from None


def _kpis(path: Path) -> Kpis:
    [row] = connect.rows(path, TOTALS)
    premiums, paid = int(row["premiums"]), int(row["paid"])
    counts = {name: value for name, value in row.items() if name.endswith("_count")}
    return Kpis(
        balance_micro_usdc=micro(row["balance"]),
        deposits_micro_usdc=micro(row["deposits"]),
        premiums_micro_usdc=micro(premiums),
        paid_micro_usdc=micro(paid),
        loss_ratio_ppm=paid * PPM // premiums if premiums > 0 else None,
        **counts,
    )


def _adequacy(settings: Settings) -> Adequacy | None:
    from leverageguard.fund import valuing  # it brings web3

    found = valuing.newest(settings)
    if found is None:
        return None
    told = found.told
    return Adequacy(
        valued_at=instant(found.valued_at_ms),
        cash_micro_usdc=micro(found.cash_micro_usdc),
        unearned_micro_usdc=micro(found.unearned_held_micro_usdc),
        case_reserve_micro_usdc=micro(found.case_reserve_micro_usdc),
        ibnr_micro_usdc=micro(found.ibnr_micro_usdc),
        payable_micro_usdc=micro(found.payable_micro_usdc),
        other_owed_micro_usdc=micro(
            told["referral_owed_micro_usdc"] + told["unanswered_payments_micro_usdc"]
        ),
        own_funds_micro_usdc=micro(found.own_funds_micro_usdc),
        scr_1d_micro_usdc=micro(found.scr_1d_micro_usdc),
        path_count=found.paths,
        solvency_ratio_ppm=found.solvency_ratio_ppm,
    )


def _batch(row: dict[str, Any], payouts: list[dict[str, Any]]) -> BatchShown:
    same = (
        "chain_id", "batch_no", "status", "claim_count", "failed_count", "tx_hash",
        "evidence_root", "gas_used",
    )  # fmt: skip
    return BatchShown(
        **{name: row[name] for name in same},
        total_micro_usdc=micro(row["total_micro_usdc"]),
        paid_micro_usdc=micro(row["paid_micro_usdc"]),
        planned_at=_at(row["planned_at"]),
        settled_at=_at(row["settled_at"]),
        payouts=[
            PayoutProved(
                claim_id=one["claim_id"],
                claim_index=one["claim_index"],
                amount_micro_usdc=micro(one["amount_micro_usdc"]),
                status=one["status"],
                evidence_root=one["evidence_root"],
            )
            for one in payouts
            if one["batch_id"] == row["batch_id"]
        ],
    )


def _cursor(batch: dict[str, Any]) -> str:
    return paging.cursor_of((batch["planned_ms"], batch["place"]))


def _at(value: datetime | None) -> Any:
    return None if value is None else instant(round(value.timestamp() * 1000))
