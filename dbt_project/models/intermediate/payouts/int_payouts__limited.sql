-- Limits are running sums over three overlapping groups (policy, wallet and day, pool and day), so
-- claims are taken one by one: the planned first with the amount they were planned at, then the
-- others as they were notified. What a limit takes from one claim stays free for the next.
with recursive  -- noqa: PRS

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
),

candidates as (
    select
        entitled.claim_id,
        entitled.policy_id,
        entitled.wallet,
        entitled.planned_micro_usdc,
        entitled.formula_micro_usdc,
        cast(claims.liquidated_at as date) as liquidation_date,
        policies.max_payout_micro_usdc,
        policies.user_day_cap_micro_usdc,
        policies.pool_day_cap_micro_usdc,
        least(
            entitled.formula_micro_usdc,
            entitled.realised_loss_micro_usdc,
            cast(
                entitled.pool_balance_micro_usdc::hugeint * policies.claim_share_of_pool_ppm
                // 1000000 as bigint
            )
        ) as limit_of_claim_micro_usdc,
        row_number() over (
            order by entitled.batch_no nulls last, claims.notified_at, entitled.claim_id
        ) as sequence_no
    from entitled
    left join claims on entitled.claim_id = claims.claim_id
    left join policies on entitled.policy_id = policies.policy_id
),

taken (sequence_no, policy_id, wallet, liquidation_date, recomputed, approved) using key (
    sequence_no
) as (
    select
        0::bigint,
        ''::varchar,
        ''::varchar,
        null::date,
        0::bigint,
        0::bigint

    union

    select
        roomed.sequence_no,
        roomed.policy_id,
        roomed.wallet,
        roomed.liquidation_date,
        roomed.recomputed,
        coalesce(roomed.planned_micro_usdc, roomed.recomputed)
    from (
        select
            candidates.*,
            cast(greatest(0, least(
                candidates.limit_of_claim_micro_usdc,
                candidates.max_payout_micro_usdc - coalesce((
                    select sum(earlier.approved)
                    from recurring.taken as earlier
                    where earlier.policy_id = candidates.policy_id
                ), 0),
                candidates.user_day_cap_micro_usdc - coalesce((
                    select sum(earlier.approved)
                    from recurring.taken as earlier
                    where
                        earlier.wallet = candidates.wallet
                        and earlier.liquidation_date = candidates.liquidation_date
                ), 0),
                candidates.pool_day_cap_micro_usdc - coalesce((
                    select sum(earlier.approved)
                    from recurring.taken as earlier
                    where earlier.liquidation_date = candidates.liquidation_date
                ), 0)
            )) as bigint) as recomputed
        from taken
        inner join candidates on candidates.sequence_no = taken.sequence_no + 1
    ) as roomed
),

limited as (
    select
        candidates.claim_id,
        candidates.sequence_no,
        candidates.formula_micro_usdc,
        taken.recomputed as recomputed_micro_usdc,
        taken.approved as approved_micro_usdc,
        greatest(candidates.formula_micro_usdc - taken.approved, 0) as capped_micro_usdc,
        candidates.planned_micro_usdc is not null as is_planned
    from candidates
    inner join taken on candidates.sequence_no = taken.sequence_no
)

select * from limited
