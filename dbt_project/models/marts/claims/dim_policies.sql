with

stretches as (
    select * from {{ ref('int_policies__versioned') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

joined as (
    select
        concat_ws(':', stretches.policy_id, stretches.stretch_no) as policy_stretch_id,
        stretches.policy_id,
        stretches.stretch_no,
        stretches.state,
        stretches.state = 'IN_FORCE' as is_in_force,
        policies.policy_reference,
        policies.wallet,
        stretches.account_id,
        stretches.inst_id,
        stretches.leverage,
        stretches.endorsement_no,
        policies.product_version,
        policies.principal_micro_usdc,
        policies.premium_micro_usdc,
        policies.payout_rate_ppm,
        policies.max_payout_micro_usdc,
        stretches.valid_from_at,
        stretches.valid_to_at
    from stretches
    inner join policies on stretches.policy_id = policies.policy_id
)

select * from joined
