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
        coalesce(planned.policy_id, calculated.policy_id) as policy_id,
        coalesce(planned.wallet, calculated.wallet) as wallet,
        planned.batch_no,
        planned.amount_micro_usdc as planned_micro_usdc,
        calculated.formula_micro_usdc,
        calculated.realised_loss_micro_usdc,
        calculated.pool_balance_micro_usdc
    from calculated
    full outer join planned on calculated.claim_id = planned.claim_id
    anti join brought on coalesce(planned.claim_id, calculated.claim_id) = brought.claim_id
),

queued as (
    select
        entitled.claim_id,
        entitled.policy_id,
        entitled.wallet,
        {{ pseudonym('entitled.policy_id') }} as policy_key,
        {{ pseudonym('entitled.wallet') }} as party_key,
        entitled.planned_micro_usdc,
        entitled.formula_micro_usdc,
        cast(claims.liquidated_at as date) as liquidation_date,
        policies.max_payout_micro_usdc as policy_limit,
        policies.user_day_cap_micro_usdc as wallet_limit,
        policies.pool_day_cap_micro_usdc as pool_limit,
        cast(
            entitled.pool_balance_micro_usdc::hugeint * policies.claim_share_of_pool_ppm
            // 1000000 as bigint
        ) as share_of_pool,
        {{ lesser([
            'entitled.formula_micro_usdc', 'entitled.realised_loss_micro_usdc', 'share_of_pool'
        ]) }} as own_limit,
        coalesce(entitled.planned_micro_usdc, own_limit) as most,
        entitled.batch_no,
        claims.notified_at
    from entitled
    left join claims on entitled.claim_id = claims.claim_id
    left join policies on entitled.policy_id = policies.policy_id
),

-- What a package brings along was counted before everything in it.
sequenced as (
    select
        *,
        row_number() over (
            order by is_brought desc, batch_no asc nulls last, notified_at asc, claim_id asc
        ) as sequence_no
    from (
        select
            *,
            false as is_brought
        from queued
        union all by name
        select
            claim_id,
            policy_key,
            party_key,
            cast(liquidation_date as date) as liquidation_date,
            amount_micro_usdc as planned_micro_usdc,
            amount_micro_usdc as most,
            true as is_brought
        from brought
    ) as counted
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
    from sequenced
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
            partition by liquidation_date
            order by sequence_no rows between unbounded preceding and 1 preceding
        )
),

-- Planned claims stand before all others, so what is known before them is all there is.
roomed as (
    select
        *,
        policy_limit - coalesce(sum(most) filter (where not is_tight) over of_policy, 0)
            as policy_room,
        wallet_limit - coalesce(sum(most) filter (where not is_tight) over of_wallet, 0)
            as wallet_room,
        pool_limit - coalesce(sum(most) filter (where not is_tight) over of_day, 0)
            as pool_room
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
            partition by liquidation_date
            order by sequence_no rows between unbounded preceding and 1 preceding
        )
)

select * from roomed
