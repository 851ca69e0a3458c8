with

policies as (
    select * from {{ ref('int_policies__bought') }} where is_bought
),

states as (
    select
        policy_id,
        arg_max(to_state, txn_no) as state
    from {{ ref('stg_lifecycle__policy_txns') }}
    group by policy_id
),

claims as (
    select * from {{ ref('fct_claims') }}
),

paid as (
    select
        policy_id,
        cast(sum(approved_micro_usdc) as bigint) as approved_micro_usdc,
        cast(sum(paid_micro_usdc) as bigint) as paid_micro_usdc
    from claims
    group by policy_id
),

joined as (
    select
        policies.policy_id,
        policies.policy_reference,
        policies.chain_id,
        policies.wallet,
        policies.account_id,
        policies.product_version,
        policies.inst_id,
        policies.leverage,
        policies.principal_micro_usdc,
        policies.premium_micro_usdc,
        policies.payout_rate_ppm,
        policies.max_payout_micro_usdc,
        policies.expected_loss_micro_usdc,
        coalesce(paid.approved_micro_usdc, 0) as approved_micro_usdc,
        coalesce(paid.paid_micro_usdc, 0) as paid_micro_usdc,
        policies.max_payout_micro_usdc - coalesce(paid.approved_micro_usdc, 0)
            as remaining_micro_usdc,
        policies.purchased_at,
        policies.cover_start_at,
        policies.cover_end_at,
        policies.cancelled_at,
        coalesce(policies.refund_micro_usdc, 0) as refund_micro_usdc,
        states.state,
        policies.purchase_tx_hash
    from policies
    left join states on policies.policy_id = states.policy_id
    left join paid on policies.policy_id = paid.policy_id
)

select * from joined
