"""What a verdict takes from outside the claim's own account, as rows that can be handed over.

Whether another claim wins the event, whether another's position hedges this one, what was paid
before: the context models say so under pseudonyms. A package carries its claim's part of them, and
the models run over the package read that part instead of looking for the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leverageguard.warehouse import raw_tables

Row = dict[str, Any]
Rows = dict[str, list[Row]]
_MODELS = "intermediate.int_contexts__"
# What is paid depends on what was paid before; once planned it is settled and no longer asked.
SETTLED_ONCE_PLANNED = ("evidence/prior_payouts", "evidence/pool_balances")
_CLAIMS = "intermediate.int_claims__evidenced as claims"
_RULES = "(select * from seeds.check_thresholds where rules_version = ?) as rules"

QUERIES = {
    "evidence/insured_positions": f"""
        select claims.claim_id, others.* replace (
            if(others.closed_at_ms <= epoch_ms(claims.liquidated_at), others.closed_at_ms, null)
                as closed_at_ms,
            if(others.closed_at_ms <= epoch_ms(claims.liquidated_at), others.result_quote, null)
                as result_quote
        )
        from {_CLAIMS} cross join {_RULES} inner join {_MODELS}insured_positions as others on
            claims.base_asset = others.base_asset
            and claims.position_key <> others.position_key
            and abs(others.opened_at_ms - epoch_ms(claims.opened_at))
            <= rules.hedge_window_seconds::bigint * 1000
        where claims.is_covered_kind""",
    "evidence/unread_accounts": f"""
        select claims.claim_id, others.*
        from {_CLAIMS} cross join {_RULES} inner join {_MODELS}unread_accounts as others on
            claims.base_asset = others.base_asset
            and sha256(claims.exchange || ':' || claims.account_id) <> others.account_key
            and others.unread_from_ms
            <= epoch_ms(claims.opened_at) + rules.hedge_window_seconds::bigint * 1000
            and others.unread_to_ms
            > epoch_ms(claims.opened_at) - rules.hedge_window_seconds::bigint * 1000
        where claims.is_covered_kind""",
    "evidence/root_owners": f"""
        select claims.claim_id, others.*
        from {_CLAIMS} inner join {_MODELS}root_owners as others using (root_key)""",
    "evidence/party_liquidations": f"""
        select claims.claim_id, others.*
        from {_CLAIMS} cross join {_RULES} inner join {_MODELS}party_liquidations as others on
            claims.party_key = others.party_key
            and others.liquidated_at_ms <= epoch_ms(claims.liquidated_at)
            and others.liquidated_at_ms
            > epoch_ms(claims.liquidated_at) - rules.velocity_days::bigint * 86400000
        where claims.is_covered_kind""",
    # Of the claim itself only that it was planned, and only where another claim contends.
    "evidence/rival_claims": f"""
        with contended as (
            select event_key from {_MODELS}rival_claims
            group by event_key having count(*) filter (where is_contender or is_planned) > 1
        )
        select claims.claim_id as for_claim_id, others.* replace (
            if(others.claim_id = claims.claim_id, null, others.notified_at_ms) as notified_at_ms,
            others.is_contender and others.claim_id <> claims.claim_id as is_contender
        )
        from {_CLAIMS} inner join {_MODELS}rival_claims as others using (event_key)
        where
            claims.claim_id <> others.claim_id
            or (others.is_planned and claims.event_key in (select event_key from contended))""",
    # The rest of the pool's day counts as one sum: it is nobody's business who was paid.
    "evidence/prior_payouts": f"""
        with earlier as (
            select
                own.claim_id as for_claim_id, others.*,
                others.policy_key = own.policy_key
                or (
                    others.party_key = own.party_key
                    and others.liquidation_date = own.liquidation_date
                ) as is_near,
                others.liquidation_date = own.liquidation_date
                and others.chain_id = own.chain_id as is_of_day
            from {_MODELS}prior_payouts as own inner join {_MODELS}prior_payouts as others
                on own.sequence_no > others.sequence_no
        )
        select
            for_claim_id,
            if(is_near, claim_id, 'others') as claim_id,
            if(is_near, policy_key, 'others') as policy_key,
            if(is_near, party_key, 'others') as party_key,
            chain_id,
            liquidation_date,
            cast(0 as bigint) as sequence_no,
            cast(sum(amount_micro_usdc) as bigint) as amount_micro_usdc
        from earlier where is_near or is_of_day group by all""",
    "evidence/pool_balances": f"""
        select balances.claim_id as for_claim_id, balances.*
        from {_MODELS}pool_balances as balances
        inner join {_MODELS}prior_payouts as paid using (claim_id)""",
}


def of_claims(connection: Any, rules_version: str) -> dict[str, Rows]:
    """Each claim's context rows by raw table, from a built warehouse."""
    by_claim: dict[str, Rows] = {}
    for table, query in QUERIES.items():
        names = raw_tables.table(table).schema.names
        values = [rules_version] * query.count("?")
        cursor = connection.execute(query, values)
        columns = [column[0] for column in cursor.description][1:]
        for claim_id, *row in cursor.fetchall():
            known = dict(zip(columns, row, strict=True))
            rows = by_claim.setdefault(claim_id, {}).setdefault(table, [])
            rows.append({name: known[name] for name in names})
    return by_claim


def kept_once_planned(now: Mapping[str, list[Row]], sealed: Mapping[str, list[Row]]) -> Rows:
    """The context of a planned claim: what was paid before it stays as it was sealed."""
    settled = {table: sealed.get(table, []) for table in SETTLED_ONCE_PLANNED}
    return {**now, **settled}
