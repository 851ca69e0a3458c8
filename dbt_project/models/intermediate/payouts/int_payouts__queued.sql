-- The order in which limits are applied: planned claims first, with the amount they were planned
-- at, then the others as they were notified. Beside each stands what the claims before it surely
-- take; a claim that fits even if all before it took their most needs no closer look.
with

calculated as (
    select * from {{ ref('int_payouts__calculated') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

claims as (
    select * from {{ ref('int_claims__decided') }}
),

planned as (
    select * from {{ ref('stg_settlement__payouts') }}
),

brought as (
    select * from {{ ref('stg_evidence__prior_payouts') }}
),

entitled as (
    select
        coalesce(planned.claim_id, calculated.claim_id) as claim_id,
        coalesce(planned.chain_id, calculated.chain_id) as chain_id,
        coalesce(planned.policy_id, calculated.policy_id) as policy_id,
        coalesce(planned.wallet, calculated.wallet) as wallet,
        planned.batch_no,
        planned.amount_micro_usdc as planned_micro_usdc,
        calculated.formula_micro_usdc,
        calculated.realised_loss_micro_usdc,
        calculated.pool_balance_micro_usdc
    from calculated
    full outer join planned on calculated.claim_id = planned.claim_id
),

-- What a package brings along was counted before everything in it, at the amount it says. Packages
-- of a time with one pool do not say which: the one of their own claim.
keyed as (
    select
        coalesce(brought.claim_id, entitled.claim_id) as claim_id,
        coalesce(
            entitled.chain_id, brought.chain_id, max(entitled.chain_id) over ()
        ) as chain_id,
        coalesce(brought.policy_key, {{ pseudonym('entitled.policy_id') }}) as policy_key,
        coalesce(brought.party_key, {{ pseudonym('entitled.wallet') }}) as party_key,
        cast(brought.liquidation_date as date) as brought_date,
        brought.claim_id is not null as is_brought,
        coalesce(brought.amount_micro_usdc, entitled.planned_micro_usdc) as planned_micro_usdc,
        entitled.* exclude (claim_id, chain_id, planned_micro_usdc)
    from entitled
    full outer join brought on entitled.claim_id = brought.claim_id
),

queued as (
    select
        keyed.* exclude (brought_date),
        coalesce(keyed.brought_date, cast(claims.liquidated_at as date)) as liquidation_date,
        policies.max_payout_micro_usdc as policy_limit,
        policies.user_day_cap_micro_usdc as wallet_limit,
        policies.pool_day_cap_micro_usdc as pool_limit,
        cast(
            keyed.pool_balance_micro_usdc::hugeint * policies.claim_share_of_pool_ppm
            // 1000000 as bigint
        ) as share_of_pool,
        {{ lesser([
            'keyed.formula_micro_usdc',
            'keyed.realised_loss_micro_usdc',
            'share_of_pool',
            'policies.claim_cap_micro_usdc'
        ]) }} as own_limit,
        coalesce(keyed.planned_micro_usdc, own_limit) as most,
        row_number() over (
            order by
                keyed.is_brought desc,
                keyed.batch_no asc nulls last,
                claims.notified_at asc,
                keyed.claim_id asc
        ) as sequence_no
    from keyed
    left join claims on keyed.claim_id = claims.claim_id
    left join policies on keyed.policy_id = policies.policy_id
),

bounded as (
    select
        *,
        planned_micro_usdc is null
        and (
            own_limit + coalesce(sum(most) over of_policy, 0) > policy_limit
            or own_limit + coalesce(sum(most) over of_wallet, 0) > wallet_limit
            or own_limit + coalesce(sum(most) over of_day, 0) > pool_limit
        ) as is_tight
    from queued
    window
        of_policy as (
            partition by policy_key
            order by sequence_no rows between unbounded preceding and 1 preceding
        ),
        of_wallet as (
            partition by party_key, liquidation_date
            order by sequence_no rows between unbounded preceding and 1 preceding
        ),
        of_day as (
            partition by chain_id, liquidation_date
            order by sequence_no rows between unbounded preceding and 1 preceding
        )
),

-- Planned claims stand before all others, so what is known before them is all there is.
roomed as (
    select
        *,
        cast(
            policy_limit - coalesce(sum(most) filter (where not is_tight) over of_policy, 0)
            as bigint
        ) as policy_room,
        cast(
            wallet_limit - coalesce(sum(most) filter (where not is_tight) over of_wallet, 0)
            as bigint
        ) as wallet_room,
        cast(
            pool_limit - coalesce(sum(most) filter (where not is_tight) over of_day, 0) as bigint
        ) as pool_room
    from bounded
    window
        of_policy as (
            partition by policy_key
            order by sequence_no rows between unbounded preceding and 1 preceding
        ),
        of_wallet as (
            partition by party_key, liquidation_date
            order by sequence_no rows between unbounded preceding and 1 preceding
        ),
        of_day as (
            partition by chain_id, liquidation_date
            order by sequence_no rows between unbounded preceding and 1 preceding
        )
)

select * from roomed
