with

claims as (
    select * from {{ ref('fct_claims') }}
),

steps as (
    select
        unnest(
            ['notified', 'evidence complete', 'verified', 'held', 'approved', 'planned', 'paid']
        ) as stage,  -- noqa: RF04
        unnest([1, 2, 3, 4, 5, 6, 7]) as stage_order
),

stages as (
    select
        claims.*,
        steps.stage_order,
        steps.stage,
        case steps.stage
            when 'notified' then true
            when 'evidence complete' then claims.verdict <> 'undetermined'
            when 'verified' then claims.verdict = 'verified'
            when 'held' then claims.hold_reasons <> ''
            when 'approved' then claims.approved_micro_usdc > 0
            when 'planned' then claims.batch_no is not null
            when 'paid' then claims.payout_state = 'PAID'
        end as is_reached,
        case steps.stage
            when 'verified' then claims.formula_micro_usdc
            when 'approved' then claims.approved_micro_usdc
            when 'planned' then claims.approved_micro_usdc
            when 'paid' then claims.paid_micro_usdc
        end as stage_micro_usdc
    from claims
    cross join steps
),

counted as (
    select
        stage_order,
        stage,
        count(*) filter (where is_reached) as claim_count,
        cast(coalesce(sum(stage_micro_usdc) filter (where is_reached), 0) as bigint)
            as amount_micro_usdc
    from stages
    group by stage_order, stage
),

shown as (
    select
        *,
        {{ to_usdc('amount_micro_usdc') }} as amount_usdc
    from counted
)

select * from shown
